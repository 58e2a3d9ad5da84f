"""The outermost layer: who calls, how much they may send, what every answer carries, and what happens when something breaks."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.api import problems
from tocsin.api.auth import Authenticator
from tocsin.api.problems import BodyTooLarge, UnsupportedMedia
from tocsin.core.errors import TocsinError

API = "/api/v1"
BODY_LIMIT = 10 * 1024 * 1024
# Pages bring a policy of their own that allows their one style sheet.
STRICTEST_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": STRICTEST_CSP,
    "cache-control": "no-store",
}


class Edge:
    """ASGI middleware. Everything under /api/v1 is for known callers, whether there is such a route or not."""

    def __init__(self, app: ASGIApp, *, authenticator: Authenticator, body_limit: int = BODY_LIMIT) -> None:
        self._app, self._authenticator, self._limit = app, authenticator, body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        path = str(scope["path"])
        try:
            await self._serve(scope, receive, answer)
        except TocsinError as error:
            await problems.of_error(error, instance=path).response()(scope, receive, answer)
        except BodyTooLarge as error:
            await problems.of_http(error, instance=path).response()(scope, receive, answer)
        # The request's edge: whatever was not foreseen is logged here, and the caller learns the log line's id alone.
        except Exception as error:
            if answer.has_started:
                raise
            await problems.of_bug(error, instance=path).response()(scope, receive, answer)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        if scope["path"] == API or scope["path"].startswith(f"{API}/"):
            state["caller"] = await self._authenticator.caller(HTTPConnection(scope), method=scope["method"])
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._limit:
            raise BodyTooLarge(self._limit)
        if headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMedia("Compressed bodies are not read.", hint="Send it as it is.")
        await self._app(scope, _counted(receive, self._limit), send)


class _Answer:
    """`send`, with the headers that every answer carries."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _counted(receive: Receive, limit: int) -> Receive:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > limit:
                raise BodyTooLarge(limit)
        return message

    return counted
