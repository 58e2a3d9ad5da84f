"""The child's side of the pipe: started as a program of its own, in an empty environment, with the standard library only.

`inside.py python` runs one call in this very interpreter, which a jail surrounds. `inside.py monty FILTER BINARY FOLDER` serves calls, one
after the other, with Monty. Frames are four bytes of length and JSON: a call comes in; a head, and for a value the value, go out.
Nothing that is written here is believed by the parent: it counts and checks everything again.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import importlib
import json
import math
import os
import resource
import signal
import struct
import sys
import threading
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:  # the jail has no Monty
    import ctypes

    import pydantic_monty

DEEPEST = 64
LARGEST_INTEGER = 2**53
PRINT_LIMIT = 64 * 1024
MESSAGE_LIMIT = 4_000
NOBODY = 65534
FILENAME = "<code>"
MEGABYTE = 2**20
INTERPRETER_MB = 64  # address space of CPython itself, before the code's own
MONTY_MB = 512  # of Monty's worker: mostly mapped program and reserved stacks
WARDEN_MB = 1_024  # of this process in monty mode, on top of what it has; room to turn a result into Python's objects

Head = dict[str, Any]  # JSON by construction; this file may import nothing of ours that would name it better


class NotJson(Exception):
    """The result cannot be written as JSON."""


class TooLong(Exception):
    """The result has more parts than its limit has bytes."""


def main(arguments: list[str]) -> None:
    """Serve in one of the two modes."""
    if arguments[0] == "python":
        serve_python()
    sys.path.append(arguments[3])  # where the server found Monty, which may be a folder that isolated mode leaves out
    serve_monty(arguments[1], arguments[2])


# -- frames ---------------------------------------------------------------------------------------------------------------------------


def read_exactly(length: int) -> bytes:
    """Read from standard input; empty at its end."""
    parts = []
    while length > 0:
        part = os.read(0, length)
        if not part:
            return b""
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def read_call() -> Head | None:
    """Read one call; None when the parent has closed the pipe."""
    header = read_exactly(4)
    if not header:
        return None
    call: Head = json.loads(read_exactly(struct.unpack(">I", header)[0]))
    return call


def send(fd: int, *frames: bytes) -> None:
    """Write frames in one go."""
    left = memoryview(b"".join(struct.pack(">I", len(frame)) + frame for frame in frames))
    while left:
        left = left[os.write(fd, left) :]


def answer(fd: int, head: Head, value: bytes | None = None) -> None:
    """Send the head of an answer and its value."""
    frames = [json.dumps(head).encode()]
    send(fd, *frames, *([] if value is None else [value]))


# -- results --------------------------------------------------------------------------------------------------------------------------


def as_json(result: object, limit: int) -> bytes:
    """Write a result as JSON; raises NotJson and TooLong."""
    check(result, limit)
    try:
        text = json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise NotJson("a text in it has half of a surrogate pair; encode it first") from None
    if len(text) > limit:
        raise TooLong
    return text


def check(result: object, limit: int) -> None:
    """Walk level by level, so that neither depth nor a list that contains itself can hurt."""
    level, depth, nodes = [result], 0, 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > DEEPEST + 1:
            raise NotJson(f"it is nested deeper than {DEEPEST} levels, or contains itself")
        if nodes > limit:  # a list of ten lists of ten lists … is small in memory and endless as JSON
            raise TooLong
        below: list[object] = []
        for one in level:
            below.extend(parts_of(one))
        level = below


def parts_of(one: object) -> list[object]:
    """Return the values inside one value; raises NotJson for a type that JSON lacks."""
    if isinstance(one, dict):
        for key in one:
            if not isinstance(key, str):
                raise NotJson(f"a key in it is a {kind_of(key)}; use text keys")
        return list(one.values())
    if isinstance(one, list | tuple):
        return list(one)
    if isinstance(one, float) and not math.isfinite(one):
        raise NotJson("a number in it is not finite (NaN or infinity); return None or a text")
    if isinstance(one, int) and abs(one) > LARGEST_INTEGER:
        raise NotJson("a whole number in it is beyond 2**53; return it as a text")
    if one is not None and not isinstance(one, str | int | float):
        raise NotJson(f"a value in it is a {kind_of(one)}; return maps, lists, texts, numbers, true, false or None")
    return []


def kind_of(value: object) -> str:
    """Name a type for a sentence."""
    return type(value).__name__[:60]


# -- CPython in the jail --------------------------------------------------------------------------------------------------------------


def serve_python() -> NoReturn:
    """Answer one call with this interpreter, then end at once: no exit handlers, no waiting for threads."""
    out = os.dup(1)
    os.dup2(2, 1)  # what the code prints, also from C, goes down the error pipe; the answer has the other for itself
    os.write(out, b"R")
    call = read_call()
    if call is not None:
        limit_python(call["memory_mb"], call["timeout_s"])
        answer(out, *run_python(call))
    os._exit(0)


def limit_python(memory_mb: int, timeout_s: float) -> None:
    """Set hard limits, which nothing here may raise again."""
    seconds = math.ceil(timeout_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # first SIGXCPU, which the parent can tell from other deaths
    for limit, most in (
        (resource.RLIMIT_AS, (memory_mb + INTERPRETER_MB) * MEGABYTE),
        (resource.RLIMIT_NPROC, 32),  # threads; counted in this user namespace only
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 16 * MEGABYTE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
    ):
        resource.setrlimit(limit, (most, most))


def run_python(call: Head) -> tuple[Head, bytes | None]:
    """Run the source as a function's body; line numbers stay those of the source, because its tree is moved, not its text."""
    try:
        module = ast.parse("def code(inputs):\n    pass\n", FILENAME)
        body = ast.parse(call["source"], FILENAME).body
        function = module.body[0]
        if body and isinstance(function, ast.FunctionDef):
            function.body = body
        names: dict[str, Any] = {"__name__": "code"}
        exec(compile(module, FILENAME, "exec"), names)  # noqa: S102 - what this program is for
        value = as_json(names["code"](call["inputs"]), call["output_bytes"])
    except BaseException as error:  # nothing above would catch it; whatever foreign code raises, also SystemExit, is an answer
        return describe(error), None
    finally:
        flush_prints()
    return {"kind": "value"}, value


def flush_prints() -> None:
    """Write out what is still buffered in the files that we were started with; the code may have closed them."""
    for file in (sys.__stdout__, sys.__stderr__):
        if file is not None:
            with contextlib.suppress(OSError, ValueError):
                file.flush()


def describe(error: BaseException) -> Head:
    """Turn an error of the code into the head of an answer."""
    if isinstance(error, NotJson):
        return {"kind": "not-json", "message": str(error)}
    if isinstance(error, TooLong):
        return {"kind": "too-large"}
    if isinstance(error, MemoryError):
        return {"kind": "memory"}
    line = line_of(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename == FILENAME:
        line = error.lineno or line
    return {"kind": "raised", "error": type(error).__name__[:200], "message": message_of(error), "line": line}


def line_of(trace: TracebackType | None) -> int | None:
    """Return the innermost line of the user's text."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILENAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def message_of(error: BaseException) -> str:
    """Return the error's text, whose `__str__` may be the code's own and may fail."""
    if isinstance(error, SyntaxError):
        return str(error.msg)[:MESSAGE_LIMIT]
    shown = "".join(traceback.format_exception_only(error))  # "Type: text", or "Type" alone; never raises
    return shown.partition(": ")[2].rstrip("\n")[:MESSAGE_LIMIT]


# -- Monty ----------------------------------------------------------------------------------------------------------------------------


def serve_monty(filter_program: str, binary: str) -> NoReturn:
    """Answer calls with Monty until the parent closes the pipe."""
    import ctypes

    import pydantic_monty

    for name in ("binascii", "collections", "csv", "dataclasses", "datetime", "decimal", "pathlib", "re", "tomllib", "uuid", "zoneinfo"):
        importlib.import_module(name)  # Monty needs them for values and errors, and nobody may not be allowed to read them
    out = os.dup(1)
    os.dup2(2, 1)
    os.chdir("/")
    libc = ctypes.CDLL(None)
    path = step_down(libc, base64.b64decode(filter_program), binary)
    if sys.platform == "linux":
        die_with_parent(libc)
    with pydantic_monty.Monty(binary_path=path, max_processes=1, max_checkouts_per_worker=200, feed_duration_limit_grace=0.25) as pool:
        with pool.checkout() as session:
            session.feed_run("1")
        os.write(out, b"R")
        while (call := read_call()) is not None:
            try:
                head, value = run_monty(pool, call)
            except MemoryError:  # while the result was turned into Python's objects
                head, value = {"kind": "memory"}, None
            except (ImportError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:  # an odd result; we live on
                head, value = {"kind": "raised", "error": type(error).__name__, "message": message_of(error), "line": None}, None
            answer(out, head, value)
    os._exit(0)


def step_down(libc: ctypes.CDLL, program: bytes, binary: str) -> str:
    """Give up root, new privileges, writing and the calls that nobody here needs; return the path to start Monty's binary by."""
    for limit, most in (
        (resource.RLIMIT_AS, own_size(os.getpid()) + WARDEN_MB * MEGABYTE),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    if os.geteuid() == 0:
        binary = f"/proc/self/fd/{inherited(binary)}"  # the path may lead through folders that only root may enter
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, lost with root: without it our own /proc/self/fd is closed to us
    set_filter(libc, program)
    return binary


def die_with_parent(libc: ctypes.CDLL) -> None:
    """Kill this process group when the server dies: Monty's program would otherwise compute on until its time limit."""

    def wait_for_the_end() -> None:
        signal.sigwait({signal.SIGTERM})
        os.killpg(0, signal.SIGKILL)

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    libc.prctl(1, int(signal.SIGTERM), 0, 0, 0)  # PR_SET_PDEATHSIG


def inherited(path: str) -> int:
    """Open a file so that children have it, too."""
    fd = os.open(path, os.O_RDONLY)
    os.set_inheritable(fd, True)
    return fd


def set_filter(libc: ctypes.CDLL, program: bytes) -> None:
    """Install a seccomp filter on this process and its children; no filter: the machine has none that we can write."""
    import ctypes

    class FilterProgram(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

    if not program:
        return
    wanted = FilterProgram(len(program) // 8, program)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(wanted), 0, 0):  # NO_NEW_PRIVS, SECCOMP_MODE_FILTER
        raise OSError("the seccomp filter was refused")


def own_size(pid: int) -> int:
    """Return a process's address space in bytes."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def run_monty(pool: pydantic_monty.Monty, call: Head) -> tuple[Head, bytes | None]:
    """Run the source as a function's body in a fresh session."""
    import pydantic_monty as monty

    try:
        text = as_function(call["source"])
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return describe(error), None
    prints = Prints()
    lines = text.count("\n") + 1
    limits: pydantic_monty.ResourceLimits = {
        "max_feed_duration_secs": call["timeout_s"],
        "max_memory": call["memory_mb"] * MEGABYTE,
        "max_recursion_depth": 200,
    }
    try:
        # sleep would be waited for by the pool, outside the time limit; so it is asked of the host, which says no
        with pool.checkout(limits=limits, os_policy={"sleep": "call_host"}) as session:
            limit_memory(session.worker_pid, call["memory_mb"])
            # json.dumps, because what JSON lacks, and what contains itself, would reach us as a text like `range(0, 3)` or `[...]`
            tail = "__result = code(inputs)\nimport json as __json\n(__result, len(__json.dumps(__result)))"
            calls = OsCalls(monty.NOT_HANDLED)
            result = session.feed_run(f"{text}\n{tail}", inputs={"inputs": call["inputs"]}, print_callback=prints.keep, os=calls)
            value = as_json(result[0], call["output_bytes"])
    except (NotJson, TooLong) as error:
        return describe(error) | {"printed": prints.text()}, None
    except monty.MontyCrashedError as error:
        return {"kind": "timeout" if error.timed_out else "memory"}, None
    except monty.MontyError as error:
        return describe_monty(error, lines) | {"printed": prints.text()}, None
    return {"kind": "value", "printed": prints.text()}, value


def as_function(source: str) -> str:
    """Indent the source under `def code(inputs):`, but no line that begins inside a text, which that would change."""
    inside: set[int] = set()
    for node in ast.walk(ast.parse(source, FILENAME)):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            inside.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    body = [line if number in inside else f"    {line}" for number, line in enumerate(lines, 1)]
    return "\n".join(["def code(inputs):", *body, "    pass"])


def limit_memory(pid: int | None, memory_mb: int) -> None:
    """Bound Monty's worker from outside as well, in case its own counting misses something."""
    if pid is not None and sys.platform == "linux":
        most = resource.prlimit(pid, resource.RLIMIT_AS)[1]
        wanted = (memory_mb + MONTY_MB) * MEGABYTE
        resource.prlimit(pid, resource.RLIMIT_AS, (wanted if most < 0 else min(wanted, most), most))


def describe_monty(error: pydantic_monty.MontyError, lines: int) -> Head:
    """Turn an error of Monty into the head of an answer; what comes after `lines` and the call is our own writing of the result."""
    import pydantic_monty as monty

    inner = error.exception()
    message = str(inner)[:MESSAGE_LIMIT]
    if isinstance(inner, MemoryError):
        return {"kind": "memory"}
    if isinstance(inner, TimeoutError) and message.startswith("feed time limit"):
        return {"kind": "timeout"}
    frames = error.traceback() if isinstance(error, monty.MontyRuntimeError | monty.MontySyntaxError) else []
    if frames and frames[-1].line > lines + 1:
        return {"kind": "not-json", "message": message}
    line = frames[-1].line - 1 if frames else None
    return {"kind": "raised", "error": type(inner).__name__, "message": message, "line": line}


class OsCalls:
    """Refuse what Monty asks of the system: sleep with a reason, all else with Monty's own error."""

    def __init__(self, not_handled: object) -> None:
        self._not_handled = not_handled

    def __call__(self, *, name: str, **_call: object) -> object:
        """Answer one request."""
        if name.endswith(".sleep"):
            raise RuntimeError("code cannot sleep; put a wait step before it")
        return self._not_handled


class Prints:
    """The beginning of what the code printed; the rest is dropped."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = PRINT_LIMIT

    def keep(self, _stream: str, text: str) -> None:
        """Keep what still fits."""
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)

    def text(self) -> str:
        """Return what was kept."""
        return "".join(self._parts)


if __name__ == "__main__":
    main(sys.argv[1:])
