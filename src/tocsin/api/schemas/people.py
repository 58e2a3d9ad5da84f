"""People and their keys over the wire."""

from datetime import datetime

from pydantic import ConfigDict, Field

from tocsin.api.schemas.base import In, Name, Out
from tocsin.core.access import Principal, Role
from tocsin.services.people import NewKey
from tocsin.store.repos.people import User


class MeOut(Out):
    """Who I am."""

    id: str
    name: str
    email: str
    workspace: str
    roles: list[Role]
    scopes: list[str]
    csrf: str = Field(description="Send it as X-CSRF-Token with what changes anything; empty without a session.")

    @classmethod
    def of(cls, principal: Principal, *, csrf: str) -> "MeOut":
        """Make it."""
        return cls(
            id=principal.user,
            name=principal.name,
            email=principal.email,
            workspace=principal.workspace,
            roles=sorted(principal.roles),
            scopes=sorted(principal.scopes),
            csrf=csrf,
        )


class PersonOut(Out):
    """A person or a machine."""

    id: str
    name: str
    email: str
    roles: list[Role]
    created_at: datetime
    disabled_at: datetime | None

    @classmethod
    def of(cls, user: User) -> "PersonOut":
        """Make it."""
        return cls(
            id=user.id,
            name=user.name,
            email=user.email,
            roles=sorted(user.roles),
            created_at=user.created_at,
            disabled_at=user.disabled_at,
        )


class PeopleList(Out):
    """Everybody."""

    items: list[PersonOut]


class PersonIn(In):
    """Somebody to add."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Amira", "email": "amira@example.org", "roles": ["responder"]}]})

    name: Name
    email: str = Field(default="", max_length=320, description="Leave it out for a machine.")
    roles: list[Role] = Field(min_length=1)


class KeyIn(In):
    """A key to make."""

    name: Name
    roles: list[Role] = Field(default=[], description="What it may at most; left out, all that its owner may.")
    expires_in: str | None = Field(
        default=None, max_length=40, description="As 90d or 12h; left out, it does not expire.", examples=["90d"]
    )


class KeyOut(Out):
    """A key that was just made."""

    id: str
    token: str = Field(description="Shown once and kept nowhere: store it now.")
    roles: list[Role]
    expires_at: datetime | None

    @classmethod
    def of(cls, key: NewKey) -> "KeyOut":
        """Make it."""
        return cls(id=key.id, token=key.token, roles=sorted(key.roles), expires_at=key.expires_at)
