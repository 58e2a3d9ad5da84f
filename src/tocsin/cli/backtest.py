"""`tocsin backtest`: what a playbook would have done with the alerts of the last weeks."""

import contextlib
import heapq
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson, Config, DataFolder, Token, Url
from tocsin.cli.say import as_line, put
from tocsin.cli.session import playbook_and_text

if TYPE_CHECKING:
    from tocsin.cli.remote import Remote
    from tocsin.core.values import JsonObject
    from tocsin.settings import Settings

DATABASE = "tocsin.db"


class Reads(StrEnum):
    """What becomes of a read that nobody recorded, as the API names it."""

    RECORDED = "recorded"
    SKIP = "skip"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    playbook: str
    body: "JsonObject"


@dataclass(slots=True)
class Gathered:
    """What has come so far: the head, the totals, and of the alerts only those that differ most."""

    most: int
    head: "JsonObject" = field(default_factory=dict)
    totals: "JsonObject" = field(default_factory=dict)
    seen: int = 0
    top: "list[tuple[int, int, JsonObject]]" = field(default_factory=list)

    def take(self, line: "JsonObject") -> None:
        """Take one line of the stream."""
        if "totals" in line:
            totals = line["totals"]
            self.totals = totals if isinstance(totals, dict) else {}
        elif "finding" not in line:
            self.head = line
        else:
            self.seen += 1
            if line["finding"] != "same":
                heapq.heappush(self.top, (weight(line), -self.seen, line))
                if len(self.top) > self.most:
                    heapq.heappop(self.top)

    def alerts(self) -> "list[JsonObject]":
        """Return the alerts that differ most, those first."""
        return [line for _, _, line in sorted(self.top, key=lambda one: one[:2], reverse=True)]


def weight(line: "JsonObject") -> int:
    """Return how much a result matters: effects before decisions before questions, and a doubt least."""
    weights = {"effect": 100, "decision": 10, "ask": 3}
    changes = line.get("changes")
    kinds = [one.get("kind") for one in changes if isinstance(one, dict)] if isinstance(changes, list) else []
    return sum(weights.get(str(kind), 1) for kind in kinds)


def backtest(
    playbook: Annotated[str, typer.Argument(help="A published playbook's id, or a file.")],
    since: Annotated[str, typer.Option(help="How far back (30d, 12h), or a date.")] = "30d",
    until: Annotated[str | None, typer.Option(help="Up to when, in the same way.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Another version: published, or a digest. Left out: against what really happened.")
    ] = None,
    reads: Annotated[
        Reads, typer.Option(help="What becomes of a read that nobody recorded: undecided, made up, or done now.")
    ] = Reads.RECORDED,
    limit: Annotated[int | None, typer.Option(help="Alerts at most, newest first.", min=1)] = None,
    top: Annotated[int, typer.Option(help="How many of the alerts that differ are shown.", min=0)] = 10,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Play a playbook over stored alerts. Effects are never sent, and people are not asked.

    Talks to the server at --url or over --data; without one it opens the data folder itself, and starts nothing that waits there.
    """
    from tocsin.cli.up import run_loop
    from tocsin.core.errors import Unavailable

    id, text = playbook_and_text(playbook)
    body: JsonObject = {"since": since, "reads": reads.value}
    body |= {name: value for name, value in (("until", until), ("against", against), ("limit", limit), ("text", text)) if value is not None}
    wanted, gathered = Wanted(id, body), Gathered(top)

    async def work() -> None:
        async with _lines(wanted, url=url, token=token, data=data, config=config) as lines:
            with _progress(gathered) as tell:
                async for line in lines:
                    gathered.take(line)
                    tell()
                    if json:
                        put(as_line(line))

    run_loop(work())
    if not gathered.totals:
        raise Unavailable("The backtest ended before its totals came.", hint="Look at the server's log.")
    if not json:
        from tocsin.cli.backtest_text import summary
        from tocsin.cli.session import console

        console().print(summary(gathered.head, gathered.totals, gathered.alerts()))


@contextlib.asynccontextmanager
async def _lines(
    wanted: Wanted, *, url: str | None, token: str | None, data: str | None, config: Path | None
) -> "AsyncIterator[AsyncIterator[JsonObject]]":
    from tocsin.cli.session import server

    folder = None if url else _folder_of_its_own(data, config)
    if folder is not None:
        from tocsin.cli.backtest_own import own_lines
        from tocsin.cli.logs import configure_logging

        configure_logging("error")
        async with own_lines(folder, wanted.playbook, wanted.body) as lines:
            yield lines
        return
    async with server(url, token, data) as remote:
        yield _remote_lines(remote, wanted)


def _folder_of_its_own(data: str | None, config: Path | None) -> "Settings | None":
    """Return the settings of a data folder that no server uses; None when a server is to be asked."""
    from tocsin.cli.options import read_settings
    from tocsin.cli.remote import find_url
    from tocsin.core.errors import Unavailable

    settings = read_settings(config, data=data)
    try:
        find_url(None, data=settings.data)
    except Unavailable:
        return settings if (Path(settings.data) / DATABASE).is_file() else None
    return None


async def _remote_lines(remote: "Remote", wanted: Wanted) -> "AsyncIterator[JsonObject]":
    from urllib.parse import quote

    path = f"/playbooks/{quote(wanted.playbook, safe='')}/backtest"
    async for line in remote.stream_lines(path, wanted.body):
        yield line


@contextlib.contextmanager
def _progress(gathered: Gathered) -> "Iterator[Callable[[], None]]":
    """Say on a terminal's stderr how far it is."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status("Backtest…") as status:
        yield lambda: status.update(f"Backtest: {gathered.seen:,} alerts, {len(gathered.top)} of them differ or are undecided")
