"""Schedules start a playbook once an instant, whoever looks, and once for what was missed."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import Packs
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.schedules import next_after, problem_of
from tocsin.playbook.compile import compile_playbook
from tocsin.services.plans import PlanShelf
from tocsin.services.schedules import Timekeeper
from tocsin.store.opening import open_store
from tocsin.store.repos.playbooks import PlaybookVersion
from tocsin.store.repos.runs import RunFilter
from tocsin.testing.clock import CountingIds, FakeClock

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # FakeClock's


class World:
    def __init__(self, folder: Path) -> None:
        self.folder, self.clock, self.ids = folder, FakeClock(), CountingIds()
        self.open()

    def open(self) -> None:
        self.store = open_store(self.folder)
        self.shelf = PlanShelf(self.store.units, PackCatalogue(Packs({})))
        self.shelf.refresh()

    def timekeeper(self) -> Timekeeper:
        return Timekeeper(self.store.units, plans=self.shelf, clock=self.clock, ids=self.ids)

    def publish(self, *crons: str, id: str = "tidy") -> None:
        triggers = "".join(f'  - schedule: "{cron}"\n' for cron in crons) or "  - webhook: none\n"
        text = f"schema: tocsin/playbook@1\nid: {id}\ntitle: Tidy\ntriggers:\n{triggers}inputs:\n  days: {{type: integer, default: 3}}\n"
        text += "steps:\n  - id: a\n    set: {days: '${{ inputs.days }}'}\noutputs: {days: '${{ steps.a.days }}'}\n"
        plan = compile_playbook(text, file=f"{id}.yaml", catalogue=PackCatalogue(Packs({})))
        version = PlaybookVersion(
            workspace=W, playbook=id, digest=plan.digest, title=plan.title, author="author", saved_at=self.clock(), text=text
        )

        def unit(tx):
            tx.playbooks.save(version)
            tx.playbooks.publish(id, plan.digest, workspace=W, by="author", at=self.clock())

        self.store.units.write_now(unit)
        self.shelf.refresh()

    def enable(self, enabled: bool) -> None:
        self.store.units.write_now(lambda tx: tx.playbooks.enable("tidy", enabled, workspace=W))

    def runs(self):
        return self.store.units.read_now(lambda tx: tx.runs.find(RunFilter(), workspace=W, limit=100)).items

    def schedules(self):
        return {one.cron: (one.next_at, one.last_at) for one in self.store.units.read_now(lambda tx: tx.schedules.all(workspace=W))}

    def started(self, run):
        return self.store.units.read_now(lambda tx: tx.runs.started(run))


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path / "data")
    yield made
    made.store.close()


async def test_a_playbook_starts_at_each_instant_of_its_schedule(world):
    world.publish("*/15 * * * *")
    keeper = world.timekeeper()
    await keeper.keep()
    assert await keeper.start_due() == []
    world.clock.move(minutes=15)
    (run,) = await keeper.start_due()
    first = world.started(run)
    assert first.trigger == {"kind": "schedule", "cron": "*/15 * * * *", "due": "2026-03-02T09:15:00.000000Z", "by": "schedule"}
    assert first.inputs == {"days": 3}
    assert await keeper.start_due() == []
    world.clock.move(minutes=15)
    assert len(await keeper.start_due()) == 1
    assert [run.trigger for run in world.runs()] == ["schedule", "schedule"]


async def test_of_many_that_look_at_once_one_starts_the_run(world):
    world.publish("*/15 * * * *")
    await world.timekeeper().keep()
    world.clock.move(minutes=20)
    await asyncio.gather(*(world.timekeeper().start_due() for _ in range(8)))
    assert len(world.runs()) == 1


async def test_a_look_that_is_out_of_date_moves_nothing_on(world):
    world.publish("*/15 * * * *")
    await world.timekeeper().keep()
    world.clock.move(minutes=15)
    (seen,) = await world.store.units.read(lambda tx: tx.schedules.due(world.clock(), workspace=W))
    await world.timekeeper().start_due()
    after = world.schedules()
    assert not await world.store.units.write(lambda tx: tx.schedules.move_on(seen, next_at=world.clock()))
    assert world.schedules() == after


async def test_what_was_missed_while_nobody_looked_is_started_once(world):
    world.publish("* * * * *")
    await world.timekeeper().keep()
    world.store.close()
    world.clock.move(days=2)
    world.open()
    keeper = world.timekeeper()
    await keeper.keep()
    (run,) = await keeper.start_due()
    assert world.started(run).trigger["due"] == "2026-03-02T09:01:00.000000Z"
    assert await keeper.start_due() == []
    assert world.schedules()["* * * * *"] == (START + timedelta(days=2, minutes=1), START + timedelta(minutes=1))


async def test_a_restart_starts_nothing_twice(world):
    world.publish("0 10 * * *")
    await world.timekeeper().keep()
    world.clock.move(hours=1)
    await world.timekeeper().start_due()
    world.store.close()
    world.open()
    keeper = world.timekeeper()
    await keeper.keep()
    assert await keeper.start_due() == []
    assert len(world.runs()) == 1


async def test_a_row_that_moved_on_without_its_run_cannot_be(world):
    world.publish("*/15 * * * *")
    await world.timekeeper().keep()
    world.clock.move(minutes=15)
    before = world.schedules()

    class Dying(CountingIds):
        def __call__(self, prefix: str) -> str:
            raise ZeroDivisionError  # between the two writes

    with pytest.raises(ZeroDivisionError):
        await Timekeeper(world.store.units, plans=world.shelf, clock=world.clock, ids=Dying()).start_due()
    assert world.schedules() == before
    assert len(await world.timekeeper().start_due()) == 1


async def test_a_disabled_playbook_does_not_start_and_catches_nothing_up(world):
    world.publish("*/15 * * * *")
    keeper = world.timekeeper()
    await keeper.keep()
    world.enable(False)
    world.clock.move(minutes=15)
    assert await keeper.start_due() == []  # the shelf does not know it yet, the transaction does
    world.shelf.refresh()
    await keeper.keep()
    assert world.schedules()["*/15 * * * *"][0] is None
    world.clock.move(days=1, minutes=1)
    world.enable(True)
    world.shelf.refresh()
    await keeper.keep()
    assert await keeper.start_due() == []
    assert world.schedules()["*/15 * * * *"][0] == START + timedelta(days=1, minutes=30)


async def test_a_schedule_that_is_published_no_more_starts_nothing(world):
    world.publish("*/15 * * * *", "0 0 1 1 *")
    keeper = world.timekeeper()
    await keeper.keep()
    world.publish("0 12 * * *")
    await keeper.keep()
    world.clock.move(minutes=15)
    assert await keeper.start_due() == []
    running = {cron for cron, (next_at, _) in world.schedules().items() if next_at is not None}
    assert running == {"0 12 * * *"}


async def test_publishing_anew_does_not_move_a_schedule_that_stays(world):
    world.publish("0 10 * * *")
    keeper = world.timekeeper()
    await keeper.keep()
    world.clock.move(minutes=61)
    world.publish("0 10 * * *", "0 12 * * *")
    await keeper.keep()
    assert len(await keeper.start_due()) == 1


async def test_two_schedules_of_one_playbook_due_at_once_start_it_twice(world):
    world.publish("*/15 * * * *", "*/5 9 * * *")
    keeper = world.timekeeper()
    await keeper.keep()
    world.clock.move(minutes=15)
    assert {world.started(run).trigger["cron"] for run in await keeper.start_due()} == {"*/15 * * * *", "*/5 9 * * *"}


async def test_it_runs_by_itself(world):
    world.publish("*/15 * * * *")
    keeper = world.timekeeper()
    task = asyncio.create_task(keeper.run_forever())
    try:
        async with asyncio.timeout(20):
            while not world.schedules():
                await asyncio.sleep(0.01)
            world.clock.move(minutes=16)
            while not world.runs():
                keeper.ring()
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
    assert len(world.runs()) == 1


@pytest.mark.parametrize("cron", ["* * * *", "every day", "60 * * * *", "* * 30 2 *", "0 0 0 * * *", "", "*/0 * * * *"])
def test_what_is_no_schedule_is_said(cron):
    assert problem_of(cron)


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("*/15 * * * *", "2026-03-02T09:00:00", "2026-03-02T09:15:00"),
        ("*/15 * * * *", "2026-03-02T09:14:59.999999", "2026-03-02T09:15:00"),
        ("0 6 * * MON-FRI", "2026-03-06T06:00:00", "2026-03-09T06:00:00"),
        ("0 0 29 2 *", "2026-03-01T00:00:00", "2028-02-29T00:00:00"),
        ("30 2 * * *", "2026-03-29T00:00:00", "2026-03-29T02:30:00"),  # a time that does not exist in Europe; schedules are in UTC
    ],
)
def test_the_next_instant_is_the_first_one_after(cron, after, expected):
    found = next_after(cron, datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
