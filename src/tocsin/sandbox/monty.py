"""Tier 1, `runtime: monty`: a small safe Python, in long-lived children that are killed and replaced when they misbehave."""

import asyncio
import base64
import importlib.util
import platform
import shutil
import sys
import sysconfig
from importlib.resources import as_file, files
from pathlib import Path

from tocsin.sandbox import seccomp
from tocsin.sandbox.answers import out_of_memory, read_answer, timed_out
from tocsin.sandbox.call import CodeAnswer, CodeCall
from tocsin.sandbox.child import Child, ChildDied
from tocsin.sandbox.errors import CodeUnavailable

START_S = 15.0
_GRACE_S = 0.5  # Monty ends code at its time limit itself, which keeps the child; after this the child is killed


class MontyPool:
    """At most `workers` children, started when they are first needed."""

    def __init__(self, *, workers: int = 2) -> None:
        self._places = asyncio.Semaphore(workers)
        self._idle: list[Child] = []
        self._busy: set[Child] = set()

    def available(self) -> str:
        """Say why Monty cannot run here; empty when it can."""
        if _folder() is None or _binary() is None:
            return "Code with 'runtime: monty' needs the Python package pydantic-monty: install it beside Tocsin with pip."
        return ""

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the children that live."""
        return [child.pid for child in [*self._idle, *self._busy] if child.is_alive]

    async def run(self, call: CodeCall, *, frame: bytes) -> CodeAnswer:
        """Run one call; the child that ran it is kept only if it answered as it should."""
        async with self._places:
            child = await self._child()
            self._busy.add(child)
            answered = False
            try:
                head, value = await self._ask(child, call, frame)
                answered = True
            finally:
                self._busy.discard(child)
                if answered:
                    self._idle.append(child)
                else:
                    await child.end()
        return read_answer(call, head, value)

    async def aclose(self) -> None:
        """End all children."""
        for child in [*self._idle, *self._busy]:
            await child.end()
        self._idle.clear()

    async def _ask(self, child: Child, call: CodeCall, frame: bytes) -> tuple[bytes, bytes | None]:
        try:
            async with asyncio.timeout(call.timeout_s + _GRACE_S):
                return await child.ask(call, frame=frame)
        except TimeoutError:
            raise timed_out(call) from None
        except ChildDied:  # it holds no code of the caller's but what Monty runs: only memory ends it
            raise out_of_memory(call) from None

    async def _child(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            await child.end()
        return await _started()


async def _started() -> Child:
    machine = platform.machine()
    can_filter = sys.platform == "linux" and seccomp.supported(machine)
    # the child starts Monty's own program, and Monty's event loop wakes itself through a pair of sockets
    program = seccomp.filter_program(machine, forks=True, pairs=True) if can_filter else b""
    with as_file(files("tocsin.sandbox").joinpath("inside.py")) as inside:
        arguments = ["monty", base64.b64encode(program).decode(), str(_binary()), str(_folder())]
        child = await Child.start([sys.executable, "-I", "-B", "-X", "utf8", str(inside), *arguments])
    try:
        async with asyncio.timeout(START_S):
            await child.ready()
    except (ChildDied, TimeoutError):
        told = (await child.end()).strip().splitlines()
        why = f" ({told[-1][:200]})" if told else ""
        raise CodeUnavailable(
            f"The worker for code with 'runtime: monty' did not start{why}.", hint="Check that pydantic-monty is installed whole."
        ) from None
    except BaseException:  # a cancelled run must leave no child behind
        await child.end()
        raise
    return child


def _folder() -> Path | None:
    """Find the folder that Monty's package is imported from, without importing it."""
    found = importlib.util.find_spec("pydantic_monty")
    return None if found is None or found.origin is None else Path(found.origin).parents[1]


def _binary() -> Path | None:
    """Find Monty's program beside this interpreter, else on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "monty"
    found = str(beside) if beside.is_file() else shutil.which("monty")
    return None if found is None else Path(found)
