"""The sweeper hands on what is due, and not the same run over and over while somebody takes it up."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from tocsin.core.ids import RunId
from tocsin.services.sweeper import Sweeper
from tocsin.testing.clock import FakeClock


class Times:
    """A journal that knows times, and nothing else."""

    def __init__(self) -> None:
        self.at: dict[RunId, datetime] = {}
        self.clock = FakeClock()

    async def due(self, limit: int = 256) -> list[RunId]:
        return [run for run, at in self.at.items() if at <= self.clock()][:limit]

    async def next_due(self) -> datetime | None:
        return min(self.at.values(), default=None)


async def swept(times: Times, moments: int) -> list[RunId]:
    handed: list[RunId] = []

    async def advance(runs: Sequence[RunId]) -> None:
        handed.extend(runs)

    sweeper = Sweeper(times, advance=advance, clock=times.clock)
    task = asyncio.create_task(sweeper.run_forever())
    for _ in range(moments):
        sweeper.ring()
        await asyncio.sleep(0.01)
    task.cancel()
    return handed


async def test_only_what_is_due_is_handed_on() -> None:
    times = Times()
    times.at = {RunId("now"): times.clock(), RunId("later"): times.clock() + timedelta(hours=1)}
    assert await swept(times, 3) == ["now"]


async def test_a_run_that_is_being_taken_up_is_not_handed_on_again() -> None:
    times = Times()
    times.at = {RunId("now"): times.clock()}
    assert await swept(times, 10) == ["now"]


async def test_a_run_that_nobody_took_up_is_handed_on_again() -> None:
    times = Times()
    times.at = {RunId("now"): times.clock()}
    handed: list[RunId] = []

    async def advance(runs: Sequence[RunId]) -> None:
        handed.extend(runs)
        times.clock.move(seconds=3)

    sweeper = Sweeper(times, advance=advance, clock=times.clock)
    task = asyncio.create_task(sweeper.run_forever())
    async with asyncio.timeout(5):
        while len(handed) < 3:
            sweeper.ring()
            await asyncio.sleep(0.01)
    task.cancel()
    assert set(handed) == {"now"}
