"""A thread for one trial: it may wait for reads, which may need the threads that everybody shares."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tocsin.core.errors import Transient
from tocsin.core.values import Json

T = TypeVar("T")
LONGEST_READ_S = 300.0


async def in_own_thread(work: Callable[[], T]) -> T:
    """Do something in a thread of its own; cancelled, it does not wait for the thread, which the event loop might have to help."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="tocsin-trial")
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
    finally:
        pool.shutdown(wait=False)


def outcome_of(read: "Future[Json]") -> Json:
    """Wait for a read that is under way; raises what it raises, and Transient when it takes too long."""
    try:
        return read.result(LONGEST_READ_S)
    except TimeoutError:
        read.cancel()
        raise Transient(f"It was not read within {LONGEST_READ_S:g} s.", hint="Give the step a timeout.") from None
