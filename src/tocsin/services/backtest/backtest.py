"""Play a playbook over stored alerts, page by page; memory holds one page, whatever their number."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from tocsin.core.access import Principal, Scope, require
from tocsin.core.alerts import Alert, AlertStatus
from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.ids import Ids, RunId, WorkspaceId
from tocsin.core.values import Instant, Json, JsonObject, iso, parse_instant
from tocsin.core.verdicts import Verdict
from tocsin.engine.events import RunStarted
from tocsin.playbook.plan import AlertTrigger, Plan
from tocsin.rehearsal.cast import Call
from tocsin.rehearsal.clock import StageClock
from tocsin.rehearsal.stage import Stage
from tocsin.services.backtest.behaviour import NOTHING, Behaviour, changes, of_past, of_played
from tocsin.services.backtest.cast import BacktestCast, Reads, WouldAsk
from tocsin.services.backtest.recorded import PastRun, Recorded
from tocsin.services.backtest.result import AlertResult, Totals
from tocsin.services.dryrun.thread import in_own_thread, outcome_of
from tocsin.services.dryrun.trial import World, reader
from tocsin.store.repos.alerts import AlertFilter
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.runs import Run, RunFilter
from tocsin.store.tx import Tx

PAGE = 100
MOST_RUNS = 100  # of one alert that are looked through
HAPPENED = "what happened"
UNDECIDED = "undecided"
WAITS_FOR_NOBODY = "It would wait for something that was not recorded."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to try over which alerts. `against` None: against what really happened. `limit` counts alerts that matter to the playbook."""

    plan: Plan
    since: Instant
    until: Instant | None = None
    against: Plan | None = None
    reads: Reads = Reads.RECORDED
    limit: int | None = None

    def as_json(self) -> JsonObject:
        """Return the head of a report."""
        return {
            "playbook": self.plan.id,
            "digest": self.plan.digest,
            "against": HAPPENED if self.against is None else self.against.digest,
            "since": iso(self.since),
            "until": None if self.until is None else iso(self.until),
            "reads": self.reads.value,
        }


@dataclass(frozen=True, slots=True)
class _Past:
    """An alert with the runs that it had, oldest first."""

    alert: Alert
    runs: tuple[PastRun, ...]

    @property
    def described(self) -> JsonObject:
        """Return the alert as its first run saw it, else as it came in: since then somebody may have closed it."""
        for past in self.runs:
            started = past.events[0] if past.events else None
            if isinstance(started, RunStarted) and started.alert is not None:
                return started.alert
        return {**self.alert.as_json(), "status": AlertStatus.NEW.value, "verdict": Verdict.UNKNOWN.value, "reason": "", "case": None}


async def backtest(world: World, actor: Principal, wanted: Wanted, totals: Totals) -> AsyncIterator[list[AlertResult]]:
    """Yield the results page by page, and count them in `totals`. Nothing is sent, and nothing written but a line of audit.

    Raises Invalid when the playbook starts on no alert.
    """
    for scope in (Scope.ALERTS_READ, Scope.RUNS_READ, Scope.PLAYBOOKS_READ):
        require(actor, scope)
    if wanted.reads is Reads.LIVE:
        require(actor, Scope.RUNS_START)
    if not any(isinstance(one, AlertTrigger) for one in wanted.plan.triggers):
        raise Invalid(f"'{wanted.plan.id}' is started by no alert, so there is nothing to test it on.", hint="Give it an alert trigger.")
    play = _Player(world, wanted, actor.workspace, asyncio.get_running_loop())
    where, after, started = AlertFilter(since=wanted.since, until=wanted.until), None, world.clock()
    # Before anything is read: live reads are done even if nobody waits for the end.
    await world.units.write(lambda tx: _note(tx, actor, wanted, started))
    while True:
        page, after = await world.units.read(lambda tx, after=after: _load(tx, where, actor.workspace, after))  # type: ignore[misc]  # bound now
        left = None if wanted.limit is None else wanted.limit - totals.considered
        looked, results = await in_own_thread(lambda page=page, left=left: play.page(page, left))  # type: ignore[misc]  # bound now
        totals.looked_at += looked
        totals.add(results)
        totals.seconds = (world.clock() - started).total_seconds()
        yield results
        if after is None or (wanted.limit is not None and totals.considered >= wanted.limit):
            break


def _note(tx: Tx, actor: Principal, wanted: Wanted, now: Instant) -> None:
    details: JsonObject = {"digest": wanted.plan.digest, "reads": wanted.reads.value, "since": iso(wanted.since)}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "playbook.backtest", "playbook", wanted.plan.id, details))


def _load(tx: Tx, where: AlertFilter, workspace: WorkspaceId, after: str | None) -> tuple[list[_Past], str | None]:
    page = tx.alerts.find(where, workspace=workspace, limit=PAGE, after=after)
    return [_Past(alert, _runs(tx, alert, workspace)) for alert in page.items], page.next


def _runs(tx: Tx, alert: Alert, workspace: WorkspaceId) -> tuple[PastRun, ...]:
    found = tx.runs.find(RunFilter(alert=alert.id), workspace=workspace, limit=MOST_RUNS).items
    stored = tx.runs.stored_events([run.id for run in found])
    return tuple(PastRun(run, tuple(tx.runs.decode(run.id, body, blob) for _, body, blob in stored[run.id])) for run in reversed(found))


class _Player:
    """Plays alerts, in a thread."""

    def __init__(self, world: World, wanted: Wanted, workspace: WorkspaceId, loop: asyncio.AbstractEventLoop) -> None:
        self.world, self.wanted, self.workspace = world, wanted, workspace
        begin = reader(world.actions, workspace=workspace, loop=loop)
        self.read: Callable[[Call], Json] = lambda call: outcome_of(begin(call))

    def page(self, page: Sequence[_Past], left: int | None) -> tuple[int, list[AlertResult]]:
        """Return how many alerts were looked at, and the results of those that matter to the playbook."""
        results: list[AlertResult] = []
        for place, past in enumerate(page):
            if left is not None and len(results) >= left:
                return place, results
            result = self.alert(past)
            if result is not None:
                results.append(result)
        return len(page), results

    def alert(self, past: _Past) -> AlertResult | None:
        """Return the result of one alert; None when the playbook has nothing to do with it, then as now."""
        described, recorded = past.described, Recorded(past.runs)
        root = next((one for one in past.runs if _is_start_of(one.run, self.wanted.plan.id)), None)
        if self.wanted.against is None:
            before = NOTHING if root is None else of_past(root, past.runs, self.world.actions.spec)
        else:
            before, _ = self.play(self.wanted.against, described, recorded, root)
        after, cast = self.play(self.wanted.plan, described, recorded, root)
        if not before.ran and not after.ran:
            return None
        found = tuple(changes(before, after))
        assumed, counted = (tuple(cast.assumed), (cast.recorded, cast.live)) if cast is not None else ((), (0, 0))
        return AlertResult(past.alert, before, after, found, assumed, *counted)

    def play(self, plan: Plan, alert: JsonObject, recorded: Recorded, root: PastRun | None) -> tuple[Behaviour, BacktestCast | None]:
        """Return what a version would do on an alert, at the time and under the id of the recorded run."""
        if not _accepts(plan, alert):
            return NOTHING, None
        world, spec = self.world, self.world.actions.spec
        cast = BacktestCast(spec, recorded.reading(), self.wanted.reads, self.read)
        now = parse_instant(root.events[0].at) if root is not None else _seen(alert, world)
        ids: Ids = world.ids if root is None else _FirstRun(world.ids, root.run.id)
        stage = Stage(world.plans, spec=spec, cast=cast, clock=StageClock(now), ids=ids, workspace=self.workspace)
        played = stage.play(plan, trigger={"kind": "backtest", "alert": alert.get("id")}, alert=alert)
        cut = ""
        if played.problem is not None:
            cut = str(played.problem)
        elif played.outcome is None:
            cut = WAITS_FOR_NOBODY
        behaviour = of_played(played, spec, cut=cut)
        # A question that is open then as now is the end of both, and no doubt about either.
        return (behaviour if isinstance(played.problem, WouldAsk) or not cut else replace(behaviour, outcome=UNDECIDED)), cast


@dataclass(slots=True)
class _FirstRun:
    """Ids of which the first run's is given: an argument that holds it is then the same."""

    ids: Ids
    run: RunId
    is_given: bool = False

    def __call__(self, prefix: str) -> str:
        """Return an id."""
        if prefix == "run" and not self.is_given:
            self.is_given = True
            return self.run
        return self.ids(prefix)


def _is_start_of(run: Run, playbook: str) -> bool:
    return run.playbook == playbook and run.parent is None and run.trigger == "alert"


def _accepts(plan: Plan, alert: JsonObject) -> bool:
    for trigger in plan.triggers:
        if isinstance(trigger, AlertTrigger):
            try:
                if trigger.condition.test({"alert": alert}):
                    return True
            except TocsinError:
                continue  # an alert that lacks a field the trigger reads starts nothing, here as in the intake
    return False


def _seen(alert: JsonObject, world: World) -> Instant:
    seen = alert.get("first_seen")
    return parse_instant(seen) if isinstance(seen, str) else world.clock()
