"""Runs: start by hand, look, read the timeline; cancel, pause, resume."""

from collections.abc import Sequence
from typing import TypeAlias

from tocsin.connectors.validation import filled, problems
from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import Conflict, Invalid
from tocsin.core.ids import AlertId, Ids, RunId
from tocsin.core.values import Instant, JsonObject, iso, parse_instant
from tocsin.engine.events import RunCancelled, RunEvent, RunPaused, RunResumed, RunStarted
from tocsin.playbook.plan import Plan
from tocsin.services.timeline import TimelineEntry, read_timeline
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.paging import Page
from tocsin.store.repos.runs import OPEN, NewRun, Run, RunFilter, RunStatus
from tocsin.store.tx import Tx

Control: TypeAlias = RunCancelled | RunPaused | RunResumed


def find_runs(tx: Tx, actor: Principal, *, where: RunFilter, limit: int = 50, after: str | None = None) -> Page[Run]:
    """Return a page of runs, newest first."""
    require(actor, Scope.RUNS_READ)
    return tx.runs.find(where, workspace=actor.workspace, limit=limit, after=after)


def get_run(tx: Tx, actor: Principal, *, id: RunId) -> Run:
    """Return one run; raises NotFound."""
    require(actor, Scope.RUNS_READ)
    return tx.runs.get(id, workspace=actor.workspace)


def get_events(tx: Tx, actor: Principal, *, id: RunId, after_seq: int, limit: int) -> list[tuple[int, RunEvent]]:
    """Return some of a run's events with their numbers, in order; raises NotFound, JournalCorrupt."""
    require(actor, Scope.RUNS_READ)
    return tx.runs.events(id, workspace=actor.workspace, after_seq=after_seq)[:limit]


def get_timeline(tx: Tx, actor: Principal, *, id: RunId) -> tuple[Run, list[TimelineEntry]]:
    """Return a run and what happened in it; raises NotFound, JournalCorrupt."""
    require(actor, Scope.RUNS_READ)
    run = tx.runs.get(id, workspace=actor.workspace)
    return run, read_timeline([event for _, event in tx.runs.events(id, workspace=actor.workspace)])


def start_run(tx: Tx, actor: Principal, *, plan: Plan, inputs: JsonObject, alert: AlertId | None, now: Instant, ids: Ids) -> Run:
    """Start a playbook by hand, perhaps on an alert; raises NotFound, Invalid when the inputs do not fit."""
    require(actor, Scope.RUNS_START)
    given = checked_inputs(plan, inputs)
    described = None if alert is None else tx.alerts.get(alert, workspace=actor.workspace).as_json()
    started = RunStarted(
        at=iso(now),
        playbook=plan.id,
        digest=plan.digest,
        trigger={"kind": "manual", "by": actor.name, "user": actor.user},
        alert=described,
        inputs=given,
    )
    run = NewRun(RunId(ids("run")), actor.workspace, started)
    tx.runs.insert([run], lease=None)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "run.start", "run", run.id, {"playbook": plan.id, "digest": plan.digest}))
    return tx.runs.get(run.id, workspace=actor.workspace)


def cancel_run(tx: Tx, actor: Principal, *, id: RunId, reason: str, now: Instant) -> Run:
    """End a run: nothing new starts, what is under way is waited for, and its `finally` runs.

    Raises NotFound, and Conflict for a run that is over. A run that is cancelled already is left as it is.
    """
    require(actor, Scope.RUNS_CONTROL)
    run = tx.runs.get(id, workspace=actor.workspace)
    if run.status is RunStatus.CANCELLED:
        return run
    _refuse_ended(run)
    _, is_cancelled = tx.runs.standing(id)
    if is_cancelled:
        return run
    return _control(tx, actor, run, RunCancelled(at=iso(now), by=actor.name, reason=reason), action="run.cancel", reason=reason)


def pause_run(tx: Tx, actor: Principal, *, id: RunId, reason: str, now: Instant) -> Run:
    """Hold a run: nothing new starts until it is resumed, and no time wakes it. What comes for it meanwhile is kept.

    Raises NotFound, and Conflict for a run that is over or being cancelled. A run that is paused already is left as it is.
    """
    require(actor, Scope.RUNS_CONTROL)
    run = tx.runs.get(id, workspace=actor.workspace)
    _refuse_ended(run)
    is_paused, is_cancelled = tx.runs.standing(id)
    if is_cancelled:
        raise Conflict(f"The run '{id}' is being cancelled.", hint="What is left of it is its clean-up; let it end.")
    if is_paused:
        return run
    return _control(tx, actor, run, RunPaused(at=iso(now), by=actor.name, reason=reason), action="run.pause", reason=reason)


def resume_run(tx: Tx, actor: Principal, *, id: RunId, reason: str, now: Instant) -> Run:
    """Let a paused run go on; raises NotFound, and Conflict for a run that is over. One that is not paused is left as it is."""
    require(actor, Scope.RUNS_CONTROL)
    run = tx.runs.get(id, workspace=actor.workspace)
    _refuse_ended(run)
    is_paused, _ = tx.runs.standing(id)
    if not is_paused:
        return run
    return _control(tx, actor, run, RunResumed(at=iso(now), by=actor.name), action="run.resume", reason=reason)


def _refuse_ended(run: Run) -> None:
    if run.status not in OPEN:
        raise Conflict(f"The run '{run.id}' is over ({run.status.value}).", hint="Start the playbook anew if it must be done again.")


def _control(tx: Tx, actor: Principal, run: Run, event: Control, *, action: str, reason: str) -> Run:
    """Hand the event to the run, wake it, and say so in the audit."""
    at = parse_instant(event.at)
    tx.runs.signal(run.id, event, at=at)
    tx.audit.add(AuditLine(actor.workspace, at, actor.user, action, "run", run.id, {"reason": reason}))
    return tx.runs.get(run.id, workspace=run.workspace)


def checked_inputs(plan: Plan, inputs: JsonObject) -> JsonObject:
    """Return a plan's inputs with defaults filled in; raises Invalid that names every input with a problem."""
    given = filled(inputs, plan.inputs)
    found = [*_unknown(plan, inputs), *problems(given, plan.inputs)]
    if found or not isinstance(given, dict):
        raise Invalid(f"The inputs of '{plan.id}' do not fit: {'; '.join(found)}.", hint="See `inputs` of the playbook.")
    return given


def _unknown(plan: Plan, inputs: JsonObject) -> Sequence[str]:
    known = plan.inputs.get("properties")
    names = known if isinstance(known, dict) else {}
    return [f"{name}: the playbook has no such input" for name in inputs if name not in names]
