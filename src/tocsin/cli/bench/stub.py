"""A target on loopback that says yes to everything at once, and tells who waits for it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

_ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


@dataclass(slots=True)
class Stub:
    """Where it listens, and who waits for which call."""

    port: int = 0
    _waiting: dict[int, "asyncio.Future[None]"] = field(default_factory=dict)

    def expect(self, number: int) -> "asyncio.Future[None]":
        """Return what is done when the call with that number has come."""
        return self._waiting.setdefault(number, asyncio.get_running_loop().create_future())

    def came(self, number: int) -> None:
        """Tell who waits."""
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


@contextlib.asynccontextmanager
async def stub() -> AsyncIterator[Stub]:
    """Serve until the block ends."""
    found = Stub()

    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
                body = json.loads(await reader.readexactly(length))
                writer.write(_ANSWER)
                await writer.drain()
                found.came(int(body["n"]))
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    found.port = int(server.sockets[0].getsockname()[1])
    try:
        yield found
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
