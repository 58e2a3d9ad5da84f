"""Cancel, pause, resume and waits for events, with the real driver over the real store."""

import pytest

from tocsin.core.access import Principal, Role
from tocsin.core.effects import Effect
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import RunId, UserId
from tocsin.core.values import iso
from tocsin.engine.driver import Driver
from tocsin.engine.events import RunStarted
from tocsin.playbook.compile import compile_playbook
from tocsin.playbook.plan import Awaited
from tocsin.services import runs
from tocsin.services.waits import tell_waiting
from tocsin.store.journal import SqlJournal
from tocsin.store.opening import open_store
from tocsin.store.repos.asks import AskStatus
from tocsin.store.repos.runs import NewRun, RunStatus
from tocsin.store.repos.waits import Place
from tocsin.testing.actions import ScriptedActions, spec
from tocsin.testing.clock import CountingIds, FakeClock
from tocsin.testing.engine import MemoryPlans

AMIRA = Principal(UserId("usr_1"), "amira", "amira@example.org", frozenset({Role.RESPONDER}))


class World:
    def __init__(self, folder):
        self.folder, self.clock, self.ids, self.plans, self.actions = folder, FakeClock(), CountingIds(), MemoryPlans(), ScriptedActions()
        self.actions.add(spec("fw.note", Effect.READ), {"ok": True})
        self.woken = []
        self.open()

    def open(self):
        self.store = open_store(self.folder)
        self.store.units.on_wake(self.woken.extend)
        self.journal = SqlJournal(self.store, owner=self.ids("wrk"), clock=self.clock)

    async def restart(self):
        self.store.close()
        self.open()
        await self.journal.reclaim()

    def publish(self, steps, *, id="test", head=""):
        text = f"schema: tocsin/playbook@1\nid: {id}\ntitle: Test\n{head}steps:\n{steps}"
        plan = compile_playbook(text, file=f"{id}.yaml", catalogue=self.actions)
        self.plans.add(plan)
        return plan

    async def begin(self, steps, *, id="test", head=""):
        plan = self.publish(steps, id=id, head=head)
        run = RunId(self.ids("run"))
        started = RunStarted(at=iso(self.clock()), playbook=id, digest=plan.digest, trigger={"kind": "manual"})
        await self.store.units.write(lambda tx: tx.runs.insert([NewRun(run, W, started)], lease=None))
        return run

    async def settle(self):
        """Advance whatever is woken or due until nothing is."""
        driver = Driver(journal=self.journal, actions=self.actions, plans=self.plans, clock=self.clock, ids=self.ids)
        while pending := sorted({*self.woken, *await self.journal.due()}):
            self.woken.clear()
            await driver.advance(pending)

    async def status(self, run):
        return (await self.store.units.read(lambda tx: tx.runs.get(run, workspace=W))).status

    async def outputs(self, run):
        return (await self.store.units.read(lambda tx: tx.runs.get(run, workspace=W))).outputs

    async def tags(self, run):
        events = await self.store.units.read(lambda tx: tx.runs.events(run, workspace=W))
        return [type(event).__struct_config__.tag for _, event in events]

    async def do(self, verb, run, reason="because"):
        await self.store.units.write(lambda tx: verb(tx, AMIRA, id=run, reason=reason, now=self.clock()))
        await self.settle()

    async def alert(self, **event):
        await self.store.units.write(lambda tx: tell_waiting(tx, [event], place=Place(W, Awaited.ALERT), now=self.clock()))
        await self.settle()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "data")
    yield made
    made.store.close()


WAIT = """\
  - id: host
    set: {ip: 192.0.2.7}
  - id: later
    wait: {event: alert, filter: "${{ event.title == steps.host.ip }}", deadline: 2h, on_deadline: continue}
"""
OUT = "outputs: {event: '${{ steps.later.event }}'}\n"


async def test_a_run_goes_on_with_the_event_that_it_waited_for_also_after_a_restart(world):
    run = await world.begin(WAIT, head=OUT)
    await world.settle()
    assert await world.status(run) is RunStatus.WAITING
    await world.restart()
    await world.alert(id="alr_1", title="192.0.2.8")
    assert await world.status(run) is RunStatus.WAITING
    await world.alert(id="alr_2", title="192.0.2.7")
    assert await world.status(run) is RunStatus.SUCCEEDED
    assert await world.outputs(run) == {"event": {"id": "alr_2", "title": "192.0.2.7"}}


async def test_an_event_whose_worker_died_before_it_saw_it_is_not_lost(world):
    run = await world.begin(WAIT, head=OUT)
    await world.settle()
    await world.store.units.write(lambda tx: tell_waiting(tx, [{"title": "192.0.2.7"}], place=Place(W, Awaited.ALERT), now=world.clock()))
    world.woken.clear()  # nobody was told
    await world.restart()
    await world.settle()
    assert await world.status(run) is RunStatus.SUCCEEDED


async def test_after_its_deadline_a_run_goes_on_without_an_event(world):
    run = await world.begin(WAIT, head=OUT)
    await world.settle()
    world.clock.move(hours=3)
    await world.alert(title="192.0.2.7")
    assert (await world.status(run), await world.outputs(run)) == (RunStatus.SUCCEEDED, {"event": None})


async def test_an_event_that_comes_while_the_run_is_paused_is_kept_for_it(world):
    run = await world.begin(f"{WAIT}  - action: fw.note\n", head=OUT)
    await world.settle()
    await world.do(runs.pause_run, run)
    await world.alert(title="192.0.2.7")
    assert (await world.status(run), world.actions.ledger) == (RunStatus.PAUSED, [])
    world.clock.move(days=3)
    await world.settle()
    assert await world.status(run) is RunStatus.PAUSED
    await world.do(runs.resume_run, run)
    assert (await world.status(run), await world.outputs(run)) == (RunStatus.SUCCEEDED, {"event": {"title": "192.0.2.7"}})


async def test_time_does_not_pass_a_paused_run_by(world):
    run = await world.begin("  - wait: 1h\n")
    await world.settle()
    await world.do(runs.pause_run, run)
    world.clock.move(hours=2)
    await world.settle()
    assert await world.status(run) is RunStatus.PAUSED
    await world.do(runs.resume_run, run)
    assert await world.status(run) is RunStatus.SUCCEEDED


@pytest.mark.parametrize("first_paused", [False, True])
async def test_a_cancelled_run_closes_its_asks_cleans_up_and_ends(world, first_paused):
    steps = "  - id: q\n    ask: {title: Go on?, to: ['role:responder'], deadline: 4h, on_deadline: reject}\n"
    run = await world.begin(steps, head="finally:\n  - action: fw.note\n")
    await world.settle()
    (ask,) = (await world.store.units.read(lambda tx: tx.asks.find(workspace=W))).items
    if first_paused:
        await world.do(runs.pause_run, run)
    await world.do(runs.cancel_run, run, reason="a false alarm")
    assert await world.status(run) is RunStatus.CANCELLED
    assert len(world.actions.ledger) == 1
    assert (await world.store.units.read(lambda tx: tx.asks.get(ask.id, workspace=W))).status is AskStatus.CLOSED


async def test_cancelling_a_run_cancels_the_run_that_it_waits_for(world):
    world.publish("  - wait: 1d\n", id="inner")
    outer = await world.begin("  - id: c\n    call: inner\n")
    await world.settle()
    await world.do(runs.cancel_run, outer)
    found = (await world.store.units.read(lambda tx: tx.runs.find(workspace=W))).items
    assert {one.parent: one.status for one in found} == {None: RunStatus.CANCELLED, outer: RunStatus.CANCELLED}


async def test_a_run_that_is_cancelled_leaves_no_wait_behind(world):
    run = await world.begin(WAIT)
    await world.settle()
    await world.do(runs.cancel_run, run)
    assert await world.store.units.read(lambda tx: tx.waits.of_run(run)) == []
    assert "run_cancelled" in await world.tags(run)
