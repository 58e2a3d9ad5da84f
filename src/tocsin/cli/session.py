"""What commands that talk to a running server share: the connection, inputs as they are typed, the console."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

    from tocsin.cli.remote import Remote
    from tocsin.core.values import Json, JsonObject

T = TypeVar("T")
PIPE_WIDTH = 200
PATIENT_S = 600.0  # for answers that take work: a dry run reads for real


@contextlib.asynccontextmanager
async def server(url: str | None, token: str | None, data: str | None) -> "AsyncIterator[Remote]":
    """Connect to the server at `url`, else to that of the data folder; raises Unavailable, Unauthenticated."""
    from tocsin.cli.remote import Remote, connect, find_url, need_token

    async with connect(find_url(url, data=data), need_token(token)) as http:
        http.timeout = PATIENT_S
        yield Remote(http)


def ask_server(work: "Callable[[Remote], Awaitable[T]]", *, url: str | None, token: str | None, data: str | None) -> T:
    """Do something with the server, and return what came of it."""

    async def run() -> T:
        async with server(url, token, data) as remote:
            return await work(remote)

    return asyncio.run(run())


def read_inputs(texts: list[str]) -> "JsonObject":
    """Return inputs that were written as NAME=VALUE; a value that is JSON counts as such. Raises Invalid."""
    import json

    inputs: JsonObject = {}
    for name, value in pairs(texts, option="--input"):
        try:
            inputs[name] = json.loads(value)
        except ValueError:
            inputs[name] = value
    return inputs


def pairs(texts: list[str], *, option: str) -> list[tuple[str, str]]:
    """Split NAME=VALUE; raises Invalid."""
    from tocsin.core.errors import Invalid

    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise Invalid(f"'{text}' has no name or no value.", hint=f"Write {option} NAME=VALUE.")
        found.append((name, value))
    return found


def playbook_and_text(playbook: str) -> tuple[str, str | None]:
    """Return a playbook's id, and its text when a file was named: a file is called as its playbook. Raises Invalid."""
    from tocsin.core.errors import Invalid

    if not playbook.endswith((".yaml", ".yml")):
        return playbook, None
    path = Path(playbook)
    try:
        return path.stem, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The playbook '{playbook}' cannot be read: {error}.", hint="Name a file, or a playbook's id.") from None


def console() -> "Console":
    """Return where tables are drawn."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def brief(value: "Json", *, most: int = 80) -> str:
    """Return JSON on one line, harmless to look at and cut to a length; an object without its braces."""
    import json

    from tocsin.cli.say import shown
    from tocsin.services.inert import inert

    if isinstance(value, dict):
        text = ", ".join(f"{name}={one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)}" for name, one in value.items())
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = shown(inert(text))
    return line if len(line) <= most else f"{line[: most - 1]}…"
