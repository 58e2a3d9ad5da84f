"""Who calls: an API key in a header, or a session in a cookie; a cookie alone changes nothing."""

import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from tocsin.api.parts import Parts
from tocsin.core.access import Principal
from tocsin.core.errors import Forbidden, Unauthenticated
from tocsin.services import people
from tocsin.services.people import Known

CACHE_S = 1.0  # a revoked key opens nothing any more after this
CACHE_SIZE = 1_024
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
_NOBODY = "Nobody is signed in."
_HINT = "Send `Authorization: Bearer tocsin_…`; an administrator makes keys."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls; `session` is the cookie's token when that is how we know."""

    principal: Principal
    session: str = ""

    @property
    def csrf(self) -> str:
        """Return what a form of this session must send back; empty without a session."""
        return csrf_of(self.session) if self.session else ""


class Authenticator:
    """Find out who calls, remembering keys for a second so that a busy sensor costs no read an alert."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._cache: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._is_https = parts.public_url.startswith("https://")
        self._origin = origin_of(parts.public_url)

    @property
    def cookie(self) -> str:
        """Return the session cookie's name; `__Host-` needs https."""
        return "__Host-tocsin" if self._is_https else "tocsin-session"

    @property
    def is_https(self) -> bool:
        """Tell whether cookies are for https alone."""
        return self._is_https

    async def caller(self, request: HTTPConnection, *, method: str) -> Caller:
        """Return who calls the API; raises Unauthenticated, and Forbidden for a cookie that another site's page has sent."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                raise Unauthenticated(_NOBODY, hint=_HINT)
            return await self.by_key(token.strip())
        caller = await self.by_cookie(request)
        if caller is None:
            raise Unauthenticated(_NOBODY, hint=_HINT)
        if method not in SAFE:
            self.check_origin(request)
            self.check_csrf(caller, request.headers.get(CSRF_HEADER, ""))
        return caller

    async def feed_reader(self, request: HTTPConnection) -> Principal:
        """Return who fetches a feed: firewalls can often send nothing but a user name and a password, which is the key."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return (await self.by_key(_password(rest))).principal
        return (await self.caller(request, method="GET")).principal

    async def by_key(self, token: str) -> Caller:
        """Return whose API key it is; raises Unauthenticated."""
        now = self._parts.clock()
        return await self._remembered(
            token,
            kind="key",
            read=lambda: self._parts.units.read(lambda tx: people.authenticate(tx, token=token, now=now)),
            touch=lambda: self._parts.units.write(lambda tx: people.touch_key(tx, token=token, now=now)),
        )

    async def by_cookie(self, request: HTTPConnection) -> Caller | None:
        """Return who has signed in with this browser; None when nobody has, or the session is over."""
        token = request.cookies.get(self.cookie, "")
        if not token:
            return None
        now = self._parts.clock()
        try:
            return await self._remembered(
                token,
                kind="session",
                read=lambda: self._parts.units.read(lambda tx: people.authenticate_session(tx, token=token, now=now)),
                touch=lambda: self._parts.units.write(lambda tx: people.touch_session(tx, token=token, now=now)),
            )
        except Unauthenticated:
            return None

    def check_origin(self, request: HTTPConnection) -> None:
        """Raise Forbidden unless the browser says that a page of ours sends this."""
        origin = request.headers.get("origin", "")
        host = request.headers.get("host", "")
        # Behind a proxy the Host may differ from the public address; another site's page can have neither as its origin.
        if not origin or (origin != self._origin and urlsplit(origin).netloc != host):
            raise Forbidden("This was not sent from a page of Tocsin's.", hint="Open the page again and send it from there.")

    def check_csrf(self, caller: Caller, given: str) -> None:
        """Raise Forbidden unless the session's own token came along."""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), caller.csrf.encode()):
            raise Forbidden("The form is not of this session.", hint="Load the page again and send it anew.")

    def forget(self, token: str) -> None:
        """Forget a session that has just ended."""
        self._cache.pop(_key("session", token), None)

    async def _remembered(
        self, token: str, *, kind: str, read: Callable[[], Awaitable[Known]], touch: Callable[[], Awaitable[None]]
    ) -> Caller:
        key = _key(kind, token)
        cached = self._cache.get(key)
        if cached is not None and time.monotonic() < cached[0]:
            return cached[1]
        asked_at = time.monotonic()
        known = await read()
        if known.is_stale:
            await touch()
        caller = Caller(known.principal, token if kind == "session" else "")
        # Counted from before the read: what was revoked after it must not live longer than the second.
        self._cache[key] = (asked_at + CACHE_S, caller)
        self._cache.move_to_end(key)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return caller


def csrf_of(session: str) -> str:
    """Return a session's CSRF token, from which the session's own cannot be found."""
    return hashlib.sha256(f"csrf:{session}".encode("utf-8", "replace")).hexdigest()


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, as a browser writes them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _key(kind: str, token: str) -> str:
    return f"{kind}:{people.hash_token(token)}"


def _password(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Unauthenticated(_NOBODY, hint="Send the key as the password.") from None
    return text.partition(":")[2]
