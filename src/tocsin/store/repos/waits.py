"""Runs that wait for an event: which, and how to find those that one may be for without looking at the others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Instant, JsonObject, parse_instant
from tocsin.engine.events import EventAwaited
from tocsin.playbook.plan import Awaited
from tocsin.store.encoding import clean, dump, load_object, micros
from tocsin.store.sql import Row, Sql, Values
from tocsin.store.wait_keys import keys_of

ANY = ""  # the field of waits that any event may be for


@dataclass(frozen=True, slots=True)
class Place:
    """Where events of one kind happen; `hook` names a webhook."""

    workspace: WorkspaceId
    kind: Awaited
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step of a run that waits. Waits of one shape have the same filter and names."""

    run: RunId
    path: str
    shape: str
    filter: str | None
    names: JsonObject


_FIELDS = """
WITH RECURSIVE fields (field) AS (
  SELECT min(field) FROM event_wait_keys WHERE workspace = :workspace AND kind = :kind AND hook = :hook
  UNION ALL
  SELECT (SELECT min(k.field) FROM event_wait_keys k
          WHERE k.workspace = :workspace AND k.kind = :kind AND k.hook = :hook AND k.field > f.field)
  FROM fields f WHERE f.field IS NOT NULL
) SELECT field FROM fields WHERE field IS NOT NULL"""
_KEYED = """
SELECT w.run_id, w.path, w.shape, w.filter, w.names FROM event_wait_keys k
JOIN event_waits w ON w.run_id = k.run_id AND w.path = k.path
WHERE k.workspace = :workspace AND k.kind = :kind AND k.hook = :hook AND k.field = :field AND k.value = :value
  AND (w.due IS NULL OR w.due > :now)
ORDER BY w.run_id, w.path"""
_SHAPES = """
SELECT min(w.run_id) AS run_id, min(w.path) AS path, k.value AS shape, min(w.filter) AS filter, min(w.names) AS names FROM event_wait_keys k
JOIN event_waits w ON w.run_id = k.run_id AND w.path = k.path
WHERE k.workspace = :workspace AND k.kind = :kind AND k.hook = :hook AND k.field = '' AND (w.due IS NULL OR w.due > :now)
GROUP BY k.value ORDER BY k.value"""


class Waits:
    """The waits of all workspaces."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(self, run: RunId, awaited: EventAwaited, *, workspace: WorkspaceId) -> None:
        """Register a run for an event; a second time changes nothing."""
        names = dump(awaited.names)
        shape = hashlib.sha256(f"{awaited.filter or ''}\0{names}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        key: Values = {"run": run, "path": awaited.path, "workspace": workspace, "kind": awaited.kind, "hook": awaited.hook}
        due = None if awaited.due is None else micros(parse_instant(awaited.due))
        source = None if awaited.filter is None else clean(awaited.filter)
        added = self._sql.run(
            "INSERT INTO event_waits (run_id, path, workspace, kind, hook, filter, names, shape, due) "
            "VALUES (:run, :path, :workspace, :kind, :hook, :filter, :names, :shape, :due) ON CONFLICT DO NOTHING",
            {**key, "filter": source, "names": names, "shape": shape, "due": due},
        )
        if added:
            field, values = keys_of(awaited.filter, awaited.names) or (ANY, frozenset({shape}))
            self._sql.run_many(
                "INSERT INTO event_wait_keys (workspace, kind, hook, field, value, run_id, path) "
                "VALUES (:workspace, :kind, :hook, :field, :value, :run, :path)",
                [{**key, "field": field, "value": value} for value in sorted({clean(value) for value in values})],
            )

    def drop(self, run: RunId, path: str) -> bool:
        """Forget one wait; return False when it is not there any more."""
        key: Values = {"run": run, "path": path}
        self._sql.run("DELETE FROM event_wait_keys WHERE run_id = :run AND path = :path", key)
        return self._sql.run("DELETE FROM event_waits WHERE run_id = :run AND path = :path", key) > 0

    def drop_of_run(self, run: RunId) -> None:
        """Forget what a run waits for."""
        self._sql.run("DELETE FROM event_wait_keys WHERE run_id = :run", {"run": run})
        self._sql.run("DELETE FROM event_waits WHERE run_id = :run", {"run": run})

    def fields(self, place: Place) -> list[str]:
        """Return the fields by which waits of a place are told apart, `ANY` among them; none when nobody waits there."""
        return [row.field for row in self._sql.rows(_FIELDS, _key(place))]

    def keyed(self, place: Place, field: str, value: str, *, now: Instant) -> list[Waiting]:
        """Return the waits for an event that has this value in this field, as `wait_keys` write them."""
        rows = self._sql.rows(_KEYED, {**_key(place), "field": field, "value": clean(value), "now": micros(now)})
        return [_waiting(row) for row in rows]

    def shapes(self, place: Place, *, now: Instant) -> list[Waiting]:
        """Return one wait of each shape, of those that any event may be for."""
        return [_waiting(row) for row in self._sql.rows(_SHAPES, {**_key(place), "now": micros(now)})]

    def of_shape(self, place: Place, shape: str, *, now: Instant) -> list[Waiting]:
        """Return the waits of one of the shapes."""
        return self.keyed(place, ANY, shape, now=now)

    def of_run(self, run: RunId) -> Sequence[Waiting]:
        """Return what a run waits for."""
        rows = self._sql.rows("SELECT run_id, path, shape, filter, names FROM event_waits WHERE run_id = :run ORDER BY path", {"run": run})
        return [_waiting(row) for row in rows]


def _key(place: Place) -> Values:
    return {"workspace": place.workspace, "kind": place.kind.value, "hook": place.hook}


def _waiting(row: Row) -> Waiting:
    return Waiting(RunId(row.run_id), row.path, row.shape, row.filter, load_object(row.names))
