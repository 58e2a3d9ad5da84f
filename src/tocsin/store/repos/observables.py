"""Observables: what was seen how often, where, and what is believed of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.core.errors import NotFound
from tocsin.core.ids import AlertId, CaseId, WorkspaceId
from tocsin.core.observables import Observable, ObservableType
from tocsin.core.values import Instant
from tocsin.core.verdicts import Judgement, Verdict
from tocsin.store.encoding import clean, instant, instant_or_none, micros
from tocsin.store.repos.paging import page_limit
from tocsin.store.sql import Row, Sql, Values


@dataclass(frozen=True, slots=True)
class Sighting:
    """An observable with how often it was seen and the latest judgement, if anybody has judged."""

    observable: Observable
    first_seen: Instant
    last_seen: Instant
    count: int
    judgement: Judgement | None


_SEE = """
INSERT INTO observables (workspace, type, value, first_seen, last_seen, hits, verdict, verdict_source, verdict_reason, verdict_at)
VALUES (:workspace, :type, :value, :first, :last, :hits, 'unknown', '', '', NULL)
ON CONFLICT (workspace, type, value) DO UPDATE SET
  hits = observables.hits + excluded.hits,
  first_seen = CASE WHEN excluded.first_seen < observables.first_seen THEN excluded.first_seen ELSE observables.first_seen END,
  last_seen = CASE WHEN excluded.last_seen > observables.last_seen THEN excluded.last_seen ELSE observables.last_seen END"""


class Observables:
    """The observables of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def see(self, observables: Sequence[Observable], *, workspace: WorkspaceId, at: Instant) -> None:
        """Note that observables were seen."""
        self.see_all([(workspace, observables, at)])

    def see_all(self, seen: Sequence[tuple[WorkspaceId, Sequence[Observable], Instant]]) -> None:
        """Note many sightings at once."""
        times: dict[tuple[str, str, str], list[int]] = {}
        for workspace, observables, at in seen:
            moment = micros(at)
            for one in observables:
                times.setdefault((workspace, one.type.value, clean(one.value)), []).append(moment)
        rows: list[Values] = [
            {"workspace": workspace, "type": type, "value": value, "first": min(at), "last": max(at), "hits": len(at)}
            for (workspace, type, value), at in times.items()
        ]
        self._sql.run_many(_SEE, rows)

    def judge(self, observable: Observable, judgement: Judgement, *, workspace: WorkspaceId) -> None:
        """Add a judgement; the latest is what is believed. An observable nobody has seen is noted as seen never."""
        values: Values = {
            "workspace": workspace,
            "type": observable.type.value,
            "value": clean(observable.value),
            "verdict": judgement.verdict.value,
            "source": clean(judgement.source),
            "reason": clean(judgement.reason),
            "at": micros(judgement.at),
        }
        self._sql.run(
            "INSERT INTO observables (workspace, type, value, first_seen, last_seen, hits, "
            "verdict, verdict_source, verdict_reason, verdict_at) "
            "VALUES (:workspace, :type, :value, :at, :at, 0, :verdict, :source, :reason, :at) "
            "ON CONFLICT (workspace, type, value) DO UPDATE SET "
            "verdict = excluded.verdict, verdict_source = excluded.verdict_source, verdict_reason = excluded.verdict_reason, "
            "verdict_at = excluded.verdict_at",
            values,
        )
        self._sql.run(
            "INSERT INTO observable_judgements (workspace, type, value, verdict, source, reason, at) "
            "VALUES (:workspace, :type, :value, :verdict, :source, :reason, :at)",
            values,
        )

    def get(self, observable: Observable, *, workspace: WorkspaceId) -> Sighting:
        """Return one observable; raises NotFound."""
        row = self._sql.row(
            "SELECT * FROM observables WHERE workspace = :workspace AND type = :type AND value = :value", _key(observable, workspace)
        )
        if row is None:
            raise NotFound(f"The {observable.type.value} '{observable.value}' was never seen.")
        return _sighting(row)

    def judgements(self, observable: Observable, *, workspace: WorkspaceId) -> list[Judgement]:
        """Return everything that was ever believed of it, latest first."""
        rows = self._sql.rows(
            "SELECT * FROM observable_judgements WHERE workspace = :workspace AND type = :type AND value = :value ORDER BY seq DESC",
            _key(observable, workspace),
        )
        return [Judgement(Verdict(row.verdict), row.source, row.reason, instant(row.at)) for row in rows]

    def alerts_with(self, observable: Observable, *, workspace: WorkspaceId, limit: int = 50) -> list[AlertId]:
        """Return the latest alerts it was seen in."""
        rows = self._sql.rows(
            "SELECT alert_id FROM alert_observables WHERE workspace = :workspace AND type = :type AND value = :value "
            "ORDER BY alert_id DESC LIMIT :limit",
            {**_key(observable, workspace), "limit": page_limit(limit)},
        )
        return [AlertId(row.alert_id) for row in rows]

    def cases_with(self, observable: Observable, *, workspace: WorkspaceId, limit: int = 50) -> list[CaseId]:
        """Return the latest cases it belongs to."""
        rows = self._sql.rows(
            "SELECT case_id FROM case_observables WHERE workspace = :workspace AND type = :type AND value = :value "
            "ORDER BY case_id DESC LIMIT :limit",
            {**_key(observable, workspace), "limit": page_limit(limit)},
        )
        return [CaseId(row.case_id) for row in rows]

    def link_case(self, case: CaseId, observables: Sequence[Observable], *, workspace: WorkspaceId) -> None:
        """Note that observables belong to a case."""
        rows: list[Values] = [{**_key(one, workspace), "case": case} for one in observables]
        self._sql.run_many(
            "INSERT INTO case_observables (case_id, type, value, workspace) VALUES (:case, :type, :value, :workspace) "
            "ON CONFLICT DO NOTHING",
            rows,
        )

    def of_case(self, case: CaseId, *, workspace: WorkspaceId) -> list[Sighting]:
        """Return a case's observables: its own and those of its alerts."""
        rows = self._sql.rows(
            "SELECT o.* FROM observables o JOIN ("
            " SELECT type, value FROM case_observables WHERE case_id = :case AND workspace = :workspace"
            " UNION SELECT s.type, s.value FROM alert_observables s JOIN alerts a ON a.id = s.alert_id"
            " WHERE a.case_id = :case AND a.workspace = :workspace) l"
            " ON o.type = l.type AND o.value = l.value WHERE o.workspace = :workspace ORDER BY o.type, o.value",
            {"case": case, "workspace": workspace},
        )
        return [_sighting(row) for row in rows]


def _key(observable: Observable, workspace: WorkspaceId) -> dict[str, str]:
    return {"workspace": workspace, "type": observable.type.value, "value": clean(observable.value)}


def _sighting(row: Row) -> Sighting:
    at = instant_or_none(row.verdict_at)
    return Sighting(
        Observable(ObservableType(row.type), row.value),
        instant(row.first_seen),
        instant(row.last_seen),
        row.hits,
        None if at is None else Judgement(Verdict(row.verdict), row.verdict_source, row.verdict_reason, at),
    )
