"""Durable dispatch: batches of runs to advance, kept by DBOS. Nothing else in Tocsin knows DBOS; docs/adr/0002-dispatch.md says why so.

A run that must be looked at has its `wake_at` set in the transaction that made it so, and the sweeper finds it there. What is kept
here is the hurry: it makes the sweep unneeded nearly always, and what it holds may be lost or done twice without harm.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from tocsin.core.ids import RunId

if TYPE_CHECKING:
    from dbos import DBOS

log = structlog.get_logger()
Advance: TypeAlias = Callable[[Sequence[RunId]], Awaitable[None]]

DATABASE = "dispatch.db"
LARGEST_BATCH = 64
# What is kept is a list of run ids, whatever the version of Tocsin: all versions may take each other's.
FORMAT = "1"
KEPT = timedelta(hours=1)
TIDY_EVERY = 5_000


class DbosDispatcher:
    """Keep batches in a file of the data folder, and advance them on the event loop that called `start`.

    There can be one in a process at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE
        self._pending: dict[RunId, None] = {}
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tocsin-dispatch")
        self._dbos: type[DBOS] | None = None
        self._workflow: Callable[[list[str]], Awaitable[None]] | None = None
        self._batches = 0

    async def start(self, advance: Advance) -> None:
        """Begin: batches that a process left behind when it died are advanced again, and what was enqueued before this."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._launch, advance, loop)
        await self.enqueue(())

    async def enqueue(self, runs: Sequence[RunId]) -> None:
        """Have the runs advanced soon; before `start`, as soon as that is called."""
        self._pending.update(dict.fromkeys(runs))
        if self._dbos is None:
            return
        loop = asyncio.get_running_loop()
        # Whoever waits for the lock finds its runs taken along by those before it: so batches grow as the load does.
        async with self._lock:
            while self._pending and self._dbos is not None:
                batch = list(self._pending)[:LARGEST_BATCH]
                try:
                    await loop.run_in_executor(self._thread, self._keep, batch)
                except sa.exc.DBAPIError as error:
                    # A full disk, say. Raised, it would end the sweeper, which finds these runs again when there is room.
                    log.error("dispatch.failed", runs=len(self._pending), reason=str(error.orig))
                    return
                for run in batch:
                    self._pending.pop(run, None)

    async def stop(self) -> None:
        """Stop taking batches; those under way are taken up again at the next start."""
        if self._dbos is not None:
            dbos, self._dbos = self._dbos, None
            await asyncio.get_running_loop().run_in_executor(self._thread, lambda: dbos.destroy(destroy_registry=True))
        self._thread.shutdown(wait=False)

    def _launch(self, advance: Advance, loop: asyncio.AbstractEventLoop) -> None:
        # A second of imports, so only here, off the event loop, when the server is up already.
        from dbos import DBOS, DBOSConfig
        from dbos._serialization import DBOSPortableJSON

        logging.getLogger("dbos").setLevel(logging.ERROR)
        config = DBOSConfig(
            name="tocsin",
            system_database_engine=_engine(self._path),
            application_version=FORMAT,
            serializer=DBOSPortableJSON,  # the default is pickle
            log_level="ERROR",
            max_executor_threads=2,
            notification_listener_polling_interval_sec=1.0,  # asks nothing while nobody listens, and is how long stopping takes
            scheduler_polling_interval_sec=3600.0,  # schedules are not kept here
        )
        DBOS(config=config)

        @DBOS.workflow(name="advance")
        async def advance_batch(runs: list[str]) -> None:
            # DBOS runs this on a loop of its own; connections and tasks of Tocsin's belong to the server's.
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_advance(advance, runs), loop))

        DBOS.launch()
        self._workflow = advance_batch
        self._dbos = DBOS
        self._tidy()

    def _keep(self, batch: Sequence[RunId]) -> None:
        if self._dbos is None or self._workflow is None:
            return  # stopped meanwhile; the sweeper finds the runs at the next start
        self._dbos.start_workflow(self._workflow, list(batch))
        self._batches += 1
        if self._batches % TIDY_EVERY == 0:
            self._tidy()

    def _tidy(self) -> None:
        """Forget batches that are done; DBOS itself never does."""
        if self._dbos is None:
            return
        before = (datetime.now(UTC) - KEPT).isoformat()
        while done := self._dbos.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before, limit=500, load_input=False, load_output=False
        ):
            self._dbos.delete_workflows([one.workflow_id for one in done])


async def _advance(advance: Advance, runs: Sequence[str]) -> None:
    await advance([RunId(run) for run in runs])


def _engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=4, max_overflow=0, connect_args={"check_same_thread": False})

    def connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = "IMMEDIATE"
        # A process that is killed loses nothing by this; after a loss of power the sweeper finds what is missing.
        for pragma in ("busy_timeout = 30000", "journal_mode = wal", "synchronous = normal", "foreign_keys = on"):
            connection.execute(f"pragma {pragma}")

    event.listen(engine, "connect", connect)
    return engine
