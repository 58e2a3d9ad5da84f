"""A value that fits a JSON Schema, for a step whose action is not called: the schema's own example if it has one."""

from collections.abc import Mapping

from tocsin.core.values import Json, JsonObject

DRY_RUN = "dry_run"  # marks an object that was made up
MADE_UP = "made-up"
_DEEPEST = 12
_FORMATS: Mapping[str, str] = {
    "ip": "192.0.2.1",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "cidr": "192.0.2.0/24",
    "uri": f"https://{MADE_UP}.example/",
    "email": f"{MADE_UP}@example.org",
    "hostname": f"{MADE_UP}.example",
    "date-time": "2000-01-01T00:00:00.000000Z",
    "date": "2000-01-01",
    "duration": "1h",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def made_up_output(schema: JsonObject, *, arguments: JsonObject, name: str) -> Json:
    """Return an output of an action that was not called, marked `dry_run: true` when it is an object.

    Members that the action was given under the same name are echoed, as most targets do; `name` makes made-up texts distinct.
    """
    output = plausible(schema, name=f"{MADE_UP}-{name}")
    if not isinstance(output, dict):
        return output
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    echoed = {key: value for key, value in arguments.items() if key in known and _fits(value, known[key])}
    return {**output, **echoed, DRY_RUN: True}


def plausible(schema: Json, *, name: str = MADE_UP, depth: int = 0) -> Json:
    """Return a value that fits the schema: const, default, example or the first of an enum, else one of its type."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {} if depth == 0 else None
    for key in ("const", "default", "example"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum"):
        choices = schema.get(key)
        if isinstance(choices, list) and choices:
            return choices[0]
    for key in ("anyOf", "oneOf", "allOf"):
        parts = schema.get(key)
        if isinstance(parts, list) and parts:
            return plausible(parts[0], name=name, depth=depth + 1)
    return _of_type(_type(schema), schema, name, depth)


def is_made_up(value: Json) -> bool:
    """Tell whether a value has a text in it that this module has made."""
    if isinstance(value, str):
        return MADE_UP in value
    if isinstance(value, dict):
        return any(map(is_made_up, value.values()))
    return isinstance(value, list) and any(map(is_made_up, value))


def _type(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "array" if "items" in schema else "object"


def _of_type(kind: str, schema: JsonObject, name: str, depth: int) -> Json:
    match kind:
        case "string":
            return _text(schema, name)
        case "integer":
            return int(_number(schema))
        case "number":
            return _number(schema)
        case "boolean":
            return True
        case "array":
            least = schema.get("minItems")
            count = max(1, least) if isinstance(least, int) else 1
            return [plausible(schema["items"], name=name, depth=depth + 1) for _ in range(count)] if "items" in schema else []
        case "object":
            properties = schema.get("properties")
            members = properties if isinstance(properties, dict) else {}
            return {key: plausible(part, name=f"{name}-{key}", depth=depth + 1) for key, part in members.items()}
        case _:
            return None


def _text(schema: JsonObject, name: str) -> str:
    format = schema.get("format")
    if isinstance(format, str) and format in _FORMATS:
        return _FORMATS[format]
    least, most = schema.get("minLength"), schema.get("maxLength")
    text = name.ljust(least if isinstance(least, int) else 0, "-")
    return text[:most] if isinstance(most, int) else text


def _number(schema: JsonObject) -> float:
    for key, step in (("minimum", 0), ("exclusiveMinimum", 1)):
        bound = schema.get(key)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            return bound + step
    most = schema.get("maximum")
    return min(1, most) if isinstance(most, int | float) and not isinstance(most, bool) else 1


def _fits(value: Json, schema: Json) -> bool:
    kinds = {"string": str, "boolean": bool, "array": list, "object": dict}
    kind = kinds.get(_type(schema)) if isinstance(schema, dict) else None
    return kind is None or isinstance(value, kind)
