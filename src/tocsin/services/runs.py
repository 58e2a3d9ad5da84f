"""Runs: start by hand, look, read the timeline."""

from collections.abc import Sequence

from tocsin.connectors.validation import filled, problems
from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import Invalid
from tocsin.core.ids import AlertId, Ids, RunId
from tocsin.core.values import Instant, JsonObject, iso
from tocsin.engine.events import RunStarted
from tocsin.playbook.plan import Plan
from tocsin.services.timeline import TimelineEntry, read_timeline
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.paging import Page
from tocsin.store.repos.runs import NewRun, Run, RunFilter
from tocsin.store.tx import Tx


def find_runs(tx: Tx, actor: Principal, *, where: RunFilter, limit: int = 50, after: str | None = None) -> Page[Run]:
    """Return a page of runs, newest first."""
    require(actor, Scope.RUNS_READ)
    return tx.runs.find(where, workspace=actor.workspace, limit=limit, after=after)


def get_run(tx: Tx, actor: Principal, *, id: RunId) -> Run:
    """Return one run; raises NotFound."""
    require(actor, Scope.RUNS_READ)
    return tx.runs.get(id, workspace=actor.workspace)


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
