"""JSON values and instants, the two kinds of plain value everything else is made of."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
    JsonObject: TypeAlias = "dict[str, Json]"
else:
    # msgspec and pydantic read annotations at run time, and can follow neither strings nor an alias that names itself.
    Json = Any
    JsonObject = dict[str, Any]
Instant: TypeAlias = datetime  # always aware, always UTC


def iso(at: Instant) -> str:
    """Write an instant as RFC 3339 in UTC with microseconds and a Z."""
    # isoformat, because strftime takes five times as long and every event has an instant
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> Instant:
    """Read an instant that `iso` wrote."""
    return datetime.fromisoformat(text)
