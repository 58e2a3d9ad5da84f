"""A41: code steps that try to get out, to take too much, or to lie about their result. Both tiers, on this very machine."""

import asyncio
import contextlib
import os
import socket
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tocsin.core.errors import TocsinError
from tocsin.core.values import Json
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.call import PRINT_LIMIT
from tocsin.sandbox.code import CodeAnswer, CodeCall, CodeRunner
from tocsin.sandbox.errors import CodeFailed, CodeOutOfMemory, CodeResultInvalid, CodeTimeout, CodeTooLarge

CANARY = "canary-5d0e7b1f"
BOTH = pytest.mark.parametrize("runtime", list(Runtime))


@pytest.fixture
async def runner() -> AsyncIterator[CodeRunner]:
    runner = CodeRunner()
    yield runner
    await runner.aclose()


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TOCSIN_CANARY", CANARY)
    return CANARY


async def answer(runner: CodeRunner, runtime: Runtime, source: str, *, timeout_s: float = 5.0, memory_mb: int = 128) -> CodeAnswer:
    if why_not := runner.available(runtime):
        pytest.skip(why_not)
    return await runner.answer(CodeCall(textwrap.dedent(source), {}, runtime, timeout_s, memory_mb))


async def returned(runner: CodeRunner, runtime: Runtime, source: str) -> Json:
    return (await answer(runner, runtime, source)).value


async def still_works(runner: CodeRunner, runtime: Runtime) -> bool:
    return await returned(runner, runtime, "return 'well'") == "well"


# -- files and the environment


@BOTH
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/etc/shadow",
        "/etc/hostname",
        "/proc/1/environ",
        "/proc/self/environ",
        "/proc/self/maps",
        "/proc/self/root/etc/passwd",
        "/proc/1/root/etc/passwd",
        "/proc/1/cwd",
        "/sys/kernel/notes",
        "/dev/mem",
        "/dev/vda",
        "/root",
        "/home",
        "/var/lib",
        "/run",
        str(Path(__file__)),
        str(Path(__file__).parents[2] / "pyproject.toml"),
        "../../../../../../etc/passwd",
    ],
)
async def test_no_file_of_the_host_can_be_read(runner: CodeRunner, runtime: Runtime, path: str) -> None:
    with pytest.raises(CodeFailed) as caught:
        await answer(runner, runtime, f"return open({path!r}).read()")

    assert caught.value.error in {"FileNotFoundError", "PermissionError", "IsADirectoryError"}


async def test_monty_has_no_files_at_all(runner: CodeRunner) -> None:
    for source in (
        "open('/tmp/x', 'w')",
        "import pathlib\npathlib.Path('/').iterdir()",
        "import os\nos.listdir('/')",
        "import os\nos.environ",
    ):
        with pytest.raises(CodeFailed):
            await answer(runner, Runtime.MONTY, f"{source}\nreturn 'reached'")


async def test_the_servers_environment_is_nowhere_in_the_jail(runner: CodeRunner, canary: str) -> None:
    source = f"""
        import os
        found = [key for key, value in os.environ.items() if {canary!r} in value]
        looked = 0
        for folder, below, names in os.walk("/"):
            below[:] = [name for name in below if name not in ("lib", "dev")]
            for name in names:
                looked += 1
                try:
                    with open(os.path.join(folder, name), "rb") as file:
                        if {canary!r}.encode() in file.read(65536):
                            found.append(os.path.join(folder, name))
                except OSError:
                    pass
        return [found, looked > 0, sorted(os.environ)]
        """

    assert await returned(runner, Runtime.PYTHON, source) == [[], True, ["LC_CTYPE", "PWD"]]


@BOTH
async def test_no_process_of_the_sandbox_has_the_servers_environment(runner: CodeRunner, runtime: Runtime, canary: str) -> None:
    task = asyncio.create_task(answer(runner, runtime, "while True: pass", timeout_s=2.0))
    seen: dict[int, bytes] = {}
    while not task.done():
        seen |= {pid: environ(pid) for pid in descendants(os.getpid())}
        await asyncio.sleep(0.02)
    with pytest.raises(CodeTimeout):
        await task

    assert len(seen) >= 2
    assert [pid for pid, text in seen.items() if canary.encode() in text] == []


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        "import os\nreturn os.system('id')",
        "import os\nreturn os.popen('id').read()",
        "import subprocess\nreturn subprocess.check_output(['/bin/sh', '-c', 'id']).decode()",
        "return __import__('subprocess').getoutput('id')",
        "import os\nos.fork()\nreturn 1",
        "import os\nreturn os.posix_spawn('/bin/sh', ['sh'], {})",
        "import os\nos.execv('/bin/sh', ['sh'])",
        "import pty\npty.spawn('/bin/sh')",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()\nreturn 1",
        "import ctypes\nreturn ctypes.CDLL('no.so')",
    ],
)
async def test_no_program_can_be_started(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    try:
        value = await returned(runner, runtime, source)
    except CodeFailed:
        return

    assert value not in (0, 1)
    assert "uid=" not in str(value)


@pytest.mark.parametrize(
    "source",
    [
        "return ().__class__.__base__.__subclasses__()",
        "return [c for c in object.__subclasses__() if 'Popen' in str(c)]",
        "return (lambda: 0).__globals__['__builtins__']",
        "return (lambda: 0).__code__.co_consts",
        "return __builtins__",
        "return __loader__",
        "import sys\nreturn sys.modules['os'].system('id')",
        "import importlib\nreturn importlib.import_module('os').system('id')",
        'return eval(\'__import__("os").system("id")\')',
        "exec('import socket')\nreturn 1",
        "return globals()['__builtins__']",
        "import sys\nreturn sys._getframe(1).f_globals",
        "def f():\n    yield\nreturn f().gi_frame.f_back",
        "try:\n    1 / 0\nexcept Exception as e:\n    return e.__traceback__.tb_frame.f_back.f_globals",
        "return '{0.__class__.__init__.__globals__}'.format(ValueError())",
        "import gc\nreturn gc.get_objects()",
    ],
)
async def test_monty_has_no_way_to_its_host_through_objects(runner: CodeRunner, source: str) -> None:
    with pytest.raises((CodeFailed, CodeResultInvalid)):
        await answer(runner, Runtime.MONTY, source)


# -- the network


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@BOTH
async def test_no_connection_to_the_hosts_loopback(runner: CodeRunner, runtime: Runtime, listener: socket.socket) -> None:
    with pytest.raises(CodeFailed):
        await answer(
            runner,
            runtime,
            f"import socket\nsocket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), 1).send(b'out')\nreturn 1",
        )

    with pytest.raises(BlockingIOError):
        listener.accept()


@BOTH
async def test_no_abstract_unix_socket(runner: CodeRunner, runtime: Runtime) -> None:
    name = f"\0tocsin-a41-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        server.setblocking(False)
        with pytest.raises(CodeFailed):
            await answer(runner, runtime, f"import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect({name!r})\nreturn 1")

        with pytest.raises(BlockingIOError):
            server.accept()


async def test_no_socket_of_any_family(runner: CodeRunner) -> None:
    source = """
        import socket
        made = []
        for family in range(46):
            for kind in (1, 2, 3, 5):
                try:
                    socket.socket(family, kind)
                    made.append(family)
                except PermissionError:
                    pass
        try:
            socket.socketpair()
        except PermissionError:
            return made
        """

    assert await returned(runner, Runtime.PYTHON, source) == []


# -- rights and the kernel


async def test_code_is_nobody_without_rights(runner: CodeRunner) -> None:
    source = """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        nosuid = [bool(os.statvfs(path).f_flag & os.ST_NOSUID) for path in ("/", "/usr/lib", "/tmp", os.__file__)]
        caps = [libc.prctl(23, cap, 0, 0, 0) for cap in range(41)]
        try:
            os.setuid(0)
        except OSError:
            return [os.getresuid(), os.getresgid(), nosuid, sum(caps), libc.prctl(39, 0, 0, 0, 0), os.getsid(0) == os.getpid()]
        """

    value = await returned(runner, Runtime.PYTHON, source)

    assert isinstance(value, list)
    assert value[:2] == [[65534] * 3] * 2
    assert value[2] == [True] * 4  # set-user-id bits of what is mounted mean nothing
    assert value[3] in (0, -41)  # not one capability in the bounding set
    assert value[4] == 1  # no_new_privs


async def test_a_setuid_copy_gives_nothing(runner: CodeRunner) -> None:
    source = """
        import os, shutil, sys
        shutil.copy(sys.executable, "/tmp/py") if os.path.getsize(sys.executable) < 15_000_000 else os.symlink(sys.executable, "/tmp/py")
        os.chmod("/tmp/py", 0o6755)
        os.execv("/tmp/py", ["py", "-I", "-S", "-c", "import os; print(os.getresuid())"])
        """
    try:
        printed = (await answer(runner, Runtime.PYTHON, source)).printed
    except CodeFailed as error:
        printed = error.printed

    assert printed in ("", "(65534, 65534, 65534)\n")


@pytest.mark.parametrize(
    ("name", "number", "arguments"),
    [
        ("ptrace", 101, (16, 1)),
        ("mount", 165, (0, 0, 0, 0, 0)),
        ("unshare user", 272, (0x10000000,)),
        ("setns", 308, (0, 0)),
        ("clone user", 56, (0x10000000 | 17, 0, 0, 0, 0)),
        ("keyctl", 250, (0, -3, 0)),
        ("add_key", 248, (0, 0, 0, 0, 0)),
        ("bpf", 321, (0, 0, 0)),
        ("perf_event_open", 298, (0, 0, -1, -1, 0)),
        ("userfaultfd", 323, (0,)),
        ("io_uring_setup", 425, (1, 0)),
        ("kexec_load", 246, (0, 0, 0, 0)),
        ("init_module", 175, (0, 0, 0)),
        ("process_vm_readv", 310, (1, 0, 0, 0, 0, 0)),
        ("personality", 135, (0x0040000,)),
        ("pidfd_open", 434, (1, 0)),
        ("open_by_handle_at", 304, (0, 0, 0)),
        ("memfd_create", 319, (0, 0)),
        ("shmget", 29, (0, 4096, 0o1600)),
        ("syslog", 103, (3, 0, 0)),
        ("chroot", 161, (0,)),
        ("fsopen", 430, (0, 0)),
        ("reboot", 169, (0, 0, 0, 0)),
    ],
)
async def test_the_kernel_refuses(runner: CodeRunner, name: str, number: int, arguments: tuple[int, ...]) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("The numbers are those of x86_64.")
    source = f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        return [libc.syscall({number}, *map(ctypes.c_long, {arguments!r})), ctypes.get_errno()]
        """

    assert await returned(runner, Runtime.PYTHON, source) == [-1, 1], name


async def test_x32_calls_end_the_process(runner: CodeRunner) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("x32 is a part of x86_64.")

    with pytest.raises(CodeFailed, match="exit status 159"):  # 128 + SIGSYS
        await answer(runner, Runtime.PYTHON, "import ctypes\nctypes.CDLL(None).syscall(0x40000000 | 39)\nreturn 1")


async def test_signals_reach_nobody_outside(runner: CodeRunner) -> None:
    source = """
        import os, signal
        sent = []
        for pid in [os.getppid(), 1, *range(3, 3000)]:
            if pid not in (0, os.getpid()):
                try:
                    os.kill(pid, signal.SIGKILL)
                    sent.append(pid)
                except OSError:
                    pass
        return [os.getpid() < 10, [pid for pid in sent if pid != 1]]
        """

    assert await returned(runner, Runtime.PYTHON, source) == [True, []]
    assert await still_works(runner, Runtime.PYTHON)


async def test_only_tmp_can_be_written_and_only_a_little(runner: CodeRunner) -> None:
    source = """
        import os, sys
        written = []
        for folder in ("/", "/usr/lib", "/dev", "/lib", os.path.dirname(os.__file__), os.path.dirname(sys.executable), "/mnt", "/run"):
            try:
                open(f"{folder}/x", "w")
                written.append(folder)
            except OSError:
                pass
        total = 0
        try:
            for n in range(100):
                with open(f"/tmp/{n}", "wb", buffering=0) as file:
                    total += file.write(bytes(2**20))
        except OSError:
            return [written, total <= 16 * 2**20]
        """

    assert await returned(runner, Runtime.PYTHON, source) == [[], True]


async def test_links_lead_to_nothing_of_the_host(runner: CodeRunner, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    source = f"""
        import os
        found = []
        for target in ({str(secret)!r}, "/etc/passwd", "/proc/self/fd/0", "../../etc/passwd"):
            os.path.lexists("/tmp/l") and os.unlink("/tmp/l")
            os.symlink(target, "/tmp/l")
            for mode in ("r", "w", "a"):
                try:
                    open("/tmp/l", mode)
                    found.append([target, mode])
                except OSError:
                    pass
        return found
        """

    assert await returned(runner, Runtime.PYTHON, source) == []
    assert secret.read_text() == CANARY
    assert not Path("/tmp/l").exists()


# -- too much of everything


@BOTH
async def test_an_endless_loop_ends_at_its_time(runner: CodeRunner, runtime: Runtime) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(CodeTimeout):
        await answer(runner, runtime, "while True:\n    try:\n        while True: pass\n    except BaseException: pass", timeout_s=0.5)

    assert asyncio.get_running_loop().time() - started < 3.0
    assert await still_works(runner, runtime)


async def test_sleep_beyond_the_limit_ends_at_its_time(runner: CodeRunner) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(CodeTimeout):
        await answer(runner, Runtime.PYTHON, "import time\ntime.sleep(3600)", timeout_s=0.5)

    assert asyncio.get_running_loop().time() - started < 3.0


async def test_signals_and_threads_do_not_move_the_time_limit(runner: CodeRunner) -> None:
    source = """
        import signal, threading
        for number in range(1, 65):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        def spin():
            while True: pass
        for _ in range(4):
            threading.Thread(target=spin).start()
        spin()
        """
    with pytest.raises(CodeTimeout):
        await answer(runner, Runtime.PYTHON, source, timeout_s=0.5)


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        "x = []\nwhile True: x.append('a' * 1000000 + str(len(x)))",
        "return len('a' * 10**10)",
        "return len([0] * 10**10)",
        "return len(b'a' * 10**10)",
        "x = 'a'\nwhile True: x = x + x",
        "return len(str(list(range(10**9))))",
        "x = {}\nwhile True: x[len(x)] = [len(x)]",
    ],
)
async def test_memory_bombs_end_in_one_error(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    with pytest.raises((CodeOutOfMemory, CodeTimeout)):
        await answer(runner, runtime, source, timeout_s=10.0)

    assert await still_works(runner, runtime)


@BOTH
@pytest.mark.parametrize(
    "source", ["return 10 ** 10 ** 9", "return 1 << 10 ** 11", "return len(str(7 ** 10 ** 7))", "return int('9' * 10 ** 7)"]
)
async def test_huge_numbers_end_in_one_error(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    with pytest.raises((CodeOutOfMemory, CodeTimeout, CodeFailed)):
        await answer(runner, runtime, source, timeout_s=1.0)

    assert await still_works(runner, runtime)


@BOTH
async def test_endless_recursion_is_an_error_of_the_code(runner: CodeRunner, runtime: Runtime) -> None:
    with pytest.raises(CodeFailed, match="RecursionError"):
        await answer(runner, runtime, "def f(n): return f(n + 1)\nreturn f(0)")


async def test_a_crash_of_the_interpreter_is_an_error_of_the_code(runner: CodeRunner) -> None:
    with pytest.raises(CodeFailed, match="exit status 139"):  # 128 + SIGSEGV
        await answer(runner, Runtime.PYTHON, "import ctypes\nctypes.string_at(0)")


@BOTH
@pytest.mark.parametrize(
    "source", ["return " + "(" * 5000 + ")" * 5000, "return " + "-" * 50_000 + "1", "x = 1" + "+1" * 30_000 + "\nreturn x"]
)
async def test_sources_that_hurt_a_parser_are_one_error_or_a_result(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    with contextlib.suppress(CodeFailed, CodeOutOfMemory):
        assert await returned(runner, runtime, source) == 30_001
    assert await still_works(runner, runtime)


async def test_a_fork_bomb_makes_not_one_process(runner: CodeRunner) -> None:
    source = """
        import os
        made = 0
        for _ in range(1000):
            for fork in (os.fork, os.forkpty, lambda: os.posix_spawn("/tmp/x", ["x"], {})):
                try:
                    fork()
                    made += 1
                except OSError:
                    pass
        return made
        """

    assert await returned(runner, Runtime.PYTHON, source) == 0


async def test_a_thread_bomb_stops_at_thirty_two(runner: CodeRunner) -> None:
    source = """
        import threading
        hold = threading.Event()
        made = 0
        threading.stack_size(65536)
        try:
            while made < 1000:
                threading.Thread(target=hold.wait, daemon=True).start()
                made += 1
        except RuntimeError:
            return made
        """

    made = await returned(runner, Runtime.PYTHON, source)

    assert isinstance(made, int)
    assert 1 < made < 32


async def test_file_descriptors_are_few_and_none_is_the_servers(runner: CodeRunner) -> None:
    source = """
        import os
        found = []
        for fd in range(256):
            try:
                os.fstat(fd)
                found.append(fd)
            except OSError:
                pass
        return [len(found), max(found)]
        """
    with open(__file__) as file:
        os.set_inheritable(file.fileno(), True)
        value = await returned(runner, Runtime.PYTHON, source)

    assert isinstance(value, list)
    assert value[0] == 4  # the call, two for what is printed, the answer


# -- results that lie


@BOTH
@pytest.mark.parametrize(
    "expression",
    [
        "float('nan')",
        "{'a': [float('inf')]}",
        "{1, 2}",
        "b'x'",
        "{1: 2}",
        "{None: 2}",
        "{(1, 2): 3}",
        "2 ** 53 + 1",
        "-(2 ** 80)",
        "1j",
        "print",
        "object()",
        "range(3)",
        "...",
        "[lambda: 1]",
        "iter([1])",
        "{}.items()",
        "ValueError('x')",
    ],
)
async def test_what_json_lacks_is_refused(runner: CodeRunner, runtime: Runtime, expression: str) -> None:
    with pytest.raises((CodeResultInvalid, CodeFailed)):  # CodeFailed: Monty does not even know the type
        await answer(runner, runtime, f"return {expression}")


@BOTH
@pytest.mark.parametrize(
    "source",
    [
        "x = []\nx.append(x)\nreturn x",
        "x = {}\nx['x'] = x\nreturn x",
        "x = {}\nx['a'] = [1, {'b': x}]\nreturn x",
        "x = []\nfor _ in range(100): x = [x]\nreturn x",
        "x = []\nfor _ in range(50000): x = [x]\nreturn x",
    ],
)
async def test_cycles_and_depth_are_refused(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    with pytest.raises((CodeResultInvalid, CodeOutOfMemory)):
        await answer(runner, runtime, source)

    assert await still_works(runner, runtime)


@BOTH
@pytest.mark.parametrize(
    "source", ["return 'a' * 1_000_001", "x = [1] * 10\nfor _ in range(12): x = [x] * 10\nreturn x", "return [0] * 600_000"]
)
async def test_large_results_are_refused(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    with pytest.raises((CodeTooLarge, CodeOutOfMemory)):
        await answer(runner, runtime, source, timeout_s=10.0)

    assert await still_works(runner, runtime)


async def test_a_gigabyte_down_the_pipe_is_not_read(runner: CodeRunner) -> None:
    before = resident()
    source = """
        import os
        for _ in range(1024):
            for fd in range(3, 8):
                try:
                    os.write(fd, b"\\xff" * 2**20)
                except OSError:
                    pass
        """
    with pytest.raises((CodeTooLarge, CodeTimeout)):
        await answer(runner, Runtime.PYTHON, source, timeout_s=5.0)

    assert resident() - before < 32 * 2**20


@BOTH
async def test_a_flood_of_prints_keeps_64_kilobytes(runner: CodeRunner, runtime: Runtime) -> None:
    before = resident()
    found = await answer(runner, runtime, "for _ in range(20000): print('x' * 1000)\nreturn 'done'", timeout_s=20.0)

    assert found.value == "done"
    assert len(found.printed) == PRINT_LIMIT
    assert resident() - before < 32 * 2**20


@pytest.mark.parametrize(
    "frames",
    [
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x04null",
        b"\x00\x00\x00\x10" + b'{"kind":"value"}' + b"\x00\x00\x00\x03NaN",
        b"\x00\x00\x00\x10" + b'{"kind":"value"}' + b"\x7f\xff\xff\xff",
        b"\x00\x00\x00\x10" + b'{"kind":"value"}' + b"\x00\x00\x00\x08" + b'"\\ud800"',
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00",
    ],
)
async def test_a_forged_answer_is_one_clear_error(runner: CodeRunner, frames: bytes) -> None:
    source = f"""
        import os
        for fd in range(3, 16):
            try:
                os.write(fd, {frames!r})
            except OSError:
                pass
        os._exit(0)
        """
    with pytest.raises((CodeFailed, CodeResultInvalid, CodeTooLarge)) as caught:
        await answer(runner, Runtime.PYTHON, source)

    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "status"), [("import os\nos._exit(3)", 3), ("import os\nos.abort()", 134), ("import os\nos.kill(os.getpid(), 15)", 143)]
)
async def test_a_process_that_ends_itself_is_an_error_with_its_status(runner: CodeRunner, source: str, status: int) -> None:
    with pytest.raises(CodeFailed, match=f"exit status {status}"):
        await answer(runner, Runtime.PYTHON, source)


async def test_closing_every_pipe_ends_in_time(runner: CodeRunner) -> None:
    with pytest.raises((CodeFailed, CodeTimeout)):
        await answer(runner, Runtime.PYTHON, "import os, time\nos.closerange(0, 64)\ntime.sleep(60)", timeout_s=0.5)


@BOTH
@pytest.mark.parametrize("source", ["raise SystemExit(3)", "raise KeyboardInterrupt", "raise GeneratorExit", "raise BaseException('x')"])
async def test_exits_are_errors_of_the_code(runner: CodeRunner, runtime: Runtime, source: str) -> None:
    with pytest.raises(CodeFailed):
        await answer(runner, runtime, source)

    assert await still_works(runner, runtime)


@BOTH
async def test_a_huge_message_is_cut(runner: CodeRunner, runtime: Runtime) -> None:
    with pytest.raises(CodeFailed) as caught:
        await answer(runner, runtime, "raise ValueError('x' * 5_000_000)")

    assert len(str(caught.value)) < 5_000
    assert caught.value.line == 1


async def test_an_error_that_cannot_be_shown_is_still_an_error(runner: CodeRunner) -> None:
    source = """
        class Odd(Exception):
            def __str__(self): raise SystemExit("no")
        Odd.__name__ = "N" * 100_000
        raise Odd
        """
    with pytest.raises(CodeFailed) as caught:
        await answer(runner, Runtime.PYTHON, source)

    assert (caught.value.line, len(caught.value.message) < 3_000) == (5, True)


async def test_no_error_tells_of_the_servers_paths(runner: CodeRunner) -> None:
    for runtime in Runtime:
        for source in ("import tocsin", "raise ValueError", "return open('x')", "x = (", "return {1: 2}"):
            with pytest.raises(TocsinError) as caught:
                await answer(runner, runtime, source)
            assert str(Path(__file__).parents[2]) not in str(caught.value)
            assert "site-packages" not in str(caught.value)


def descendants(root: int) -> list[int]:
    """List the processes under one, by their parents' ids."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def environ(pid: int) -> bytes:
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes()
        # before its exec a child is still a copy of us; what it was started with shows afterwards
        return b"" if Path(f"/proc/{pid}/cmdline").read_bytes() == Path("/proc/self/cmdline").read_bytes() else text
    except OSError:
        return b""


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
