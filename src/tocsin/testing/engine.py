"""The engine over a memory journal, scripted actions and a fake clock: a run from start to rest in microseconds."""

import asyncio
from collections.abc import Mapping

from tocsin.core.errors import PlaybookNotFound
from tocsin.core.ids import RunId
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.crashpoints import Crash, stay_alive
from tocsin.engine.driver import Driver
from tocsin.engine.events import AskAnswered, AskOpened, RunEnded, RunEvent, RunStarted
from tocsin.engine.undo import is_undo, undo_plan
from tocsin.playbook.compile import compile_playbook
from tocsin.playbook.plan import Plan
from tocsin.testing.actions import ScriptedActions
from tocsin.testing.clock import CountingIds, FakeClock
from tocsin.testing.journal import MemoryJournal


class MemoryPlans:
    """Implements `engine.ports.Plans` over texts."""

    def __init__(self) -> None:
        self._current: dict[str, Plan] = {}
        self._by_digest: dict[str, Plan] = {}

    def add(self, plan: Plan) -> None:
        """Publish a plan."""
        self._current[plan.id] = self._by_digest[plan.digest] = plan

    def published(self) -> dict[str, str]:
        """Return the digests of what is published."""
        return {id: plan.digest for id, plan in self._current.items()}

    def by_digest(self, digest: str) -> Plan:
        """Return the plan of one version."""
        if is_undo(digest):
            return undo_plan(digest)
        if digest not in self._by_digest:
            raise PlaybookNotFound("No such version.")
        return self._by_digest[digest]

    def current(self, playbook: str) -> Plan:
        """Return the published plan."""
        if playbook not in self._current:
            raise PlaybookNotFound(f"There is no published playbook '{playbook}'.")
        return self._current[playbook]


class Bench:
    """Everything a test of the engine needs, wired together."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ids = CountingIds()
        self.journal = MemoryJournal()
        self.actions = ScriptedActions()
        self.plans = MemoryPlans()

    def publish(self, steps: str, *, id: str = "test", head: str = "") -> Plan:
        """Publish a playbook of these steps; `head` is what stands beside them."""
        text = f"schema: tocsin/playbook@1\nid: {id}\ntitle: Test\n{head}steps:\n{steps}"
        plan = compile_playbook(text, file=f"{id}.yaml", catalogue=self.actions, pins=self.plans.published())
        self.plans.add(plan)
        return plan

    def begin(self, plan: Plan, *, inputs: JsonObject | None = None, alert: JsonObject | None = None) -> RunId:
        """Put a run of the plan into the journal."""
        run = RunId(self.ids("run"))
        started = RunStarted(
            at=iso(self.clock()), playbook=plan.id, digest=plan.digest, trigger={"kind": "manual"}, alert=alert, inputs=inputs or {}
        )
        self.journal.start(run, started)
        return run

    def driver(self, crash: Crash = stay_alive) -> Driver:
        """Return a new worker."""
        return Driver(journal=self.journal, actions=self.actions, plans=self.plans, clock=self.clock, ids=self.ids, crash=crash)

    async def settle(self, run: RunId) -> None:
        """Advance the run, and whatever that wakes, to rest."""
        pending = [run]
        while pending:
            await self.driver().advance(pending)
            pending, self.journal.woken = list(dict.fromkeys(self.journal.woken)), []

    def play(self, steps: str, *, head: str = "", inputs: Mapping[str, Json] | None = None, alert: JsonObject | None = None) -> RunId:
        """Publish, begin and settle, for tests that have no loop of their own."""
        run = self.begin(self.publish(steps, head=head), inputs=dict(inputs or {}), alert=alert)
        asyncio.run(self.settle(run))
        return run

    def events(self, run: RunId) -> list[RunEvent]:
        """Return what happened."""
        return self.journal.runs[run].events

    def ended(self, run: RunId) -> RunEnded:
        """Return the end of a run that is over."""
        last = self.events(run)[-1]
        assert isinstance(last, RunEnded), f"the run has not ended; its last event is {last}"  # noqa: S101 - a test's claim
        return last

    def open_ask(self, run: RunId) -> AskOpened:
        """Return the newest ask of a run."""
        return [event for event in self.events(run) if isinstance(event, AskOpened)][-1]

    def answer(self, run: RunId, answer: str, *, by: str = "amira", form: JsonObject | None = None) -> None:
        """Answer the newest ask of a run and settle it."""
        asked = self.open_ask(run)
        self.journal.signal(run, AskAnswered(at=iso(self.clock()), path=asked.path, ask=asked.ask, answer=answer, by=by, form=form or {}))
        asyncio.run(self.settle(run))
