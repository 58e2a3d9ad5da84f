"""The outbox: messages that must leave, written in the transaction that decided to send them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.core.ids import WorkspaceId
from tocsin.core.values import Instant, JsonObject
from tocsin.store.encoding import clean, dump, instant, instant_or_none, load_object, micros
from tocsin.store.sql import Row, Sql, Value


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one recipient; `ref` is what it is about. `next_at` is None once it was sent or given up."""

    id: str
    workspace: WorkspaceId
    kind: str
    ref: str
    recipient: str
    body: JsonObject
    created_at: Instant
    attempts: int = 0
    next_at: Instant | None = None
    sent_at: Instant | None = None
    failed_at: Instant | None = None
    reason: str = ""


class Outbox:
    """The messages of all workspaces."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Have messages sent, at `next_at` or at once."""
        self._sql.run_many(
            "INSERT INTO outbox (id, workspace, kind, ref, recipient, body, created_at, attempts, next_at, sent_at, failed_at, reason) "
            "VALUES (:id, :workspace, :kind, :ref, :recipient, :body, :created_at, 0, :next_at, NULL, NULL, '')",
            [_columns(one) for one in deliveries],
        )

    def claim_due(self, now: Instant, *, until: Instant, limit: int = 20) -> list[Delivery]:
        """Take messages whose time has come; unless told otherwise they are due again at `until`. Each take is an attempt."""
        rows = self._sql.rows(
            "UPDATE outbox SET attempts = attempts + 1, next_at = :until WHERE id IN "
            "(SELECT id FROM outbox WHERE next_at IS NOT NULL AND next_at <= :now ORDER BY next_at LIMIT :limit) RETURNING *",
            {"now": micros(now), "until": micros(until), "limit": limit},
        )
        return [_delivery(row) for row in rows]

    def reclaim(self, *, at: Instant) -> int:
        """Make everything that waits due at once; only right when no other process can be sending. Return how many."""
        return self._sql.run("UPDATE outbox SET next_at = :at WHERE next_at IS NOT NULL AND next_at > :at", {"at": micros(at)})

    def next_due(self) -> Instant | None:
        """Return when the next message is due."""
        row = self._sql.row("SELECT min(next_at) AS at FROM outbox WHERE next_at IS NOT NULL", {})
        return None if row is None else instant_or_none(row.at)

    def sent(self, id: str, *, at: Instant) -> None:
        """Note that a message has left."""
        self._sql.run("UPDATE outbox SET sent_at = :at, next_at = NULL, reason = '' WHERE id = :id", {"id": id, "at": micros(at)})

    def retry(self, id: str, *, at: Instant, reason: str) -> None:
        """Try a message again later, unless it was withdrawn meanwhile."""
        self._sql.run(
            "UPDATE outbox SET next_at = :at, reason = :reason WHERE id = :id AND next_at IS NOT NULL",
            {"id": id, "at": micros(at), "reason": clean(reason)},
        )

    def fail(self, id: str, *, at: Instant, reason: str) -> None:
        """Give a message up."""
        self._sql.run(
            "UPDATE outbox SET failed_at = :at, next_at = NULL, reason = :reason WHERE id = :id",
            {"id": id, "at": micros(at), "reason": clean(reason)},
        )

    def withdraw(self, ref: str, *, workspace: WorkspaceId, at: Instant, reason: str) -> int:
        """Send nothing more about one thing; return how many messages that were."""
        return self._sql.run(
            "UPDATE outbox SET failed_at = :at, next_at = NULL, reason = :reason "
            "WHERE workspace = :workspace AND ref = :ref AND next_at IS NOT NULL",
            {"workspace": workspace, "ref": ref, "at": micros(at), "reason": clean(reason)},
        )

    def about(self, ref: str, *, workspace: WorkspaceId) -> list[Delivery]:
        """Return the messages about one thing, oldest first."""
        rows = self._sql.rows(
            "SELECT * FROM outbox WHERE workspace = :workspace AND ref = :ref ORDER BY id", {"workspace": workspace, "ref": ref}
        )
        return [_delivery(row) for row in rows]


def _columns(one: Delivery) -> dict[str, Value]:
    return {
        "id": one.id,
        "workspace": one.workspace,
        "kind": one.kind,
        "ref": one.ref,
        "recipient": clean(one.recipient),
        "body": dump(one.body),
        "created_at": micros(one.created_at),
        "next_at": micros(one.next_at or one.created_at),
    }


def _delivery(row: Row) -> Delivery:
    return Delivery(
        row.id,
        WorkspaceId(row.workspace),
        row.kind,
        row.ref,
        row.recipient,
        load_object(row.body),
        instant(row.created_at),
        row.attempts,
        instant_or_none(row.next_at),
        instant_or_none(row.sent_at),
        instant_or_none(row.failed_at),
        row.reason,
    )
