"""The little of JSON Schema that is read as it is: what an object declares, and whether a constant fits.

The whole of JSON Schema is checked again when the action runs; here, what is not understood is taken as open.
"""

import ipaddress
from typing import Final

from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject

OPEN: Final[JsonObject] = {}
_UNREAD: Final = frozenset({"$ref", "anyOf", "oneOf", "allOf", "if", "not", "patternProperties"})
_NO_TYPES: Final[frozenset[str]] = frozenset()
_ARTICLES: Final = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "a list",
    "object": "a map",
    "null": "null",
}
_ONE_TYPE: Final = {name: frozenset({name}) for name in _ARTICLES}


def closed(properties: dict[str, JsonObject]) -> JsonObject:
    """Return the schema of an object that has these fields and no others."""
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def types_of(schema: JsonObject) -> frozenset[str]:
    """Return the types that a schema allows; empty if it does not say."""
    given = schema.get("type")
    if given is None or not _UNREAD.isdisjoint(schema):
        return _NO_TYPES
    if isinstance(given, str):
        return _ONE_TYPE.get(given) or frozenset({given})
    return frozenset(one for one in given if isinstance(one, str)) if isinstance(given, list) else frozenset()


def fields_of(schema: JsonObject) -> dict[str, JsonObject]:
    """Return the schemas of an object's declared fields."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {key: value if isinstance(value, dict) else OPEN for key, value in properties.items()}


def required_of(schema: JsonObject) -> tuple[str, ...]:
    """Return the fields that an object must have."""
    required = schema.get("required")
    return tuple(one for one in required if isinstance(one, str)) if isinstance(required, list) else ()


def is_closed(schema: JsonObject) -> bool:
    """Say whether an object has its declared fields and no others: declared, and more are not expressly allowed."""
    if not _UNREAD.isdisjoint(schema) or schema.get("additionalProperties", False) is not False:
        return False
    return bool(schema.get("properties")) or schema.get("additionalProperties") is False


def articled(types: frozenset[str]) -> str:
    """Write types as messages call them: `a text or null`."""
    return " or ".join(_ARTICLES.get(one, one) for one in sorted(types, key=list(_ARTICLES).index if types <= _ARTICLES.keys() else str))


def mismatch(value: Json, schema: JsonObject) -> str:
    """Say why a constant does not fit a schema, as the end of a sentence; empty if it does, or nobody can tell."""
    types = types_of(schema)
    if types and not any(_is(value, one) for one in types):
        return f"must be {articled(types)}"
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(value == one and type(value) is type(one) for one in allowed):
        return "must be one of " + ", ".join(str(one) for one in allowed[:12])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _out_of_range(value, schema)
    return _wrong_text(value, schema) if isinstance(value, str) else ""


def _wrong_text(value: str, schema: JsonObject) -> str:
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(value) < least:
        return "must not be empty" if not value else f"must have {least} characters or more"
    if isinstance(most, int) and len(value) > most:
        return f"must have {most} characters or fewer"
    if schema.get("format") == "ip":
        return "" if _is_address(value) else "must be an IP address"
    if schema.get("format") == "duration":
        return "" if _is_duration(value) else "must be a duration such as 4h"
    return ""


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_duration(value: str) -> bool:
    try:
        parse_duration(value)
    except Invalid:
        return False
    return True


def _is(value: Json, type_: str) -> bool:
    match type_:
        case "string":
            return isinstance(value, str)
        case "integer":
            return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "null":
            return value is None
        case _:
            return True


def _out_of_range(value: int | float, schema: JsonObject) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float) and value < low:
        return f"must be {low} or more"
    if isinstance(high, int | float) and value > high:
        return f"must be {high} or less"
    return ""
