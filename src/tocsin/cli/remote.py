"""A running server, as its commands on the same or another machine see it."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tocsin.cli.up import ADDRESS_FILE
from tocsin.core.errors import Conflict, Forbidden, Invalid, NotFound, TocsinError, Transient, Unauthenticated, Unavailable, Unreachable
from tocsin.core.values import Json, JsonObject

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0
_ERRORS: Mapping[int, type[TocsinError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Transient,
    503: Transient,
}


def find_url(url: str | None, *, data: str | None) -> str:
    """Return the server's address: as given, else as the server of the data folder has left it; raises Unavailable."""
    if url:
        return url.rstrip("/")
    folder = Path(data or os.environ.get("TOCSIN_DATA") or "tocsin-data")
    try:
        found = json.loads((folder / ADDRESS_FILE).read_text("utf-8"))["url"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Unavailable(
            f"No server runs over the data folder '{folder}'.", hint="Start it with `tocsin up`, or give --url (or --data, or TOCSIN_URL)."
        ) from None
    return str(found)


def need_token(token: str | None) -> str:
    """Return the API key; raises Unauthenticated."""
    if not token:
        raise Unauthenticated("There is no API key.", hint="Give --token, or set TOCSIN_TOKEN.")
    return token


class Remote:
    """Calls one server with one key. `http` may be told of events by others too."""

    def __init__(self, http: "httpx.AsyncClient") -> None:
        self.http = http

    async def get(self, path: str, **query: str) -> JsonObject:
        """Return what is at /api/v1PATH; raises what the status means."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: JsonObject) -> JsonObject:
        """Post JSON."""
        return await self._call("POST", path, content=msgspec.json.encode(body), media="application/json")

    async def post_lines(self, path: str, lines: list[bytes]) -> JsonObject:
        """Post NDJSON."""
        return await self._call("POST", path, content=b"\n".join(lines), media="application/x-ndjson")

    async def stream_lines(self, path: str, body: JsonObject) -> AsyncIterator[JsonObject]:
        """Post JSON, and yield the objects of an NDJSON answer as they come."""
        import httpx

        headers = {"content-type": "application/json", "accept": "application/x-ndjson"}
        try:
            async with self.http.stream("POST", f"/api/v1{path}", content=msgspec.json.encode(body), headers=headers) as answer:
                if not answer.is_success:
                    raise _refusal(answer.status_code, await answer.aread(), str(self.http.base_url))
                async for line in answer.aiter_lines():
                    yield _object(line.encode())
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{self.http.base_url} does not answer: {str(error) or type(error).__name__}.", hint="Is the server up?"
            ) from None

    async def items(self, path: str, **query: str) -> list[JsonObject]:
        """Return all pages of a list."""
        found: list[JsonObject] = []
        after: dict[str, str] = {}
        while True:
            page = await self.get(path, limit="200", **query, **after)
            found += objects(page.get("items"))
            following = page.get("next")
            if not isinstance(following, str):
                return found
            after = {"after": following}

    async def _call(
        self, method: str, path: str, *, params: dict[str, str] | None = None, content: bytes | None = None, media: str = ""
    ) -> JsonObject:
        import httpx

        headers = {"content-type": media} if media else {}
        try:
            answer = await self.http.request(method, f"/api/v1{path}", params=params, content=content, headers=headers)
        except httpx.InvalidURL as error:
            raise Invalid(f"'{self.http.base_url}' is not an address: {error}.", hint="Give http(s)://host[:port].") from None
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{self.http.base_url} does not answer: {str(error) or type(error).__name__}.", hint="Is the server up?"
            ) from None
        if answer.is_success:
            return _object(answer.content)
        raise _refusal(answer.status_code, answer.content, str(self.http.base_url))


def connect(url: str, token: str) -> "httpx.AsyncClient":
    """Open a client for a server; raises Invalid for what is no address."""
    import httpx

    if not url.startswith(("http://", "https://")):
        raise Invalid(f"'{url}' is not an address.", hint="Give http(s)://host[:port].")
    # A proxy of the environment is for the internet; a key goes to the server that was named, and to nobody else.
    return httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=TIMEOUT_S, trust_env=False)


def objects(value: Json) -> list[JsonObject]:
    """Return the objects of a list; none for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Json) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""


def count(value: Json) -> int:
    """Return a whole number; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _object(content: bytes) -> JsonObject:
    try:
        value: Json = msgspec.json.decode(content)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise Unavailable("What answered is not a Tocsin server.", hint="Check the address.")
    return value


def _refusal(status: int, content: bytes, url: str) -> TocsinError:
    try:
        problem = _object(content)
    except Unavailable:
        problem = {}
    said = " ".join(one for one in (text(problem.get("detail")) or text(problem.get("title")), text(problem.get("hint"))) if one)
    kind = _ERRORS.get(status, Transient if status >= 500 else Invalid)
    return kind(said or f"{url} answered {status}.")
