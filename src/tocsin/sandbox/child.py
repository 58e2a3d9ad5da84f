"""A child process that answers calls over its pipes, and that can be ended whatever it does."""

import asyncio
import contextlib
import json
import os
import signal
import struct
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from tocsin.core.errors import Invalid
from tocsin.sandbox.answers import HEAD_LIMIT, is_value, too_large
from tocsin.sandbox.call import INPUT_LIMIT, PRINT_LIMIT, CodeCall
from tocsin.sandbox.errors import CodeTooLarge

_CHUNK = 64 * 1024


class ChildDied(Exception):
    """The child's pipe ended before its answer."""


class Child:
    """One child process. Of what it writes to its error pipe the beginning is kept."""

    def __init__(self, process: Process, prints: "asyncio.Task[bytes]") -> None:
        self._process = process
        self._prints = prints

    @classmethod
    async def start(cls, command: Sequence[str], *, fds: Sequence[int] = ()) -> "Child":
        """Start `command` in an empty environment, in a session of its own, with no file descriptors but `fds`."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env={},
            cwd="/",
            pass_fds=fds,
            start_new_session=True,
        )
        return cls(process, asyncio.create_task(_beginning(process.stderr)))

    @property
    def pid(self) -> int:
        """Return the process id of the child."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Say whether the child has not ended, as far as is known."""
        return self._process.returncode is None

    async def ready(self) -> None:
        """Wait until the child can take a call; raises ChildDied."""
        await self._exactly(1)

    async def ask(self, call: CodeCall, *, frame: bytes) -> tuple[bytes, bytes | None]:
        """Send a call's frame; return the head and the value of the answer. Counts while it reads. Raises ChildDied and CodeTooLarge."""
        if self._process.stdin is None:
            raise ChildDied
        self._process.stdin.write(frame)
        with contextlib.suppress(ConnectionError):  # then reading tells
            await self._process.stdin.drain()
        head = await self._counted(HEAD_LIMIT, call)
        return head, await self._counted(call.output_bytes, call) if is_value(head) else None

    async def end(self) -> str:
        """Kill the child with everything under it, wait for it, and return what it printed."""
        if self.is_alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._process.stdout is not None:
            await _emptied(self._process.stdout)  # else a paused pipe never sees its end, and stays open
        printed = await self._prints
        await self._process.wait()
        return printed.decode("utf-8", "replace")

    async def status(self) -> int:
        """Wait for the child's end and return its exit status."""
        return await self._process.wait()

    async def _counted(self, limit: int, call: CodeCall) -> bytes:
        (length,) = struct.unpack(">I", await self._exactly(4))
        if length > limit:
            raise too_large(call)
        return await self._exactly(length)

    async def _exactly(self, length: int) -> bytes:
        if self._process.stdout is None:
            raise ChildDied
        try:
            return await self._process.stdout.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ChildDied from None


def frame_of(call: CodeCall) -> bytes:
    """Write a call for the pipe; raises Invalid."""
    message = {
        "source": call.source,
        "inputs": call.inputs,
        "timeout_s": call.timeout_s,
        "memory_mb": call.memory_mb,
        "output_bytes": call.output_bytes,
    }
    try:
        body = json.dumps(message, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        raise Invalid("The code's inputs are not JSON.", hint="Give it maps, lists, texts, finite numbers, true, false or null.") from None
    if len(body) > INPUT_LIMIT:
        raise CodeTooLarge(f"The code and its inputs are more than {INPUT_LIMIT:,} bytes of JSON.", hint="Give it only what it needs.")
    return struct.pack(">I", len(body)) + body


async def _beginning(stream: asyncio.StreamReader | None) -> bytes:
    """Read to the end, keep the beginning, drop the rest."""
    kept = bytearray()
    while stream is not None and (part := await stream.read(_CHUNK)):
        kept += part[: PRINT_LIMIT - len(kept)]
    return bytes(kept)


async def _emptied(stream: asyncio.StreamReader) -> None:
    while await stream.read(_CHUNK):
        pass
