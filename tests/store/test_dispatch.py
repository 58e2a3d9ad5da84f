import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

from tocsin.core.ids import RunId
from tocsin.store.dispatch import DATABASE, LARGEST_BATCH, DbosDispatcher

HOLDER = """
import asyncio, sys
from pathlib import Path
from tocsin.store.dispatch import DbosDispatcher

async def advance(runs):
    print(*runs, flush=True)
    await asyncio.sleep(3600)

async def main():
    dispatcher = DbosDispatcher(Path(sys.argv[1]))
    await dispatcher.start(advance)
    await dispatcher.enqueue(["run_1", "run_2"])
    print("kept", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


class Advanced:
    def __init__(self):
        self.batches = []
        self.news = asyncio.Event()

    async def __call__(self, runs):
        self.loop = asyncio.get_running_loop()
        self.batches.append(list(runs))
        self.news.set()

    async def has(self, *runs, within=15.0):
        async with asyncio.timeout(within):
            while not set(runs) <= {run for batch in self.batches for run in batch}:
                await self.news.wait()
                self.news.clear()


async def test_what_was_enqueued_is_advanced_after_sigkill(tmp_path):
    first = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    told = {(await asyncio.to_thread(first.stdout.readline)).strip() for _ in range(2)}
    assert told == {"run_1 run_2", "kept"}
    first.send_signal(signal.SIGKILL)
    first.communicate()
    advanced = Advanced()
    dispatcher = DbosDispatcher(tmp_path)
    await dispatcher.start(advanced)
    try:
        await advanced.has("run_1", "run_2")
    finally:
        await dispatcher.stop()


async def test_batches_run_on_the_loop_that_started_and_grow_with_the_load(tmp_path):
    advanced = Advanced()
    dispatcher = DbosDispatcher(tmp_path)
    await dispatcher.enqueue([RunId("early")])
    await dispatcher.start(advanced)
    try:
        await advanced.has("early")
        runs = [RunId(f"run_{n}") for n in range(500)]
        await asyncio.gather(*(dispatcher.enqueue([run]) for run in runs))
        await advanced.has(*runs)
    finally:
        await dispatcher.stop()
    assert advanced.loop is asyncio.get_running_loop()
    assert max(map(len, advanced.batches)) <= LARGEST_BATCH
    assert len(advanced.batches) < 50
    assert await asyncio.to_thread(lambda: "the loop's own threads still work")


async def test_a_batch_that_fails_does_not_stop_those_behind_it(tmp_path):
    advanced = Advanced()

    async def advance(runs):
        if "bad" in runs:
            raise RuntimeError("a defect")
        await advanced(runs)

    dispatcher = DbosDispatcher(tmp_path)
    await dispatcher.start(advance)
    try:
        await dispatcher.enqueue([RunId("bad")])
        await dispatcher.enqueue([RunId("good")])
        await advanced.has("good")
    finally:
        await dispatcher.stop()


async def test_stopping_does_not_wait_for_what_is_under_way(tmp_path):
    begun = asyncio.Event()

    async def advance(runs):
        begun.set()
        await asyncio.sleep(3600)

    dispatcher = DbosDispatcher(tmp_path)
    await dispatcher.start(advance)
    await dispatcher.enqueue([RunId("long")])
    await begun.wait()
    async with asyncio.timeout(8):
        await dispatcher.stop()
    await dispatcher.enqueue([RunId("late")])


def test_nothing_is_pickled(tmp_path):
    async def main():
        advanced = Advanced()
        dispatcher = DbosDispatcher(tmp_path)
        await dispatcher.start(advanced)
        await dispatcher.enqueue([RunId("run_1")])
        await advanced.has("run_1")
        await dispatcher.stop()

    asyncio.run(main())
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("dispatch.db*"))
    assert b"run_1" in kept
    assert b"py_pickle" not in kept
    assert b"gASV" not in kept, "base64 of a pickle begins so"


async def test_a_file_that_cannot_be_written_ends_nobody_and_loses_no_run(tmp_path):
    advanced = Advanced()
    dispatcher = DbosDispatcher(tmp_path)
    await dispatcher.start(advanced)
    try:
        with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as file:
            file.execute("CREATE TRIGGER refuse BEFORE INSERT ON workflow_status BEGIN SELECT RAISE(ABORT, 'no room'); END")
            await dispatcher.enqueue([RunId("run_1")])  # whoever sweeps would be ended by what this raises
            file.execute("DROP TRIGGER refuse")
        await dispatcher.enqueue([RunId("run_2")])
        await advanced.has("run_1", "run_2")
    finally:
        await dispatcher.stop()
