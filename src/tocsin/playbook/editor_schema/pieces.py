"""The small pieces of which the schema of the language is made."""

from typing import Final

from tocsin.core.values import Json, JsonObject

EXPRESSION: Final[JsonObject] = {"$ref": "#/$defs/expression"}
CONDITION: Final[JsonObject] = {"$ref": "#/$defs/condition"}
DURATION: Final[JsonObject] = {"$ref": "#/$defs/duration"}
STEPS: Final[JsonObject] = {"$ref": "#/$defs/steps"}
FIELDS: Final[JsonObject] = {"$ref": "#/$defs/fields"}
VALUES: Final[JsonObject] = {"$ref": "#/$defs/values"}
TAGS: Final[JsonObject] = {"$ref": "#/$defs/tags"}
FIXED: Final[JsonObject] = {"$ref": "#/$defs/fixed"}  # a text in which nothing is evaluated


def told(piece: JsonObject, description: str) -> JsonObject:
    """Return a piece with what an editor shows about it."""
    return {**piece, "description": description}


def one_of(words: list[str], description: str) -> JsonObject:
    """Return the schema of one of a few words."""
    return {"enum": [*words], "description": description}


def closed(properties: dict[str, JsonObject], *, required: tuple[str, ...] = (), description: str = "") -> JsonObject:
    """Return the schema of a map that has these keys and no others."""
    needed: list[Json] = [*required]
    schema: JsonObject = {"type": "object", "properties": {**properties}, "additionalProperties": False}
    return {**schema, **({"required": needed} if needed else {}), **({"description": description} if description else {})}


def any_of(*pieces: JsonObject, description: str = "") -> JsonObject:
    """Return the schema of what fits one of several."""
    return {"anyOf": [*pieces], **({"description": description} if description else {})}


def expressed(schema: JsonObject) -> JsonObject:
    """Return a schema that an expression fits too, at every place where a value stands."""
    return any_of(EXPRESSION, _inner(schema)) if schema else {}


def _inner(schema: JsonObject) -> JsonObject:
    opened = dict(schema)
    properties, items, more = opened.get("properties"), opened.get("items"), opened.get("additionalProperties")
    if isinstance(properties, dict):
        opened["properties"] = {key: expressed(one) if isinstance(one, dict) else one for key, one in properties.items()}
    if isinstance(items, dict):
        opened["items"] = expressed(items)
    if isinstance(more, dict):
        opened["additionalProperties"] = expressed(more)
    return opened
