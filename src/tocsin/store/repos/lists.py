"""Hosted lists: what firewalls fetch to block. An entry past its end is gone, purged or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.observables import Observable, ObservableType
from tocsin.core.values import Instant
from tocsin.store.encoding import clean, instant, instant_or_none, micros, micros_or_none
from tocsin.store.sql import Row, Sql, Values

_LIVE = "(expires_at IS NULL OR expires_at > :now)"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One value on a list."""

    list: str
    observable: Observable
    reason: str
    added_by: str
    added_at: Instant
    expires_at: Instant | None = None
    run: RunId | None = None


class Lists:
    """The lists of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put(self, entry: ListEntry, *, workspace: WorkspaceId) -> bool:
        """Put a value on a list, or change its entry; return True when it was not live before."""
        name, at = entry.list, entry.added_at
        is_new = not self.holds(name, entry.observable, workspace=workspace, now=at)
        self._sql.run(
            "INSERT INTO list_entries (workspace, list, type, value, expires_at, reason, added_by, added_at, run_id) "
            "VALUES (:workspace, :list, :type, :value, :expires_at, :reason, :by, :at, :run) "
            "ON CONFLICT (workspace, list, type, value) DO UPDATE SET expires_at = excluded.expires_at, reason = excluded.reason, "
            "added_by = excluded.added_by, added_at = excluded.added_at, run_id = excluded.run_id",
            {
                **_key(name, entry.observable, workspace),
                "expires_at": micros_or_none(entry.expires_at),
                "reason": clean(entry.reason),
                "by": clean(entry.added_by),
                "at": micros(at),
                "run": entry.run,
            },
        )
        self._bump([name], workspace=workspace, at=at)
        return is_new

    def remove(self, name: str, observable: Observable, *, workspace: WorkspaceId, at: Instant) -> bool:
        """Take a value off a list; return False when it was not on it."""
        removed = self._sql.run(
            "DELETE FROM list_entries WHERE workspace = :workspace AND list = :list AND type = :type AND value = :value",
            _key(name, observable, workspace),
        )
        if removed:
            self._bump([name], workspace=workspace, at=at)
        return removed > 0

    def holds(self, name: str, observable: Observable, *, workspace: WorkspaceId, now: Instant) -> bool:
        """Tell whether a value is on a list now."""
        values: Values = {**_key(name, observable, workspace), "now": micros(now)}
        return (
            self._sql.row(
                "SELECT 1 AS one FROM list_entries "  # noqa: S608 - a constant
                f"WHERE workspace = :workspace AND list = :list AND type = :type AND value = :value AND {_LIVE}",
                values,
            )
            is not None
        )

    def entries(self, name: str, *, workspace: WorkspaceId, now: Instant) -> list[ListEntry]:
        """Return what is on a list now, by type and value."""
        rows = self._sql.rows(
            f"SELECT * FROM list_entries WHERE workspace = :workspace AND list = :list AND {_LIVE} ORDER BY type, value",  # noqa: S608 - a constant
            {"workspace": workspace, "list": name, "now": micros(now)},
        )
        return [_entry(row) for row in rows]

    def names(self, *, workspace: WorkspaceId) -> list[str]:
        """Return the lists that ever held anything."""
        return [
            str(row.name)
            for row in self._sql.rows("SELECT name FROM lists WHERE workspace = :workspace ORDER BY name", {"workspace": workspace})
        ]

    def etag(self, name: str, *, workspace: WorkspaceId, now: Instant) -> str:
        """Return a text that differs whenever what is on the list differs: after a change, and after an entry's end."""
        row = self._sql.row(
            "SELECT (SELECT revision FROM lists WHERE workspace = :workspace AND name = :list) AS revision, "
            "(SELECT max(expires_at) FROM list_entries WHERE workspace = :workspace AND list = :list AND expires_at <= :now) AS ended",
            {"workspace": workspace, "list": name, "now": micros(now)},
        )
        return "0-0" if row is None else f"{row.revision or 0}-{row.ended or 0}"

    def purge(self, *, now: Instant) -> int:
        """Delete entries past their end, on every list; return how many."""
        rows = self._sql.rows(
            "SELECT DISTINCT workspace, list FROM list_entries WHERE expires_at IS NOT NULL AND expires_at <= :now", {"now": micros(now)}
        )
        for row in rows:
            self._bump([row.list], workspace=WorkspaceId(row.workspace), at=now)
        return self._sql.run("DELETE FROM list_entries WHERE expires_at IS NOT NULL AND expires_at <= :now", {"now": micros(now)})

    def _bump(self, names: Sequence[str], *, workspace: WorkspaceId, at: Instant) -> None:
        rows: list[Values] = [{"workspace": workspace, "name": name, "at": micros(at)} for name in names]
        self._sql.run_many(
            "INSERT INTO lists (workspace, name, revision, changed_at) VALUES (:workspace, :name, 1, :at) "
            "ON CONFLICT (workspace, name) DO UPDATE SET revision = lists.revision + 1, changed_at = excluded.changed_at",
            rows,
        )


def _key(name: str, observable: Observable, workspace: WorkspaceId) -> dict[str, str]:
    return {"workspace": workspace, "list": name, "type": observable.type.value, "value": clean(observable.value)}


def _entry(row: Row) -> ListEntry:
    return ListEntry(
        row.list,
        Observable(ObservableType(row.type), row.value),
        row.reason,
        row.added_by,
        instant(row.added_at),
        instant_or_none(row.expires_at),
        None if row.run_id is None else RunId(row.run_id),
    )
