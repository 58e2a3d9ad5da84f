"""What became of the events that somebody handed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that could not be read; it is kept as an alert all the same. Lines count from 1."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """Counts of one intake; `ids` are the alerts that the events are in, in their order."""

    received: int = 0
    alerts: int = 0  # new ones
    folded: int = 0  # those that said what an open alert says already
    runs: int = 0
    skipped: int = 0  # events that the source's mapping says are no alerts
    rejected: tuple[RejectedLine, ...] = ()
    ids: tuple[str, ...] = ()

    def __add__(self, other: "IntakeReport") -> "IntakeReport":
        """Return the report of both together."""
        return IntakeReport(
            received=self.received + other.received,
            alerts=self.alerts + other.alerts,
            folded=self.folded + other.folded,
            runs=self.runs + other.runs,
            skipped=self.skipped + other.skipped,
            rejected=self.rejected + other.rejected,
            ids=self.ids + other.ids,
        )
