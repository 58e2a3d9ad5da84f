"""Backtests: a playbook over stored alerts, as one report or as a stream."""

from collections.abc import AsyncIterator

import msgspec
from fastapi import Request
from fastapi.responses import StreamingResponse

from tocsin.api.parts import Parts
from tocsin.api.routes.alerts import NDJSON
from tocsin.api.routes.trials import draft, version_of, world_of
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.backtests import MOST_ALERTS, BacktestIn, BacktestOut
from tocsin.core.access import Principal, Scope, require
from tocsin.core.values import JsonObject
from tocsin.playbook.plan import Plan
from tocsin.services.backtest.backtest import Wanted, backtest
from tocsin.services.backtest.cast import Reads
from tocsin.services.backtest.result import AlertResult, Totals
from tocsin.services.backtest.window import instant_of

router = api_router(tag="playbooks")


@router.post(
    "/playbooks/{id}/backtest",
    summary="Play a version over stored alerts",
    description="Effects are never sent. Reads and answers are those that were recorded. With `Accept: application/x-ndjson` there is a "
    'line an alert and a last one with `{"totals": …}`, and no limit; otherwise one report.',
    operation_id="backtest_playbook",
    response_model=BacktestOut,
    responses=refusals(404, 503),
)
async def backtest_playbook(id: str, new: BacktestIn, request: Request, parts: WithParts, actor: Actor) -> BacktestOut | StreamingResponse:
    """Show what a version would have done."""
    for scope in (Scope.ALERTS_READ, Scope.RUNS_READ, Scope.PLAYBOOKS_READ):
        require(actor, scope)
    if new.reads is Reads.LIVE:
        require(actor, Scope.RUNS_START)
    streams = request.headers.get("accept", "").partition(";")[0].strip().lower() in NDJSON
    wanted = await wanted_of(id, new, parts, actor, most=None if streams else MOST_ALERTS)
    totals = Totals()
    pages = backtest(world_of(parts), actor, wanted, totals)
    if streams:
        lines = lines_of(wanted, pages, totals)
        first = await anext(lines)  # what is wrong with the request is said before the stream begins
        return StreamingResponse(_encoded(first, lines), media_type="application/x-ndjson")
    alerts = [one.as_json() async for page in pages for one in page]
    more = wanted.limit is not None and totals.considered >= wanted.limit
    return BacktestOut.model_validate({**wanted.as_json(), "totals": totals.as_json(), "more": more, "alerts": alerts})


async def wanted_of(id: str, new: BacktestIn, parts: Parts, actor: Principal, *, most: int | None) -> Wanted:
    """Return what is asked for, with at most `most` alerts; raises PlaybookNotFound, PlaybookInvalid, Invalid."""
    now = parts.clock()
    plan = await draft(parts, actor, id, new.text) if new.text is not None else await _version(parts, new.version, id)
    limit = new.limit if most is None else min(new.limit or most, most)
    return Wanted(
        plan=plan,
        since=instant_of(new.since, now=now),
        until=None if new.until is None else instant_of(new.until, now=now),
        against=None if new.against is None else await _version(parts, new.against, id),
        reads=new.reads,
        limit=limit,
    )


async def _version(parts: Parts, version: str, id: str) -> Plan:
    return parts.plans.current(id) if version == "published" else await version_of(parts, version, same=parts.plans.current(id))


async def lines_of(wanted: Wanted, pages: AsyncIterator[list[AlertResult]], totals: Totals) -> AsyncIterator[JsonObject]:
    """Yield a backtest line by line: the head, a line an alert, the totals."""
    has_begun = False
    async for page in pages:
        if not has_begun:
            has_begun = True
            yield wanted.as_json()
        for one in page:
            yield one.as_json()
    yield {"totals": totals.as_json()}


async def _encoded(first: JsonObject, lines: AsyncIterator[JsonObject]) -> AsyncIterator[bytes]:
    encode = msgspec.json.Encoder().encode
    yield encode(first) + b"\n"
    async for line in lines:
        yield encode(line) + b"\n"
