"""Notice that a vendor's answers are no longer what the pack says they are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tocsin.core.values import Json, JsonObject

_MOST_RECORDS = 500
_MOST_ITEMS = 50  # of one list: a sample is enough
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
}  # fmt: skip


class DriftKind(StrEnum):
    """How an answer differs from its schema."""

    MISSING = "missing"
    TYPE = "type"
    ENUM = "enum"
    OUTPUT = "output"  # the pack's output could not be made of it


@dataclass(frozen=True, slots=True)
class DriftRecord:
    """One difference, however often it was seen."""

    connection: str
    action: str
    path: str
    kind: DriftKind
    detail: str
    count: int
    first_seen: datetime
    last_seen: datetime


OnDrift = Callable[[DriftRecord], None]


class Drift:
    """Collect differences in memory; `on_drift` hears of each when it is first seen."""

    def __init__(self, *, now: Callable[[], datetime], on_drift: OnDrift | None = None) -> None:
        self._now = now
        self._on_drift = on_drift
        self._records: dict[tuple[str, str, str, DriftKind], DriftRecord] = {}

    def records(self) -> list[DriftRecord]:
        """Return what was seen so far."""
        return list(self._records.values())

    def observe(self, body: Json, schema: JsonObject, *, connection: str, action: str) -> None:
        """Compare an answer with its schema."""
        for path, kind, detail in _differences(body, schema, ""):
            self.add(connection=connection, action=action, path=path, kind=kind, detail=detail)

    def add(self, *, connection: str, action: str, path: str, kind: DriftKind, detail: str) -> None:
        """Count one difference."""
        key = (connection, action, path, kind)
        known = self._records.get(key)
        now = self._now()
        if known is not None:
            self._records[key] = replace(known, count=known.count + 1, last_seen=now, detail=detail)
        elif len(self._records) < _MOST_RECORDS:
            self._records[key] = DriftRecord(connection, action, path, kind, detail, 1, now, now)
            if self._on_drift is not None:
                self._on_drift(self._records[key])


def _differences(value: Json, schema: Json, path: str) -> Iterator[tuple[str, DriftKind, str]]:
    if not isinstance(schema, dict):
        return
    if not _has_type(value, schema.get("type")):
        yield path or "(whole)", DriftKind.TYPE, f"is {_name(value)}, was {schema.get('type')}"
        return
    words = schema.get("enum")
    if isinstance(words, list) and value not in words:
        yield path or "(whole)", DriftKind.ENUM, f"has a new value {str(value)[:60]!r}"
    if isinstance(value, dict):
        yield from _object_differences(value, schema, path)
    if isinstance(value, list):
        for item in value[:_MOST_ITEMS]:
            yield from _differences(item, schema.get("items"), f"{path}[]")


def _object_differences(value: JsonObject, schema: JsonObject, path: str) -> Iterator[tuple[str, DriftKind, str]]:
    required, properties = schema.get("required"), schema.get("properties")
    for key in required if isinstance(required, list) else ():
        if key not in value:
            yield f"{path}.{key}".lstrip("."), DriftKind.MISSING, "is missing"
    for key, part in properties.items() if isinstance(properties, dict) else ():
        if key in value:
            yield from _differences(value[key], part, f"{path}.{key}".lstrip("."))


def _has_type(value: Json, wanted: Json) -> bool:
    if wanted is None:
        return True
    words = wanted if isinstance(wanted, list) else [wanted]
    return any(_is(value, word) for word in words if isinstance(word, str))


def _is(value: Json, word: str) -> bool:
    if word == "null":
        return value is None
    if isinstance(value, bool):
        return word == "boolean"
    return isinstance(value, _TYPES.get(word, object))


def _name(value: Json) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", dict: "object", list: "array", str: "string", int: "integer", float: "number"}[type(value)]
