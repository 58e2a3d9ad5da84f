"""Check values against the JSON Schemas of packs, and fill in defaults."""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject, parse_instant

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_HOSTNAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,255}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")


def filled(value: Json, schema: JsonObject) -> Json:
    """Return the value with the schema's defaults in place of missing members."""
    properties = schema.get("properties")
    if isinstance(value, dict) and isinstance(properties, dict):
        result = dict(value)
        for key, part in properties.items():
            if not isinstance(part, dict):
                continue
            if key in result:
                result[key] = filled(result[key], part)
            elif "default" in part:
                result[key] = part["default"]
        return result
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [filled(item, items) for item in value]
    return value


def problems(value: Json, schema: JsonObject, *, limit: int = 5) -> list[str]:
    """Return what does not fit, each as `path: reason`."""
    if not schema or schema == {"type": "object"}:
        return [] if not schema or isinstance(value, dict) else ["it must be an object"]
    found = []
    for error in sorted(_validator(_Schema(schema)).iter_errors(value), key=lambda error: list(map(str, error.absolute_path))):
        path = ".".join(str(part) for part in error.absolute_path)
        # a message may quote the whole value, which is long and somebody else's
        reason = error.message if len(error.message) <= 200 else f"{error.message[:90]} … {error.message[-90:]}"
        found.append(f"{path}: {reason}" if path else reason)
        if len(found) == limit:
            break
    return found


def checked(value: JsonObject, schema: JsonObject, *, what: str, hint: str = "") -> JsonObject:
    """Return the object with defaults; raises Invalid when it does not fit."""
    result = filled(value, schema)
    wrong = problems(result, schema)
    if wrong or not isinstance(result, dict):
        raise Invalid(f"{what} cannot be used: {'; '.join(wrong)}.", hint=hint)
    return result


class _Schema:
    """A schema as a key: compared by identity, and kept alive so that the identity stays its own."""

    __slots__ = ("schema",)

    def __init__(self, schema: JsonObject) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Schema) and other.schema is self.schema


@lru_cache(maxsize=2048)
def _validator(key: _Schema) -> "Draft202012Validator":
    # jsonschema takes 60 ms to import: not at start-up
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry

    checker = FormatChecker(formats=())
    for name, test in _FORMATS.items():
        checker.checks(name, raises=ValueError)(_text_only(test))
    # an empty registry: nothing is ever fetched
    return Draft202012Validator(key.schema, format_checker=checker, registry=Registry())


def schema_problems(schema: JsonObject) -> list[str]:
    """Return what is wrong with a schema itself."""
    from jsonschema import Draft202012Validator  # not at start-up

    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in meta.iter_errors(schema)][:5]


def _text_only(test: Callable[[str], object]) -> Callable[[object], bool]:
    def check(value: object) -> bool:
        if not isinstance(value, str):
            return True
        try:
            return bool(test(value))
        except (ValueError, Invalid):
            return False

    return check


_FORMATS: dict[str, Callable[[str], object]] = {
    "ip": ipaddress.ip_address,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "cidr": lambda text: ipaddress.ip_network(text, strict=False),
    "uri": _URI.fullmatch,
    "date-time": lambda text: parse_instant(text).tzinfo is not None,
    "email": _EMAIL.fullmatch,
    "hostname": lambda text: len(text) <= 253 and _HOSTNAME.fullmatch(text),
    "duration": lambda text: parse_duration(text).total_seconds() > 0,
}
