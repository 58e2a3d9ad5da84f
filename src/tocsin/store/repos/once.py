"""Idempotency keys: what was answered the first time is answered again."""

from tocsin.core.ids import WorkspaceId
from tocsin.core.values import Instant, Json
from tocsin.store.encoding import clean, dump, load, micros
from tocsin.store.sql import Sql


class Once:
    """Results by key, of all workspaces."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, key: str, *, workspace: WorkspaceId) -> tuple[Json] | None:
        """Return the first result of a key, in a tuple because a result may be null; None when the key is new."""
        row = self._sql.row(
            "SELECT result FROM once WHERE workspace = :workspace AND key = :key", {"workspace": workspace, "key": clean(key)}
        )
        return None if row is None else (load(row.result),)

    def put(self, key: str, result: Json, *, workspace: WorkspaceId, at: Instant) -> None:
        """Keep the result of a key; raises AlreadyExists when another was first."""
        self._sql.run(
            "INSERT INTO once (workspace, key, result, at) VALUES (:workspace, :key, :result, :at)",
            {"workspace": workspace, "key": clean(key), "result": dump(result), "at": micros(at)},
        )

    def purge(self, *, before: Instant) -> int:
        """Forget keys of before an instant; return how many."""
        return self._sql.run("DELETE FROM once WHERE at < :before", {"before": micros(before)})
