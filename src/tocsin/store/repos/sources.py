"""How far each source was read, and what is wrong with it."""

from dataclasses import dataclass

from tocsin.core.ids import WorkspaceId
from tocsin.core.values import Instant, Json
from tocsin.store.encoding import clean, dump, instant, load, micros
from tocsin.store.sql import Sql


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where a source stands."""

    source: str
    cursor: Json
    updated_at: Instant
    problem: str = ""


class Sources:
    """The cursors of all workspaces' sources."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, source: str, *, workspace: WorkspaceId) -> SourceState | None:
        """Return where a source stands, if it was ever read."""
        row = self._sql.row(
            "SELECT * FROM source_cursors WHERE workspace = :workspace AND source = :source", {"workspace": workspace, "source": source}
        )
        return None if row is None else SourceState(row.source, load(row.cursor), instant(row.updated_at), row.problem)

    def all(self, *, workspace: WorkspaceId) -> list[SourceState]:
        """Return every source that was ever read, by name."""
        rows = self._sql.rows("SELECT * FROM source_cursors WHERE workspace = :workspace ORDER BY source", {"workspace": workspace})
        return [SourceState(row.source, load(row.cursor), instant(row.updated_at), row.problem) for row in rows]

    def move(self, source: str, cursor: Json, *, workspace: WorkspaceId, at: Instant) -> None:
        """Note how far a source was read, in the transaction that stores what was read."""
        self._sql.run(
            "INSERT INTO source_cursors (workspace, source, cursor, updated_at, problem) VALUES (:workspace, :source, :cursor, :at, '') "
            "ON CONFLICT (workspace, source) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at, problem = ''",
            {"workspace": workspace, "source": source, "cursor": dump(cursor), "at": micros(at)},
        )

    def trouble(self, source: str, problem: str, *, workspace: WorkspaceId, at: Instant) -> None:
        """Note what is wrong with a source; its cursor stays."""
        self._sql.run(
            "INSERT INTO source_cursors (workspace, source, cursor, updated_at, problem) "
            "VALUES (:workspace, :source, 'null', :at, :problem) "
            "ON CONFLICT (workspace, source) DO UPDATE SET updated_at = excluded.updated_at, problem = excluded.problem",
            {"workspace": workspace, "source": source, "problem": clean(problem), "at": micros(at)},
        )
