"""Cases: open, look, change, note, close, report."""

import secrets
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from tocsin.api.pages import report_response
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.alerts import Closing
from tocsin.api.schemas.base import PageOut
from tocsin.api.schemas.cases import CaseChangeIn, CaseIn, CaseOut, CaseQuery, CaseSummary, EntryOut, NoteIn
from tocsin.core.ids import CaseId
from tocsin.services import cases, reports

router = api_router(tag="cases")


@router.get("/cases", summary="List cases", operation_id="list_cases")
async def list_cases(query: Annotated[CaseQuery, Query()], parts: WithParts, actor: Actor) -> PageOut[CaseSummary]:
    """Return a page of cases, newest first."""
    where = query.where()
    page = await parts.units.read(lambda tx: cases.find_cases(tx, actor, where=where, limit=query.limit, after=query.after))
    return PageOut(items=[CaseSummary.of(case) for case in page.items], next=page.next)


@router.post("/cases", summary="Open a case", operation_id="open_case", status_code=201, responses=refusals(404))
async def open_case(new: CaseIn, parts: WithParts, actor: Actor) -> CaseSummary:
    """Open a case over some alerts, or over none."""
    now, news = parts.clock(), parts.case_news()
    case = await parts.units.write(lambda tx: cases.open_case(tx, actor, new=new.new(), now=now, ids=parts.ids, news=news))
    parts.hub.tell("case.opened", {"id": case.id})
    return CaseSummary.of(case)


@router.get("/cases/{id}", summary="Get a case", operation_id="get_case", responses=refusals(404))
async def get_case(id: str, parts: WithParts, actor: Actor) -> CaseOut:
    """Return a case with its timeline, alerts and observables."""
    return CaseOut.of_file(await parts.units.read(lambda tx: cases.get_case(tx, actor, id=CaseId(id))))


@router.patch(
    "/cases/{id}",
    summary="Change a case",
    description="What is left out stays as it is. A status other than closed reopens a closed case.",
    operation_id="change_case",
    responses=refusals(404),
)
async def change_case(id: str, change: CaseChangeIn, parts: WithParts, actor: Actor) -> CaseSummary:
    """Change what is known of a case, or reopen it."""
    now, news = parts.clock(), parts.case_news()
    changed = await parts.units.write(lambda tx: cases.change_case(tx, actor, id=CaseId(id), change=change.change(), now=now, news=news))
    parts.hub.tell("case.changed", {"id": changed.id})
    return CaseSummary.of(changed)


@router.post("/cases/{id}/close", summary="Close a case", operation_id="close_case", responses=refusals(404, 409))
async def close_case(id: str, closing: Closing, parts: WithParts, actor: Actor) -> CaseSummary:
    """Close a case with what it turned out to be."""
    now, news = parts.clock(), parts.case_news()
    closed = await parts.units.write(
        lambda tx: cases.close_case(tx, actor, id=CaseId(id), verdict=closing.verdict, reason=closing.reason, now=now, news=news)
    )
    parts.hub.tell("case.closed", {"id": closed.id, "verdict": closed.verdict.value})
    return CaseSummary.of(closed)


@router.post("/cases/{id}/notes", summary="Note something on a case", operation_id="note_case", status_code=201, responses=refusals(404))
async def note_case(id: str, note: NoteIn, parts: WithParts, actor: Actor) -> EntryOut:
    """Add a note to a case's timeline."""
    now = parts.clock()
    entry = await parts.units.write(lambda tx: cases.note_case(tx, actor, id=CaseId(id), text=note.text, now=now))
    parts.hub.tell("case.noted", {"id": id})
    return EntryOut.of(entry)


@router.get(
    "/cases/{id}/report",
    summary="Get a case's report",
    description="A page that stands alone and prints well; what it quotes is inert.",
    operation_id="get_case_report",
    response_class=HTMLResponse,
    responses=refusals(404),
)
async def get_case_report(id: str, parts: WithParts, actor: Actor) -> HTMLResponse:
    """Return a case's report as HTML."""
    now = parts.clock()
    report = await parts.units.read(lambda tx: reports.case_report(tx, actor, id=CaseId(id), now=now))
    return report_response(report, nonce=secrets.token_urlsafe(16))
