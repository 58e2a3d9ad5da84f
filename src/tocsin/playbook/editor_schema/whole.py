"""The schema of a whole playbook."""

from typing import Final

from tocsin.core.cases import CaseHappening
from tocsin.core.effects import ActionSpec
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.editor_schema.definitions import definitions
from tocsin.playbook.editor_schema.kinds import COMMON, SHAPES
from tocsin.playbook.editor_schema.pieces import (
    CONDITION,
    EXPRESSION,
    FIELDS,
    FIXED,
    STEPS,
    TAGS,
    VALUES,
    any_of,
    closed,
    expressed,
    one_of,
    told,
)
from tocsin.playbook.model import Kind
from tocsin.playbook.parsing.playbook import KEBAB, MAX_ID, SCHEMA

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_KEBAB: Final = f"^{KEBAB.pattern}$"


def playbook_schema(catalogue: Catalogue) -> JsonObject:
    """Return the schema of a playbook that uses the actions of a catalogue."""
    return {
        "$schema": DRAFT,
        "title": "Tocsin playbook",
        **_top(),
        "$defs": {**definitions(), "step": _step(), **_kinds(catalogue)},
    }


def _top() -> JsonObject:
    return closed(
        {
            "schema": {"const": SCHEMA, "description": "The version of the language."},
            "id": {"type": "string", "pattern": _KEBAB, "maxLength": MAX_ID, "description": "The name of the file without .yaml."},
            "title": told(FIXED, "In a few words, what it does."),
            "description": told(FIXED, "What it does, for whom, and why."),
            "tags": TAGS,
            "triggers": {"type": "array", "items": _trigger(), "description": "What starts it, besides people and other playbooks."},
            "inputs": told(FIELDS, "What a start by hand or by another playbook hands over; read as inputs.<name>."),
            "steps": told(STEPS, "What it does."),
            "finally": told(STEPS, "What is done whatever happened; reads run.outcome and run.error."),
            "outputs": told(VALUES, "What it gives to whoever called it."),
        },
        required=("schema", "id", "title", "steps"),
    )


def _trigger() -> JsonObject:
    properties: dict[str, JsonObject] = {
        "alert": told(CONDITION, "For each new alert for which this is true."),
        "webhook": {"type": "string", "pattern": _KEBAB, "maxLength": MAX_ID, "description": "For each call of the hook of this name."},
        "schedule": told(FIXED, "At each instant of a cron line of five fields, in UTC."),
        "case": one_of([one.value for one in CaseHappening], "When this happens to a case."),
    }
    return {**closed(properties), "minProperties": 1, "maxProperties": 1}


def _step() -> JsonObject:
    """Say which definition a step must fit by the key that names its kind, so that an editor complains about that one only."""
    named = [kind for kind in SHAPES if kind not in (Kind.IF, Kind.WAIT)]
    rules: list[Json] = [{"if": {"required": [kind.value]}, "then": _refer(kind)} for kind in named]
    is_flag: JsonObject = {"wait": {"type": "boolean"}}
    flag: JsonObject = {"properties": is_flag, "required": ["call", "wait"]}
    rules.append({"if": {"required": ["wait"], "not": flag}, "then": _refer(Kind.WAIT)})
    others: list[Json] = [{"required": [kind.value]} for kind in (*named, Kind.WAIT)]
    rules.append({"if": {"not": {"anyOf": others}}, "then": _refer(Kind.IF)})
    properties: JsonObject = {key: _about(key) for key in dict.fromkeys(_keys())}
    return {"type": "object", "properties": properties, "allOf": rules, "description": "A step: one thing that the playbook does."}


def _keys() -> list[str]:
    return [*COMMON, *(key for shape in SHAPES.values() for key in shape.properties)]


def _about(key: str) -> JsonObject:
    """Return what an editor shows of a key before the step has a kind."""
    found = [COMMON[key]] if key in COMMON else [shape.properties[key] for shape in SHAPES.values() if key in shape.properties]
    kind = next((kind for kind in SHAPES if kind.value == key), None)
    if kind is not None and kind is not Kind.IF:
        return {"description": SHAPES[kind].title}
    return {"description": found[0].get("description", "")}


def _refer(kind: Kind) -> JsonObject:
    return {"$ref": f"#/$defs/{kind.value}"}


def _kinds(catalogue: Catalogue) -> dict[str, JsonObject]:
    kinds = {
        kind.value: {**closed({**COMMON, **shape.properties}, required=shape.required, description=shape.title)}
        for kind, shape in SHAPES.items()
    }
    kinds[Kind.ACTION.value].update(_actions(catalogue))
    polling: list[Json] = ["repeat_until", "every", "at_most"]
    kinds[Kind.ACTION.value]["dependentRequired"] = {str(key): [one for one in polling if one != key] for key in polling}
    return kinds


def _actions(catalogue: Catalogue) -> JsonObject:
    """Return the names of the actions, and for each the schema of its arguments."""
    specs = [spec for name in sorted(catalogue.names()) if (spec := catalogue.spec(name)) is not None]
    if not specs:
        return {}
    rules: list[Json] = []
    for spec in specs:
        needed: JsonObject = {"required": ["with"]} if spec.input_schema.get("required") else {}
        named: JsonObject = {"action": {"const": spec.name}}
        rules.append({"if": {"properties": named}, "then": {"properties": {"with": _arguments(spec)}, **needed}})
    choices: list[Json] = [
        {"const": spec.name, "title": spec.title, "description": f"{spec.title} ({spec.effect.value})"} for spec in specs
    ]
    action: JsonObject = {"oneOf": choices, "description": "The action: pack.action."}
    own = closed({**COMMON, **SHAPES[Kind.ACTION].properties, "action": action})["properties"]
    return {"properties": own, "allOf": rules}


def _arguments(spec: ActionSpec) -> JsonObject:
    schema = {key: value for key, value in spec.input_schema.items() if key != "$schema"}
    empty: JsonObject = {} if schema.get("required") else {"type": "null"}
    return any_of(EXPRESSION, _opened(schema), *([empty] if empty else []), description=spec.title)


def _opened(schema: JsonObject) -> JsonObject:
    """Return the schema of an action's arguments in which an expression may stand for each value; a value with a $ref stays open."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {"type": "object"}
    fields: dict[str, JsonObject] = {
        key: {**expressed(_plain(one)), **_shown(one)} if isinstance(one, dict) else {} for key, one in properties.items()
    }
    required = schema.get("required")
    more = schema.get("additionalProperties", False)
    opened: JsonObject = {"type": "object", "properties": {**fields}, "required": required if isinstance(required, list) else []}
    return {**opened, **({"additionalProperties": False} if more is False else {})}


def _plain(schema: JsonObject) -> JsonObject:
    return {} if "$ref" in str(schema) else {key: value for key, value in schema.items() if key not in ("title", "description")}


def _shown(schema: JsonObject) -> JsonObject:
    return {key: schema[key] for key in ("title", "description") if key in schema}
