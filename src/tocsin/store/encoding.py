"""How values lie in columns: instants as microseconds since 1970, JSON as text."""

import json
from datetime import UTC, datetime, timedelta

import msgspec

from tocsin.core.values import Instant, Json, JsonObject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def micros(at: Instant) -> int:
    """Return microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def micros_or_none(at: Instant | None) -> int | None:
    """Return microseconds since 1970, or None."""
    return None if at is None else micros(at)


def instant(number: int) -> Instant:
    """Return the instant of `micros`."""
    return _EPOCH + timedelta(microseconds=number)


def instant_or_none(number: int | None) -> Instant | None:
    """Return the instant of `micros_or_none`."""
    return None if number is None else instant(number)


def dump(value: Json) -> str:
    """Write JSON text; every character that JSON can hold survives."""
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        # A lone surrogate is no UTF-8; as an escape it is plain ASCII and the original can still be told.
        return json.dumps(value, separators=(",", ":"))


def load(text: str | bytes) -> Json:
    """Read JSON text that `dump` wrote; a lone surrogate comes back as `?`, so that the value can be sent on."""
    value: Json
    try:
        value = _decode(text)
    except msgspec.DecodeError:
        value = _decode(json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace"))
    return value


def load_object(text: str | bytes) -> JsonObject:
    """Read JSON text that holds an object."""
    value = load(text)
    return value if isinstance(value, dict) else {}


def load_texts(text: str | bytes) -> tuple[str, ...]:
    """Read JSON text that holds a list of strings."""
    value = load(text)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def clean(text: str) -> str:
    """Make text that a database takes: no lone surrogate, no NUL."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
