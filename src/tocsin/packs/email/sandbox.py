"""Run the mail parser in a process of its own: empty environment, little memory and time, killed when it takes longer."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGXCPU

from tocsin.connectors.sdk import Invalid, Json, JsonObject

CHILD = Path(__file__).with_name("parse_child.py")
WALL_S = 10.0
LARGEST_ANSWER = 5 * 1024 * 1024
_HINT = "The mail is kept as it came; look at it with care, or save it and open it elsewhere."


async def read_apart(raw: bytes, *, wall_s: float = WALL_S, child: Path = CHILD) -> JsonObject:
    """Return what the child found in a mail; raises Invalid that says why it could not be read."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(child),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env={}, cwd="/", start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(wall_s):
            answer = await _talk(process, raw)
            status = await process.wait()
    except TimeoutError:
        raise Invalid(f"The mail could not be read within {wall_s:g} s.", hint=_HINT) from None
    finally:
        await _end(process)
    return _understood(answer, status)


async def _talk(process: asyncio.subprocess.Process, raw: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise Invalid("The mail parser could not be started.", hint="Start Tocsin again.")
    sending = asyncio.create_task(_send(process.stdin, raw))
    try:
        answer = bytearray()
        while chunk := await process.stdout.read(64 * 1024):
            answer += chunk
            if len(answer) > LARGEST_ANSWER:
                raise Invalid(f"What was found in the mail has more than {LARGEST_ANSWER // 1024 // 1024} MB.", hint=_HINT)
        return bytes(answer)
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


async def _send(pipe: asyncio.StreamWriter, raw: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it ended early; its status says why
        pipe.write(raw)
        await pipe.drain()
        pipe.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _understood(answer: bytes, status: int) -> JsonObject:
    if status in (-SIGXCPU, -SIGKILL):
        raise Invalid("Reading the mail took more computing time than a mail may take.", hint=_HINT)
    try:
        found: Json = json.loads(answer)
    except ValueError:
        raise Invalid(f"The mail could not be read: the parser stopped (status {status}).", hint=_HINT) from None
    if not isinstance(found, dict):
        raise Invalid("The mail could not be read: the parser gave no object.", hint=_HINT)
    if error := found.get("error"):
        raise Invalid(f"The mail could not be read. {error}", hint=_HINT)
    return found
