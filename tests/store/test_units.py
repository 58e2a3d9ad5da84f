import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tocsin.core.errors import Conflict, RateLimited, TocsinError
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.store import units as units_module
from tocsin.store.errors import AlreadyExists, StoreClosed
from tocsin.store.opening import open_store


async def test_one_bad_unit_among_fifty_fails_alone(store, clock):
    def unit(number):
        def work(tx):
            tx.once.put(f"k{number}", number, workspace=W, at=clock())
            if number == 23:
                raise Conflict("no")
            return number

        return work

    results = await asyncio.gather(*(store.units.write(unit(n)) for n in range(50)), return_exceptions=True)
    kept = await store.units.read(lambda tx: [n for n in range(50) if tx.once.get(f"k{n}", workspace=W)])
    assert isinstance(results[23], Conflict)
    assert kept == [n for n in range(50) if n != 23]
    assert [r for n, r in enumerate(results) if n != 23] == kept


async def test_units_that_wait_share_a_transaction(store, clock):
    seen = []
    hold = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(tx):
        loop.call_soon_threadsafe(hold.set)
        time.sleep(0.1)

    def work(tx):
        tx.once.put(f"k{len(seen)}", None, workspace=W, at=clock())
        seen.append(store.units.waiting)

    first = asyncio.create_task(store.units.write(slow))
    await hold.wait()
    await asyncio.gather(first, *(store.units.write(work) for _ in range(40)))
    assert set(seen) == {0}, "all forty were taken before the first of them ran"


async def test_what_breaks_a_constraint_is_told_in_our_words(store, clock):
    await store.units.write(lambda tx: tx.once.put("k", 1, workspace=W, at=clock()))
    with pytest.raises(AlreadyExists):
        await store.units.write(lambda tx: tx.once.put("k", 2, workspace=W, at=clock()))
    assert await store.units.read(lambda tx: tx.once.get("k", workspace=W)) == (1,)


async def test_a_unit_that_raises_anything_does_not_stop_the_writer(store):
    with pytest.raises(ZeroDivisionError):
        await store.units.write(lambda tx: 1 // 0)
    assert await store.units.write(lambda tx: 7) == 7


def test_the_form_for_threads_without_a_loop_works(store, clock):
    store.units.write_now(lambda tx: tx.once.put("k", {"a": 1}, workspace=W, at=clock()))
    assert store.units.read_now(lambda tx: tx.once.get("k", workspace=W)) == ({"a": 1},)


async def test_a_read_cannot_write(store, clock):
    with pytest.raises(Exception, match="readonly"):
        await store.units.read(lambda tx: tx.once.put("k", 1, workspace=W, at=clock()))
    assert await store.units.read(lambda tx: tx.once.get("k", workspace=W)) is None


async def test_too_many_waiting_units_are_refused(store, monkeypatch):
    monkeypatch.setattr(units_module, "LONGEST_QUEUE", 5)
    results = await asyncio.gather(
        store.units.write(lambda tx: time.sleep(0.2)), *(store.units.write(lambda tx: None) for _ in range(50)), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, RateLimited)]
    assert refused
    assert all(r.retry_after == 1.0 for r in refused)
    assert await store.units.write(lambda tx: "again") == "again"


async def test_a_closed_store_commits_what_waited_and_takes_no_more(tmp_path, clock):
    store = open_store(tmp_path)
    writes = [asyncio.create_task(store.units.write(lambda tx, n=n: tx.once.put(str(n), n, workspace=W, at=clock()))) for n in range(30)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    await asyncio.gather(*writes)
    with pytest.raises(StoreClosed):
        await store.units.write(lambda tx: None)
    with open_store(tmp_path) as again:
        assert all(again.units.read_now(lambda tx, n=n: tx.once.get(str(n), workspace=W)) for n in range(30))


async def test_woken_runs_are_told_once_and_only_after_the_commit(store, new_run, clock):
    told = []
    store.units.on_wake(told.append)
    run = new_run()

    def refused(tx):
        tx.runs.insert([run], lease=None)
        raise Conflict("no")

    with pytest.raises(Conflict):
        await store.units.write(refused)
    assert told == []

    def accepted(tx):
        tx.runs.insert([run], lease=None)
        tx.runs.wake(run.id, at=clock())

    await store.units.write(accepted)
    assert told == [(run.id,)]


WRITER = """
import sys
from datetime import UTC, datetime
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.store.opening import open_store
import asyncio
store = open_store(sys.argv[1])
async def client(number):
    for turn in range(100000):
        key = f"{number}.{turn}"
        await store.units.write(lambda tx: tx.once.put(key, None, workspace=W, at=datetime.now(UTC)))
        print(key, flush=True)
async def main():
    await asyncio.gather(*(client(n) for n in range(20)))
asyncio.run(main())
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    acked = [child.stdout.readline().strip() for _ in range(300)]
    child.send_signal(signal.SIGKILL)
    acked += child.communicate()[0].splitlines()[:-1]
    with open_store(tmp_path) as store:
        lost = store.units.read_now(lambda tx: [key for key in acked if key and tx.once.get(key, workspace=W) is None])
    assert len(acked) >= 300
    assert lost == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
async def test_a_full_disk_fails_the_callers_and_the_process_goes_on(tmp_path, clock):
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        store = open_store(folder)
        filler = Path(folder, "filler")
        acked, failures = [], []
        for n in range(400):
            try:
                await store.units.write(lambda tx, n=n: tx.once.put(str(n), "x" * 20_000, workspace=W, at=clock()))
                acked.append(n)
            except TocsinError as error:
                failures.append(error)
            if len(failures) == 3:
                break
        assert {error.code for error in failures} == {"store-full"}
        assert all(error.kind == "transient" for error in failures)
        kept = await store.units.read(lambda tx: [n for n in acked if tx.once.get(str(n), workspace=W)])
        assert kept == acked
        filler.unlink(missing_ok=True)
        subprocess.run(["mount", "-o", "remount,size=30m", str(folder)], check=True)
        await store.units.write(lambda tx: tx.once.put("after", 1, workspace=W, at=clock()))
        store.close()
        with open_store(folder) as again:
            assert again.units.read_now(lambda tx: [n for n in acked if tx.once.get(str(n), workspace=W)]) == acked
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
