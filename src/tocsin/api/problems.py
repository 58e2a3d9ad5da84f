"""RFC 9457 problems: the one shape of every error that leaves by HTTP."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tocsin.core.errors import (
    ActionNotFound,
    ErrorKind,
    PackNotFound,
    PlaybookNotFound,
    RateLimited,
    TocsinError,
    TooLarge,
    Transient,
    Unsupported,
)
from tocsin.core.values import JsonObject

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="tocsin"'
TITLES = {
    400: "Bad request",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "It has moved on",
    413: "Too large",
    415: "Media type not supported",
    422: "Cannot be used as it is",
    429: "Too many requests",
    500: "Something broke in Tocsin",
    502: "A target did not do its part",
    503: "Not available now",
}
_CODES = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_HINTS = {
    404: "See /api/docs for what there is.",
    405: "See /api/docs for what may be done here.",
    500: "Look for this id in the server's log.",
}


class UnsupportedMedia(Unsupported):
    """A content type or encoding that this route does not read."""

    code = "unsupported-media-type"


class BodyTooLarge(HTTPException):
    """The body is longer than the limit. An HTTPException, because FastAPI lets only that through while it reads a body."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The body is longer than {limit} bytes.")


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as the caller gets it."""

    status: int
    code: str
    detail: str
    hint: str = ""
    instance: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] | None = None

    @property
    def title(self) -> str:
        """Return what the status means, in words."""
        return TITLES.get(self.status, "Error")

    def as_json(self) -> JsonObject:
        """Return the document."""
        body: JsonObject = {
            "type": f"urn:tocsin:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.hint:
            body["hint"] = self.hint
        if self.instance:
            body["instance"] = self.instance
        if self.errors:
            body["errors"] = [dict(error) for error in self.errors]
        return body

    def response(self) -> Response:
        """Return the answer."""
        body = msgspec.json.encode(self.as_json())
        return Response(body, self.status, dict(self.headers or {}), MEDIA_TYPE)


def of_error(error: TocsinError, *, instance: str = "") -> Problem:
    """Return the problem of an error of ours."""
    status = status_of(error)
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, Transient):
        headers["Retry-After"] = str(max(1, round(error.retry_after or 1)))
    return Problem(status, error.code, _sendable(error.message), _sendable(error.hint), instance, headers=headers)


def status_of(error: TocsinError) -> int:
    """Return the HTTP status that an error's kind means."""
    match error:
        case TooLarge():
            return 413
        case UnsupportedMedia():
            return 415
        case RateLimited():
            return 429
        case PlaybookNotFound() | PackNotFound() | ActionNotFound():
            return 404
        case _:
            return _status_of_kind(error.kind)


def _status_of_kind(kind: ErrorKind) -> int:
    match kind:
        case ErrorKind.INVALID:
            return 422
        case ErrorKind.NOT_FOUND:
            return 404
        case ErrorKind.CONFLICT | ErrorKind.LOST:
            return 409
        case ErrorKind.UNAUTHENTICATED:
            return 401
        case ErrorKind.FORBIDDEN:
            return 403
        case ErrorKind.UNAVAILABLE | ErrorKind.TRANSIENT:
            return 503
        case ErrorKind.AUTH_FAILED | ErrorKind.UNKNOWN:
            return 502
        case ErrorKind.CORRUPT:
            return 500
        case _:
            assert_never(kind)


def of_validation(error: RequestValidationError, *, instance: str = "") -> Problem:
    """Return the problem of a request that does not fit the schema."""
    errors = [{"field": _field(found["loc"]), "reason": _sendable(str(found["msg"]))} for found in error.errors()[:50]]
    named = ", ".join(dict.fromkeys(one["field"] or "body" for one in errors))
    return Problem(422, "invalid", f"The request does not fit: {named}.", "See `errors`, and /api/docs for the schema.", instance, errors)


def of_http(error: HTTPException, *, instance: str = "") -> Problem:
    """Return the problem of what the web framework refuses: no such path, no such method, an unreadable body."""
    status = error.status_code
    detail = error.detail if status not in (404, 405) else ("There is nothing here." if status == 404 else "That method is not for this.")
    return Problem(status, _CODES.get(status, "http"), detail, _HINTS.get(status, ""), instance, headers=error.headers)


def of_bug(error: Exception, *, instance: str = "") -> Problem:
    """Log an error that nobody expected and return a problem that tells nothing but the id of the log line."""
    id = secrets.token_hex(8)
    log.error("api.bug", id=id, path=instance, exc_info=error)
    return Problem(500, "internal", f"It was logged as {id}.", _HINTS[500], f"urn:tocsin:log:{id}")


def instance_of(request: Request) -> str:
    """Return the path that was asked for."""
    return _sendable(request.url.path)


def _field(location: Sequence[int | str]) -> str:
    return _sendable(".".join(str(part) for part in location if part not in ("body", "query", "path")))


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()[:2_000]
