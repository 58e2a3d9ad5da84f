"""Trials: dry runs, replays from a step, and two runs side by side."""

import asyncio

from tocsin.api.parts import Parts
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.trials import ComparisonOut, DryRunIn, DryRunOut, ReplayIn, ReplayOut
from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import Invalid, Unavailable
from tocsin.core.ids import AlertId, RunId
from tocsin.playbook.compile import compile_playbook
from tocsin.playbook.plan import Plan
from tocsin.services import replays, runs
from tocsin.services.dryrun.trial import Wanted, World, dry_run

router = api_router(tag="runs")


@router.post(
    "/runs/dry",
    summary="Try a run without changing anything",
    description="Reads are real. Writes and destructive actions are shown with their real arguments, the guardrails' verdict and the blast "
    "radius, and are not sent; asks are shown and answered with the first option; waits are not waited for.",
    operation_id="dry_run",
    responses=refusals(404, 503),
)
async def try_run(new: DryRunIn, parts: WithParts, actor: Actor) -> DryRunOut:
    """Show what a run would do."""
    require(actor, Scope.RUNS_START)
    plan = parts.plans.current(new.playbook) if new.text is None else await draft(parts, actor, new.playbook, new.text)
    wanted = Wanted(plan, new.inputs, AlertId(new.alert) if new.alert else None, new.answers)
    return DryRunOut.of(await dry_run(world_of(parts), actor, wanted))


@router.post(
    "/runs/{id}/replay",
    summary="Go on from a step of an old run",
    description="A new run: the results of the steps before `from` are taken over, that step and those behind it are done anew. "
    "An effect before it is never done again. `repeats` names the effects behind it that the old run has done already.",
    operation_id="replay_run",
    status_code=201,
    responses=refusals(404, 409),
)
async def replay(id: str, new: ReplayIn, parts: WithParts, actor: Actor) -> ReplayOut:
    """Start a new run from a step of an old one."""
    require(actor, Scope.RUNS_START)
    old = await parts.units.read(lambda tx: runs.get_run(tx, actor, id=RunId(id)))
    before = await asyncio.to_thread(parts.plans.by_digest, old.digest)
    plan = await version_of(parts, new.version, same=before)
    wanted, now = replays.ReplayFrom(before, plan, new.from_path, new.inputs), parts.clock()
    found = await parts.units.write(lambda tx: replays.replay_run(tx, actor, id=RunId(id), wanted=wanted, now=now, ids=parts.ids))
    parts.hub.tell("run.started", {"id": found.run.id, "playbook": found.run.playbook})
    return ReplayOut.of_replay(found)


@router.get(
    "/runs/{id}/compare/{other}",
    summary="Compare two runs step by step",
    operation_id="compare_runs",
    responses=refusals(404),
)
async def compare(id: str, other: str, parts: WithParts, actor: Actor) -> ComparisonOut:
    """Return where two runs differ."""
    return ComparisonOut.of(await parts.units.read(lambda tx: replays.compare_runs(tx, actor, first=RunId(id), second=RunId(other))))


async def draft(parts: Parts, actor: Principal, id: str, text: str) -> Plan:
    """Return the plan of a text that nobody has saved; raises PlaybookInvalid with all that is wrong with it."""
    require(actor, Scope.PLAYBOOKS_WRITE)  # its reads go out with the workspace's credentials, as those of a saved one do
    return await asyncio.to_thread(compile_playbook, text, file=f"{id}.yaml", catalogue=parts.catalogue)


async def version_of(parts: Parts, version: str, *, same: Plan) -> Plan:
    """Return the plan that `same`, `published` or a digest means; raises PlaybookNotFound, Invalid."""
    match version:
        case "same":
            return same
        case "published":
            return parts.plans.current(same.id)
        case _:
            found = await asyncio.to_thread(parts.plans.by_digest, version)
            if found.id != same.id:
                raise Invalid(f"The version {version[:12]} is one of '{found.id}', not of '{same.id}'.", hint="Name another version.")
            return found


def world_of(parts: Parts) -> World:
    """Return what trials need; raises Unavailable."""
    if parts.actions is None:
        raise Unavailable("This server has no connectors to read with.", hint="Start it with `tocsin up`.")
    return World(parts.units, parts.actions, parts.plans, parts.guardrails, parts.clock, parts.ids)
