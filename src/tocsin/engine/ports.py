"""What the driver needs from the world; implemented in `store` and `connectors`, faked in `testing`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tocsin.core.effects import ActionSpec, Effect, Probe
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import AskOpened, RunEvent, RunStarted, Signal
from tocsin.playbook.plan import Plan


class Clock(Protocol):
    """Tell the time, aware and in UTC."""

    def __call__(self) -> datetime:
        """Return the current instant."""
        ...


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that this worker holds. `events` has every event so far, in order; the next sequence number is len(events) + 1.

    `signals` are what came from outside and is not in the journal yet: (signal id, event).
    """

    id: RunId
    workspace: WorkspaceId
    epoch: int
    events: tuple[RunEvent, ...]
    signals: tuple[tuple[int, Signal], ...] = ()


@dataclass(frozen=True, slots=True)
class ChildRun:
    """A run to create in the transaction that appends its CallStarted or UndoScheduled.

    `parent` is None when nobody waits for it; otherwise its end leaves a CallEnded signal there.
    """

    id: RunId
    parent: RunId | None
    parent_path: str
    started: RunStarted


@dataclass(frozen=True, slots=True)
class Append:
    """What one transaction writes for one run.

    `release`: the run waits or has ended, so the lease goes back; then `wake_at` says when it must be looked at again, if at all.
    A run that has ended and has a parent leaves a CallEnded signal for it and enqueues it, in the same transaction.
    An EventAwaited registers the run for the event, until an EventArrived or its end; an AskClosed closes the ask.
    `cancels`: runs, of children that nobody waits for any more, to which a RunCancelled signal goes.
    """

    run: RunId
    workspace: WorkspaceId
    epoch: int
    first_seq: int
    events: tuple[RunEvent, ...]
    consumed: tuple[int, ...] = ()
    children: tuple[ChildRun, ...] = ()
    asks_opened: tuple[AskOpened, ...] = ()
    cancels: tuple[RunId, ...] = ()
    release: bool = False
    wake_at: datetime | None = None


class Journal(Protocol):
    """The append-only history of runs."""

    async def claim(self, runs: Sequence[RunId]) -> list[ClaimedRun]:
        """Lease the runs that nobody holds and that have not ended, and load them; others are left out."""
        ...

    async def append(self, append: Append) -> bool:
        """Write durably; raise LeaseLost when another worker has the run.

        Return False, and keep the lease, when `release` was asked but signals have arrived since: `signals` has them.
        """
        ...

    async def signals(self, run: RunId) -> tuple[tuple[int, Signal], ...]:
        """Load the run's signals that are not consumed yet."""
        ...

    async def renew(self, runs: Sequence[tuple[RunId, int]]) -> list[RunId]:
        """Extend leases of (run, epoch); return the runs that are lost."""
        ...


class Dispatcher(Protocol):
    """Make `advance` be called, here or on another worker, now or later."""

    async def enqueue(self, runs: Sequence[RunId]) -> None:
        """Enqueue an advance of the runs, durably."""
        ...


class Plans(Protocol):
    """The compiled versions of playbooks."""

    def by_digest(self, digest: str) -> Plan:
        """Return the plan of one version; raises PlaybookNotFound."""
        ...

    def current(self, playbook: str) -> Plan:
        """Return the published plan of a playbook; raises PlaybookNotFound."""
        ...


@dataclass(frozen=True, slots=True)
class ActionCall:
    """One attempt at one action."""

    run: RunId
    workspace: WorkspaceId
    path: str
    action: str
    connection: str | None
    arguments: JsonObject
    effect: Effect
    key: str
    attempt: int
    timeout_s: float | None
    context: JsonObject = field(default_factory=dict)  # {"alert": id | None, "case": id | None, "playbook": id}


class Actions(Protocol):
    """Connectors, as the engine sees them."""

    def spec(self, action: str) -> ActionSpec:
        """Return what the action declares; raises PackNotFound or ActionNotFound."""
        ...

    async def execute(self, call: ActionCall) -> Json:
        """Do it. Raises Transient, AuthFailed, Invalid, NotFound, Unavailable (nothing happened) or OutcomeUnknown."""
        ...

    async def probe(self, call: ActionCall) -> Probe:
        """Find out whether an earlier attempt happened, for `on_unknown: verify`."""
        ...
