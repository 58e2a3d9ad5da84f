"""The time on a stage, and ids that count: the same in every rehearsal."""

from datetime import UTC, datetime
from typing import Final

from tocsin.core.ids import ENTROPY_BYTES, make_id

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # of a rehearsal that gives none: a Monday morning


class StageClock:
    """Tell a time that moves only when it is told to."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at

    def move_to(self, at: datetime) -> None:
        """Go on to a later instant; an earlier one changes nothing."""
        self.at = max(self.at, at)


class CountingIds:
    """Make ids that are the same every time."""

    def __init__(self, at: datetime = START) -> None:
        self._at, self._count = at, 0

    def __call__(self, prefix: str) -> str:
        """Return the next id."""
        self._count += 1
        return make_id(prefix, self._at, self._count.to_bytes(ENTROPY_BYTES, "big"))
