"""What a pack is, once its files are read and checked: frozen values with compiled expressions.

The format is described in docs/reference/pack-format.md; `loader` reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from tocsin.core.effects import ActionSpec
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, Expression, Template

SCHEMA = "tocsin/pack@1"


class AuthScheme(StrEnum):
    """How a connection proves who it is."""

    NONE = "none"
    API_KEY = "api_key"
    BASIC = "basic"
    BEARER = "bearer"
    OAUTH2 = "oauth2"
    LOGIN_TOKEN = "login_token"  # noqa: S105  the name of a scheme
    MTLS = "mtls"
    HMAC = "hmac"


class PageKind(StrEnum):
    """How a vendor hands out a long list."""

    CURSOR = "cursor"
    OFFSET = "offset"
    PAGE = "page"
    LINK = "link"


class BodyKind(StrEnum):
    """How an answer's body is read."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"


class Fault(StrEnum):
    """What an error table may say; named after the errors in `core.errors`."""

    OK = "ok"
    INVALID = "Invalid"
    NOT_FOUND = "NotFound"
    CONFLICT = "Conflict"
    AUTH_FAILED = "AuthFailed"
    RATE_LIMITED = "RateLimited"
    TRANSIENT = "Transient"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    UNSUPPORTED = "Unsupported"


@dataclass(frozen=True, slots=True)
class SecretSpec:
    """A credential that a connection has."""

    title: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Auth:
    """One authentication scheme of a pack; which fields count depends on the scheme."""

    scheme: AuthScheme = AuthScheme.NONE
    place: str = "header"  # header | query | body
    name: str = ""  # header or query name
    prefix: str = ""
    secret: str = ""
    user: Template | None = None
    user_secret: str = ""
    token_url: Template | None = None
    client_id: Template | None = None
    scope: str = ""
    audience: str = ""
    path: str = ""
    json: Json = None  # login body: templates, and {secret: NAME}
    token: Expression | None = None
    cert: Template | None = None
    key: Template | None = None
    timestamp_header: str = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """How the target's certificate is checked."""

    ca: Template | None = None
    verify: Template | bool = True


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many calls a second, with so many at once."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """What a connection of the pack consists of."""

    required: bool = True
    base: Template | None = None
    config: JsonObject = field(default_factory=dict)  # JSON Schema
    secrets: Mapping[str, SecretSpec] = field(default_factory=dict)
    auth: Auth = Auth()
    auths: Mapping[str, Auth] = field(default_factory=dict)
    tls: Tls = Tls()
    rate: Rate | None = None


PathPart: TypeAlias = "str | Expression"  # a literal, or a value to percent-encode as one segment


@dataclass(frozen=True, slots=True)
class Request:
    """A declarative HTTP request; exactly one of `path` and `url` is set, and of the bodies one at most gives something."""

    method: Template
    path: tuple[PathPart, ...] | None = None
    url: Template | None = None
    query: Template | None = None
    headers: Template | None = None
    json: Template | None = None
    form: Template | None = None
    text: Template | None = None
    omit_null: bool = False
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class ErrorRule:
    """One row of an error table."""

    when: Condition
    fault: Fault
    message: Template | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """How an answer is judged and what a step gets of it."""

    ok: tuple[int, ...] = ()  # empty: every 2xx
    body: BodyKind = BodyKind.AUTO
    schema: JsonObject | None = None
    output: Template | None = None  # None: the body
    errors: tuple[ErrorRule, ...] = ()

    def accepts(self, status: int) -> bool:
        """Tell whether the status means success."""
        return status in self.ok if self.ok else 200 <= status < 300


@dataclass(frozen=True, slots=True)
class Page:
    """How to ask for the rest of a long list."""

    kind: PageKind
    items: Expression
    param: str = ""
    next: Expression | None = None
    size_param: str = ""
    size: int = 100
    first: int = 1
    max_pages: int = 50
    max_items: int = 10_000


@dataclass(frozen=True, slots=True)
class Verify:
    """How to find out whether an action happened: a function, or a request with two conditions."""

    code: str = ""
    request: Request | None = None
    response: Response = Response()
    applied: Condition | None = None
    not_applied: Condition | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What an action acts on, for guardrails: an observable's type and value."""

    type: Template
    value: Template


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a pack; exactly one of `request` and `code` is set."""

    name: str
    spec: ActionSpec
    description: str = ""
    target: Target | None = None
    code: str = ""
    auth: str | None = None  # None: the connection's own; "none"; else one of `auths`
    request: Request | None = None
    response: Response = Response()
    page: Page | None = None
    rate: Rate | None = None
    verify: Verify | None = None
    key_header: str = ""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where events come from: a function that runs until it is cancelled."""

    name: str
    title: str
    code: str
    options: JsonObject = field(default_factory=dict)  # JSON Schema
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """How a vendor signs what it posts: HMAC-SHA256 over the body, or over `<timestamp>.<body>`."""

    header: str
    prefix: str = ""
    encoding: str = "hex"  # hex | base64
    timestamp_header: str = ""


@dataclass(frozen=True, slots=True)
class ObservableRule:
    """Where a mapping finds observables."""

    type: Template
    value: Template
    condition: Condition | None = None
    each: Expression | None = None
    variable: str = "item"


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """A table from the vendor's words to ours, or an expression that gives one of ours."""

    source: Template
    table: Mapping[str, str] | None = None
    default: str | None = None


@dataclass(frozen=True, slots=True)
class TimeRule:
    """Where the instant stands, and its strptime format if it is an unusual one."""

    source: Template
    format: str = ""


@dataclass(frozen=True, slots=True)
class MappingSpec:
    """How a raw event becomes a finding."""

    name: str
    file: str
    lines: Mapping[str, int]  # part of the mapping -> line, for messages
    title: Template
    severity: SeverityRule
    time: TimeRule | None = None
    when: Condition | None = None
    let: tuple[tuple[str, Template], ...] = ()
    category: Template | None = None
    description: Template | None = None
    product: Template | None = None
    context: Template | None = None
    observables: tuple[ObservableRule, ...] = ()
    extract: tuple[Template, ...] = ()
    identity: Template | None = None


@dataclass(frozen=True, slots=True)
class Pack:
    """A connector."""

    id: str
    title: str
    product: str
    version: str
    folder: Path
    description: str = ""
    categories: tuple[str, ...] = ()
    docs: str = ""
    check: str = ""
    connection: ConnectionSpec | None = None
    sources: Mapping[str, SourceSpec] = field(default_factory=dict)
    signature: Signature | None = None
    actions: Mapping[str, Action] = field(default_factory=dict)
    mappings: Mapping[str, MappingSpec] = field(default_factory=dict)
    builtin: bool = False  # shipped inside the package, so its code is imported as tocsin.packs.<id>.code

    def mapping_for(self, source: str = "") -> MappingSpec | None:
        """Return the mapping of a source, `alert`, or the pack's only one."""
        name = self.sources[source].mapping if source in self.sources else ""
        if name:
            return self.mappings.get(name)
        if "alert" in self.mappings:
            return self.mappings["alert"]
        return next(iter(self.mappings.values())) if len(self.mappings) == 1 else None
