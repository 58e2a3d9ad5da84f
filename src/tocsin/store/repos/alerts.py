"""Alerts: fold findings in, page through the queue, close."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from tocsin.core.alerts import Alert, AlertStatus, Finding
from tocsin.core.errors import NotFound
from tocsin.core.ids import AlertId, CaseId, WorkspaceId
from tocsin.core.observables import Observable, ObservableType
from tocsin.core.severity import Severity
from tocsin.core.values import Instant, Json, JsonObject
from tocsin.core.verdicts import Verdict
from tocsin.store.blobs import LONGEST_INLINE, Blobs
from tocsin.store.encoding import clean, dump, instant, load, load_object, micros
from tocsin.store.repos.observables import Observables
from tocsin.store.repos.paging import Page, join_cursor, page, page_limit, split_cursor
from tocsin.store.sql import Row, Sql, Values
from tocsin.store.tables.alerts import alerts, sightings

_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A finding that has arrived; `id` is used when it becomes a new alert."""

    id: AlertId
    workspace: WorkspaceId
    source: str
    fingerprint: str
    finding: Finding
    received_at: Instant


@dataclass(frozen=True, slots=True)
class Folded:
    """What became of an incoming finding. `alert` is set when `is_new`."""

    id: AlertId
    is_new: bool
    alert: Alert | None = None


class AlertOrder(StrEnum):
    """How a list of alerts is sorted; always the greatest first, then the newest."""

    RECEIVED = "received"
    LAST_SEEN = "last_seen"
    SEVERITY = "severity"


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; what is empty accepts all."""

    statuses: frozenset[AlertStatus] = frozenset()
    severity_at_least: Severity | None = None
    sources: frozenset[str] = frozenset()
    verdicts: frozenset[Verdict] = frozenset()
    case: CaseId | None = None
    observable: Observable | None = None
    text: str = ""
    since: Instant | None = None  # last seen
    until: Instant | None = None


class _Body(msgspec.Struct, frozen=True, omit_defaults=True):
    description: str = ""
    context: JsonObject = {}
    observables: list[tuple[ObservableType, str]] = []
    identity: list[str] = []


_decode_body = msgspec.json.Decoder(_Body).decode

_FOLD = """
UPDATE alerts SET hits = hits + :hits,
  first_seen = CASE WHEN :first_seen < first_seen THEN :first_seen ELSE first_seen END,
  last_seen = CASE WHEN :last_seen > last_seen THEN :last_seen ELSE last_seen END
WHERE workspace = :workspace AND source = :source AND fingerprint = :fingerprint AND status <> 'resolved'"""

_OPEN_TWIN = """
SELECT id FROM alerts
WHERE workspace = :workspace AND source = :source AND fingerprint = :fingerprint AND status <> 'resolved'"""

_INSERT = """
INSERT INTO alerts (id, workspace, source, fingerprint, title, severity, category, product, status, verdict, reason, case_id,
  hits, time, first_seen, last_seen, received_at, closed_at, problem, body, raw, raw_blob)
VALUES (:id, :workspace, :source, :fingerprint, :title, :severity, :category, :product, 'new', 'unknown', '', NULL,
  :hits, :time, :first_seen, :last_seen, :received_at, NULL, :problem, :body, :raw, :raw_blob)"""

_BY_ID = "SELECT * FROM alerts WHERE id = :id AND workspace = :workspace"


class Alerts:
    """The alerts of all workspaces; every question names one."""

    def __init__(self, sql: Sql, *, blobs: Blobs, observables: Observables) -> None:
        self._sql = sql
        self._blobs = blobs
        self._observables = observables

    def fold(self, batch: Sequence[Incoming]) -> list[Folded]:
        """Store findings; those that say the same thing become one alert. Answers come in the batch's order."""
        groups: dict[tuple[str, str, str], list[Incoming]] = {}
        for one in batch:
            groups.setdefault((one.workspace, one.source, one.fingerprint), []).append(one)
        twins = {key: self._fold_into_twin(group) for key, group in groups.items()}
        new = [group for key, group in groups.items() if twins[key] is None]
        self._insert(new)
        self._observables.see_all([(one.workspace, one.finding.observables, one.finding.time) for one in batch if one.finding.observables])
        fresh = {group[0].id: _new_alert(group) for group in new}
        heads = {key: twins[key] or group[0].id for key, group in groups.items()}
        answers = []
        for one in batch:
            head = heads[(one.workspace, one.source, one.fingerprint)]
            answers.append(Folded(head, head == one.id, fresh.get(one.id)))
        return answers

    def _fold_into_twin(self, group: Sequence[Incoming]) -> AlertId | None:
        key = _key(group)
        if self._sql.run(_FOLD, key) == 0:
            return None
        twin = self._sql.row(_OPEN_TWIN, key)
        return None if twin is None else AlertId(twin.id)

    def _insert(self, groups: Sequence[Sequence[Incoming]]) -> None:
        self._sql.run_many(_INSERT, [_key(group) | self._columns(group[0]) for group in groups])
        self._link([(group[0].id, group[0].workspace, group[0].finding.observables) for group in groups])

    def _columns(self, one: Incoming) -> dict[str, str | int | None]:
        finding = one.finding
        raw, raw_blob = self._raw(finding.raw)
        body: JsonObject = {
            "description": finding.description,
            "context": finding.context,
            "observables": [[seen.type.value, seen.value] for seen in finding.observables],
            "identity": list(finding.identity),
        }
        return {
            "id": one.id,
            "title": clean(finding.title),
            "severity": finding.severity.severity_id,
            "category": clean(finding.category),
            "product": clean(finding.product),
            "time": micros(finding.time),
            "received_at": micros(one.received_at),
            "problem": clean(finding.problem),
            "body": dump(body),
            "raw": raw,
            "raw_blob": raw_blob,
        }

    def _raw(self, raw: Json) -> tuple[str | None, str | None]:
        if raw is None:
            return None, None
        text = dump(raw)
        if len(text) <= LONGEST_INLINE:
            return text, None
        return None, self._blobs.put(text.encode())

    def link(self, alert: AlertId, observables: Sequence[Observable], *, workspace: WorkspaceId) -> None:
        """Note that observables belong to an alert."""
        self._link([(alert, workspace, observables)])

    def _link(self, alerts: Sequence[tuple[AlertId, WorkspaceId, Sequence[Observable]]]) -> None:
        rows: list[Values] = [
            {"alert": alert, "workspace": workspace, "type": seen.type.value, "value": clean(seen.value)}
            for alert, workspace, observables in alerts
            for seen in observables
        ]
        self._sql.run_many(
            "INSERT INTO alert_observables (alert_id, type, value, workspace) VALUES (:alert, :type, :value, :workspace) "
            "ON CONFLICT DO NOTHING",
            rows,
        )

    def get(self, id: AlertId, *, workspace: WorkspaceId) -> Alert:
        """Return one alert; raises NotFound."""
        row = self._sql.row(_BY_ID, {"id": id, "workspace": workspace})
        if row is None:
            raise NotFound(f"There is no alert '{id}'.")
        return self._alert(row)

    def find(
        self,
        where: AlertFilter = AlertFilter(),
        *,
        workspace: WorkspaceId,
        order: AlertOrder = AlertOrder.RECEIVED,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Alert]:
        """Return a page of the queue."""
        size = page_limit(limit)
        conditions = [*_conditions(where, workspace), *_behind(order, after)]
        rows = self._sql.select(_ordered(conditions, where.statuses, order, size + 1))
        return page([self._alert(row) for row in rows], limit=size, cursors=[_cursor(row, order) for row in rows])

    def counts(
        self, *, workspace: WorkspaceId, statuses: frozenset[AlertStatus] = frozenset(AlertStatus)
    ) -> dict[tuple[AlertStatus, Severity], int]:
        """Count the alerts by status and severity; fewer statuses are counted faster."""
        statement = (
            sa.select(alerts.c.status, alerts.c.severity, sa.func.count().label("n"))
            .where(alerts.c.workspace == workspace, alerts.c.status.in_(sorted(statuses)))
            .group_by(alerts.c.status, alerts.c.severity)
        )
        return {(AlertStatus(row.status), _SEVERITIES[row.severity]): int(row.n) for row in self._sql.select(statement)}

    def of_case(self, case: CaseId, *, workspace: WorkspaceId) -> list[Alert]:
        """Return the alerts that a case gathers, oldest first."""
        rows = self._sql.rows(
            "SELECT * FROM alerts WHERE case_id = :case AND workspace = :workspace ORDER BY id", {"case": case, "workspace": workspace}
        )
        return [self._alert(row) for row in rows]

    def close(self, id: AlertId, *, workspace: WorkspaceId, verdict: Verdict, reason: str, at: Instant) -> Alert:
        """Resolve an alert with a verdict and why; raises NotFound."""
        self._change(
            "UPDATE alerts SET status = 'resolved', verdict = :verdict, reason = :reason, closed_at = :at "
            "WHERE id = :id AND workspace = :workspace",
            {"id": id, "workspace": workspace, "verdict": verdict.value, "reason": clean(reason), "at": micros(at)},
        )
        return self.get(id, workspace=workspace)

    def set_status(self, id: AlertId, status: AlertStatus, *, workspace: WorkspaceId) -> None:
        """Move an alert; raises NotFound, or AlreadyExists when an equal one is open and this would reopen its twin."""
        self._change(
            "UPDATE alerts SET status = :status, closed_at = NULL WHERE id = :id AND workspace = :workspace",
            {"id": id, "workspace": workspace, "status": status.value},
        )

    def set_verdict(self, id: AlertId, verdict: Verdict, *, workspace: WorkspaceId) -> None:
        """Note what is believed of an alert; raises NotFound."""
        self._change(
            "UPDATE alerts SET verdict = :verdict WHERE id = :id AND workspace = :workspace",
            {"id": id, "workspace": workspace, "verdict": verdict.value},
        )

    def set_severity(self, id: AlertId, severity: Severity, *, workspace: WorkspaceId) -> None:
        """Grade an alert anew; raises NotFound."""
        self._change(
            "UPDATE alerts SET severity = :severity WHERE id = :id AND workspace = :workspace",
            {"id": id, "workspace": workspace, "severity": severity.severity_id},
        )

    def set_case(self, id: AlertId, case: CaseId | None, *, workspace: WorkspaceId) -> None:
        """Put an alert into a case, or take it out; a new one is in progress from then on. Raises NotFound."""
        self._change(
            "UPDATE alerts SET case_id = :case, status = CASE WHEN status = 'new' AND :case IS NOT NULL THEN 'in_progress' ELSE status END "
            "WHERE id = :id AND workspace = :workspace",
            {"id": id, "workspace": workspace, "case": case},
        )

    def _change(self, text: str, values: Values) -> None:
        if self._sql.run(text, values) == 0:
            raise NotFound(f"There is no alert '{values['id']!s}'.")

    def _alert(self, row: Row) -> Alert:
        return Alert(
            AlertId(row.id),
            WorkspaceId(row.workspace),
            row.source,
            row.fingerprint,
            self._finding(row),
            AlertStatus(row.status),
            Verdict(row.verdict),
            row.hits,
            instant(row.first_seen),
            instant(row.last_seen),
            row.reason,
            None if row.case_id is None else CaseId(row.case_id),
        )

    def _finding(self, row: Row) -> Finding:
        body = _read_body(row.body)
        text = row.raw if row.raw_blob is None else self._blobs.get(row.raw_blob)
        return Finding(
            title=row.title,
            severity=_SEVERITIES[row.severity],
            time=instant(row.time),
            category=row.category,
            description=body.description,
            product=row.product,
            context=body.context,
            observables=tuple(Observable(type, value) for type, value in body.observables),
            identity=tuple(body.identity),
            raw=None if text is None else load(text),
            problem=row.problem,
        )


def _key(group: Sequence[Incoming]) -> dict[str, str | int | None]:
    first = group[0]
    times = [one.finding.time for one in group]
    return {
        "workspace": first.workspace,
        "source": first.source,
        "fingerprint": first.fingerprint,
        "hits": len(group),
        "first_seen": micros(min(times)),
        "last_seen": micros(max(times)),
    }


def _new_alert(group: Sequence[Incoming]) -> Alert:
    first = group[0]
    times = [one.finding.time for one in group]
    return Alert(
        first.id,
        first.workspace,
        first.source,
        first.fingerprint,
        first.finding,
        AlertStatus.NEW,
        Verdict.UNKNOWN,
        len(group),
        min(times),
        max(times),
    )


def _read_body(text: str) -> _Body:
    try:
        return _decode_body(text)
    except msgspec.DecodeError:
        # A lone surrogate somewhere in the body: `load` knows how to make it harmless.
        return _decode_body(dump(load_object(text)))


def _cursor(row: Row, order: AlertOrder) -> str:
    match order:
        case AlertOrder.RECEIVED:
            return str(row.id)
        case AlertOrder.LAST_SEEN:
            return join_cursor(row.last_seen, row.id)
        case AlertOrder.SEVERITY:
            return join_cursor(row.severity, row.id)


def _sort_keys(order: AlertOrder, columns: sa.FromClause) -> "list[sa.ColumnElement[str | int]]":
    match order:
        case AlertOrder.RECEIVED:
            return [columns.c.id]
        case AlertOrder.LAST_SEEN:
            return [columns.c.last_seen, columns.c.id]
        case AlertOrder.SEVERITY:
            return [columns.c.severity, columns.c.id]


def _behind(order: AlertOrder, after: str | None) -> list[sa.ColumnElement[bool]]:
    if after is None:
        return []
    if order is AlertOrder.RECEIVED:
        return [alerts.c.id < after]
    number, id = split_cursor(after)
    return [sa.tuple_(*_sort_keys(order, alerts)) < sa.tuple_(sa.literal(number), sa.literal(id))]


def _ordered(
    conditions: Sequence[sa.ColumnElement[bool]], statuses: frozenset[AlertStatus], order: AlertOrder, limit: int
) -> "sa.Select[*tuple[object, ...]]":
    def first(*more: sa.ColumnElement[bool]) -> "sa.Select[*tuple[object, ...]]":
        keys = [key.desc() for key in _sort_keys(order, alerts)]
        return sa.select(alerts).where(*conditions, *more).order_by(*keys).limit(limit)

    if not statuses:
        return first()
    # One status is read in order off its index; over several the database would sort everything it finds.
    parts = sa.union_all(*(sa.select(first(alerts.c.status == status.value).subquery()) for status in sorted(statuses))).subquery()
    return sa.select(parts).order_by(*(key.desc() for key in _sort_keys(order, parts))).limit(limit)


def _conditions(where: AlertFilter, workspace: WorkspaceId) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [alerts.c.workspace == workspace]
    if where.severity_at_least is not None:
        found.append(alerts.c.severity >= where.severity_at_least.severity_id)
    if where.sources:
        found.append(alerts.c.source.in_(sorted(where.sources)))
    if where.verdicts:
        found.append(alerts.c.verdict.in_(sorted(where.verdicts)))
    if where.case is not None:
        found.append(alerts.c.case_id == where.case)
    if where.observable is not None:
        seen = sa.select(sightings.c.alert_id).where(
            sightings.c.workspace == workspace, sightings.c.type == where.observable.type.value, sightings.c.value == where.observable.value
        )
        found.append(alerts.c.id.in_(seen))
    if where.text:
        found.append(alerts.c.title.icontains(where.text, autoescape=True))
    if where.since is not None:
        found.append(alerts.c.last_seen >= micros(where.since))
    if where.until is not None:
        found.append(alerts.c.last_seen < micros(where.until))
    return found
