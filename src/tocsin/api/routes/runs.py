"""Runs: start by hand, look, read the timeline; cancel, pause, resume."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from fastapi import Query

from tocsin.api.parts import Parts
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.base import PageOut
from tocsin.api.schemas.runs import ControlIn, RunEventOut, RunEventQuery, RunIn, RunOut, RunQuery, TimelineOut
from tocsin.core.access import Scope, require
from tocsin.core.ids import AlertId, RunId
from tocsin.services import runs
from tocsin.store.repos.runs import Run
from tocsin.store.tx import Tx

router = api_router(tag="runs")


@router.get("/runs", summary="List runs", operation_id="list_runs")
async def list_runs(query: Annotated[RunQuery, Query()], parts: WithParts, actor: Actor) -> PageOut[RunOut]:
    """Return a page of runs, newest first."""
    where = query.where()
    page = await parts.units.read(lambda tx: runs.find_runs(tx, actor, where=where, limit=query.limit, after=query.after))
    return PageOut(items=[RunOut.of(run) for run in page.items], next=page.next)


@router.post("/runs", summary="Start a run by hand", operation_id="start_run", status_code=201, responses=refusals(404))
async def start_run(new: RunIn, parts: WithParts, actor: Actor) -> RunOut:
    """Start a published playbook, perhaps on an alert."""
    require(actor, Scope.RUNS_START)
    plan = parts.plans.current(new.playbook)
    now, alert = parts.clock(), AlertId(new.alert) if new.alert else None
    run = await parts.units.write(lambda tx: runs.start_run(tx, actor, plan=plan, inputs=new.inputs, alert=alert, now=now, ids=parts.ids))
    parts.hub.tell("run.started", {"id": run.id, "playbook": run.playbook})
    return RunOut.of(run)


@router.get("/runs/{id}", summary="Get a run", operation_id="get_run", responses=refusals(404))
async def get_run(id: str, parts: WithParts, actor: Actor) -> RunOut:
    """Return one run."""
    return RunOut.of(await parts.units.read(lambda tx: runs.get_run(tx, actor, id=RunId(id))))


@router.get("/runs/{id}/timeline", summary="Get what happened in a run", operation_id="get_run_timeline", responses=refusals(404))
async def get_run_timeline(id: str, parts: WithParts, actor: Actor) -> TimelineOut:
    """Return a run with a line for each event."""
    run, entries = await parts.units.read(lambda tx: runs.get_timeline(tx, actor, id=RunId(id)))
    return TimelineOut.of(run, entries)


@router.get("/runs/{id}/events", summary="Get a run's journal", operation_id="get_run_events", responses=refusals(404))
async def get_run_events(id: str, query: Annotated[RunEventQuery, Query()], parts: WithParts, actor: Actor) -> PageOut[RunEventOut]:
    """Return a page of what the engine noted, in order: the run is these events and nothing else."""
    found = await parts.units.read(lambda tx: runs.get_events(tx, actor, id=RunId(id), after_seq=query.after, limit=query.limit))
    items = [RunEventOut(seq=seq, event=msgspec.to_builtins(event)) for seq, event in found]
    return PageOut(items=items, next=str(found[-1][0]) if len(found) == query.limit else None)


@router.post(
    "/runs/{id}/cancel",
    summary="Cancel a run",
    description="Nothing new starts, what is under way is waited for, and the steps of `finally` run. It may take a moment.",
    operation_id="cancel_run",
    responses=refusals(404, 409),
)
async def cancel_run(id: str, control: ControlIn, parts: WithParts, actor: Actor) -> RunOut:
    """Cancel a run."""
    now = parts.clock()
    return await _controlled(parts, lambda tx: runs.cancel_run(tx, actor, id=RunId(id), reason=control.reason, now=now))


@router.post(
    "/runs/{id}/pause",
    summary="Pause a run",
    description="Nothing new starts until it is resumed; answers and events that come meanwhile are kept.",
    operation_id="pause_run",
    responses=refusals(404, 409),
)
async def pause_run(id: str, control: ControlIn, parts: WithParts, actor: Actor) -> RunOut:
    """Pause a run."""
    now = parts.clock()
    return await _controlled(parts, lambda tx: runs.pause_run(tx, actor, id=RunId(id), reason=control.reason, now=now))


@router.post("/runs/{id}/resume", summary="Resume a paused run", operation_id="resume_run", responses=refusals(404, 409))
async def resume_run(id: str, control: ControlIn, parts: WithParts, actor: Actor) -> RunOut:
    """Let a paused run go on."""
    now = parts.clock()
    return await _controlled(parts, lambda tx: runs.resume_run(tx, actor, id=RunId(id), reason=control.reason, now=now))


async def _controlled(parts: Parts, control: Callable[[Tx], Run]) -> RunOut:
    run = await parts.units.write(control)
    parts.hub.tell("run", {"id": run.id, "events": []})
    return RunOut.of(run)
