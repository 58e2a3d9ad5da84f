"""What has just happened, as server-sent events."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from fastapi import Request
from fastapi.responses import StreamingResponse

from tocsin.api.auth import Authenticator
from tocsin.api.parts import Parts
from tocsin.api.routing import Actor, WithAuthenticator, WithParts, api_router
from tocsin.core.access import Principal, Scope
from tocsin.core.errors import TocsinError
from tocsin.services.hub import News

HEARTBEAT_S = 15.0
_SCOPES = {
    "alert": Scope.ALERTS_READ,
    "case": Scope.CASES_READ,
    "run": Scope.RUNS_READ,
    "ask": Scope.ASKS_READ,
    "playbook": Scope.PLAYBOOKS_READ,
}
_DOCUMENTED = {
    "content": {"text/event-stream": {"schema": {"type": "string"}, "example": 'id: 7\nevent: alert.new\ndata: {"id":"alr_01"}\n\n'}},
    "description": "Events until the caller goes; a comment every 15 seconds.",
}

router = api_router(tag="events")


@router.get(
    "/events",
    summary="Follow what happens",
    description="Server-sent events `noun.verb`. Send Last-Event-ID to get what was missed, as far as it is kept.",
    operation_id="follow_events",
    response_class=StreamingResponse,
    responses={200: _DOCUMENTED},
)
async def follow_events(request: Request, parts: WithParts, authenticator: WithAuthenticator, actor: Actor) -> StreamingResponse:
    """Send events as they come."""
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdecimal() and len(last) < 19 else None
    return StreamingResponse(_lines(request, parts, authenticator, actor, after), media_type="text/event-stream")


async def _lines(request: Request, parts: Parts, authenticator: Authenticator, actor: Principal, after: int | None) -> AsyncIterator[bytes]:
    yield b": tocsin\n\n"
    events = parts.hub.listen(after)
    waiting: asyncio.Task[News] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT_S)
            if not done:
                # Whoever was let in may be let in no more.
                await authenticator.caller(request, method="GET")
                yield b": still here\n\n"
                continue
            event, waiting = waiting.result(), None
            if _may_see(actor, event):
                yield _line(event)
    except (StopAsyncIteration, TocsinError):
        return
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting


async def _next(events: AsyncIterator[News]) -> News:
    return await anext(events)


def _may_see(actor: Principal, event: News) -> bool:
    if event.type == "gap":  # it tells nothing but that something was missed
        return True
    scope = _SCOPES.get(event.type.partition(".")[0])
    return scope is not None and scope in actor.scopes


def _line(event: News) -> bytes:
    return f"id: {event.id}\nevent: {event.type}\ndata: ".encode() + msgspec.json.encode(event.data) + b"\n\n"
