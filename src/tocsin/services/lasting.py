"""Work that must go on for as long as the process lives: what ends by an error of ours that nobody foresaw is begun again."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

import structlog

log = structlog.get_logger()
AGAIN_S = 1.0


class Lasting:
    """Keeps work going until `stop`."""

    def __init__(self, *, again_s: float = AGAIN_S) -> None:
        self._again_s = again_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def start(self, name: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do the work, and do it again whenever it ends."""
        if self._is_stopping:
            return
        task = asyncio.get_running_loop().create_task(work(), name=name)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, name, work))

    async def stop(self) -> None:
        """Cancel everything, and wait until it has ended."""
        self._is_stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, name: str, work: Callable[[], Coroutine[None, None, None]], task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or self._is_stopping:
            return
        # Else a timer or the mail would be dead until the next start, while the server says that all is well.
        log.error("background.ended", work=name, error=repr(task.exception()), again_s=self._again_s)
        task.get_loop().call_later(self._again_s, self.start, name, work)
