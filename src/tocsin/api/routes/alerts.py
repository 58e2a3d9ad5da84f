"""Alerts: in, the queue, close."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import msgspec
from fastapi import Query, Request, Response

from tocsin.api.parts import Parts
from tocsin.api.problems import UnsupportedMedia
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.alerts import AlertOut, AlertQuery, AlertSummary, Closing, IntakeOut
from tocsin.api.schemas.base import PageOut
from tocsin.api.strict_json import read_json
from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import Invalid
from tocsin.core.ids import AlertId
from tocsin.core.values import Json
from tocsin.services import triage
from tocsin.services.intake import Rejected
from tocsin.services.intake_report import IntakeReport, RejectedLine

BATCH = 500  # events a transaction
READ_IN_THREAD = 256 * 1024  # bytes; reading more would hold up everybody else
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
_EVENT = {"type": "object", "description": "One event, as the source writes it."}
_EXAMPLE = {"event_type": "alert", "timestamp": "2026-03-02T09:00:00.000000+0000", "src_ip": "192.0.2.7", "alert": {"severity": 1}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"oneOf": [_EVENT, {"type": "array", "items": _EVENT}]}, "example": _EXAMPLE},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One event a line."}},
        },
    }
}

router = api_router(tag="alerts")


@router.post(
    "/alerts/{source}",
    summary="Take alerts in",
    description="Answers when the alerts and the runs that they start are durable. In NDJSON a line that cannot be read is kept as an "
    "alert of its own and named in `rejected`; JSON that cannot be read is refused whole. Integers beyond 2^53 become texts.",
    operation_id="take_alerts",
    status_code=202,
    response_model=IntakeOut,
    responses=refusals(404, 413, 415, 429),
    openapi_extra=_BODY,
)
async def take_alerts(source: str, request: Request, parts: WithParts, actor: Actor) -> Response:
    """Take alerts in."""
    require(actor, Scope.ALERTS_WRITE)
    parts.sources.get(source)
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media in NDJSON:
        events, rejected = await _in_thread_if_long(body)
    elif media == "application/json":
        events, rejected = [*await read_events(body)], []
    else:
        raise UnsupportedMedia(f"'{media}' is not read here.", hint="Send application/json or application/x-ndjson.")
    report = await take(parts, source, events, actor)
    return Response(msgspec.json.encode(replace(report, rejected=tuple(rejected))), 202, media_type="application/json")


@router.get("/alerts", summary="List alerts", operation_id="list_alerts")
async def list_alerts(query: Annotated[AlertQuery, Query()], parts: WithParts, actor: Actor) -> PageOut[AlertSummary]:
    """Return a page of the queue."""
    queue = triage.Queue(query.where(), query.order, query.limit, query.after)
    page = await parts.units.read(lambda tx: triage.find_alerts(tx, actor, queue=queue))
    return PageOut(items=[AlertSummary.of(alert) for alert in page.items], next=page.next)


@router.get("/alerts/{id}", summary="Get an alert", operation_id="get_alert", responses=refusals(404))
async def get_alert(id: str, parts: WithParts, actor: Actor) -> AlertOut:
    """Return one alert."""
    return AlertOut.of(await parts.units.read(lambda tx: triage.get_alert(tx, actor, id=AlertId(id))))


@router.post("/alerts/{id}/close", summary="Close an alert", operation_id="close_alert", responses=refusals(404, 409))
async def close_alert(id: str, closing: Closing, parts: WithParts, actor: Actor) -> AlertOut:
    """Resolve an alert."""
    now = parts.clock()
    closed = await parts.units.write(
        lambda tx: triage.close_alert(tx, actor, id=AlertId(id), verdict=closing.verdict, reason=closing.reason, now=now)
    )
    parts.hub.tell("alert.closed", {"id": closed.id, "verdict": closed.verdict.value})
    return AlertOut.of(closed)


async def take(parts: Parts, source: str, events: "Sequence[Json | Rejected]", actor: Principal) -> IntakeReport:
    """Hand events to the intake, a batch a transaction so that a long one does not hold up the others."""
    if len(events) <= BATCH:
        return await parts.intake(source, events, actor)
    report = IntakeReport()
    for start in range(0, len(events), BATCH):
        report += await parts.intake(source, events[start : start + BATCH], actor)
    return report


async def read_events(body: bytes) -> list[Json]:
    """Read one event or an array of them; raises Invalid."""
    value = read_json(body) if len(body) < READ_IN_THREAD else await asyncio.to_thread(read_json, body)
    events: list[Json] = value if isinstance(value, list) else [value]
    for place, event in enumerate(events):
        if not isinstance(event, dict):
            where = f"Element {place} of the array" if isinstance(value, list) else "The body"
            raise Invalid(f"{where} is not an object.", hint="Send a JSON object, an array of them, or NDJSON.")
    return events


async def _in_thread_if_long(body: bytes) -> "tuple[list[Json | Rejected], list[RejectedLine]]":
    return read_lines(body) if len(body) < READ_IN_THREAD else await asyncio.to_thread(read_lines, body)


def read_lines(body: bytes) -> "tuple[list[Json | Rejected], list[RejectedLine]]":
    """Read NDJSON. A line that cannot be read is among the events as text, so that it is kept; empty lines are nothing."""
    events: list[Json | Rejected] = []
    rejected: list[RejectedLine] = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            event = read_json(line.rstrip(b"\r"))
            if not isinstance(event, dict):
                raise Invalid("The line is not an object.")
            events.append(event)
        except Invalid as error:
            events.append(Rejected(line.decode("utf-8", "replace"), error.message))
            rejected.append(RejectedLine(number, error.message))
    return events, rejected
