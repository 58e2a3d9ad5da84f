"""Make types of JSON Schema, and the other way round. What is not understood is ANY."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.types.lattice import (
    ANY,
    BOOLEAN,
    NULL,
    Anything,
    Boolean,
    Field,
    Items,
    Null,
    Number,
    Object,
    Presence,
    Text,
    Type,
    Union,
    literal,
    union,
)

_UNREAD: Final = frozenset({"$ref", "allOf", "if", "not", "patternProperties"})
_DEEPEST: Final = 16


class _Same:
    """A schema by identity: it is a dictionary, and reading the same one once is enough."""

    __slots__ = ("schema",)

    def __init__(self, schema: JsonObject) -> None:
        self.schema = schema  # held, so that its identity is not given to another

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.schema is other.schema


def type_of(schema: JsonObject) -> Type:
    """Return the type that a schema describes. The schema must not be changed afterwards."""
    return _cached(_Same(schema))


@lru_cache(8192)
def _cached(same: _Same) -> Type:
    return _type(same.schema, 0)


def _type(schema: Json, depth: int) -> Type:
    if not isinstance(schema, dict) or depth > _DEEPEST or not _UNREAD.isdisjoint(schema):
        return ANY
    for key in ("anyOf", "oneOf"):
        if key in schema:
            choices = schema[key]
            return union(*(_type(one, depth + 1) for one in choices)) if isinstance(choices, list) and choices else ANY
    if "const" in schema:
        return _of_values([schema["const"]])
    values = schema.get("enum")
    if isinstance(values, list) and values:
        return _of_values(values)
    given = schema.get("type")
    if given is None:
        return _object(schema, depth) if "properties" in schema else ANY
    names = given if isinstance(given, list) else [given]
    return union(*(_named(name, schema, depth) for name in names)) if names else ANY


def _of_values(values: list[Json]) -> Type:
    if any(isinstance(one, dict | list) for one in values):
        return ANY
    return union(*(literal(one) for one in values if not isinstance(one, dict | list)))


def _named(name: Json, schema: JsonObject, depth: int) -> Type:
    make = _MAKERS.get(name) if isinstance(name, str) else None
    return ANY if make is None else make(schema, depth)


def _text(schema: JsonObject, depth: int) -> Type:
    return Text()


def _boolean(schema: JsonObject, depth: int) -> Type:
    return BOOLEAN


def _null(schema: JsonObject, depth: int) -> Type:
    return NULL


def _number(schema: JsonObject, depth: int) -> Type:
    return Number(False, _bound(schema, "minimum"), _bound(schema, "maximum"))


def _integer(schema: JsonObject, depth: int) -> Type:
    return Number(True, _bound(schema, "minimum"), _bound(schema, "maximum"))


def _bound(schema: JsonObject, key: str) -> float | None:
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _list(schema: JsonObject, depth: int) -> Type:
    return Items(_type(schema.get("items", {}), depth + 1))


def _object(schema: JsonObject, depth: int) -> Type:
    properties, required, more = schema.get("properties"), schema.get("required"), schema.get("additionalProperties")
    needed = frozenset(one for one in required if isinstance(one, str)) if isinstance(required, list) else frozenset()
    fields = {}
    for name, one in properties.items() if isinstance(properties, dict) else ():
        presence = Presence.ALWAYS if name in needed else (Presence.MAYBE if needed else Presence.UNSAID)
        fields[name] = Field(_type(one, depth + 1), presence, _deprecated(one))
    if isinstance(more, dict):
        return Object(fields, _type(more, depth + 1))
    return Object(fields, None if more is False or (fields and more is None) else ANY)


def _deprecated(schema: Json) -> str:
    if not isinstance(schema, dict) or schema.get("deprecated") is not True:
        return ""
    description = schema.get("description")
    return description if isinstance(description, str) and description else "Its pack says that it will go."


_MAKERS: Final[dict[str, Callable[[JsonObject, int], Type]]] = {
    "string": _text,
    "boolean": _boolean,
    "null": _null,
    "number": _number,
    "integer": _integer,
    "array": _list,
    "object": _object,
}


def schema_of(type: Type) -> JsonObject:
    """Return the JSON Schema of a type."""
    match type:
        case Anything():
            return {}
        case Union():
            return {"anyOf": [schema_of(one) for one in type.members]}
        case Null():
            return {"type": "null"}
        case Boolean():
            return {"type": "boolean"} if type.only is None else {"const": type.only}
        case Text():
            return {"type": "string"} if type.options is None else {"type": "string", "enum": [str(one) for one in type.options]}
        case Number():
            bounds: JsonObject = {} if type.low is None else {"minimum": type.low}
            bounds |= {} if type.high is None else {"maximum": type.high}
            return {"type": "integer" if type.is_whole else "number", **bounds}
        case Items():
            return {"type": "array", "items": schema_of(type.item)}
        case Object():
            return _schema_of_object(type)


def _schema_of_object(type: Object) -> JsonObject:
    properties: JsonObject = {name: schema_of(one.type) for name, one in type.fields.items()}
    required: list[Json] = [name for name, one in type.fields.items() if one.presence is Presence.ALWAYS]
    more: Json = False if type.rest is None else schema_of(type.rest)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": more}
