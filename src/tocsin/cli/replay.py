"""`tocsin replay`: feed recorded events to a server, or to one that is opened for it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from tocsin.cli.options import AsJson, Config, DataFolder, Playbooks, Timeout, Token, Url, read_settings
from tocsin.cli.say import FAILED, as_line, put, shown, warn

if TYPE_CHECKING:
    from tocsin.cli.events import RawLine
    from tocsin.cli.remote import Remote
    from tocsin.core.values import JsonObject
    from tocsin.settings import Settings
    from tocsin.wiring import Server

BATCH = 500
LARGEST_BATCH = 4 * 1024 * 1024  # bytes
POLL_S = 0.1


@dataclass(slots=True)
class Replayed:
    """What became of the events."""

    read: int = 0
    alerts: int = 0
    folded: int = 0
    skipped: int = 0
    runs: int = 0
    rejected: list[tuple[str, int, str]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    resting: bool = True

    def as_json(self, seconds: float) -> "JsonObject":
        """Return the line for machines."""
        return {
            "read": self.read,
            "alerts": self.alerts,
            "folded": self.folded,
            "skipped": self.skipped,
            "rejected": [{"file": file, "line": line, "reason": reason} for file, line, reason in self.rejected],
            "runs": self.runs,
            "resting": self.resting,
            "seconds": round(seconds, 3),
        }


class Feed(Protocol):
    """Somewhere that events go."""

    async def take(self, lines: Sequence["RawLine"], into: Replayed) -> None:
        """Hand a batch over and count what became of it."""
        ...

    async def running(self) -> set[str]:
        """Return the alerts whose runs are under way."""
        ...


def replay(
    source: Annotated[str, typer.Argument(help="The source's name; without --url and --config it is the pack's name too.")],
    files: Annotated[list[Path], typer.Argument(help="NDJSON, a JSON array, or .eml; - is stdin.", metavar="FILE...")],
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    config: Config = None,
    playbooks: Playbooks = None,
    timeout: Timeout = 60.0,
    json: AsJson = False,
) -> None:
    """Feed events to the server at --url, or to one of its own over --data (left out, a temporary folder) with the shipped playbooks.

    Ends when the runs that the events have started are over or wait for somebody.
    """
    from tocsin.cli.logs import configure_logging
    from tocsin.cli.up import run_loop

    configure_logging("error")
    started = time.monotonic()
    replayed = run_loop(_replay(source, files, url=url, token=token, data=data, config=config, playbooks=playbooks, within_s=timeout))
    seconds = time.monotonic() - started
    for file, line, reason in replayed.rejected:
        warn(f"{file}:{line}: {reason}")
    if json:
        put(as_line(replayed.as_json(seconds)))
    else:
        _summary(source, replayed, seconds)
    if not replayed.resting:
        warn(f"tocsin: some runs have not come to rest within {timeout:g} s. They go on with the server; see `tocsin runs list`.")
    if replayed.rejected or not replayed.resting:
        raise typer.Exit(FAILED)


async def _replay(
    source: str,
    files: list[Path],
    *,
    url: str | None,
    token: str | None,
    data: str | None,
    config: Path | None,
    playbooks: list[Path] | None,
    within_s: float,
) -> Replayed:
    from tocsin.cli.events import raw_lines

    async with _feed(source, url=url, token=token, data=data, config=config, playbooks=playbooks) as feed:
        replayed = Replayed()
        for batch in batches(raw_lines(files)):
            await feed.take(batch, replayed)
        await _rest(feed, replayed, within_s=within_s)
        return replayed


@contextlib.asynccontextmanager
async def _feed(
    source: str, *, url: str | None, token: str | None, data: str | None, config: Path | None, playbooks: list[Path] | None
) -> AsyncIterator[Feed]:
    if url:
        from tocsin.cli.remote import Remote, connect, need_token

        async with connect(url, need_token(token)) as http:
            yield HttpFeed(Remote(http), source)
        return
    import tempfile

    from tocsin.wiring import open_server

    with tempfile.TemporaryDirectory(prefix="tocsin-") as temporary:
        settings = embedded_settings(source, data=data or temporary, config=config, playbooks=playbooks)
        async with open_server(settings, url="http://127.0.0.1") as server:
            server.sources.get(source)
            for problem in server.problems:
                warn(problem)
            yield OwnFeed(server, source)


def embedded_settings(source: str, *, data: str, config: Path | None, playbooks: list[Path] | None) -> "Settings":
    """Return the settings of a server for one replay: those of `config`, else one source on the pack of its name."""
    import msgspec

    from tocsin.cli.mapping import find_mapping
    from tocsin.cli.shipped import shipped_playbooks
    from tocsin.settings import Settings, SourceSettings

    if config is not None:
        settings = read_settings(config, playbooks=playbooks, data=data)
        # It takes in what it is given, and nothing else: a replay does not read anybody's mailbox.
        return msgspec.structs.replace(settings, sources=[msgspec.structs.replace(one, source="") for one in settings.sources])
    find_mapping(source, "", folders=[])
    places = [str(place) for place in playbooks] if playbooks else [str(shipped_playbooks())]
    return Settings(data=data, playbooks=places, sources=[SourceSettings(name=source, pack=source)])


def batches(lines: "Iterator[RawLine]") -> "Iterator[list[RawLine]]":
    """Cut lines into batches that one request may carry."""
    batch: list[RawLine] = []
    size = 0
    for line in lines:
        if batch and (len(batch) >= BATCH or size + len(line.text) > LARGEST_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.text) + 1
    if batch:
        yield batch


async def _rest(feed: Feed, replayed: Replayed, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while replayed.runs and replayed.ids & await feed.running():
        if time.monotonic() > deadline:
            replayed.resting = False
            return
        await asyncio.sleep(POLL_S)


class HttpFeed:
    """A running server."""

    def __init__(self, remote: "Remote", source: str) -> None:
        self._remote, self._source = remote, source

    async def take(self, lines: "Sequence[RawLine]", into: Replayed) -> None:
        """Post a batch as NDJSON."""
        from urllib.parse import quote

        from tocsin.cli.remote import count, objects, text

        report = await self._remote.post_lines(f"/alerts/{quote(self._source, safe='')}", [line.text for line in lines])
        into.read += len(lines)
        into.alerts += count(report.get("alerts"))
        into.folded += count(report.get("folded"))
        into.skipped += count(report.get("skipped"))
        into.runs += count(report.get("runs"))
        ids = report.get("ids")
        into.ids.update(one for one in (ids if isinstance(ids, list) else []) if isinstance(one, str))
        for one in objects(report.get("rejected")):
            place = lines[count(one.get("line")) - 1]
            into.rejected.append((place.file, place.line, text(one.get("reason"))))

    async def running(self) -> set[str]:
        """Return the alerts whose runs are under way."""
        return {str(run.get("alert")) for run in await self._remote.items("/runs", status="running")}


class OwnFeed:
    """A server in this process."""

    def __init__(self, server: "Server", source: str) -> None:
        self._server, self._source = server, source

    async def take(self, lines: "Sequence[RawLine]", into: Replayed) -> None:
        """Hand a batch to the intake."""
        from tocsin.api.routes.alerts import read_lines
        from tocsin.wiring import MACHINE

        events, rejected = read_lines(b"\n".join(line.text for line in lines))
        report = await self._server.intake.take(self._source, events, MACHINE)
        into.read += len(lines)
        into.alerts += report.alerts
        into.folded += report.folded
        into.skipped += report.skipped
        into.runs += report.runs
        into.ids.update(report.ids)
        into.rejected += [(lines[one.line - 1].file, lines[one.line - 1].line, one.reason) for one in rejected]

    async def running(self) -> set[str]:
        """Return the alerts whose runs are under way."""
        from tocsin.core.ids import DEFAULT_WORKSPACE
        from tocsin.store.repos.runs import RunFilter, RunStatus

        where = RunFilter(statuses=frozenset({RunStatus.RUNNING}))
        page = await self._server.store.units.read(lambda tx: tx.runs.find(where, workspace=DEFAULT_WORKSPACE, limit=500))
        return {str(run.alert) for run in page.items}


def _summary(source: str, replayed: Replayed, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=shown(f"Replayed into {source}"), show_header=False)
    rows = [
        ("events read", replayed.read),
        ("new alerts", replayed.alerts),
        ("folded into one that was there", replayed.folded),
        ("no alerts", replayed.skipped),
        ("could not be read, kept as they are", len(replayed.rejected)),
        ("runs started", replayed.runs),
    ]
    for name, number in rows:
        table.add_row(name, str(number))
    table.add_row("seconds", f"{seconds:.2f}")
    Console().print(table)
