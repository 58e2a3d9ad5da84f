"""Units of work. All writes go through one thread and one connection; units that wait share the next transaction.

A unit is a function of a `Tx`. It may be run more than once before it is committed, so it changes nothing but the database.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeAlias, TypeVar

import sqlalchemy as sa

from tocsin.core.errors import RateLimited
from tocsin.core.ids import RunId
from tocsin.store import dialect
from tocsin.store.blobs import Blobs
from tocsin.store.errors import StoreClosed
from tocsin.store.tx import Tx, open_tx

T = TypeVar("T")
Settle: TypeAlias = Callable[[], None]
Wake: TypeAlias = Callable[[Sequence[RunId]], None]

LONGEST_QUEUE = 10_000
LARGEST_BATCH = 256
READ_THREADS = 3


@dataclass(frozen=True, slots=True)
class _Unit:
    """One unit: `work` does it and returns how to tell the caller once it is committed."""

    work: Callable[[Tx], Settle]
    fail: Callable[[BaseException], None]
    loop: asyncio.AbstractEventLoop | None


class _Broken(Exception):
    """A unit of a batch raised; internal to the writer."""

    def __init__(self, place: int, error: Exception) -> None:
        super().__init__(str(error))
        self.place = place
        self.error = error


class Units:
    """Run units of work: writes in group commits, reads side by side on snapshots."""

    def __init__(self, writer: sa.Engine, reader: sa.Engine, *, blobs: Blobs) -> None:
        self._blobs = blobs
        self._writer_engine = writer
        self._reader_engine = reader
        self._queue: SimpleQueue[_Unit | None] = SimpleQueue()
        self._is_closed = False
        self._on_wake: Wake | None = None
        self._local = threading.local()
        self._read_connections: list[sa.Connection] = []
        self._readers = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="tocsin-read")
        self._connection = writer.connect()
        self._tx = open_tx(self._connection, blobs=blobs)
        self._writer = threading.Thread(target=self._pump, name="tocsin-write", daemon=True)
        self._writer.start()

    # -- callers ---------------------------------------------------------------------------------------------------

    def on_wake(self, wake: Wake | None) -> None:
        """Have `wake` called, on the writer's thread, with the runs that a committed transaction has woken. It must return at once."""
        self._on_wake = wake

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run a unit and return when it is durable. What it raises is raised here, and then it wrote nothing.

        Raises RateLimited when too many units wait, StoreFull and its like when the disk refuses. A caller that is
        cancelled does not take its unit back.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def unit(tx: Tx) -> Settle:
            result = work(tx)
            return lambda: None if future.done() else future.set_result(result)

        self._put(_Unit(unit, lambda error: None if future.done() else future.set_exception(error), loop))
        return await future

    def write_now(self, work: Callable[[Tx], T]) -> T:
        """Run a unit from a thread without an event loop, and return when it is durable."""
        future: Future[T] = Future()

        def unit(tx: Tx) -> Settle:
            result = work(tx)
            return lambda: future.set_result(result)

        self._put(_Unit(unit, future.set_exception, None))
        return future.result()

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run a question on a snapshot of what is committed."""
        if self._is_closed:
            raise _closed()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def read_now(self, work: Callable[[Tx], T]) -> T:
        """Run a question from a thread without an event loop."""
        if self._is_closed:
            raise _closed()
        return self._readers.submit(self._read, work).result()

    @property
    def waiting(self) -> int:
        """Return how many units wait for the writer."""
        return self._queue.qsize()

    def close(self) -> None:
        """Commit what waits, then stop."""
        if self._is_closed:
            return
        self._is_closed = True
        self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        for connection in self._read_connections:
            connection.close()
        with contextlib.suppress(sa.exc.DBAPIError):
            dialect.checkpoint(self._connection)
        self._connection.close()

    def _put(self, unit: _Unit) -> None:
        if self._is_closed:
            raise _closed()
        if self._queue.qsize() >= LONGEST_QUEUE:
            raise RateLimited("Too many writes wait for the disk.", hint="Try again in a second.", retry_after=1.0)
        self._queue.put(unit)

    # -- the writer's thread ---------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while True:
            batch = self._take()
            if batch:
                self._commit(batch)
            else:
                return

    def _take(self) -> list[_Unit]:
        """Wait for a unit, and take along whatever else waits; nothing means stop."""
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        with contextlib.suppress(Empty):
            while len(batch) < LARGEST_BATCH:
                unit = self._queue.get_nowait()
                if unit is None:
                    self._queue.put(None)
                    break
                batch.append(unit)
        return batch

    def _commit(self, batch: Sequence[_Unit]) -> None:
        """Commit a batch. One bad unit fails alone: those before it, it, and those behind it get a transaction each."""
        try:
            settles = self._attempt(batch)
        except _Broken as broken:
            error = dialect.translate(broken.error)
            if error is not None and dialect.is_storage_trouble(error):
                _tell(batch, lambda unit: lambda: unit.fail(error))
            elif len(batch) == 1:
                failure = error or broken.error
                _tell(batch, lambda unit: lambda: unit.fail(failure))
            else:
                place = broken.place
                for part in (batch[:place], batch[place : place + 1], batch[place + 1 :]):
                    if part:
                        self._commit(part)
            return
        self._wake()
        ready = dict(zip(map(id, batch), settles, strict=True))
        _tell(batch, lambda unit: ready[id(unit)])

    def _attempt(self, batch: Sequence[_Unit]) -> list[Settle]:
        settles: list[Settle] = []
        self._tx.woken.clear()
        try:
            transaction = self._connection.begin()
            for unit in batch:
                settles.append(unit.work(self._tx))
            transaction.commit()
        # Whatever a unit raises belongs to its caller; this thread serves all the others and must go on.
        except Exception as error:
            self._rollback()
            raise _Broken(min(len(settles), len(batch) - 1), error) from error
        return settles

    def _rollback(self) -> None:
        with contextlib.suppress(sa.exc.DBAPIError):
            self._connection.rollback()
            return
        # The connection is of no use any more; a new one starts clean.
        self._connection.invalidate()
        self._connection.close()
        self._connection = self._writer_engine.connect()
        self._tx = open_tx(self._connection, blobs=self._blobs)

    def _wake(self) -> None:
        if self._tx.woken and self._on_wake is not None:
            self._on_wake(tuple(dict.fromkeys(self._tx.woken)))

    # -- the readers' threads --------------------------------------------------------------------------------------

    def _read(self, work: Callable[[Tx], T]) -> T:
        connection, tx = self._reading()
        try:
            with connection.begin():
                return work(tx)
        except sa.exc.DBAPIError as error:
            raise dialect.translate(error) or error from error

    def _reading(self) -> tuple[sa.Connection, Tx]:
        pair: tuple[sa.Connection, Tx] | None = getattr(self._local, "pair", None)
        if pair is None:
            connection = self._reader_engine.connect()
            self._read_connections.append(connection)
            pair = (connection, open_tx(connection, blobs=self._blobs))
            self._local.pair = pair
        return pair


def _closed() -> StoreClosed:
    return StoreClosed("Tocsin is stopping.", hint="Try again when it is up.")


def _tell(batch: Sequence[_Unit], settle_of: Callable[[_Unit], Settle]) -> None:
    """Settle the callers; those of one event loop with one wake-up of it, which costs more than the rest."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Settle]] = {}
    for unit in batch:
        if unit.loop is None:
            settle_of(unit)()
        else:
            by_loop.setdefault(unit.loop, []).append(settle_of(unit))
    for loop, settles in by_loop.items():
        # A closed loop has nobody left to tell.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_all, settles)


def _settle_all(settles: Sequence[Settle]) -> None:
    for settle in settles:
        settle()
