"""Tier 2, `runtime: python`: real CPython, one process a call, in a jail of the operating system."""

import asyncio
import os
import platform
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files

from tocsin.sandbox.answers import ended_itself, out_of_memory, read_answer, timed_out
from tocsin.sandbox.call import CodeAnswer, CodeCall
from tocsin.sandbox.child import Child, ChildDied
from tocsin.sandbox.errors import CodeFailed, CodeUnavailable
from tocsin.sandbox.jail import Interpreter, jail_command, missing
from tocsin.sandbox.seccomp import filter_program

START_S = 15.0  # a machine under load starts an interpreter slowly, and that is not the code's fault
_KILLED = 128 + signal.SIGKILL  # by the kernel, for want of memory
_OUT_OF_TIME = 128 + signal.SIGXCPU
_ALLOW = "allow user namespaces for the server's user, for example with sysctl kernel.unprivileged_userns_clone=1."


class PythonJail:
    """Runs calls in jails, `at_once` of them beside each other. `forks` lets the code start processes, which only tests want."""

    def __init__(self, *, interpreter: Interpreter | None = None, at_once: int = 4, forks: bool = False) -> None:
        self._interpreter = interpreter or Interpreter()
        self._places = asyncio.Semaphore(at_once)
        self._forks = forks
        self._as_root = os.geteuid() == 0
        self._running: set[Child] = set()

    def available(self) -> str:
        """Say why there can be no jail here; empty when there can. Tries it."""
        return missing(as_root=self._as_root) or self._tried()

    async def run(self, call: CodeCall, *, frame: bytes) -> CodeAnswer:
        """Run one call; nothing of it is alive afterwards."""
        async with self._places:
            with self._command(files("tocsin.sandbox").joinpath("inside.py").read_text(), "python") as (command, fds):
                child = await Child.start(command, fds=fds)
            self._running.add(child)
            try:
                return await self._answer(child, call, frame)
            finally:
                self._running.discard(child)
                await child.end()

    async def aclose(self) -> None:
        """End what is running."""
        for child in list(self._running):
            await child.end()

    async def _answer(self, child: Child, call: CodeCall, frame: bytes) -> CodeAnswer:
        try:
            async with asyncio.timeout(START_S):
                await child.ready()
        except (ChildDied, TimeoutError):
            raise CodeUnavailable("The sandbox for Python did not start.", hint=(await child.end()).strip()[:300]) from None
        try:
            async with asyncio.timeout(call.timeout_s):
                head, value = await child.ask(call, frame=frame)
        except TimeoutError:
            raise timed_out(call) from None
        except ChildDied:
            raise await self._death(child, call) from None
        printed = await child.end()
        try:
            return replace(read_answer(call, head, value), printed=printed)
        except CodeFailed as error:
            error.printed = printed
            raise

    async def _death(self, child: Child, call: CodeCall) -> Exception:
        """Tell a process that ended itself from one that the kernel ended."""
        try:
            async with asyncio.timeout(1.0):
                status: int | None = await child.status()
        except TimeoutError:
            status = None  # it closed its pipe and lives on
        printed = await child.end()
        if status == _OUT_OF_TIME:
            return timed_out(call)
        return out_of_memory(call) if status == _KILLED else ended_itself(status, printed)

    def _tried(self) -> str:
        with self._command("print('ready')") as (command, fds):
            try:
                done = subprocess.run(command, env={}, cwd="/", pass_fds=fds, capture_output=True, timeout=START_S, check=False)  # noqa: S603
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"Code with 'runtime: python' is off: {error}."
        if done.returncode == 0 and done.stdout == b"ready\n":
            return ""
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = told[-1][:200] if told else "it says nothing"
        return f"Code with 'runtime: python' is off, because bubblewrap cannot make a sandbox here ({why}): {_ALLOW}"

    @contextmanager
    def _command(self, script: str, *arguments: str) -> Iterator[tuple[list[str], list[int]]]:
        """Yield a jail's command and the descriptors that it reads its script and its filter from."""
        with _readable(script.encode()) as script_fd, _readable(filter_program(platform.machine(), forks=self._forks)) as filter_fd:
            command = jail_command(self._interpreter, [*arguments], script_fd=script_fd, filter_fd=filter_fd, as_root=self._as_root)
            yield command, [script_fd, filter_fd]


@contextmanager
def _readable(content: bytes) -> Iterator[int]:
    """Yield a pipe that holds `content`, which must be shorter than a pipe's buffer of 64 KB."""
    read, write = os.pipe()
    try:
        os.write(write, content)
        os.close(write)
        yield read
    finally:
        os.close(read)
