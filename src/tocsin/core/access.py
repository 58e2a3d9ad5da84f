"""Who may do what: scopes, the roles that bundle them, and the principal that acts."""

from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.errors import Forbidden
from tocsin.core.ids import DEFAULT_WORKSPACE, UserId, WorkspaceId


class Scope(StrEnum):
    """One permission."""

    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    CASES_READ = "cases:read"
    CASES_WRITE = "cases:write"
    RUNS_READ = "runs:read"
    RUNS_START = "runs:start"
    RUNS_CONTROL = "runs:control"
    ASKS_READ = "asks:read"
    ASKS_ANSWER = "asks:answer"
    PLAYBOOKS_READ = "playbooks:read"
    PLAYBOOKS_WRITE = "playbooks:write"
    PLAYBOOKS_REVIEW = "playbooks:review"
    FEEDS_READ = "feeds:read"
    PEOPLE_WRITE = "people:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """A set of scopes that a person holds in a workspace."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    APPROVER = "approver"
    AUTHOR = "author"
    ADMIN = "admin"
    AUDITOR = "auditor"
    SENSOR = "sensor"
    FEED_READER = "feed-reader"


_READING = frozenset({Scope.ALERTS_READ, Scope.CASES_READ, Scope.RUNS_READ, Scope.ASKS_READ, Scope.PLAYBOOKS_READ})
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: _READING,
    Role.RESPONDER: _READING
    | {Scope.ALERTS_WRITE, Scope.CASES_WRITE, Scope.RUNS_START, Scope.RUNS_CONTROL, Scope.ASKS_ANSWER, Scope.FEEDS_READ},
    Role.APPROVER: _READING | {Scope.ASKS_ANSWER, Scope.PLAYBOOKS_REVIEW},
    Role.AUTHOR: _READING | {Scope.PLAYBOOKS_WRITE, Scope.PLAYBOOKS_REVIEW, Scope.RUNS_START},
    Role.ADMIN: frozenset(Scope),
    Role.AUDITOR: _READING | {Scope.AUDIT_READ},
    Role.SENSOR: frozenset({Scope.ALERTS_WRITE}),
    Role.FEED_READER: frozenset({Scope.FEEDS_READ}),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a person or a machine, in one workspace."""

    user: UserId
    name: str
    email: str
    roles: frozenset[Role]
    workspace: WorkspaceId = DEFAULT_WORKSPACE

    @property
    def scopes(self) -> frozenset[Scope]:
        """Return what the roles add up to."""
        return frozenset().union(*(ROLE_SCOPES[role] for role in self.roles))


def require(principal: Principal, scope: Scope) -> None:
    """Raise Forbidden unless the principal holds the scope."""
    if scope not in principal.scopes:
        raise Forbidden(f"{principal.name} may not do this: it needs '{scope}'.", hint="Ask an administrator for a role that has it.")
