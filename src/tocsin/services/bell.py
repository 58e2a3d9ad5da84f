"""Work that is done round by round for as long as the process lives, and at once when somebody rings."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tocsin.core.errors import TocsinError

log = structlog.get_logger()


class Bell:
    """Wakes one who sleeps between rounds."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Let the next round begin now."""
        self._event.set()

    async def rounds(self, once: Callable[[], Awaitable[float]], *, trouble: str, patience_s: float) -> None:
        """Do `once` until cancelled; it returns how many seconds to sleep. After a failure, logged as `trouble`, sleep `patience_s`."""
        while True:
            self._event.clear()  # before the round: who rings during it is not missed
            try:
                pause = await once()
            except TocsinError as error:
                log.error(trouble, reason=str(error))
                pause = patience_s
            try:
                async with asyncio.timeout(pause):
                    await self._event.wait()
            except TimeoutError:
                continue
