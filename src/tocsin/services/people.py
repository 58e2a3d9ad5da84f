"""People and machines: who they are, their keys, their sessions."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from tocsin.core.access import ROLE_SCOPES, Principal, Role, Scope, require
from tocsin.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from tocsin.core.ids import DEFAULT_WORKSPACE, Ids, KeyId, UserId
from tocsin.core.values import Instant
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.keys import ApiKey
from tocsin.store.repos.people import Session, User
from tocsin.store.tx import Tx

SESSION_LIFE = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=1)
TOUCH_AFTER = timedelta(minutes=1)
_TOKEN = re.compile(r"tocsin_([0-9a-z]{26})_([0-9a-f]{48})")
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,255}")
_REFUSED = "The key or session is not valid."


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `token` is shown once and kept nowhere."""

    id: KeyId
    user: UserId
    token: str
    roles: frozenset[Role]
    expires_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """The administrator that the first start makes. `token` is shown once and kept nowhere."""

    user: UserId
    name: str
    email: str
    token: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was just started; `token` goes into the cookie."""

    token: str
    expires_at: Instant
    principal: Principal


@dataclass(frozen=True, slots=True)
class Known:
    """Who a credential belongs to. `is_stale`: its last use was noted long enough ago to be noted anew."""

    principal: Principal
    is_stale: bool = False


def hash_token(secret: str) -> str:
    """Return the sha256 of a secret; it has 192 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def first_admin(tx: Tx, *, email: str = "", now: Instant, ids: Ids) -> FirstAdmin | None:
    """Create the first administrator, `admin`, and a key; None when anybody exists."""
    if tx.users.all(workspace=DEFAULT_WORKSPACE):
        return None
    user = User(UserId(ids("usr")), DEFAULT_WORKSPACE, "admin", email.lower(), frozenset({Role.ADMIN}), now)
    tx.users.add(user)
    key = _make_key(tx, user, name="first key", roles=frozenset(), expires_at=None, now=now, ids=ids)
    tx.audit.add(AuditLine(DEFAULT_WORKSPACE, now, user.id, "user.create", "user", user.id, {"name": user.name, "roles": ["admin"]}))
    return FirstAdmin(user.id, user.name, user.email, key.token)


def create_user(tx: Tx, actor: Principal, *, name: str, email: str, roles: Sequence[Role], now: Instant, ids: Ids) -> User:
    """Add a person or a machine (without an address); raises Conflict, Invalid."""
    require(actor, Scope.PEOPLE_WRITE)
    if email and not _EMAIL.fullmatch(email):
        raise Invalid(f"'{email}' is not an e-mail address.", hint="Leave it empty for a machine.")
    if any(user.name.casefold() == name.casefold() for user in tx.users.all(workspace=actor.workspace)):
        # `user:NAME` in a playbook must mean one person.
        raise Conflict(f"There is somebody named '{name}' already.", hint="Choose another name.")
    id = UserId(ids("usr"))
    # Addresses are unique in a workspace; a machine's is its id, to which no mail goes.
    user = User(id, actor.workspace, name, email.lower() or f"{id}@machines.invalid", frozenset(roles), now)
    tx.users.add(user)
    details = [role.value for role in sorted(roles)]
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "user.create", "user", user.id, {"name": name, "roles": [*details]}))
    return user


def find_people(tx: Tx, actor: Principal) -> list[User]:
    """Return everybody by name."""
    require(actor, Scope.PEOPLE_WRITE)
    return tx.users.all(workspace=actor.workspace)


def disable_user(tx: Tx, actor: Principal, *, id: UserId, now: Instant) -> User:
    """Let somebody in no more, by key or by session; raises NotFound, Conflict."""
    require(actor, Scope.PEOPLE_WRITE)
    if id == actor.user:
        raise Conflict("You cannot disable yourself.", hint="Ask another administrator.")
    user = replace(tx.users.get(id, workspace=actor.workspace), disabled_at=now)
    tx.users.save(user)
    tx.users.end_sessions_of(id)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "user.disable", "user", id))
    return user


def create_key(
    tx: Tx, actor: Principal, *, user: UserId, name: str, roles: Sequence[Role], life: timedelta | None, now: Instant, ids: Ids
) -> NewKey:
    """Make a key for a user; `roles` is what it may at most, none means all that the user may. Raises NotFound."""
    require(actor, Scope.PEOPLE_WRITE)
    owner = tx.users.get(user, workspace=actor.workspace)
    key = _make_key(tx, owner, name=name, roles=frozenset(roles), expires_at=now + life if life else None, now=now, ids=ids)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "key.create", "key", key.id, {"user": user, "name": name}))
    return key


def revoke_key(tx: Tx, actor: Principal, *, user: UserId, id: KeyId, now: Instant) -> None:
    """Make a key open nothing any more; raises NotFound."""
    require(actor, Scope.PEOPLE_WRITE)
    key = tx.keys.by_id(id)
    if key is None or key.workspace != actor.workspace or key.user != user:
        raise NotFound(f"There is no key '{id}'.")
    tx.keys.revoke(id, workspace=actor.workspace, at=now)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "key.revoke", "key", id))


def authenticate(tx: Tx, *, token: str, now: Instant) -> Known:
    """Return whose key this is; raises Unauthenticated, with the same words whatever is wrong."""
    parts = _TOKEN.fullmatch(token)
    id, secret = parts.groups() if parts else ("", token)
    key = tx.keys.by_id(KeyId(f"key_{id}")) if id else None
    # Compared in any case, so that a key that exists takes as long as one that does not.
    is_right = hmac.compare_digest(hash_token(secret), key.hash if key else hash_token(""))
    if key is None or not is_right or not key.is_valid(now):
        raise Unauthenticated(_REFUSED, hint="Use one that is not revoked or expired.")
    user = tx.users.get(key.user, workspace=key.workspace)
    if user.disabled_at is not None:
        raise Unauthenticated(_REFUSED, hint="Use one that is not revoked or expired.")
    is_stale = key.used_at is None or now - key.used_at > TOUCH_AFTER
    return Known(replace(user.principal(), roles=_allowed(user.roles, key.roles)), is_stale)


def touch_key(tx: Tx, *, token: str, now: Instant) -> None:
    """Note that a key was used."""
    parts = _TOKEN.fullmatch(token)
    if parts:
        tx.keys.touch(KeyId(f"key_{parts.group(1)}"), at=now)


def sign_in(tx: Tx, *, token: str, now: Instant) -> NewSession:
    """Start a session for whoever holds a key; raises Unauthenticated.

    A key that may less than its user starts no session, for a session may all that the user may.
    """
    principal = authenticate(tx, token=token, now=now).principal
    user = tx.users.get(principal.user, workspace=principal.workspace)
    if principal.roles != user.roles:
        raise Unauthenticated("This key may only do a part of what its owner may.", hint="Sign in with a key without roles of its own.")
    secret = secrets.token_hex(24)
    expires_at = now + SESSION_LIFE
    tx.users.start_session(Session(hash_token(secret), user.id, now, expires_at, now))
    tx.audit.add(AuditLine(user.workspace, now, user.id, "session.start", "user", user.id))
    return NewSession(secret, expires_at, principal)


def authenticate_session(tx: Tx, *, token: str, now: Instant) -> Known:
    """Return who has signed in with this cookie; raises Unauthenticated."""
    found = tx.users.session(hash_token(token), now=now)
    if found is None or now - found[0].seen_at > SESSION_IDLE:
        raise Unauthenticated(_REFUSED, hint="Sign in again.")
    session, user = found
    return Known(user.principal(), now - session.seen_at > TOUCH_AFTER)


def touch_session(tx: Tx, *, token: str, now: Instant) -> None:
    """Note that a session was used."""
    tx.users.touch_session(hash_token(token), at=now)


def sign_out(tx: Tx, actor: Principal, *, token: str, now: Instant) -> None:
    """End a session."""
    tx.users.end_session(hash_token(token))
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "session.end", "user", actor.user))


def _make_key(tx: Tx, user: User, *, name: str, roles: frozenset[Role], expires_at: Instant | None, now: Instant, ids: Ids) -> NewKey:
    id = KeyId(ids("key"))
    secret = secrets.token_hex(24)
    tx.keys.add(ApiKey(id, user.workspace, user.id, name, hash_token(secret), roles, now, expires_at))
    return NewKey(id, user.id, f"tocsin_{id.removeprefix('key_')}_{secret}", roles or user.roles, expires_at)


def _allowed(held: frozenset[Role], wanted: frozenset[Role]) -> frozenset[Role]:
    """Return a key's roles: those it names, as far as its owner may all that they may."""
    if not wanted:
        return held
    mine = frozenset().union(*(ROLE_SCOPES[role] for role in held))
    return frozenset(role for role in wanted if ROLE_SCOPES[role] <= mine)
