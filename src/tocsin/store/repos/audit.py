"""The audit log: who did what. The database itself refuses to change or delete a line."""

from dataclasses import dataclass, field

from tocsin.core.ids import WorkspaceId
from tocsin.core.values import Instant, JsonObject
from tocsin.store.encoding import clean, dump, instant, load_object, micros
from tocsin.store.repos.paging import Page, page, page_limit
from tocsin.store.sql import Sql


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One deed: `actor` did `action` to the `kind` whose id is `ref`."""

    workspace: WorkspaceId
    at: Instant
    actor: str
    action: str
    kind: str
    ref: str
    details: JsonObject = field(default_factory=dict)


class Audit:
    """The log of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, line: AuditLine) -> None:
        """Add a line."""
        self._sql.run(
            "INSERT INTO audit (workspace, at, actor, action, kind, ref, details) "
            "VALUES (:workspace, :at, :actor, :action, :kind, :ref, :details)",
            {
                "workspace": line.workspace,
                "at": micros(line.at),
                "actor": clean(line.actor),
                "action": line.action,
                "kind": line.kind,
                "ref": clean(line.ref),
                "details": dump(line.details),
            },
        )

    def find(self, *, workspace: WorkspaceId, ref: str | None = None, limit: int = 50, after: str | None = None) -> Page[AuditLine]:
        """Return a page of the log, latest first."""
        size = page_limit(limit)
        rows = self._sql.rows(
            "SELECT * FROM audit WHERE workspace = :workspace AND (ref = :ref OR :ref IS NULL) AND seq < :after "
            "ORDER BY seq DESC LIMIT :limit",
            {"workspace": workspace, "ref": ref, "after": int(after) if after and after.isdecimal() else 2**62, "limit": size + 1},
        )
        lines = [AuditLine(WorkspaceId(r.workspace), instant(r.at), r.actor, r.action, r.kind, r.ref, load_object(r.details)) for r in rows]
        return page(lines, limit=size, cursors=[str(row.seq) for row in rows])
