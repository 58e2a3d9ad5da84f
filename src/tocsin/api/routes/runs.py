"""Runs: start by hand, look, read the timeline."""

from typing import Annotated

from fastapi import Query

from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.base import PageOut
from tocsin.api.schemas.runs import RunIn, RunOut, RunQuery, TimelineOut
from tocsin.core.access import Scope, require
from tocsin.core.ids import AlertId, RunId
from tocsin.services import runs

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
