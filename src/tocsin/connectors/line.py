"""A live connection: its HTTP clients, its rate limits, and the redactor that knows its credentials."""

import ssl
import time
from collections.abc import Callable
from datetime import datetime

import httpx

from tocsin.connectors.auth import BoundAuth
from tocsin.connectors.manifest import Action, Auth, AuthScheme, ConnectionSpec, Pack
from tocsin.connectors.ratelimit import Bucket
from tocsin.connectors.redact import Redactor
from tocsin.connectors.sdk import Connection
from tocsin.connectors.ssrf import Guard
from tocsin.connectors.transport import ACCEPT_ENCODING, USER_AGENT, Binding, GuardedTransport
from tocsin.core.errors import Invalid
from tocsin.playbook.expr import ExprError, Template, compile_template

DEFAULT_TIMEOUT_S = 30.0
_BASE = compile_template("${{ connection.url | default('') }}")

TransportFor = Callable[[Guard, Binding, ssl.SSLContext], httpx.AsyncBaseTransport]


def guarded_transport(guard: Guard, binding: Binding, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
    """Make the transport that every live connection uses."""
    return GuardedTransport(guard, binding, tls=tls)


class Line:
    """What is open for one connection. Made on first use, closed with the runtime."""

    def __init__(
        self,
        pack: Pack,
        connection: Connection,
        *,
        guard: Guard,
        now: Callable[[], datetime],
        transport: TransportFor = guarded_transport,
        tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
    ) -> None:
        self.pack = pack
        self.connection = connection
        self.now = now
        self.redactor = Redactor(secret.reveal() for secret in connection.secrets.values())
        self.binding = Binding(self.redactor)
        spec = pack.connection or ConnectionSpec(required=False)
        self._spec = spec
        self.base = self._base_url(spec)
        if self.base is not None:
            self.binding.bind(self.base)
        self._transport = transport(guard, self.binding, self._tls(spec, tls))
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._bucket = None if spec.rate is None else Bucket(spec.rate, tick=time.monotonic)
        self._buckets = {name: Bucket(action.rate, tick=time.monotonic) for name, action in pack.actions.items() if action.rate is not None}

    @property
    def target(self) -> str:
        """Return what messages call the other side."""
        return f"{self.pack.title} ({self.connection.name})" if self.connection.name else self.pack.title

    def client(self, auth: str | None = None) -> httpx.AsyncClient:
        """Return the client that proves itself by a scheme of the pack; None: the connection's own."""
        name = auth or ""
        if name not in self._clients:
            bound = BoundAuth(
                self._auth(auth),
                self.connection,
                base=self.base,
                binding=self.binding,
                redactor=self.redactor,
                now=self.now,
                optional=auth is None,
            )
            self._clients[name] = httpx.AsyncClient(
                transport=self._transport,
                auth=bound,
                base_url=self.base or "",
                timeout=DEFAULT_TIMEOUT_S,
                trust_env=False,
                follow_redirects=False,
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPT_ENCODING},
            )
        return self._clients[name]

    async def take_turn(self, action: Action) -> None:
        """Wait until the rate limits let the action through."""
        if self._bucket is not None:
            await self._bucket.take()
        if action.name in self._buckets:
            await self._buckets[action.name].take()

    async def aclose(self) -> None:
        """Close every socket."""
        await self._transport.aclose()

    def _auth(self, name: str | None) -> Auth:
        if name == "none":
            return Auth()
        return self._spec.auth if name is None else self._spec.auths[name]

    def _base_url(self, spec: ConnectionSpec) -> httpx.URL | None:
        text = self._text(spec.base or _BASE)
        if not text:
            return None
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise Invalid(f"The address '{text}' of {self.target} is not a URL: {error}.", hint="Write http(s)://host[:port].") from None
        if url.scheme not in ("http", "https") or not url.host:
            if spec.base is None and "url" not in self.connection.config:
                return None
            raise Invalid(f"The address '{text}' of {self.target} is no web address.", hint="Write http(s)://host[:port].")
        return url

    def _tls(self, spec: ConnectionSpec, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        verify = spec.tls.verify
        checks = verify if isinstance(verify, bool) else verify.render({"connection": self.connection.config}) is not False
        authority = self._text(spec.tls.ca)
        mutual = [auth for auth in (spec.auth, *spec.auths.values()) if auth.scheme is AuthScheme.MTLS]
        if checks and not authority and not mutual:
            return default()
        try:
            context = ssl.create_default_context(cafile=authority or None)
            if not checks:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            for auth in mutual:
                context.load_cert_chain(self._text(auth.cert), self._text(auth.key))
        except (OSError, ssl.SSLError) as error:
            raise Invalid(
                f"A certificate of {self.target} cannot be used: {error}.", hint="Check the paths and that they are PEM."
            ) from None
        return context

    def _text(self, template: Template | None) -> str:
        try:
            value = "" if template is None else template.render({"connection": self.connection.config})
        except ExprError as error:
            raise Invalid(f"The settings of {self.target} cannot be used: {error.message}", hint=error.hint) from None
        return value if isinstance(value, str) else ""
