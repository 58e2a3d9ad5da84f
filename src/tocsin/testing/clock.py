"""A clock that moves when it is told to, and ids that count."""

from datetime import UTC, datetime, timedelta

from tocsin.core.ids import make_id

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FakeClock:
    """Tell a time of our own."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at

    def move(self, **by: float) -> None:
        """Move on: `move(hours=4)`."""
        self.at += timedelta(**by)


class CountingIds:
    """Make ids that are the same in every test run."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, prefix: str) -> str:
        """Return the next id."""
        self._count += 1
        return make_id(prefix, START, self._count.to_bytes(10, "big"))
