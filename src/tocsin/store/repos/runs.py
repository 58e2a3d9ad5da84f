"""Runs: rows, leases, events and signals. What the journal needs is here as SQL; what it means is in `journal`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from tocsin.core.errors import JournalCorrupt, NotFound
from tocsin.core.ids import AlertId, CaseId, RunId, WorkspaceId
from tocsin.core.values import Instant, JsonObject, parse_instant
from tocsin.engine.events import RunCancelled, RunEnded, RunEvent, RunPaused, RunResumed, RunStarted, Signal, decode, encode
from tocsin.store.blobs import LONGEST_INLINE, Blobs
from tocsin.store.encoding import clean, dump, instant, instant_or_none, load_object, micros, micros_or_none
from tocsin.store.repos.paging import Page, page, page_limit
from tocsin.store.sql import Row, Sql, Value, Values
from tocsin.store.tables.runs import runs

_decode_signal = msgspec.json.Decoder(Signal).decode


class RunStatus(StrEnum):
    """Where a run stands. PAUSED: somebody holds it."""

    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = frozenset({RunStatus.RUNNING, RunStatus.WAITING, RunStatus.PAUSED})


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of a run without reading its events."""

    id: RunId
    workspace: WorkspaceId
    playbook: str
    digest: str
    status: RunStatus
    trigger: str  # alert | case | manual | webhook | schedule | call | ...
    started_by: str
    alert: AlertId | None
    case: CaseId | None
    parent: RunId | None
    depth: int
    started_at: Instant
    ended_at: Instant | None
    wake_at: Instant | None
    events: int
    actions: int
    asks: int
    reason: str
    outputs: JsonObject | None  # None also when they are long: RunEnded has them


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a run, and until when."""

    owner: str
    until: Instant


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to insert. `wake_at` is set unless a lease is given."""

    id: RunId
    workspace: WorkspaceId
    started: RunStarted
    parent: RunId | None = None
    parent_path: str | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; what is empty accepts all."""

    statuses: frozenset[RunStatus] = frozenset()
    playbook: str | None = None
    alert: AlertId | None = None
    case: CaseId | None = None
    parent: RunId | None = None
    since: Instant | None = None
    until: Instant | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """What must still be true of a run for its holder to write."""

    run: RunId
    owner: str
    epoch: int
    first_seq: int


@dataclass(frozen=True, slots=True)
class Grown:
    """By how much a run's counts grow. `paused`: what became of that, if anything."""

    events: int
    actions: int = 0
    asks: int = 0
    paused: bool | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event, as bytes: inline or in a blob."""

    seq: int
    type: str
    body: str | None
    blob: str | None
    at: int


_INSERT = """
INSERT INTO runs (id, workspace, playbook, digest, status, trigger_kind, started_by, alert_id, case_id, parent_id, parent_path, depth,
  started_at, ended_at, wake_at, lease_owner, lease_epoch, lease_until, next_seq, actions, asks, reason, outputs)
VALUES (:id, :workspace, :playbook, :digest, 'running', :trigger, :by, :alert, :case, :parent, :parent_path, :depth,
  :at, NULL, :wake_at, :owner, :epoch, :until, 2, 0, 0, '', NULL)"""
_INSERT_EVENT = "INSERT INTO run_events (run_id, seq, type, body, blob, at) VALUES (:run, :seq, :type, :body, :blob, :at)"
_OPEN = "status IN ('running', 'waiting', 'paused')"
_GROW = "UPDATE runs SET next_seq = next_seq + :events, actions = actions + :actions, asks = asks + :asks, "
_FENCE = f" WHERE id = :id AND lease_owner = :owner AND lease_epoch = :epoch AND next_seq = :first_seq AND {_OPEN}"
_HOLD = _GROW + "status = CASE :paused WHEN 1 THEN 'paused' WHEN 0 THEN 'running' ELSE status END, lease_until = :until" + _FENCE
# No time wakes a run that is paused; what comes from outside does, and is kept.
_IS_PAUSED = "(:paused = 1 OR (:paused = -1 AND status = 'paused'))"
_RELEASE = (
    _GROW
    + f"status = CASE WHEN {_IS_PAUSED} THEN 'paused' ELSE 'waiting' END, lease_owner = NULL, lease_until = NULL, "
    + f"wake_at = CASE WHEN {_IS_PAUSED} THEN NULL ELSE :wake_at END"
    + _FENCE
)
_END = (
    _GROW
    + "status = :status, ended_at = :at, reason = :reason, outputs = :outputs, lease_owner = NULL, lease_until = NULL, wake_at = NULL"
    + _FENCE
)
_DUE = f"""
SELECT id FROM (
  SELECT id, wake_at AS due FROM runs WHERE wake_at IS NOT NULL AND wake_at <= :now AND lease_until IS NULL AND {_OPEN}
  UNION ALL
  SELECT id, lease_until AS due FROM runs WHERE lease_until IS NOT NULL AND lease_until <= :now AND {_OPEN}
) q ORDER BY due LIMIT :limit"""  # noqa: S608 - parts are constants


class Runs:
    """The runs of all workspaces. `woken` collects the runs that should be looked at once this transaction is committed."""

    def __init__(self, sql: Sql, *, blobs: Blobs, woken: list[RunId]) -> None:
        self._sql = sql
        self._blobs = blobs
        self._woken = woken

    # -- for people ------------------------------------------------------------------------------------------------

    def get(self, id: RunId, *, workspace: WorkspaceId) -> Run:
        """Return one run; raises NotFound."""
        row = self._sql.row("SELECT * FROM runs WHERE id = :id AND workspace = :workspace", {"id": id, "workspace": workspace})
        if row is None:
            raise NotFound(f"There is no run '{id}'.")
        return _run(row)

    def find(self, where: RunFilter = RunFilter(), *, workspace: WorkspaceId, limit: int = 50, after: str | None = None) -> Page[Run]:
        """Return a page of runs, newest first."""
        size = page_limit(limit)
        conditions = _conditions(where, workspace)
        if after is not None:
            conditions.append(runs.c.id < after)
        rows = self._sql.select(sa.select(runs).where(*conditions).order_by(runs.c.id.desc()).limit(size + 1))
        return page([_run(row) for row in rows], limit=size, cursors=[str(row.id) for row in rows])

    def counts(self, *, workspace: WorkspaceId) -> dict[RunStatus, int]:
        """Count the runs by status."""
        rows = self._sql.rows(
            "SELECT status, count(*) AS n FROM runs WHERE workspace = :workspace GROUP BY status", {"workspace": workspace}
        )
        return {RunStatus(row.status): int(row.n) for row in rows}

    def events(self, id: RunId, *, workspace: WorkspaceId, after_seq: int = 0) -> list[tuple[int, RunEvent]]:
        """Return a run's events with their numbers; raises NotFound, JournalCorrupt."""
        self.get(id, workspace=workspace)
        return [(seq, self.decode(id, body, blob)) for seq, body, blob in self.stored_events([id], after_seq=after_seq).get(id, [])]

    def started(self, id: RunId) -> RunStarted | None:
        """Return a run's first event; None when there is no such run. Raises JournalCorrupt."""
        row = self._sql.row("SELECT body, blob FROM run_events WHERE run_id = :id AND seq = 1", {"id": id})
        first = None if row is None else self.decode(id, row.body, row.blob)
        return first if isinstance(first, RunStarted) else None

    def set_case(self, id: RunId, case: CaseId, *, workspace: WorkspaceId) -> None:
        """Note that a run works on a case; raises NotFound."""
        changed = self._sql.run(
            "UPDATE runs SET case_id = :case WHERE id = :id AND workspace = :workspace", {"id": id, "workspace": workspace, "case": case}
        )
        if changed == 0:
            raise NotFound(f"There is no run '{id}'.")

    # -- starting and waking ---------------------------------------------------------------------------------------

    def insert(self, new: Sequence[NewRun], *, lease: Lease | None) -> None:
        """Insert runs with their first event: leased to this process, or to be picked up."""
        self._sql.run_many(_INSERT, [_columns(one, lease) for one in new])
        self.insert_events([(one.id, store_event(1, one.started, blobs=self._blobs)) for one in new])
        if lease is None:
            self._woken.extend(one.id for one in new)

    def insert_with_history(self, new: NewRun, later: Sequence[RunEvent], *, grown: Grown) -> None:
        """Insert a run that begins with more than its start, to be picked up."""
        self.insert([new], lease=None)
        self.insert_events((new.id, store_event(seq, event, blobs=self._blobs)) for seq, event in enumerate(later, start=2))
        self._sql.run(
            "UPDATE runs SET next_seq = next_seq + :events, actions = actions + :actions, asks = asks + :asks WHERE id = :id",
            {"id": new.id, "events": grown.events, "actions": grown.actions, "asks": grown.asks},
        )

    def signal(self, id: RunId, event: Signal, *, at: Instant) -> bool:
        """Hand an event from outside to a run and wake it; return False when the run is over or unknown."""
        values: Values = {"id": id, "type": _type(event), "body": encode(event).decode(), "at": micros(at)}
        if not self.wake(id, at=at):
            return False
        self._sql.run("INSERT INTO run_signals (run_id, type, body, at) VALUES (:id, :type, :body, :at)", values)
        return True

    def wake(self, id: RunId, *, at: Instant) -> bool:
        """Have a run looked at; return False when it is over or unknown. A run that is held sees its signals when it lets go."""
        row = self._sql.row(
            f"UPDATE runs SET wake_at = CASE WHEN lease_until IS NULL THEN :at ELSE wake_at END WHERE id = :id AND {_OPEN} "  # noqa: S608 - a constant
            "RETURNING lease_until",
            {"id": id, "at": micros(at)},
        )
        if row is not None and row.lease_until is None:
            self._woken.append(id)
        return row is not None

    def wakes(self, id: RunId) -> bool:
        """Tell whether a run that nobody holds is to be looked at again by itself."""
        row = self._sql.row("SELECT 1 AS one FROM runs WHERE id = :id AND wake_at IS NOT NULL AND lease_until IS NULL", {"id": id})
        return row is not None

    def due(self, now: Instant, *, limit: int) -> list[RunId]:
        """Return the runs that must be looked at: their time has come, or their holder is gone."""
        return [RunId(row.id) for row in self._sql.rows(_DUE, {"now": micros(now), "limit": limit})]

    def next_due(self) -> Instant | None:
        """Return when the next run must be looked at."""
        row = self._sql.row(
            f"SELECT (SELECT min(wake_at) FROM runs WHERE wake_at IS NOT NULL AND {_OPEN}) AS wake, "  # noqa: S608 - a constant
            f"(SELECT min(lease_until) FROM runs WHERE lease_until IS NOT NULL AND {_OPEN}) AS lease",
            {},
        )
        times = [] if row is None else [at for at in (row.wake, row.lease) if at is not None]
        return instant(min(times)) if times else None

    # -- leases ----------------------------------------------------------------------------------------------------

    def claim(self, ids: Sequence[RunId], *, lease: Lease, now: Instant) -> list[tuple[RunId, WorkspaceId, int, int]]:
        """Lease those that are open and that nobody holds; return (id, workspace, epoch, next_seq) of each."""
        statement = (
            sa.update(runs)
            .where(
                runs.c.id.in_(sorted(set(ids))),
                runs.c.status.in_(sorted(OPEN)),
                sa.or_(runs.c.lease_until.is_(None), runs.c.lease_until <= micros(now)),
            )
            .values(
                status=sa.case((runs.c.status == RunStatus.PAUSED, RunStatus.PAUSED.value), else_=RunStatus.RUNNING.value),
                lease_owner=lease.owner,
                lease_epoch=runs.c.lease_epoch + 1,
                lease_until=micros(lease.until),
                wake_at=None,
            )
            .returning(runs.c.id, runs.c.workspace, runs.c.lease_epoch, runs.c.next_seq)
        )
        rows = self._sql.select(statement)
        return [(RunId(row.id), WorkspaceId(row.workspace), row.lease_epoch, row.next_seq) for row in rows]

    def renew(self, id: RunId, *, epoch: int, lease: Lease) -> bool:
        """Hold a run for longer; return False when it is no longer held."""
        return (
            self._sql.run(
                f"UPDATE runs SET lease_until = :until WHERE id = :id AND lease_owner = :owner AND lease_epoch = :epoch AND {_OPEN}",  # noqa: S608 - a constant
                {"id": id, "owner": lease.owner, "epoch": epoch, "until": micros(lease.until)},
            )
            > 0
        )

    def reclaim(self, *, at: Instant) -> int:
        """Void every lease and wake the runs; only right when no other process can hold one. Return how many."""
        return self._sql.run(
            f"UPDATE runs SET lease_owner = NULL, lease_until = NULL, wake_at = :at WHERE lease_until IS NOT NULL AND {_OPEN}",  # noqa: S608 - a constant
            {"at": micros(at)},
        )

    def hold(self, fence: Fence, grown: Grown, *, until: Instant) -> bool:
        """Move a held run forward and hold it on; return False when it is not held, or an event has the number already."""
        return self._fenced(_HOLD, fence, grown, {"until": micros(until)})

    def release(self, fence: Fence, grown: Grown, *, wake_at: Instant | None) -> bool:
        """Move a held run forward and let it wait; return False when it is not held."""
        return self._fenced(_RELEASE, fence, grown, {"wake_at": micros_or_none(wake_at)})

    def end(self, fence: Fence, grown: Grown, ended: RunEnded) -> bool:
        """Move a held run forward to its end; return False when it is not held."""
        outputs = dump(ended.outputs)
        values: Values = {
            "status": ended.outcome.value,
            "at": micros(parse_instant(ended.at)),
            "reason": clean(ended.reason),
            "outputs": outputs if len(outputs) <= LONGEST_INLINE else None,
        }
        return self._fenced(_END, fence, grown, values)

    def _fenced(self, text: str, fence: Fence, grown: Grown, values: Values) -> bool:
        key: Values = {"id": fence.run, "owner": fence.owner, "epoch": fence.epoch, "first_seq": fence.first_seq}
        paused = -1 if grown.paused is None else int(grown.paused)
        growth: Values = {"events": grown.events, "actions": grown.actions, "asks": grown.asks, "paused": paused}
        return self._sql.run(text, {**key, **growth, **values}) > 0

    def give_back(self, id: RunId, *, epoch: int, owner: str, at: Instant) -> None:
        """Let go of a run and have it looked at anew."""
        freed = self._sql.run(
            f"UPDATE runs SET lease_owner = NULL, lease_until = NULL, wake_at = :at "  # noqa: S608 - a constant
            f"WHERE id = :id AND lease_owner = :owner AND lease_epoch = :epoch AND {_OPEN}",
            {"id": id, "owner": owner, "epoch": epoch, "at": micros(at)},
        )
        if freed:
            self._woken.append(id)

    def stop(self, id: RunId, *, reason: str, at: Instant) -> None:
        """End a run whose history cannot be read, without touching the history."""
        self._sql.run(
            f"UPDATE runs SET status = 'failed', reason = :reason, ended_at = :at, lease_owner = NULL, lease_until = NULL, wake_at = NULL "  # noqa: S608 - a constant
            f"WHERE id = :id AND {_OPEN}",
            {"id": id, "reason": clean(reason), "at": micros(at)},
        )

    def standing(self, id: RunId) -> tuple[bool, bool]:
        """Return (is paused, is cancelled) of an open run, with the signals that it has not taken yet."""
        row = self._sql.row(
            "SELECT status, EXISTS (SELECT 1 FROM run_events WHERE run_id = :id AND type = 'run_cancelled') AS cancelled "
            "FROM runs WHERE id = :id",
            {"id": id},
        )
        is_paused, is_cancelled = row is not None and row.status == RunStatus.PAUSED, row is not None and bool(row.cancelled)
        for _, event in self.signals([id])[id]:
            is_cancelled = is_cancelled or isinstance(event, RunCancelled)
            if isinstance(event, RunPaused | RunResumed):
                is_paused = isinstance(event, RunPaused)
        return is_paused, is_cancelled

    def parent_of(self, id: RunId) -> tuple[RunId, str] | None:
        """Return the run that called this one, and the path of the step."""
        row = self._sql.row("SELECT parent_id, parent_path FROM runs WHERE id = :id", {"id": id})
        return None if row is None or row.parent_id is None else (RunId(row.parent_id), row.parent_path or "")

    # -- events and signals ----------------------------------------------------------------------------------------

    def insert_events(self, events: Iterable[tuple[RunId, StoredEvent]]) -> None:
        """Append events."""
        rows: list[Values] = [
            {"run": run, "seq": one.seq, "type": one.type, "body": one.body, "blob": one.blob, "at": one.at} for run, one in events
        ]
        self._sql.run_many(_INSERT_EVENT, rows)

    def stored_events(self, ids: Sequence[RunId], *, after_seq: int = 0) -> dict[RunId, list[tuple[int, str | None, str | None]]]:
        """Return (seq, body, blob) of the runs' events, in order."""
        found: dict[RunId, list[tuple[int, str | None, str | None]]] = {}
        for id in ids:
            rows = self._sql.rows(
                "SELECT seq, body, blob FROM run_events WHERE run_id = :id AND seq > :after ORDER BY seq", {"id": id, "after": after_seq}
            )
            found[id] = [(row.seq, row.body, row.blob) for row in rows]
        return found

    def decode(self, id: RunId, body: str | None, blob: str | None) -> RunEvent:
        """Read an event; raises JournalCorrupt."""
        try:
            if body is not None:
                inline: RunEvent = decode(body)
                return inline
            if blob is not None:
                stored: RunEvent = decode(self._blobs.get(blob))
                return stored
        except (msgspec.DecodeError, msgspec.ValidationError, NotFound) as error:
            raise JournalCorrupt(f"An event of run {id} cannot be read: {error}.", hint="Restore the database from a backup.") from error
        raise JournalCorrupt(f"An event of run {id} has no body.", hint="Restore the database from a backup.")

    def signals(self, ids: Sequence[RunId]) -> dict[RunId, list[tuple[int, Signal]]]:
        """Return (signal id, event) of what came for the runs and is not consumed, in order."""
        found: dict[RunId, list[tuple[int, Signal]]] = {}
        for id in ids:
            rows = self._sql.rows("SELECT id, body FROM run_signals WHERE run_id = :id ORDER BY id", {"id": id})
            found[id] = [(row.id, _decode_signal(row.body)) for row in rows]
        return found

    def has_signals(self, id: RunId) -> bool:
        """Tell whether anything has come for a run and is not consumed."""
        return self._sql.row("SELECT 1 AS one FROM run_signals WHERE run_id = :id LIMIT 1", {"id": id}) is not None

    def consume(self, id: RunId, signals: Sequence[int]) -> None:
        """Remove signals that are in the journal now."""
        self._sql.run_many("DELETE FROM run_signals WHERE run_id = :run AND id = :id", [{"run": id, "id": signal} for signal in signals])

    def drop_signals(self, id: RunId) -> None:
        """Remove what came for a run that is over."""
        self._sql.run("DELETE FROM run_signals WHERE run_id = :run", {"run": id})


def store_event(seq: int, event: RunEvent, *, blobs: Blobs) -> StoredEvent:
    """Encode an event; a long one goes to the blobs."""
    body = encode(event)
    at = micros(parse_instant(event.at))
    if len(body) <= LONGEST_INLINE:
        return StoredEvent(seq, _type(event), body.decode(), None, at)
    return StoredEvent(seq, _type(event), None, blobs.put(body), at)


def _type(event: RunEvent) -> str:
    return str(event.__struct_config__.tag)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _columns(new: NewRun, lease: Lease | None) -> dict[str, Value]:
    started = new.started
    at = micros(parse_instant(started.at))
    trigger = started.trigger
    return {
        "id": new.id,
        "workspace": new.workspace,
        "playbook": started.playbook,
        "digest": started.digest,
        "trigger": _text_or_none(trigger.get("kind")) or "manual",
        "by": _text_or_none(trigger.get("by")) or "",
        "alert": _text_or_none((started.alert or {}).get("id")),
        "case": _text_or_none((started.case or {}).get("id")),
        "parent": new.parent,
        "parent_path": new.parent_path,
        "depth": started.depth,
        "at": at,
        "wake_at": at if lease is None else None,
        "owner": None if lease is None else lease.owner,
        "epoch": 0 if lease is None else 1,
        "until": None if lease is None else micros(lease.until),
    }


def _run(row: Row) -> Run:
    return Run(
        RunId(row.id),
        WorkspaceId(row.workspace),
        row.playbook,
        row.digest,
        RunStatus(row.status),
        row.trigger_kind,
        row.started_by,
        None if row.alert_id is None else AlertId(row.alert_id),
        None if row.case_id is None else CaseId(row.case_id),
        None if row.parent_id is None else RunId(row.parent_id),
        row.depth,
        instant(row.started_at),
        instant_or_none(row.ended_at),
        instant_or_none(row.wake_at),
        row.next_seq - 1,
        row.actions,
        row.asks,
        row.reason,
        None if row.outputs is None else load_object(row.outputs),
    )


def _conditions(where: RunFilter, workspace: WorkspaceId) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [runs.c.workspace == workspace]
    if where.statuses:
        found.append(runs.c.status.in_(sorted(where.statuses)))
    if where.playbook is not None:
        found.append(runs.c.playbook == where.playbook)
    if where.alert is not None:
        found.append(runs.c.alert_id == where.alert)
    if where.case is not None:
        found.append(runs.c.case_id == where.case)
    if where.parent is not None:
        found.append(runs.c.parent_id == where.parent)
    if where.since is not None:
        found.append(runs.c.started_at >= micros(where.since))
    if where.until is not None:
        found.append(runs.c.started_at < micros(where.until))
    return found
