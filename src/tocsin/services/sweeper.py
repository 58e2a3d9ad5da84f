"""The sweeper: whatever must be looked at, because its time has come or its holder is gone, is found here and dispatched."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog

from tocsin.core.errors import TocsinError
from tocsin.core.ids import RunId
from tocsin.engine.ports import Clock

log = structlog.get_logger()
LONGEST_SLEEP_S = 30.0
SHORTEST_SLEEP_S = 0.005
RESWEEP_S = 1.0  # a run that was handed on is given this long before it is looked for again


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
                pause = RESWEEP_S
            try:
                async with asyncio.timeout(pause):
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _sweep(self) -> float:
        due = await self._journal.due()
        if due:
            await self._advance(due)
            return SHORTEST_SLEEP_S if len(due) > 1 else 0.0
        at = await self._journal.next_due()
        if at is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(SHORTEST_SLEEP_S, (at - self._clock()).total_seconds()))
