"""`tocsin runs`: see what came of the runs on a running server, and cancel, pause or resume them."""

import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli import replays
from tocsin.cli.options import AsJson, DataFolder, Token, Url
from tocsin.cli.say import as_line, put, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from tocsin.cli.remote import Remote
    from tocsin.core.values import Json, JsonObject

PIPE_WIDTH = 200
STYLES = {
    "running": "cyan",
    "waiting": "yellow",
    "paused": "bold yellow",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "magenta",
}
RunArgument = Annotated[str, typer.Argument(help="The run's id.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the run and in the audit.")]


def group() -> typer.Typer:
    """Return the command group."""
    runs = typer.Typer(
        help="Look at runs on a running server; cancel, pause, resume, replay, compare them.", no_args_is_help=True, rich_markup_mode=None
    )
    runs.command("list")(list_runs)
    runs.command("show")(show_run)
    runs.command("cancel")(cancel_run)
    runs.command("pause")(pause_run)
    runs.command("resume")(resume_run)
    runs.command("replay")(replays.replay_run)
    runs.command("compare")(replays.compare_runs)
    return runs


def list_runs(
    status: Annotated[str | None, typer.Option(help="running, waiting, paused, succeeded, failed or cancelled.")] = None,
    playbook: Annotated[str | None, typer.Option(help="Only runs of this playbook.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most, newest first.", min=1, max=500)] = 50,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """List runs, newest first."""
    wanted = {name: value for name, value in (("status", status), ("playbook", playbook), ("limit", str(limit))) if value}

    async def fetch() -> "JsonObject":
        async with _server(url, token, data) as remote:
            return await remote.get("/runs", **wanted)

    from tocsin.cli.remote import objects

    items = objects(_now(fetch).get("items"))
    if json:
        put(as_line([*items]))
        return
    from rich.table import Table

    table = Table("run", "playbook", "status", "started", "actions", "asks", "reason", pad_edge=False, box=None)
    table.columns[0].min_width = 30  # an id that is cut is of no use
    for one in items:
        columns = ("id", "playbook", "status", "started_at", "actions", "asks", "reason")
        table.add_row(*[_cell(name, shown(_word(one.get(name)))) for name in columns])
    _console().print(table)


def show_run(
    id: Annotated[str, typer.Argument(help="The run's id.")],
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Show what happened in a run."""
    from urllib.parse import quote

    async def fetch() -> "JsonObject":
        async with _server(url, token, data) as remote:
            return await remote.get(f"/runs/{quote(id, safe='')}/timeline")

    found = _now(fetch)
    if json:
        put(as_line(found))
        return
    from tocsin.cli.timeline import run_tree

    _console().print(run_tree(found))


def cancel_run(
    id: RunArgument, reason: Reason = "", url: Url = None, token: Token = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """End a run: nothing new starts, what is under way is waited for, and its `finally` runs."""
    _control(id, "cancel", "is told to end", reason, url=url, token=token, data=data, json=json)


def pause_run(
    id: RunArgument, reason: Reason = "", url: Url = None, token: Token = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """Hold a run: nothing new starts until it is resumed."""
    _control(id, "pause", "is told to pause", reason, url=url, token=token, data=data, json=json)


def resume_run(
    id: RunArgument, reason: Reason = "", url: Url = None, token: Token = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """Let a paused run go on."""
    _control(id, "resume", "is told to go on", reason, url=url, token=token, data=data, json=json)


def _control(id: str, verb: str, said: str, reason: str, *, url: str | None, token: str | None, data: str | None, json: bool) -> None:
    from urllib.parse import quote

    async def tell() -> "JsonObject":
        async with _server(url, token, data) as remote:
            return await remote.post(f"/runs/{quote(id, safe='')}/{verb}", {"reason": reason})

    found = _now(tell)
    if json:
        put(as_line(found))
        return
    run = found.get("id")
    put(shown(f"Run {run} of {found.get('playbook')} {said}; it was {found.get('status')}. `tocsin runs show {run}` tells more."))


@contextlib.asynccontextmanager
async def _server(url: str | None, token: str | None, data: str | None) -> "AsyncIterator[Remote]":
    from tocsin.cli.remote import Remote, connect, find_url, need_token

    async with connect(find_url(url, data=data), need_token(token)) as http:
        yield Remote(http)


def _now(work: "Callable[[], Coroutine[object, object, JsonObject]]") -> "JsonObject":
    import asyncio

    return asyncio.run(work())


def _word(value: "Json") -> str:
    return "" if value is None else str(value)


def _cell(column: str, word: str) -> "Text":
    from rich.text import Text

    return Text(word, style=STYLES.get(word, "") if column == "status" else "")


def _console() -> "Console":
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
