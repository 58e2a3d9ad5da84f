"""The connector SDK: all that a pack's `code.py` may import.

An action is `async def NAME(ctx: Context, input: JsonObject) -> JsonObject`; a verify probe is
`async def NAME(ctx: Context, input: JsonObject) -> Probe`; a source is `async def NAME(ctx: SourceContext) -> None`, which runs
until it is cancelled. Errors decide what happens next: raise Invalid, NotFound, AuthFailed or Transient when certainly nothing
was changed, OutcomeUnknown when the request left and no answer came.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import httpx

from tocsin.core.durations import parse_duration
from tocsin.core.effects import Probe
from tocsin.core.errors import (
    AuthFailed,
    Conflict,
    CredentialMissing,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TooLarge,
    Transient,
    Unreachable,
    Unsupported,
)
from tocsin.core.observables import Observable, ObservableType, defang, observe, refang
from tocsin.core.values import Json, JsonObject, iso, parse_instant

__all__ = [
    "AuthFailed", "Conflict", "Connection", "Context", "CredentialMissing", "Invalid", "Json", "JsonObject", "NotFound", "Observable",
    "ObservableType", "OutcomeUnknown", "Platform", "Probe", "RateLimited", "Secret", "SourceContext", "TooLarge", "Transient",
    "Unreachable", "Unsupported", "defang", "iso", "observe", "parse_duration", "parse_instant", "refang",
]  # fmt: skip


class Secret:
    """A credential's value; its repr shows nothing. Call `reveal` where it is sent, nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "•••"

    def reveal(self) -> str:
        """Return the value."""
        return self._value


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured instance of a connector."""

    name: str
    pack: str
    config: JsonObject = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    def text(self, key: str, default: str = "") -> str:
        """Return a configured text."""
        value = self.config.get(key, default)
        return value if isinstance(value, str) else str(value)

    def number(self, key: str, default: float) -> float:
        """Return a configured number."""
        value = self.config.get(key, default)
        return float(value) if isinstance(value, int | float) else default

    def secret(self, key: str) -> str:
        """Reveal a credential; raises CredentialMissing."""
        if key not in self.secrets:
            raise CredentialMissing(
                f"The connection '{self.name}' has no credential '{key}'.",
                hint="Add it under 'secrets' of that connection, as {env: NAME} or {file: PATH}.",
            )
        return self.secrets[key].reveal()


class Platform(Protocol):
    """Tocsin's own objects, as the packs `case`, `observable`, `blocklist` and `email` use them.

    Every writing verb takes the intent's `key`: the second call with one key changes nothing and returns the first's result.
    """

    async def open_case(self, fields: JsonObject, *, key: str) -> JsonObject:
        """Open a case from {title, severity, tlp?, description?, alert?, tags?, owner?}; return the case."""
        ...

    async def note_case(self, case: str, text: str, *, key: str) -> JsonObject:
        """Add a note to a case's timeline."""
        ...

    async def close_case(self, case: str, verdict: str, reason: str, *, key: str) -> JsonObject:
        """Close a case."""
        ...

    async def link_alert(self, case: str, alert: str, *, key: str) -> JsonObject:
        """Put an alert into a case."""
        ...

    async def close_alert(self, alert: str, verdict: str, reason: str, *, key: str) -> JsonObject:
        """Resolve an alert."""
        ...

    async def set_verdict(self, observable: Observable, verdict: str, reason: str, source: str, *, key: str) -> JsonObject:
        """Record a verdict about an observable."""
        ...

    async def look_up(self, observable: Observable) -> JsonObject:
        """Return {known, verdict, reason, source, first_seen, last_seen, sightings, alerts, cases} of an observable."""
        ...

    async def list_add(self, name: str, observable: Observable, expires_at: datetime | None, reason: str, *, key: str) -> JsonObject:
        """Put a value on a hosted block list, or move its expiry."""
        ...

    async def list_remove(self, name: str, observable: Observable, *, key: str) -> JsonObject:
        """Take a value off a hosted block list."""
        ...

    async def list_find(self, name: str, observable: Observable) -> JsonObject:
        """Return {listed, expires_at, reason} of a value on a hosted block list."""
        ...

    async def extract(self, text: str) -> list[JsonObject]:
        """Return the observables in a text, as [{type, value}] in their canonical spelling, each once."""
        ...

    async def warning_lists(self, observable: Observable) -> list[str]:
        """Return the names of the warning lists of well-known harmless values that contain the observable."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What an action may use."""

    connection: Connection
    http: httpx.AsyncClient  # guarded: checks every address before it connects
    platform: Platform
    workspace: str
    run: str
    step: str  # path of the step instance
    key: str  # idempotency key, the same on every attempt
    alert: str | None  # id of the alert that started the run
    case: str | None
    timeout_s: float
    now: Callable[[], datetime]
    connect: Callable[[str, int], Awaitable[str]]  # check a host and port against the guard; returns the address to connect to


class _NoHttp(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise Unsupported("This source was started without HTTP.", hint="Let the runtime start it.")


def _no_http() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=_NoHttp())


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may use. `emit` returns when the event is durable; `cursor` of the last emit is handed back at the next start."""

    connection: Connection
    options: JsonObject  # the source's own settings
    cursor: Json
    emit: Callable[[Json, Json], Awaitable[None]]  # (raw event, cursor after it)
    reject: Callable[[str, str, Json], Awaitable[None]]  # (unreadable text, reason, cursor after it): kept, never dropped
    now: Callable[[], datetime]
    connect: Callable[[str, int], Awaitable[str]]
    http: httpx.AsyncClient = field(default_factory=_no_http)  # guarded, and the connection's own
