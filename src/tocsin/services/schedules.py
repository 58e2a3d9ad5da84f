"""Schedules: playbooks that start at the instants of a cron line, once an instant, whoever looks and however often."""

from datetime import datetime
from typing import Protocol

import structlog

from tocsin.core.ids import DEFAULT_WORKSPACE, Ids, RunId, WorkspaceId
from tocsin.core.schedules import next_after
from tocsin.core.values import iso
from tocsin.engine.events import RunStarted
from tocsin.engine.ports import Clock
from tocsin.playbook.inputs import with_defaults
from tocsin.playbook.plan import Plan
from tocsin.services.bell import Bell
from tocsin.store.repos.runs import NewRun
from tocsin.store.repos.schedules import Schedule
from tocsin.store.tx import Tx
from tocsin.store.units import Units

log = structlog.get_logger()
LONGEST_SLEEP_S = 5.0  # a playbook that is published meanwhile has its first instant in the table when this is over
STALE_S = 0.5


class Scheduled(Protocol):
    """The published playbooks that have a schedule."""

    def on_schedule(self) -> list[tuple[str, Plan]]:
        """Return their cron lines, each with its playbook."""
        ...


class Timekeeper:
    """Starts what is due. The row moves on and the run is inserted in one transaction, so of two that look one starts it.

    What was due while nobody looked is started once, for the first instant that was missed.
    """

    def __init__(self, units: Units, *, plans: Scheduled, clock: Clock, ids: Ids, workspace: WorkspaceId = DEFAULT_WORKSPACE) -> None:
        self._units, self._plans, self._clock, self._ids, self._workspace = units, plans, clock, ids, workspace
        self._bell = Bell()

    def ring(self) -> None:
        """Say that schedules may have changed."""
        self._bell.ring()

    async def run_forever(self) -> None:
        """Start what is due until cancelled."""
        await self._bell.rounds(self._round, trouble="schedules.failed", patience_s=LONGEST_SLEEP_S)

    async def _round(self) -> float:
        await self.keep()
        await self.start_due()
        return await self._pause()

    async def keep(self) -> None:
        """Make the table say what is published: a new schedule begins now, one that is gone or disabled starts nothing."""
        now, published = self._clock(), self._plans.on_schedule()
        known = await self._units.read(lambda tx: tx.schedules.all(workspace=self._workspace))
        named = [Schedule(self._workspace, plan.id, cron, next_after(cron, now)) for cron, plan in published]
        wanted = [one for one in named if one.next_at is not None]
        if {(one.playbook, one.cron) for one in known if one.next_at is not None} != {(one.playbook, one.cron) for one in wanted}:
            await self._units.write(lambda tx: tx.schedules.keep(wanted, workspace=self._workspace))

    async def start_due(self) -> list[RunId]:
        """Start what is due now; return the runs."""
        now = self._clock()
        if not await self._units.read(lambda tx: tx.schedules.due(now, workspace=self._workspace)):
            return []
        plans = {(plan.id, cron): plan for cron, plan in self._plans.on_schedule()}
        return await self._units.write(lambda tx: self._start(tx, plans, now))

    def _start(self, tx: Tx, plans: dict[tuple[str, str], Plan], now: datetime) -> list[RunId]:
        published = {one.playbook: one.digest for one in tx.playbooks.published(workspace=self._workspace) if one.enabled}
        new: list[NewRun] = []
        for one in tx.schedules.due(now, workspace=self._workspace):
            plan = plans.get((one.playbook, one.cron))
            # Between its look at the plans and this transaction the playbook may have been published anew, or disabled.
            if plan is None or published.get(one.playbook) != plan.digest:
                continue
            if one.next_at is not None and tx.schedules.move_on(one, next_at=next_after(one.cron, now)):
                new.append(self._run(plan, one, due=one.next_at, now=now))
        tx.runs.insert(new, lease=None)
        return [run.id for run in new]

    def _run(self, plan: Plan, schedule: Schedule, *, due: datetime, now: datetime) -> NewRun:
        started = RunStarted(
            at=iso(now),
            playbook=plan.id,
            digest=plan.digest,
            trigger={"kind": "schedule", "cron": schedule.cron, "due": iso(due), "by": "schedule"},
            inputs=with_defaults(plan, {}),
        )
        return NewRun(RunId(self._ids("run")), self._workspace, started)

    async def _pause(self) -> float:
        due = await self._units.read(lambda tx: tx.schedules.next_due(workspace=self._workspace))
        if due is None:
            return LONGEST_SLEEP_S
        left = (due - self._clock()).total_seconds()
        # What is due and was not started waits for a look at the plans that are published now.
        return min(LONGEST_SLEEP_S, left if left > 0 else STALE_S)
