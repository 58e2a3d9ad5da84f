"""Users and their sessions."""

from collections.abc import Iterable
from dataclasses import dataclass

from tocsin.core.access import Principal, Role
from tocsin.core.errors import NotFound
from tocsin.core.ids import UserId, WorkspaceId
from tocsin.core.values import Instant
from tocsin.store.encoding import clean, dump, instant, instant_or_none, load_texts, micros, micros_or_none
from tocsin.store.sql import Row, Sql, Value


@dataclass(frozen=True, slots=True)
class User:
    """A person, or a machine that has keys. `password` is a hash with its parameters."""

    id: UserId
    workspace: WorkspaceId
    name: str
    email: str  # lower case
    roles: frozenset[Role]
    created_at: Instant
    password: str | None = None
    disabled_at: Instant | None = None

    def principal(self) -> Principal:
        """Return who acts when this user does."""
        return Principal(self.id, self.name, self.email, self.roles, self.workspace)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `hash` is the sha256 of the cookie's token."""

    hash: str
    user: UserId
    created_at: Instant
    expires_at: Instant
    seen_at: Instant


class Users:
    """The users of all workspaces, and their sessions."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, user: User) -> None:
        """Add a user; raises AlreadyExists when the address is taken."""
        self._sql.run(
            "INSERT INTO users (id, workspace, name, email, roles, password, created_at, disabled_at) "
            "VALUES (:id, :workspace, :name, :email, :roles, :password, :created_at, :disabled_at)",
            _columns(user),
        )

    def save(self, user: User) -> None:
        """Write a user that was changed; raises NotFound."""
        changed = self._sql.run(
            "UPDATE users SET name = :name, email = :email, roles = :roles, password = :password, disabled_at = :disabled_at "
            "WHERE id = :id AND workspace = :workspace",
            _columns(user),
        )
        if changed == 0:
            raise NotFound(f"There is no user '{user.id}'.")

    def get(self, id: UserId, *, workspace: WorkspaceId) -> User:
        """Return one user; raises NotFound."""
        row = self._sql.row("SELECT * FROM users WHERE id = :id AND workspace = :workspace", {"id": id, "workspace": workspace})
        if row is None:
            raise NotFound(f"There is no user '{id}'.")
        return _user(row)

    def by_email(self, email: str, *, workspace: WorkspaceId) -> User | None:
        """Return the user of an address, whatever its case."""
        row = self._sql.row(
            "SELECT * FROM users WHERE workspace = :workspace AND email = :email", {"workspace": workspace, "email": clean(email.lower())}
        )
        return None if row is None else _user(row)

    def all(self, *, workspace: WorkspaceId) -> list[User]:
        """Return every user by name."""
        return [
            _user(row)
            for row in self._sql.rows("SELECT * FROM users WHERE workspace = :workspace ORDER BY name, id", {"workspace": workspace})
        ]

    def with_role(self, role: Role, *, workspace: WorkspaceId) -> list[User]:
        """Return the users who hold a role and are not disabled, by name."""
        return [user for user in self.all(workspace=workspace) if role in user.roles and user.disabled_at is None]

    def start_session(self, session: Session) -> None:
        """Sign a user in."""
        self._sql.run(
            "INSERT INTO sessions (hash, user_id, created_at, expires_at, seen_at) "
            "VALUES (:hash, :user, :created_at, :expires_at, :seen_at)",
            {
                "hash": session.hash,
                "user": session.user,
                "created_at": micros(session.created_at),
                "expires_at": micros(session.expires_at),
                "seen_at": micros(session.seen_at),
            },
        )

    def session(self, hash: str, *, now: Instant) -> tuple[Session, User] | None:
        """Return a session that has not expired, with its user unless disabled."""
        row = self._sql.row(
            "SELECT s.hash, s.user_id, s.created_at AS began_at, s.expires_at, s.seen_at, u.* "
            "FROM sessions s JOIN users u ON u.id = s.user_id "
            "WHERE s.hash = :hash AND s.expires_at > :now AND u.disabled_at IS NULL",
            {"hash": hash, "now": micros(now)},
        )
        if row is None:
            return None
        session = Session(row.hash, UserId(row.user_id), instant(row.began_at), instant(row.expires_at), instant(row.seen_at))
        return session, _user(row)

    def touch_session(self, hash: str, *, at: Instant) -> None:
        """Note that a session was used."""
        self._sql.run("UPDATE sessions SET seen_at = :at WHERE hash = :hash", {"hash": hash, "at": micros(at)})

    def end_session(self, hash: str) -> None:
        """Sign one browser out."""
        self._sql.run("DELETE FROM sessions WHERE hash = :hash", {"hash": hash})

    def end_sessions_of(self, user: UserId) -> int:
        """Sign a user out everywhere; return how many sessions ended."""
        return self._sql.run("DELETE FROM sessions WHERE user_id = :user", {"user": user})

    def purge_sessions(self, *, now: Instant) -> int:
        """Delete the sessions that have expired; return how many."""
        return self._sql.run("DELETE FROM sessions WHERE expires_at <= :now", {"now": micros(now)})


def roles_text(roles: Iterable[Role]) -> str:
    """Write roles as they lie in a column."""
    return dump([role.value for role in sorted(roles)])


def read_roles(text: str) -> frozenset[Role]:
    """Read what `roles_text` wrote."""
    return frozenset(Role(name) for name in load_texts(text))


def _columns(user: User) -> dict[str, Value]:
    return {
        "id": user.id,
        "workspace": user.workspace,
        "name": clean(user.name),
        "email": clean(user.email.lower()),
        "roles": roles_text(user.roles),
        "password": user.password,
        "created_at": micros(user.created_at),
        "disabled_at": micros_or_none(user.disabled_at),
    }


def _user(row: Row) -> User:
    return User(
        UserId(row.id),
        WorkspaceId(row.workspace),
        row.name,
        row.email,
        read_roles(row.roles),
        instant(row.created_at),
        row.password,
        instant_or_none(row.disabled_at),
    )
