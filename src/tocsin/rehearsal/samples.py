"""A plain value that fits a JSON Schema, and values completed from it."""

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.schemas import fields_of, required_of, types_of

_PLAIN: dict[str, Json] = {"string": "", "integer": 0, "number": 0, "boolean": False, "null": None}
_FORMATS: dict[str, str] = {
    "ip": "192.0.2.1",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "cidr": "192.0.2.0/24",
    "uri": "https://host.example/",
    "date-time": "2026-03-02T09:00:00.000000Z",
    "email": "someone@example.org",
    "hostname": "host.example",
    "duration": "1h",
}


def sample_of(schema: JsonObject) -> Json:
    """Return the plainest value that fits: the default, the first of an enum, required fields only."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        listed = schema.get(key)
        if isinstance(listed, list) and listed:
            return listed[0]
    for key in ("anyOf", "oneOf", "allOf"):
        several = schema.get(key)
        if isinstance(several, list) and several and isinstance(several[0], dict):
            return sample_of(several[0])
    types = types_of(schema)
    if "object" in types or (not types and "properties" in schema):
        fields = fields_of(schema)
        return {name: sample_of(fields.get(name, {})) for name in required_of(schema)}
    if "array" in types:
        return _list(schema)
    if "null" in types or not types:
        return None if types else {}
    return _scalar(schema, sorted(types)[0])


def completed(value: Json, schema: JsonObject) -> Json:
    """Return an object with the required fields that it lacks, made from the schema, deep down."""
    if isinstance(value, dict):
        fields = fields_of(schema)
        missing: JsonObject = {name: sample_of(fields.get(name, {})) for name in required_of(schema) if name not in value}
        return {**{name: completed(one, fields.get(name, {})) for name, one in value.items()}, **missing}
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [completed(one, items) for one in value]
    return value


def _list(schema: JsonObject) -> Json:
    least, items = schema.get("minItems"), schema.get("items")
    count = least if isinstance(least, int) else 0
    return [sample_of(items if isinstance(items, dict) else {}) for _ in range(count)]


def _scalar(schema: JsonObject, type_: str) -> Json:
    if type_ == "string":
        text = _FORMATS.get(str(schema.get("format")), "")
        least = schema.get("minLength")
        return text if text or not isinstance(least, int) else "x" * least
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    if type_ in ("integer", "number") and isinstance(low, int | float):
        return low if "minimum" in schema else low + 1
    return _PLAIN.get(type_)
