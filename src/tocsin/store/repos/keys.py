"""API keys: only their hashes lie here."""

from dataclasses import dataclass

from tocsin.core.access import Role
from tocsin.core.errors import NotFound
from tocsin.core.ids import KeyId, UserId, WorkspaceId
from tocsin.core.values import Instant
from tocsin.store.encoding import clean, instant, instant_or_none, micros, micros_or_none
from tocsin.store.repos.people import read_roles, roles_text
from tocsin.store.sql import Row, Sql


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a user; `hash` is the sha256 of its secret, `roles` what it may at most."""

    id: KeyId
    workspace: WorkspaceId
    user: UserId
    name: str
    hash: str
    roles: frozenset[Role]
    created_at: Instant
    expires_at: Instant | None = None
    used_at: Instant | None = None
    revoked_at: Instant | None = None

    def is_valid(self, now: Instant) -> bool:
        """Tell whether the key opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Keys:
    """The API keys of all workspaces."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, key: ApiKey) -> None:
        """Add a key."""
        self._sql.run(
            "INSERT INTO api_keys (id, workspace, user_id, name, hash, roles, created_at, expires_at, used_at, revoked_at) "
            "VALUES (:id, :workspace, :user, :name, :hash, :roles, :created_at, :expires_at, NULL, NULL)",
            {
                "id": key.id,
                "workspace": key.workspace,
                "user": key.user,
                "name": clean(key.name),
                "hash": key.hash,
                "roles": roles_text(key.roles),
                "created_at": micros(key.created_at),
                "expires_at": micros_or_none(key.expires_at),
            },
        )

    def by_id(self, id: KeyId) -> ApiKey | None:
        """Return a key of any workspace: it is what says which one the caller is in."""
        row = self._sql.row("SELECT * FROM api_keys WHERE id = :id", {"id": clean(id)})
        return None if row is None else _key(row)

    def all(self, *, workspace: WorkspaceId, user: UserId | None = None) -> list[ApiKey]:
        """Return the keys, newest first."""
        rows = self._sql.rows(
            "SELECT * FROM api_keys WHERE workspace = :workspace AND (user_id = :user OR :user IS NULL) ORDER BY id DESC",
            {"workspace": workspace, "user": user},
        )
        return [_key(row) for row in rows]

    def touch(self, id: KeyId, *, at: Instant) -> None:
        """Note that a key was used."""
        self._sql.run("UPDATE api_keys SET used_at = :at WHERE id = :id", {"id": id, "at": micros(at)})

    def revoke(self, id: KeyId, *, workspace: WorkspaceId, at: Instant) -> None:
        """Make a key open nothing any more; raises NotFound."""
        changed = self._sql.run(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, :at) WHERE id = :id AND workspace = :workspace",
            {"id": id, "workspace": workspace, "at": micros(at)},
        )
        if changed == 0:
            raise NotFound(f"There is no key '{id}'.")


def _key(row: Row) -> ApiKey:
    return ApiKey(
        KeyId(row.id),
        WorkspaceId(row.workspace),
        UserId(row.user_id),
        row.name,
        row.hash,
        read_roles(row.roles),
        instant(row.created_at),
        instant_or_none(row.expires_at),
        instant_or_none(row.used_at),
        instant_or_none(row.revoked_at),
    )
