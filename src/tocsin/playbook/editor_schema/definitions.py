"""The definitions that the schema of the language refers to: expressions, durations, declared fields."""

from typing import Final

from tocsin.core.values import JsonObject
from tocsin.playbook.editor_schema.pieces import EXPRESSION, FIXED, any_of, closed, one_of, told
from tocsin.playbook.parsing.fields import SNAKE, TYPES

SNAKE_CASE: Final = f"^{SNAKE.pattern}$"
_NUMBER: Final[JsonObject] = {"type": "number"}


def definitions() -> dict[str, JsonObject]:
    """Return the definitions by name, but for those of steps."""
    return {
        "expression": {
            "type": "string",
            "pattern": r"\$\{\{[\s\S]*\}\}",
            "description": "An expression: ${{ … }}. A text that is one expression keeps its type; mixed with text it becomes a text.",
        },
        "condition": any_of(
            {"type": "boolean"},
            {"type": "string", "minLength": 1},
            description="An expression that must be true or false; ${{ }} around it may be left out.",
        ),
        "duration": {
            "type": "string",
            "pattern": r"^(\d+(\.\d+)?(ms|[smhdw]))+$",
            "maxLength": 40,
            "description": "A duration: 90s, 15m, 4h, 2d or 1h30m.",
            "examples": ["90s", "15m", "4h", "2d", "1h30m"],
        },
        "fixed": {"type": "string", "not": {"pattern": r"\$\{\{"}, "description": "A text in which nothing is evaluated."},
        "values": {
            "type": "object",
            "description": "Names and their values; expressions may stand in the values.",
            "propertyNames": {"not": {"pattern": r"\$\{\{"}},
        },
        "tags": {"type": "array", "items": FIXED, "description": "Words by which it is found."},
        "steps": {
            "type": "array",
            "items": {"$ref": "#/$defs/step"},
            "minItems": 1,
            "description": "Steps that run one after the other.",
        },
        "fields": {
            "type": "object",
            "propertyNames": {"pattern": SNAKE_CASE},
            "additionalProperties": _field(),
            "description": "Declared fields: a name with {type, required, default, …}.",
        },
    }


def _field() -> JsonObject:
    return closed(
        {
            "type": one_of(list(TYPES), "The type of the value."),
            "title": told(FIXED, "What a form shows."),
            "description": told(FIXED, "What it is for."),
            "required": {"type": "boolean", "description": "Whether it must be given; by default, when there is no default."},
            "default": {"description": "The value when none is given."},
            "enum": {"type": "array", "description": "The values that are allowed."},
            "items": {"type": "object", "description": "The JSON Schema of the items of an array."},
        },
        required=("type",),
        description="A declared field.",
    )


def text_or_expression(description: str) -> JsonObject:
    """Return the schema of a text that may hold expressions."""
    return {"type": "string", "description": description}


def scalar_or_expression(description: str) -> JsonObject:
    """Return the schema of one expression, with or without its brackets."""
    return any_of({"type": "string", "minLength": 1}, _NUMBER, {"type": "boolean"}, EXPRESSION, description=description)
