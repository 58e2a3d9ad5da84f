"""A journal in memory, with the same rules of leases and numbers as the real one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.core.errors import LeaseLost
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.engine.events import AskAnswered, CallEnded, RunEnded, RunEvent, RunStarted
from tocsin.engine.ports import Append, ClaimedRun

Signal = AskAnswered | CallEnded


@dataclass(slots=True)
class Row:
    """What the journal holds of one run."""

    events: list[RunEvent]
    parent: tuple[RunId, str] | None = None
    epoch: int = 0
    held: bool = False
    wake_at: datetime | None = None
    signals: dict[int, Signal] = field(default_factory=dict)

    @property
    def ended(self) -> RunEnded | None:
        """Return the end, if it has come."""
        last = self.events[-1]
        return last if isinstance(last, RunEnded) else None


class MemoryJournal:
    """Implements `engine.ports.Journal`; `woken` are the runs that something was signalled to."""

    def __init__(self) -> None:
        self.runs: dict[RunId, Row] = {}
        self.woken: list[RunId] = []
        self.appends: list[Append] = []
        self._signals = 0

    def start(self, run: RunId, started: RunStarted) -> None:
        """Put a run into the journal."""
        self.runs[run] = Row([started])

    def signal(self, run: RunId, event: Signal) -> None:
        """Leave an event from outside for a run."""
        self._signals += 1
        self.runs[run].signals[self._signals] = event
        self.woken.append(run)

    def crash(self) -> None:
        """Void every lease, as the start after a crash does."""
        for row in self.runs.values():
            row.held = False

    async def claim(self, runs: Sequence[RunId]) -> list[ClaimedRun]:
        """Lease and load the runs that are free and not over."""
        claimed = []
        for run in runs:
            row = self.runs[run]
            if row.held or row.ended:
                continue
            row.held, row.epoch = True, row.epoch + 1
            claimed.append(ClaimedRun(run, DEFAULT_WORKSPACE, row.epoch, tuple(row.events), tuple(row.signals.items())))
        return claimed

    async def append(self, append: Append) -> bool:
        """Write events; see the port."""
        row = self.runs[append.run]
        if row.epoch != append.epoch or not row.held or append.first_seq != len(row.events) + 1:
            raise LeaseLost(f"Run {append.run} is in other hands.")
        self.appends.append(append)
        row.events.extend(append.events)
        for signal in append.consumed:
            row.signals.pop(signal, None)
        for child in append.children:
            self.runs[child.id] = Row([child.started], parent=(child.parent, child.parent_path))
            self.woken.append(child.id)
        if row.ended:
            self._tell_parent(append.run, row, row.ended)
        if append.release and row.signals and not row.ended:
            return False
        if append.release:
            row.held, row.wake_at = False, append.wake_at
        return True

    def _tell_parent(self, run: RunId, row: Row, ended: RunEnded) -> None:
        if row.parent is None:
            return
        parent, path = row.parent
        self.signal(parent, CallEnded(at=ended.at, path=path, run=run, outcome=ended.outcome, outputs=ended.outputs, reason=ended.reason))

    async def signals(self, run: RunId) -> tuple[tuple[int, Signal], ...]:
        """Return what is not consumed."""
        return tuple(self.runs[run].signals.items())

    async def renew(self, runs: Sequence[tuple[RunId, int]]) -> list[RunId]:
        """Return the runs that are lost."""
        return [run for run, epoch in runs if self.runs[run].epoch != epoch]
