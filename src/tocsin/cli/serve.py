"""Serve HTTP for an open server, in this process and on its event loop; `up`, `replay`, `demo` and `bench` share it."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass

from tocsin.core.errors import Unavailable
from tocsin.settings import Settings
from tocsin.wiring import Server, open_server

STARTED_WITHIN_S, STOPPED_WITHIN_S = 20.0, 5.0
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that answers at `url`."""

    server: Server
    url: str


@contextlib.asynccontextmanager
async def serving(settings: Settings, *, environ: Mapping[str, str] = os.environ) -> AsyncIterator[Serving]:
    """Open everything and answer requests until the block ends."""
    with _reserved(settings.host, settings.port) as port:
        url = f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"
        async with open_server(settings, url=url, environ=environ) as server, _listening(server, settings.host, port):
            # What is there now stays for good; the collector need not walk over it again and again.
            gc.collect()
            gc.freeze()
            gc.enable()
            yield Serving(server, url)


@contextlib.asynccontextmanager
async def _listening(server: Server, host: str, port: int) -> AsyncIterator[None]:
    from granian.constants import Interfaces  # takes its time to import, and only those who serve need it
    from granian.server.embed import Server as Granian

    granian = Granian(
        target=server.app, address=host, port=port, interface=Interfaces.ASGI, log_enabled=False, websockets=False, backlog=BACKLOG
    )
    task = asyncio.ensure_future(granian.serve())
    try:
        await _until_answering(host, port, task)
        yield
    finally:
        granian.stop()  # type: ignore[no-untyped-call]  # Granian leaves its types out here
        # Whoever follows the events never hangs up by himself.
        await asyncio.wait({task}, timeout=STOPPED_WITHIN_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _until_answering(host: str, port: int, task: "asyncio.Future[None]") -> None:
    deadline = asyncio.get_running_loop().time() + STARTED_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        if task.done():
            await task
            break
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    raise Unavailable(f"Nothing answers on {host} port {port}.", hint="Look for the reason in the log.")


@contextlib.contextmanager
def _reserved(host: str, port: int) -> Iterator[int]:
    """Hold a port, a free one for 0. The listener shares it, but another server must not: each would get half of the requests."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            port = int(probe.getsockname()[1])
        with socket.socket(family) as held:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            held.bind((host, port))
            yield port
    except OSError as error:
        if error.errno is None or not error.strerror:
            raise
        raise Unavailable(
            f"Tocsin cannot listen on {host} port {port}: {error.strerror}.", hint="Choose another --port; 0 takes a free one."
        ) from error
