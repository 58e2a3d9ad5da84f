"""Asks: list, look, answer."""

from typing import Annotated

from fastapi import Query

from tocsin.api.answers import record_answer
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.asks import AnswerIn, AskOut, AskQuery, AskSummary
from tocsin.api.schemas.base import PageOut
from tocsin.core.ids import AskId, RunId
from tocsin.services import asks
from tocsin.services.asks import Reply

router = api_router(tag="asks")


@router.get("/asks", summary="List asks", operation_id="list_asks")
async def list_asks(query: Annotated[AskQuery, Query()], parts: WithParts, actor: Actor) -> PageOut[AskSummary]:
    """Return a page of asks, newest first."""
    statuses, run = frozenset(query.status), RunId(query.run) if query.run else None
    page = await parts.units.read(lambda tx: asks.find_asks(tx, actor, statuses=statuses, run=run, limit=query.limit, after=query.after))
    found = [ask for ask in page.items if not query.mine or asks.is_asked(actor, ask.to)]
    return PageOut(items=[AskSummary.of(ask) for ask in found], next=page.next)


@router.get("/asks/{id}", summary="Get an ask", operation_id="get_ask", responses=refusals(404))
async def get_ask(id: str, parts: WithParts, actor: Actor) -> AskOut:
    """Return one ask with its answers so far."""
    return AskOut.of_file(await parts.units.read(lambda tx: asks.get_ask(tx, actor, id=AskId(id))))


@router.post(
    "/asks/{id}/answer",
    summary="Answer an ask",
    description="An answer is the caller's own. The answer that completes the quorum decides, and the run goes on.",
    operation_id="answer_ask",
    responses=refusals(404, 409),
)
async def answer_ask(id: str, answer: AnswerIn, parts: WithParts, actor: Actor) -> AskOut:
    """Answer an ask."""
    reply = Reply(answer.answer, answer.reason, answer.form, "api")
    return AskOut.of_file(await record_answer(parts, actor, AskId(id), reply))
