"""Part of A41: what is left of a code step when it has ended, been killed, or been abandoned. Real processes, counted on the host."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tocsin.playbook.plan import Runtime
from tocsin.sandbox.code import CodeCall, CodeRunner
from tocsin.sandbox.errors import CodeOutOfMemory, CodeTimeout
from tocsin.sandbox.jail import Interpreter
from tocsin.sandbox.monty import MontyPool
from tocsin.sandbox.python import PythonJail

BOTH = pytest.mark.parametrize("runtime", list(Runtime))

# eleven processes: double forks and new sessions, which no process group reaches
ORPHANS = """
import os, signal, time
for n in range(10):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in range(1, 65):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    pass
            time.sleep(3600)
        os._exit(0)
    os.wait()
"""


@pytest.fixture
async def runner() -> AsyncIterator[CodeRunner]:
    runner = CodeRunner()
    yield runner
    await runner.aclose()


def call(runner: CodeRunner, source: str, *, runtime: Runtime, timeout_s: float = 5.0) -> CodeCall:
    if why_not := runner.available(runtime):
        pytest.skip(why_not)
    return CodeCall(source, {}, runtime, timeout_s)


def parents() -> dict[int, int]:
    """Map every process of the machine that is not a zombie to its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def descendants(root: int) -> set[int]:
    table = parents()
    found = [root]
    for pid in found:
        found += [child for child, parent in table.items() if parent == pid]
    return set(found[1:])


async def until(claim: Callable[[], bool], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if claim():
            return True
        await asyncio.sleep(0.02)
    return claim()


async def test_orphans_in_own_sessions_are_dead_a_second_after_the_code_has_returned() -> None:
    runner = CodeRunner(python=PythonJail(forks=True))
    task = asyncio.create_task(runner.run(call(runner, f"{ORPHANS}\ntime.sleep(1)\nreturn 1", runtime=Runtime.PYTHON)))

    assert await until(lambda: len(descendants(os.getpid())) >= 12, within_s=5)
    seen = descendants(os.getpid())
    assert await task == 1
    assert await until(lambda: not seen & parents().keys(), within_s=1)


async def test_orphans_are_dead_a_second_after_the_time_limit() -> None:
    runner = CodeRunner(python=PythonJail(forks=True))
    task = asyncio.create_task(runner.run(call(runner, f"{ORPHANS}\nwhile True: pass", runtime=Runtime.PYTHON, timeout_s=1.5)))

    assert await until(lambda: len(descendants(os.getpid())) >= 12, within_s=5)
    seen = descendants(os.getpid())
    with pytest.raises(CodeTimeout):
        await task
    assert await until(lambda: not seen & parents().keys(), within_s=1)


async def test_a_fork_bomb_is_bounded_even_where_forks_are_allowed() -> None:
    runner = CodeRunner(python=PythonJail(forks=True))
    source = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"
    task = asyncio.create_task(runner.run(call(runner, source, runtime=Runtime.PYTHON, timeout_s=1.5)))
    most: set[int] = set()
    seen: set[int] = set()
    while not task.done():
        now = descendants(os.getpid())
        most, seen = max(most, now, key=len), seen | now
        await asyncio.sleep(0.05)

    with pytest.raises(CodeTimeout):
        await task
    assert 20 < len(most) < 40
    assert await until(lambda: not seen & parents().keys(), within_s=1)


@BOTH
async def test_an_abandoned_call_leaves_nothing_that_works_on(runner: CodeRunner, runtime: Runtime) -> None:
    before = descendants(os.getpid())
    task = asyncio.create_task(runner.run(call(runner, "while True: pass", runtime=runtime, timeout_s=60)))
    assert await until(lambda: len(descendants(os.getpid()) - before) >= 2, within_s=5)
    await asyncio.sleep(0.3)
    seen = descendants(os.getpid()) - before

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await until(lambda: not seen & parents().keys(), within_s=1)


@BOTH
async def test_closing_ends_every_process(runtime: Runtime) -> None:
    runner = CodeRunner()
    before = descendants(os.getpid())
    await runner.run(call(runner, "return 1", runtime=runtime))
    await runner.aclose()

    assert await until(lambda: descendants(os.getpid()) <= before, within_s=1)


# an answer that is never read to its end: the parent stops at its length
FLOOD = "import os\nfor fd in range(3, 8):\n    try:\n        while True: os.write(fd, b'\\xff' * 2**20)\n    except OSError:\n        pass"


@BOTH
async def test_many_calls_leak_neither_descriptors_nor_processes(runner: CodeRunner, runtime: Runtime) -> None:
    for source in ("return 1", "return 1 / 0", "return 'a' * 2_000_000", "return {1, 2}"):
        await outcome(runner, call(runner, source, runtime=runtime))
    descriptors, processes = len(os.listdir("/proc/self/fd")), len(descendants(os.getpid()))

    for source in ("return 1", "return 1 / 0", "return 'a' * 2_000_000", "return {1, 2}") * 10:
        await outcome(runner, call(runner, source, runtime=runtime))
    for _ in range(3):
        await outcome(runner, call(runner, FLOOD, runtime=runtime))
        await outcome(runner, call(runner, "while True: pass", runtime=runtime, timeout_s=0.1))
        await outcome(runner, call(runner, "return 1", runtime=runtime))

    assert await until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors + 1, within_s=2)
    assert await until(lambda: len(descendants(os.getpid())) <= processes, within_s=2)


async def outcome(runner: CodeRunner, one: CodeCall) -> str:
    try:
        return str(await runner.run(one))
    except Exception as error:
        return type(error).__name__


async def test_a_killed_monty_worker_is_replaced() -> None:
    pool = MontyPool()
    runner = CodeRunner(monty=pool)
    one = call(runner, "return 1", runtime=Runtime.MONTY)
    await runner.run(one)
    (first,) = pool.pids
    os.kill(first, signal.SIGKILL)
    assert await until(lambda: pool.pids == [], within_s=2)

    assert await runner.run(one) == 1
    assert pool.pids != [first]
    await runner.aclose()


async def test_a_monty_worker_killed_in_a_call_fails_that_call_only() -> None:
    pool = MontyPool()
    runner = CodeRunner(monty=pool)
    task = asyncio.create_task(runner.run(call(runner, "while True: pass", runtime=Runtime.MONTY, timeout_s=30)))
    assert await until(lambda: len(pool.pids) == 1, within_s=5)
    await asyncio.sleep(0.5)
    os.kill(pool.pids[0], signal.SIGKILL)

    with pytest.raises(CodeOutOfMemory):
        await task
    assert await runner.run(call(runner, "return 1", runtime=Runtime.MONTY)) == 1
    await runner.aclose()


async def test_monty_workers_are_not_root_and_have_a_filter() -> None:
    pool = MontyPool()
    runner = CodeRunner(monty=pool)
    await runner.run(call(runner, "return 1", runtime=Runtime.MONTY))
    workers = [*pool.pids, *descendants(pool.pids[0])]
    statuses = [
        dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line) for pid in workers
    ]
    await runner.aclose()

    assert len(workers) == 2
    for status in statuses:
        assert "0" not in status["Uid"].split()
        assert (int(status["CapEff"], 16), int(status["Seccomp"]), int(status["NoNewPrivs"])) == (0, 2, 1)


async def test_the_jailed_process_is_not_root_on_the_host(runner: CodeRunner) -> None:
    task = asyncio.create_task(runner.run(call(runner, "while True: pass", runtime=Runtime.PYTHON, timeout_s=1.5)))
    found: dict[str, str] = {}
    while not task.done() and not found:
        for pid in descendants(os.getpid()):
            try:
                status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
            except OSError:
                continue
            if status["Name"].startswith("python") and status["Seccomp"] == "2":
                found = status
        await asyncio.sleep(0.02)
    with pytest.raises(CodeTimeout):
        await task

    assert "0" not in found["Uid"].split()
    assert (int(found["CapEff"], 16), int(found["CapBnd"], 16), found["NoNewPrivs"]) == (0, 0, "1")


async def test_another_interpreter_of_the_machine_works_as_well() -> None:
    program = Path("/usr/bin/python3").resolve()
    if not program.exists():
        pytest.skip("There is no /usr/bin/python3.")
    runner = CodeRunner(python=PythonJail(interpreter=Interpreter(program, Path("/usr"))))

    assert await runner.run(call(runner, "import sys\nreturn sys.prefix", runtime=Runtime.PYTHON)) == "/usr"


SERVER = """
import asyncio, sys
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.code import CodeCall, CodeRunner
async def main():
    runner = CodeRunner()
    await asyncio.gather(*(runner.run(CodeCall("while True: pass", {}, runtime, 60.0)) for runtime in Runtime))
asyncio.run(main())
"""


async def test_nothing_outlives_a_server_that_was_killed(runner: CodeRunner) -> None:
    call(runner, "", runtime=Runtime.PYTHON)
    server = subprocess.Popen([sys.executable, "-c", SERVER])
    try:
        # the worker and its Monty; bwrap, its inner one, that one's init, and Python
        assert await until(lambda: len(descendants(server.pid)) >= 5, within_s=10)
        await asyncio.sleep(0.5)
        seen = descendants(server.pid)
    finally:
        server.kill()
        server.wait()

    assert await until(lambda: not seen & parents().keys(), within_s=2)


AS_NOBODY = """
import asyncio, os
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.code import CodeCall, CodeRunner
async def main():
    runner = CodeRunner()
    for runtime in Runtime:
        call = CodeCall("return 6 * inputs['x']", {"x": 7}, runtime, 5.0)
        print(os.getuid(), runtime, runner.available(runtime) or await runner.run(call))
    await runner.aclose()
asyncio.run(main())
"""


async def test_a_server_that_is_not_root_runs_both_tiers() -> None:
    program = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    if os.geteuid() != 0 or not program.exists():
        pytest.skip("It takes root to become somebody else, and an interpreter that everybody may run.")
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3] / "src"), *packages]),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin",
    }
    done = subprocess.run(
        [program, "-c", AS_NOBODY], env=environment, user=65533, group=65533, extra_groups=[], capture_output=True, text=True
    )

    assert (done.stdout, done.returncode) == ("65533 monty 42\n65533 python 42\n", 0), done.stderr
