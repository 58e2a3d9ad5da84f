"""`tocsin up`: run the server until it is told to stop."""

import asyncio
import contextlib
import gc
import json
import os
import signal
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tocsin.cli.options import AsJson, Config, DataFolder, Playbooks, read_settings
from tocsin.cli.say import as_line, put, shown, warn

if TYPE_CHECKING:
    from tocsin.cli.serve import Serving
    from tocsin.core.values import JsonObject
    from tocsin.settings import Settings

T = TypeVar("T")
ADDRESS_FILE = "server.json"


def up(
    config: Config = None,
    data: DataFolder = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = None,
    playbooks: Playbooks = None,
    json: AsJson = False,
) -> None:
    """Run the server until SIGTERM or Ctrl-C. The first start prints the administrator's token, once."""
    settings = read_settings(config, playbooks=playbooks, data=data, host=host, port=port)
    from tocsin.cli.logs import configure_logging

    configure_logging(settings.log_level)
    gc.disable()  # until it is ready: see `serving`
    run_loop(_serve(settings, as_json=json))


def run_loop(work: Coroutine[object, object, T]) -> T:
    """Run to the end on the quickest event loop there is."""
    try:
        import uvloop
    except ImportError:  # not made for every platform
        return asyncio.run(work)
    return uvloop.run(work)


async def _serve(settings: "Settings", *, as_json: bool) -> None:
    from tocsin.cli.serve import serving

    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with serving(settings) as running:
        with address_file(Path(settings.data), running.url):
            for problem in running.server.problems:
                warn(problem)
            _announce(running, as_json=as_json)
            await stopping.wait()


def _announce(running: "Serving", *, as_json: bool) -> None:
    admin = running.server.admin
    if as_json:
        ready: JsonObject = {"ready": True, "url": running.url, "token": admin.token if admin else None}
        put(as_line(ready))
        return
    if admin is not None:
        put(f"Administrator's token, shown this once and kept nowhere, so store it now:\n  {admin.token}")
    put(shown(f"Tocsin is ready at {running.url} (data in {running.server.settings.data}). Ctrl-C stops it."))


@contextlib.contextmanager
def address_file(folder: Path, url: str) -> Iterator[None]:
    """Tell the other commands of this machine where the server is, for as long as it is there."""
    path = folder / ADDRESS_FILE
    fresh = path.with_suffix(f".{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"url": url, "pid": os.getpid()}, file)
    os.replace(fresh, path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
