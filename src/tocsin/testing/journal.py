"""A journal in memory, with the same rules of leases and numbers as the real one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tocsin.core.errors import LeaseLost
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.core.values import JsonObject, iso
from tocsin.engine.events import (
    CallEnded,
    EventArrived,
    EventAwaited,
    MainEnded,
    RunCancelled,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    Signal,
    StepFailed,
    StepSkipped,
)
from tocsin.engine.ports import Append, ClaimedRun
from tocsin.playbook.expr import compile_condition
from tocsin.playbook.plan import Awaited


@dataclass(slots=True)
class Row:
    """What the journal holds of one run."""

    events: list[RunEvent]
    parent: tuple[RunId, str] | None = None
    epoch: int = 0
    held: bool = False
    wake_at: datetime | None = None
    signals: dict[int, Signal] = field(default_factory=dict)
    waits: dict[str, EventAwaited] = field(default_factory=dict)  # by path

    @property
    def is_paused(self) -> bool:
        """Tell whether somebody holds it."""
        said = [isinstance(event, RunPaused) for event in self.events if isinstance(event, RunPaused | RunResumed | RunCancelled)]
        return bool(said) and said[-1]

    def follow(self, events: Sequence[RunEvent]) -> None:
        """Keep what the run waits for."""
        for event in events:
            match event:
                case EventAwaited():
                    self.waits[event.path] = event
                case EventArrived() | StepFailed() | StepSkipped():
                    self.waits.pop(event.path, None)
                case MainEnded() | RunEnded():
                    self.waits.clear()
                case _:
                    pass

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

    def tell(self, kind: Awaited, event: JsonObject, *, at: datetime, hook: str = "") -> list[RunId]:
        """Let an event happen: hand it to the runs that wait for it, each once, and return them."""
        told = []
        for run, row in self.runs.items():
            for path, awaited in list(row.waits.items()):
                if awaited.kind == kind and awaited.hook == hook and _accepts(awaited, event, at):
                    del row.waits[path]
                    self.signal(run, EventArrived(at=iso(at), path=path, event=event))
                    told.append(run)
        return told

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
        row.follow(append.events)
        for signal in append.consumed:
            row.signals.pop(signal, None)
        for child in append.children:
            parent = None if child.parent is None else (child.parent, child.parent_path)
            self.runs[child.id] = Row([child.started], parent=parent)
            self.woken.append(child.id)
        for child_run in append.cancels:
            if not self.runs[child_run].ended:
                at = append.events[-1].at if append.events else row.events[-1].at
                self.signal(child_run, RunCancelled(at=at, by="tocsin", reason="Nobody waits for it any more."))
        if row.ended:
            self._tell_parent(append.run, row, row.ended)
        if append.release and row.signals and not row.ended:
            return False
        if append.release:
            row.held, row.wake_at = False, None if row.is_paused else append.wake_at
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


def _accepts(awaited: EventAwaited, event: JsonObject, at: datetime) -> bool:
    if awaited.due is not None and iso(at) >= awaited.due:
        return False
    return awaited.filter is None or compile_condition(awaited.filter).test({**awaited.names, "event": event})
