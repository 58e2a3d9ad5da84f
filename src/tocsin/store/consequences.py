"""What the events of an append mean to the rest of the store: asks, waits for events, runs that are started or cancelled."""

from collections.abc import Sequence

from tocsin.core.errors import LeaseLost
from tocsin.core.ids import AskId, RunId
from tocsin.core.values import Instant, iso, parse_instant
from tocsin.engine.events import (
    AskAnswered,
    AskClosed,
    CallEnded,
    EventArrived,
    EventAwaited,
    MainEnded,
    RunCancelled,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    StepFailed,
    StepSkipped,
)
from tocsin.engine.ports import Append
from tocsin.store.repos.runs import NewRun
from tocsin.store.tx import Tx

NOBODY = "tocsin"  # who cancels the run of a step that was given up


class Overtaken(LeaseLost):
    """What a deadline waited for has come just before the deadline was applied; internal to the journal."""


def pausing(events: Sequence[RunEvent]) -> bool | None:
    """Tell whether the events leave a run paused; None when they say nothing of it."""
    said = [isinstance(event, RunPaused) for event in events if isinstance(event, RunPaused | RunResumed | RunCancelled)]
    return said[-1] if said else None


def carry_out(tx: Tx, append: Append, *, now: Instant) -> None:
    """Do what the events say; raises Overtaken."""
    if append.children:
        tx.runs.insert(
            [NewRun(child.id, append.workspace, child.started, child.parent, child.parent_path) for child in append.children],
            lease=None,
        )
    for event in append.events:
        _carry_out(tx, append, event, now=now)
    for run in append.cancels:
        tx.runs.signal(run, RunCancelled(at=iso(now), by=NOBODY, reason=f"The run {append.run} does not wait for it any more."), at=now)


def finish(tx: Tx, append: Append, ended: RunEnded, *, now: Instant) -> None:
    """Leave nothing behind that belongs to a run that has ended, and tell the run that waits for it."""
    tx.runs.drop_signals(append.run)
    tx.waits.drop_of_run(append.run)
    for ask in tx.asks.void_of_run(append.run):
        tx.outbox.withdraw(ask, workspace=append.workspace, at=now, reason="The run that asks is over.")
    parent = tx.runs.parent_of(append.run)
    if parent is not None:
        id, path = parent
        told = CallEnded(at=ended.at, path=path, run=append.run, outcome=ended.outcome, outputs=ended.outputs, reason=ended.reason)
        tx.runs.signal(id, told, at=now)


def _carry_out(tx: Tx, append: Append, event: RunEvent, *, now: Instant) -> None:
    match event:
        case AskAnswered():
            is_decided = tx.asks.decide(AskId(event.ask), answer=event.answer, by=event.by, at=parse_instant(event.at))
            if event.by is None and not is_decided and tx.runs.has_signals(append.run):
                raise Overtaken(f"The ask {event.ask} was answered just before its deadline.", hint="Drop the run; it is read anew.")
        case AskClosed():
            if _has_answered(tx, append, event.ask):
                raise Overtaken(f"The ask {event.ask} was answered just before it was closed.", hint="Drop the run; it is read anew.")
            if tx.asks.close(AskId(event.ask), reason=event.reason, at=parse_instant(event.at)):
                tx.outbox.withdraw(event.ask, workspace=append.workspace, at=now, reason=f"The ask was closed: {event.reason}")
        case EventAwaited():
            tx.waits.add(append.run, event, workspace=append.workspace)
        case EventArrived() | StepFailed():
            is_deadline = isinstance(event, StepFailed) or event.event is None
            if not tx.waits.drop(append.run, event.path) and is_deadline and _has_arrived(tx, append.run, event.path):
                raise Overtaken(
                    f"The event that {event.path} waits for came just before its deadline.", hint="Drop the run; it is read anew."
                )
        case StepSkipped():
            tx.waits.drop(append.run, event.path)  # the wait was given up
        case MainEnded():
            tx.waits.drop_of_run(append.run)  # the steps of `finally` come after it, with waits of their own
        case _:
            pass


def _has_answered(tx: Tx, append: Append, ask: str) -> bool:
    """Tell whether an answer waits that the append knows nothing of."""
    return any(
        isinstance(event, AskAnswered) and event.ask == ask and signal not in append.consumed
        for signal, event in tx.runs.signals([append.run])[append.run]
    )


def _has_arrived(tx: Tx, run: RunId, path: str) -> bool:
    return any(isinstance(event, EventArrived) and event.path == path for _, event in tx.runs.signals([run])[run])
