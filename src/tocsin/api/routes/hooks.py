"""Webhooks of vendors."""

import structlog
from fastapi import Request, Response

from tocsin.api.parts import Parts
from tocsin.api.routes.alerts import read_events
from tocsin.api.routing import WithParts, api_router, refusals
from tocsin.api.schemas.health import HookOut
from tocsin.core.errors import CredentialMissing, NotFound
from tocsin.core.values import Json
from tocsin.services import hooks
from tocsin.services.hooks import Duplicate, Hook

log = structlog.get_logger()
router = api_router(tag="hooks")
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


@router.post(
    "/hooks/{source}",
    summary="Take a vendor's webhook in",
    description="Proved by the vendor's signature as the source's pack describes it, else by the header X-Tocsin-Secret. "
    "A delivery with a signed timestamp counts once and for five minutes.",
    operation_id="take_hook",
    status_code=202,
    response_model=HookOut,
    responses={200: {"model": HookOut, "description": "It was taken in before"}, **refusals(401, 404, 413, 422, 503)},
    openapi_extra=_BODY,
)
async def take_hook(source: str, request: Request, response: Response, parts: WithParts) -> HookOut:
    """Take a delivery in: its alerts, and the playbooks that this hook starts."""
    hook = _hook(parts, source)
    body = await request.body()
    now = parts.clock()
    delivery = hooks.check_delivery(hook, headers=request.headers, body=body, now=now)
    events = await read_events(body)
    first: Json = events[0] if len(events) == 1 else [one for one in events if isinstance(one, dict)]
    unit = hooks.receive(hook, delivery=delivery, plans=parts.plans.on_webhook(source), body=first, now=now, ids=parts.ids)
    try:
        report = await parts.intake(source, events, hook.principal(), also=unit)
    except Duplicate:
        response.status_code = 200
        return HookOut(duplicate=True, received=len(events), alerts=0, folded=0)
    return HookOut(duplicate=False, received=report.received, alerts=report.alerts, folded=report.folded)


def _hook(parts: Parts, source: str) -> Hook:
    try:
        pack = parts.sources.get(source).pack
    except NotFound:
        # Anybody may ask, so the names of the others are not told.
        raise NotFound("There is no such webhook.") from None
    try:
        secret = parts.webhook_secret(source)
    except CredentialMissing as error:
        # Which variable or file is missing is for the operator, not for whoever calls.
        log.error("hook.no_secret", source=source, reason=str(error))
        secret = None
    return Hook(source, secret, parts.packs.pack(pack).signature)
