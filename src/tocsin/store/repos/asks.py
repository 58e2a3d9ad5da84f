"""Asks: questions to people, and their answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sa

from tocsin.core.errors import Conflict, NotFound
from tocsin.core.ids import AskId, RunId, UserId, WorkspaceId
from tocsin.core.values import Instant, JsonObject, parse_instant
from tocsin.engine.events import AskOpened
from tocsin.store.encoding import clean, dump, instant, instant_or_none, load_object, load_texts, micros
from tocsin.store.repos.paging import Page, page, page_limit
from tocsin.store.sql import Row, Sql, Value
from tocsin.store.tables.asks import asks


class AskStatus(StrEnum):
    """Where an ask stands: `expired` was decided by its deadline, `closed` was given up by its run, `void` by the end of its run."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CLOSED = "closed"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question put to people by a run."""

    id: AskId
    workspace: WorkspaceId
    run: RunId
    path: str
    about: str
    title: str
    message: str
    to: tuple[str, ...]
    via: tuple[str, ...]
    options: tuple[str, ...]
    form: JsonObject
    quorum: int
    deadline: Instant | None
    on_deadline: str | None
    binding: str
    status: AskStatus
    opened_at: Instant
    answer: str | None = None
    answered_by: str | None = None
    answered_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person answered."""

    user: UserId
    answer: str
    at: Instant
    reason: str = ""
    channel: str = "console"
    form: JsonObject = field(default_factory=dict)


_INSERT = """
INSERT INTO asks (id, workspace, run_id, path, about, title, message, recipients, via, options, form, quorum, deadline, on_deadline,
  binding, status, opened_at, answer, answered_by, answered_at)
VALUES (:id, :workspace, :run, :path, :about, :title, :message, :recipients, :via, :options, :form, :quorum, :deadline, :on_deadline,
  :binding, 'open', :opened_at, NULL, NULL, NULL)"""


class Asks:
    """The asks of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def open(self, run: RunId, opened: Sequence[AskOpened], *, workspace: WorkspaceId) -> None:
        """Record asks that a run has opened."""
        self._sql.run_many(_INSERT, [_columns(run, workspace, one) for one in opened])

    def get(self, id: AskId, *, workspace: WorkspaceId) -> Ask:
        """Return one ask; raises NotFound."""
        row = self._sql.row("SELECT * FROM asks WHERE id = :id AND workspace = :workspace", {"id": id, "workspace": workspace})
        if row is None:
            raise NotFound(f"There is no ask '{id}'.")
        return _ask(row)

    def find(
        self,
        *,
        workspace: WorkspaceId,
        statuses: frozenset[AskStatus] = frozenset(),
        run: RunId | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Ask]:
        """Return a page of asks, newest first."""
        size = page_limit(limit)
        conditions: list[sa.ColumnElement[bool]] = [asks.c.workspace == workspace]
        if statuses:
            conditions.append(asks.c.status.in_(sorted(statuses)))
        if run is not None:
            conditions.append(asks.c.run_id == run)
        if after is not None:
            conditions.append(asks.c.id < after)
        rows = self._sql.select(sa.select(asks).where(*conditions).order_by(asks.c.id.desc()).limit(size + 1))
        return page([_ask(row) for row in rows], limit=size, cursors=[str(row.id) for row in rows])

    def count_open(self, *, workspace: WorkspaceId) -> int:
        """Count the asks that wait for an answer."""
        row = self._sql.row("SELECT count(*) AS n FROM asks WHERE workspace = :workspace AND status = 'open'", {"workspace": workspace})
        return 0 if row is None else int(row.n)

    def record(self, id: AskId, answer: Answer, *, workspace: WorkspaceId) -> list[Answer]:
        """Add one person's answer to an open ask and return all of them; raises NotFound, Conflict.

        A second answer of the same person, an ask that is decided and one whose deadline has passed are Conflicts.
        """
        ask = self.get(id, workspace=workspace)
        if ask.status is not AskStatus.OPEN:
            raise Conflict(f"The ask '{id}' is {ask.status.value} already.", hint="Nothing more can be answered.")
        if ask.deadline is not None and answer.at >= ask.deadline:
            raise Conflict(f"The deadline of the ask '{id}' has passed.", hint="Its default decides.")
        added = self._sql.run(
            "INSERT INTO ask_answers (ask_id, user_id, answer, form, reason, channel, at) "
            "VALUES (:ask, :user, :answer, :form, :reason, :channel, :at) ON CONFLICT DO NOTHING",
            {
                "ask": id,
                "user": answer.user,
                "answer": answer.answer,
                "form": dump(answer.form),
                "reason": clean(answer.reason),
                "channel": answer.channel,
                "at": micros(answer.at),
            },
        )
        if added == 0:
            raise Conflict(f"You have answered the ask '{id}' already.", hint="A person counts once.")
        return self.answers(id, workspace=workspace)

    def answers(self, id: AskId, *, workspace: WorkspaceId) -> list[Answer]:
        """Return what people answered, first answer first."""
        rows = self._sql.rows(
            "SELECT w.* FROM ask_answers w JOIN asks a ON a.id = w.ask_id WHERE w.ask_id = :id AND a.workspace = :workspace "
            "ORDER BY w.at, w.user_id",
            {"id": id, "workspace": workspace},
        )
        return [Answer(UserId(row.user_id), row.answer, instant(row.at), row.reason, row.channel, load_object(row.form)) for row in rows]

    def decide(self, id: AskId, *, answer: str, by: str | None, at: Instant) -> bool:
        """Close an open ask with its answer; `by` None is the deadline. Return False when it is not open."""
        return (
            self._sql.run(
                "UPDATE asks SET status = :status, answer = :answer, answered_by = :by, answered_at = :at "
                "WHERE id = :id AND status = 'open'",
                {
                    "id": id,
                    "status": (AskStatus.EXPIRED if by is None else AskStatus.ANSWERED).value,
                    "answer": answer,
                    "by": by,
                    "at": micros(at),
                },
            )
            > 0
        )

    def close(self, id: AskId, *, reason: str, at: Instant) -> bool:
        """Close an open ask that needs no answer any more; return False when it is not open."""
        if not self._sql.run("UPDATE asks SET status = 'closed' WHERE id = :id AND status = 'open'", {"id": id}):
            return False
        self._sql.run(
            "INSERT INTO ask_closings (ask_id, reason, at) VALUES (:id, :reason, :at)",
            {"id": id, "reason": clean(reason), "at": micros(at)},
        )
        return True

    def closed_because(self, id: AskId) -> str:
        """Return why an ask was closed; empty when it was not."""
        row = self._sql.row("SELECT reason FROM ask_closings WHERE ask_id = :id", {"id": id})
        return "" if row is None else row.reason

    def void_of_run(self, run: RunId) -> list[AskId]:
        """Void the asks that a run leaves open, and return them."""
        rows = self._sql.rows("UPDATE asks SET status = 'void' WHERE run_id = :run AND status = 'open' RETURNING id", {"run": run})
        return [AskId(row.id) for row in rows]


def _columns(run: RunId, workspace: WorkspaceId, opened: AskOpened) -> dict[str, Value]:
    return {
        "id": opened.ask,
        "workspace": workspace,
        "run": run,
        "path": opened.path,
        "about": opened.about,
        "title": clean(opened.title),
        "message": clean(opened.message),
        "recipients": dump(list(opened.to)),
        "via": dump(list(opened.via)),
        "options": dump(list(opened.options)),
        "form": dump(opened.form),
        "quorum": opened.quorum,
        "deadline": None if opened.deadline is None else micros(parse_instant(opened.deadline)),
        "on_deadline": opened.on_deadline,
        "binding": opened.binding,
        "opened_at": micros(parse_instant(opened.at)),
    }


def _ask(row: Row) -> Ask:
    return Ask(
        AskId(row.id),
        WorkspaceId(row.workspace),
        RunId(row.run_id),
        row.path,
        row.about,
        row.title,
        row.message,
        load_texts(row.recipients),
        load_texts(row.via),
        load_texts(row.options),
        load_object(row.form),
        row.quorum,
        instant_or_none(row.deadline),
        row.on_deadline,
        row.binding,
        AskStatus(row.status),
        instant(row.opened_at),
        row.answer,
        row.answered_by,
        instant_or_none(row.answered_at),
    )
