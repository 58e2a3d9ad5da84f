"""The sweeper: whatever must be looked at, because its time has come or its holder is gone, is found here and dispatched."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from tocsin.core.errors import TocsinError
from tocsin.core.ids import RunId
from tocsin.engine.ports import Clock

log = structlog.get_logger()
LONGEST_SLEEP_S = 30.0
SHORTEST_SLEEP_S = 0.02
RESWEEP = timedelta(seconds=2)  # a run that was handed on is given this long before it is handed on again


class Due(Protocol):
    """What the journal knows of times."""

    async def due(self, limit: int = 256) -> list[RunId]:
        """Return the runs that must be looked at now."""
        ...

    async def next_due(self) -> datetime | None:
        """Return when the next one must be."""
        ...


class Advance(Protocol):
    """Advance runs; those that somebody holds are left alone."""

    async def __call__(self, runs: Sequence[RunId]) -> None:
        """Advance them to rest."""
        ...


class Sweeper:
    """Find runs that are due and have them advanced."""

    def __init__(self, journal: Due, *, advance: Advance, clock: Clock) -> None:
        self._journal, self._advance, self._clock = journal, advance, clock
        self._bell = asyncio.Event()
        self._handed: dict[RunId, datetime] = {}

    def ring(self) -> None:
        """Say that a time may have changed."""
        self._bell.set()

    async def run_forever(self) -> None:
        """Sweep until cancelled."""
        while True:
            self._bell.clear()
            try:
                pause = await self._sweep()
            except TocsinError as error:
                log.error("sweep.failed", reason=str(error))
                pause = 1.0
            try:
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> float:
        now = self._clock()
        self._handed = {run: at for run, at in self._handed.items() if now - at < RESWEEP}
        due = await self._journal.due()
        fresh = [run for run in due if run not in self._handed]
        if fresh:
            self._handed |= dict.fromkeys(fresh, now)
            await self._advance(fresh)
        if due:
            return SHORTEST_SLEEP_S if fresh else RESWEEP.total_seconds() / 4
        at = await self._journal.next_due()
        return LONGEST_SLEEP_S if at is None else min(LONGEST_SLEEP_S, max(SHORTEST_SLEEP_S, (at - now).total_seconds()))
