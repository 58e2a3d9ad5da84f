"""Cases and their timelines."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from tocsin.core.cases import Case, CaseStatus, Entry, EntryKind
from tocsin.core.errors import NotFound
from tocsin.core.ids import CaseId, WorkspaceId
from tocsin.core.severity import Severity
from tocsin.core.tlp import Tlp
from tocsin.core.verdicts import Verdict
from tocsin.store.encoding import clean, dump, instant, instant_or_none, load, load_texts, micros, micros_or_none
from tocsin.store.repos.paging import Page, page, page_limit
from tocsin.store.sql import Row, Sql, Value, Values
from tocsin.store.tables.cases import cases

_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases; what is empty accepts all."""

    statuses: frozenset[CaseStatus] = frozenset()
    severity_at_least: Severity | None = None
    owner: str | None = None
    text: str = ""


class Cases:
    """The cases of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, case: Case) -> None:
        """Open a case."""
        self._sql.run(
            "INSERT INTO cases (id, workspace, title, severity, status, tlp, owner, verdict, reason, opened_at, closed_at, tags) VALUES "
            "(:id, :workspace, :title, :severity, :status, :tlp, :owner, :verdict, :reason, :opened_at, :closed_at, :tags)",
            _columns(case),
        )

    def save(self, case: Case) -> None:
        """Write a case that was changed; raises NotFound."""
        changed = self._sql.run(
            "UPDATE cases SET title = :title, severity = :severity, status = :status, tlp = :tlp, owner = :owner, verdict = :verdict, "
            "reason = :reason, closed_at = :closed_at, tags = :tags WHERE id = :id AND workspace = :workspace",
            _columns(case),
        )
        if changed == 0:
            raise _missing(case.id)

    def get(self, id: CaseId, *, workspace: WorkspaceId) -> Case:
        """Return one case; raises NotFound."""
        row = self._sql.row("SELECT * FROM cases WHERE id = :id AND workspace = :workspace", {"id": id, "workspace": workspace})
        if row is None:
            raise _missing(id)
        return _case(row)

    def find(self, where: CaseFilter = CaseFilter(), *, workspace: WorkspaceId, limit: int = 50, after: str | None = None) -> Page[Case]:
        """Return a page of cases, newest first."""
        size = page_limit(limit)
        conditions: list[sa.ColumnElement[bool]] = [cases.c.workspace == workspace]
        if where.statuses:
            conditions.append(cases.c.status.in_(sorted(where.statuses)))
        if where.severity_at_least is not None:
            conditions.append(cases.c.severity >= where.severity_at_least.severity_id)
        if where.owner is not None:
            conditions.append(cases.c.owner == where.owner)
        if where.text:
            conditions.append(cases.c.title.icontains(where.text, autoescape=True))
        if after is not None:
            conditions.append(cases.c.id < after)
        rows = self._sql.select(sa.select(cases).where(*conditions).order_by(cases.c.id.desc()).limit(size + 1))
        return page([_case(row) for row in rows], limit=size, cursors=[str(row.id) for row in rows])

    def counts(self, *, workspace: WorkspaceId) -> dict[CaseStatus, int]:
        """Count the cases by status."""
        rows = self._sql.rows(
            "SELECT status, count(*) AS n FROM cases WHERE workspace = :workspace GROUP BY status", {"workspace": workspace}
        )
        return {CaseStatus(row.status): int(row.n) for row in rows}

    def tell(self, case: CaseId, entries: Sequence[Entry], *, workspace: WorkspaceId) -> None:
        """Add lines to a case's timeline; raises NotFound."""
        row = self._sql.row(
            "SELECT c.id, (SELECT coalesce(max(seq), 0) FROM case_entries WHERE case_id = c.id) AS last FROM cases c "
            "WHERE c.id = :id AND c.workspace = :workspace",
            {"id": case, "workspace": workspace},
        )
        if row is None:
            raise _missing(case)
        rows: list[Values] = [
            {
                "case": case,
                "seq": row.last + place,
                "kind": entry.kind.value,
                "at": micros(entry.at),
                "author": clean(entry.by),
                "text": clean(entry.text),
                "ref": entry.ref,
                "details": dump(entry.details),
            }
            for place, entry in enumerate(entries, start=1)
        ]
        self._sql.run_many(
            "INSERT INTO case_entries (case_id, seq, kind, at, author, text, ref, details) "
            "VALUES (:case, :seq, :kind, :at, :author, :text, :ref, :details)",
            rows,
        )

    def timeline(self, case: CaseId, *, workspace: WorkspaceId) -> list[Entry]:
        """Return a case's lines in the order they were added."""
        rows = self._sql.rows(
            "SELECT e.* FROM case_entries e JOIN cases c ON c.id = e.case_id WHERE c.id = :case AND c.workspace = :workspace "
            "ORDER BY e.seq",
            {"case": case, "workspace": workspace},
        )
        return [Entry(EntryKind(row.kind), instant(row.at), row.author, row.text, row.ref, load(row.details)) for row in rows]


def _missing(id: CaseId) -> NotFound:
    return NotFound(f"There is no case '{id}'.")


def _columns(case: Case) -> dict[str, Value]:
    return {
        "id": case.id,
        "workspace": case.workspace,
        "title": clean(case.title),
        "severity": case.severity.severity_id,
        "status": case.status.value,
        "tlp": case.tlp.value,
        "owner": case.owner,
        "verdict": case.verdict.value,
        "reason": clean(case.reason),
        "opened_at": micros(case.opened_at),
        "closed_at": micros_or_none(case.closed_at),
        "tags": dump(list(case.tags)),
    }


def _case(row: Row) -> Case:
    return Case(
        CaseId(row.id),
        WorkspaceId(row.workspace),
        row.title,
        _SEVERITIES[row.severity],
        CaseStatus(row.status),
        Tlp(row.tlp),
        row.owner,
        Verdict(row.verdict),
        row.reason,
        instant(row.opened_at),
        instant_or_none(row.closed_at),
        load_texts(row.tags),
    )
