"""Schedules: when each playbook that has one starts next."""

from collections.abc import Collection
from dataclasses import dataclass

from tocsin.core.ids import WorkspaceId
from tocsin.core.values import Instant
from tocsin.store.encoding import instant, instant_or_none, micros
from tocsin.store.sql import Row, Sql, Values


@dataclass(frozen=True, slots=True)
class Schedule:
    """A playbook's cron line. `next_at` is None while it starts nothing."""

    workspace: WorkspaceId
    playbook: str
    cron: str
    next_at: Instant | None
    last_at: Instant | None = None


class Schedules:
    """The schedules of all workspaces."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self, *, workspace: WorkspaceId) -> list[Schedule]:
        """Return every schedule, also those that start nothing now."""
        rows = self._sql.rows("SELECT * FROM schedules WHERE workspace = :workspace ORDER BY playbook, cron", {"workspace": workspace})
        return [_schedule(row) for row in rows]

    def keep(self, wanted: Collection[Schedule], *, workspace: WorkspaceId) -> None:
        """Make these the schedules that start something. One that does so already goes on as it was."""
        self._sql.run_many(
            "INSERT INTO schedules (workspace, playbook, cron, next_at, last_at) VALUES (:workspace, :playbook, :cron, :next_at, NULL) "
            "ON CONFLICT (workspace, playbook, cron) DO UPDATE SET next_at = coalesce(schedules.next_at, excluded.next_at)",
            [{**_key(one), "next_at": None if one.next_at is None else micros(one.next_at)} for one in wanted],
        )
        known = {(one.playbook, one.cron) for one in wanted}
        over = [one for one in self.all(workspace=workspace) if one.next_at is not None and (one.playbook, one.cron) not in known]
        self._sql.run_many(
            "UPDATE schedules SET next_at = NULL WHERE workspace = :workspace AND playbook = :playbook AND cron = :cron",
            [_key(one) for one in over],
        )

    def due(self, now: Instant, *, workspace: WorkspaceId) -> list[Schedule]:
        """Return the schedules whose time has come."""
        rows = self._sql.rows(
            "SELECT * FROM schedules WHERE next_at IS NOT NULL AND next_at <= :now AND workspace = :workspace ORDER BY next_at, playbook",
            {"now": micros(now), "workspace": workspace},
        )
        return [_schedule(row) for row in rows]

    def next_due(self, *, workspace: WorkspaceId) -> Instant | None:
        """Return when the next one is due."""
        row = self._sql.row(
            "SELECT min(next_at) AS at FROM schedules WHERE next_at IS NOT NULL AND workspace = :workspace", {"workspace": workspace}
        )
        return None if row is None else instant_or_none(row.at)

    def move_on(self, one: Schedule, *, next_at: Instant | None) -> bool:
        """Note that a schedule has started what was due; return False when somebody else has done so, or it starts nothing now."""
        if one.next_at is None:
            return False
        values: Values = {**_key(one), "due": micros(one.next_at), "next_at": None if next_at is None else micros(next_at)}
        return (
            self._sql.run(
                "UPDATE schedules SET last_at = :due, next_at = :next_at "
                "WHERE workspace = :workspace AND playbook = :playbook AND cron = :cron AND next_at = :due",
                values,
            )
            > 0
        )


def _key(one: Schedule) -> dict[str, str]:
    return {"workspace": one.workspace, "playbook": one.playbook, "cron": one.cron}


def _schedule(row: Row) -> Schedule:
    next_at = None if row.next_at is None else instant(row.next_at)
    return Schedule(WorkspaceId(row.workspace), row.playbook, row.cron, next_at, instant_or_none(row.last_at))
