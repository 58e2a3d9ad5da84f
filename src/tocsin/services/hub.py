"""What is going on, told live to whoever listens. Nothing here is durable: the store is asked for what was missed."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tocsin.core.values import JsonObject

LONGEST_BACKLOG = 1_000  # of one listener; a slower one loses the oldest and is told so
REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened; `id` counts up from the start of the process."""

    id: int
    type: str
    data: JsonObject


class Hub:
    """Tell all listeners of one process. Used from the event loop only."""

    def __init__(self) -> None:
        self._count = 0
        self._recent: deque[News] = deque(maxlen=REMEMBERED)
        self._listeners: set[asyncio.Queue[News]] = set()

    def tell(self, type: str, data: JsonObject) -> None:
        """Tell everybody."""
        self._count += 1
        news = News(self._count, type, data)
        self._recent.append(news)
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
                queue.put_nowait(News(news.id, "gap", {}))
                continue
            queue.put_nowait(news)

    async def listen(self, after: int | None = None) -> AsyncIterator[News]:
        """Yield news until the listener leaves; `after` resumes behind an id that is still remembered."""
        queue: asyncio.Queue[News] = asyncio.Queue(LONGEST_BACKLOG)
        self._listeners.add(queue)
        try:
            if after is not None:
                for news in [one for one in self._recent if one.id > after]:
                    yield news
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)
