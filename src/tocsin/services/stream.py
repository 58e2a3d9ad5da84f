"""What has just happened, for whoever looks on: the last events in memory, and a queue for each listener."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tocsin.core.values import JsonObject

KEPT = 1_000
LONGEST_BACKLOG = 1_000


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event; `type` is `noun.verb`. It says what to read anew and is no history: that is in the journal and the audit log."""

    id: int
    type: str
    data: JsonObject


class Stream:
    """Tell listeners of one event loop what happens. `first_id` should grow from one start of the process to the next."""

    def __init__(self, *, first_id: int = 1) -> None:
        self._next = first_id
        self._kept: deque[StreamEvent] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[StreamEvent | None]] = set()

    def announce(self, type: str, data: JsonObject) -> None:
        """Tell everybody. A listener that does not keep up is dropped, and comes back with its last id."""
        event = StreamEvent(self._next, type, data)
        self._next += 1
        self._kept.append(event)
        for queue in tuple(self._listeners):
            if queue.qsize() >= LONGEST_BACKLOG:
                self._listeners.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def subscribe(self, after: int | None) -> AsyncIterator[StreamEvent]:
        """Yield events as they come; first those that came after the given id, as far as they are kept."""
        queue: asyncio.Queue[StreamEvent | None] = asyncio.Queue()
        if after is not None:
            for missed in self._kept:
                if missed.id > after:
                    queue.put_nowait(missed)
        self._listeners.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.discard(queue)
