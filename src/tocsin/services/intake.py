"""Alerts in: map, fold, find the playbooks, and answer when all of it is durable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tocsin.core.access import Principal, Scope, require
from tocsin.core.alerts import Alert, Finding, fingerprint
from tocsin.core.ids import AlertId, Ids, RunId
from tocsin.core.severity import Severity
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.crashpoints import Crash, CrashPoint, stay_alive
from tocsin.engine.events import RunStarted
from tocsin.engine.ports import ClaimedRun, Clock
from tocsin.playbook.inputs import with_defaults
from tocsin.playbook.plan import Awaited, Plan
from tocsin.services.intake_report import IntakeReport
from tocsin.services.waits import tell_waiting
from tocsin.store.journal import start_runs
from tocsin.store.repos.alerts import Folded, Incoming
from tocsin.store.repos.runs import Lease, NewRun
from tocsin.store.repos.waits import Place
from tocsin.store.tx import Tx
from tocsin.store.units import Units


class Mappers(Protocol):
    """The configured sources, each with the mapping of its pack."""

    def finding(self, source: str, raw: Json) -> Finding | None:
        """Map one raw event; None when it is no alert. Raises NotFound for an unknown source."""
        ...


class Starters(Protocol):
    """Find the playbooks that an alert starts."""

    def started_by(self, alert: JsonObject) -> list[Plan]:
        """Return their plans."""
        ...


@dataclass(frozen=True, slots=True)
class Rejected:
    """Text of a source that is not even JSON; it is kept as an alert of its own."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Stored:
    folded: list[Folded]
    claimed: list[ClaimedRun]
    runs: int


class Intake:
    """Take raw events in. `lease` returns None when this process has enough to do: then the runs go to the dispatcher."""

    def __init__(
        self,
        *,
        units: Units,
        mappers: Mappers,
        starters: Starters,
        clock: Clock,
        ids: Ids,
        lease: Callable[[], Lease | None],
        advance: Callable[[Sequence[ClaimedRun]], None],
        announce: Callable[[str, JsonObject], None],
        crash: Crash = stay_alive,
    ) -> None:
        self._units, self._mappers, self._starters = units, mappers, starters
        self._clock, self._ids, self._lease, self._advance = clock, ids, lease, advance
        self._announce, self._crash = announce, crash

    async def take(
        self, source: str, raws: Sequence[Json | Rejected], actor: Principal, *, also: Callable[[Tx], None] | None = None
    ) -> IntakeReport:
        """Store events and start what they start; returns when both are durable. `also` is written in the same transaction."""
        require(actor, Scope.ALERTS_WRITE)
        found = [self._finding(source, raw) for raw in raws]
        incoming = [self._incoming(source, finding, actor) for finding in found if finding is not None]
        if not incoming and also is None:
            return IntakeReport(received=len(raws), skipped=len(raws))
        lease = self._lease()

        def store(tx: Tx) -> _Stored:
            stored = self._store(tx, incoming, lease)
            if also is not None:
                also(tx)
            self._crash(CrashPoint.INTAKE_BEFORE_COMMIT)
            return stored

        stored = await self._units.write(store)
        self._crash(CrashPoint.INTAKE_COMMITTED)
        if stored.claimed:
            self._advance(stored.claimed)
        for one in stored.folded:
            self._announce("alert.new" if one.is_new else "alert.folded", {"id": one.id, "source": source})
        new = sum(one.is_new for one in stored.folded)
        return IntakeReport(
            received=len(raws),
            alerts=new,
            folded=len(stored.folded) - new,
            runs=stored.runs,
            skipped=len(raws) - len(incoming),
            ids=tuple(one.id for one in stored.folded),
        )

    def _finding(self, source: str, raw: Json | Rejected) -> Finding | None:
        if isinstance(raw, str):
            self._mappers.finding(source, {})  # an unknown source is said first
            raw = Rejected(raw, "it is not JSON")
        if isinstance(raw, Rejected):
            title = f"Could not be normalised: {raw.reason}"
            return Finding(title=title, severity=Severity.UNKNOWN, time=self._clock(), raw=raw.text, problem=raw.reason)
        return self._mappers.finding(source, raw)

    def _incoming(self, source: str, finding: Finding, actor: Principal) -> Incoming:
        now = self._clock()
        return Incoming(AlertId(self._ids("alr")), actor.workspace, source, fingerprint(source, finding), finding, now)

    def _store(self, tx: Tx, incoming: Sequence[Incoming], lease: Lease | None) -> _Stored:
        folded = tx.alerts.fold(incoming)
        new = [(one.alert, one.alert.as_json()) for one in folded if one.alert is not None]
        if new:  # before its own runs are made: what they wait for comes later
            place = Place(new[0][0].workspace, Awaited.ALERT)
            tell_waiting(tx, [described for _, described in new], place=place, now=self._clock())
        runs = [run for alert, described in new for run in self._runs(alert, described)]
        if not runs:
            return _Stored(folded, [], 0)
        if lease is None:
            tx.runs.insert(runs, lease=None)
            return _Stored(folded, [], len(runs))
        return _Stored(folded, start_runs(tx, runs, lease=lease), len(runs))

    def _runs(self, alert: Alert, described: JsonObject) -> list[NewRun]:
        at = iso(self._clock())
        return [
            NewRun(
                RunId(self._ids("run")),
                alert.workspace,
                RunStarted(
                    at=at,
                    playbook=plan.id,
                    digest=plan.digest,
                    trigger={"kind": "alert", "alert": alert.id, "source": alert.source},
                    alert=described,
                    inputs=with_defaults(plan, {}),
                ),
            )
            for plan in self._starters.started_by(described)
        ]
