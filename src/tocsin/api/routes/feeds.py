"""Hosted lists, as firewalls, proxies and name servers fetch them."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal, assert_never

from fastapi import Query, Request, Response

from tocsin.api.routing import WithAuthenticator, WithParts, api_router, refusals
from tocsin.core import feeds
from tocsin.core.feeds import FeedEntry
from tocsin.core.values import Instant
from tocsin.services import lists
from tocsin.store.repos.lists import ListEntry

Format = Literal["txt", "rpz", "json"]
_MEDIA: dict[str, str] = {"txt": "text/plain; charset=utf-8", "rpz": "text/plain; charset=utf-8", "json": "application/json"}
_DOCUMENTED = {
    "description": "The list",
    "content": {
        "text/plain": {"schema": {"type": "string"}},
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
    },
}

router = api_router(tag="feeds")


@router.get(
    "/feeds/{name}.{format}",
    summary="Fetch a hosted list",
    description="`txt`: a value a line. `rpz`: a response policy zone. `json`: with reasons and ends. Send the ETag back as If-None-Match.",
    operation_id="fetch_feed",
    response_class=Response,
    responses={200: _DOCUMENTED, 304: {"description": "It is what you have"}, **refusals(404)},
)
async def fetch_feed(
    name: str,
    format: Format,
    request: Request,
    parts: WithParts,
    authenticator: WithAuthenticator,
    zone: Annotated[str, Query(max_length=100, description="The zone's name, for `rpz`.")] = "rpz.tocsin",
) -> Response:
    """Return what is on a list now."""
    actor = await authenticator.feed_reader(request)
    now = parts.clock()
    revision = await parts.units.read(lambda tx: lists.feed_revision(tx, actor, name=name, now=now))
    etag = _etag(name, format, zone, revision)
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "Authorization"}
    if etag in [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    feed = await parts.units.read(lambda tx: lists.get_feed(tx, actor, name=name, now=now))
    headers["etag"] = _etag(name, format, zone, feed.revision)
    return Response(_written(feed.entries, format, zone=zone, now=now), 200, headers, media_type=_MEDIA[format])


def _written(entries: Sequence[ListEntry], format: Format, *, zone: str, now: Instant) -> str:
    found = [FeedEntry(one.observable.type, one.observable.value, one.expires_at, one.reason, one.added_at) for one in entries]
    match format:
        case "txt":
            return feeds.as_text(found)
        case "rpz":
            return feeds.as_rpz(found, zone=zone, serial=int(now.timestamp()))
        case "json":
            return feeds.as_json(found)
        case _:
            assert_never(format)


def _etag(name: str, format: str, zone: str, revision: str) -> str:
    return f'"{hashlib.sha256(f"{name}|{format}|{zone}|{revision}".encode("utf-8", "replace")).hexdigest()[:32]}"'
