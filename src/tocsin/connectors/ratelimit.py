"""Token buckets: no more calls a second than a vendor allows."""

import asyncio
from collections.abc import Awaitable, Callable

from tocsin.connectors.manifest import Rate


class Bucket:
    """Hand out turns: `burst` at once, then `per_second`."""

    def __init__(self, rate: Rate, *, tick: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`tick`: a clock that only goes forward, in seconds."""
        self._rate = rate
        self._tick = tick
        self._sleep = sleep
        self._tokens = rate.burst
        self._at = tick()

    async def take(self) -> None:
        """Wait for a turn; turns are given in the order of asking."""
        now = self._tick()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        self._tokens -= 1  # may go below zero: that is the queue
        if self._tokens < 0:
            await self._sleep(-self._tokens / self._rate.per_second)
