"""Do a dry run: the playbook is played on a stage, in a thread of its own; what it reads is read on the event loop."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from tocsin.core.access import Principal, Scope, require
from tocsin.core.effects import Effect
from tocsin.core.errors import Invalid
from tocsin.core.ids import AlertId, Ids, WorkspaceId
from tocsin.core.values import Instant, Json, JsonObject
from tocsin.engine.ports import ActionCall, Actions, Clock, Plans
from tocsin.playbook.plan import Plan
from tocsin.rehearsal.cast import Call
from tocsin.rehearsal.clock import StageClock
from tocsin.rehearsal.stage import Stage
from tocsin.services.delivery import whom
from tocsin.services.dryrun.cast import DryCast
from tocsin.services.dryrun.guardrails import Guardrails
from tocsin.services.dryrun.report import DryRun, report
from tocsin.services.dryrun.thread import in_own_thread
from tocsin.services.runs import checked_inputs
from tocsin.store.repos.audit import AuditLine
from tocsin.store.tx import Tx
from tocsin.store.units import Units


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to try: a plan with what it is started with. `answers`: step id -> option; without one the first option is taken."""

    plan: Plan
    inputs: JsonObject = field(default_factory=dict)
    alert: AlertId | None = None
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """What trials need of a server."""

    units: Units
    actions: Actions
    plans: Plans
    guardrails: Guardrails
    clock: Clock
    ids: Ids


async def dry_run(world: World, actor: Principal, wanted: Wanted) -> DryRun:
    """Show what a run would do. Nothing is written but a line of audit; raises NotFound, Invalid."""
    require(actor, Scope.RUNS_START)
    inputs = checked_inputs(wanted.plan, wanted.inputs)
    alert = await _alert(world, actor, wanted.alert)
    loop, now = asyncio.get_running_loop(), world.clock()
    spec = world.actions.spec
    cast = DryCast(spec, reader(world.actions, workspace=actor.workspace, loop=loop), world.guardrails, wanted.answers)
    clock = StageClock(now)
    stage = Stage(world.plans, spec=spec, cast=cast, clock=clock, ids=world.ids, workspace=actor.workspace, expect=cast.expect)
    trigger: JsonObject = {"kind": "dry-run", "by": actor.name, "user": actor.user}
    try:
        played = await in_own_thread(lambda: stage.play(wanted.plan, trigger=trigger, alert=alert, inputs=inputs))
    finally:
        for read in cast.reads.values():
            read.cancel()  # those that a play which was given up has left behind
    asked = [shown.ask for shown in cast.asks.values()]
    people = await world.units.read(
        lambda tx: {ask.ask: [one.name for one in whom(tx, ask.to, workspace=actor.workspace)] for ask in asked}
    )
    found = report(played, cast, people=people)
    await world.units.write(lambda tx: _note(tx, actor, wanted, found, now))
    return found


def reader(actions: Actions, *, workspace: WorkspaceId, loop: asyncio.AbstractEventLoop) -> "Callable[[Call], Future[Json]]":
    """Return how a stage in another thread begins a call of an action for real; only for what changes nothing."""

    def begin(call: Call) -> "Future[Json]":
        pending = call.pending
        # Whoever calls this has decided that it is a read; here it is seen to, once more, that it is.
        if pending.probe or pending.effect is not Effect.READ or not (call.is_code or actions.spec(call.action).effect is Effect.READ):
            raise Invalid(f"{call.action} is not a read, and nothing else is done here.", hint="This is a defect of Tocsin: report it.")
        request = ActionCall(
            run=call.run,
            workspace=workspace,
            path=call.path,
            action=call.action,
            connection=pending.connection,
            arguments=call.arguments,
            effect=pending.effect,
            key=pending.key,
            attempt=pending.attempt,
            timeout_s=pending.timeout_s,
            context=call.context,
        )
        return asyncio.run_coroutine_threadsafe(actions.execute(request), loop)

    return begin


async def _alert(world: World, actor: Principal, id: AlertId | None) -> JsonObject | None:
    if id is None:
        return None
    found = await world.units.read(lambda tx: tx.alerts.get(id, workspace=actor.workspace))
    return found.as_json()


def _note(tx: Tx, actor: Principal, wanted: Wanted, found: DryRun, now: Instant) -> None:
    details: JsonObject = {"digest": found.digest, "alert": wanted.alert, "outcome": found.outcome, **found.counts}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "run.dry", "playbook", found.playbook, details))
