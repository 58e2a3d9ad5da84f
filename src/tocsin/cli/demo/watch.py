"""The demo's live picture: what the server tells by server-sent events, and its runs."""

import asyncio
import contextlib
import json
from collections import Counter, deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tocsin.cli.remote import Remote, text
from tocsin.cli.say import shown
from tocsin.cli.timeline import STYLES
from tocsin.core.values import JsonObject
from tocsin.services.inert import inert

if TYPE_CHECKING:
    import httpx

REFRESH_S = 0.25
STORY_LINES, RUN_LINES = 8, 26


class Watch:
    """Gathers what happens and draws it. `live` draws in place; otherwise each line of the story is printed as it comes."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self._console, self._live = console, live
        self._story: deque[tuple[str, str]] = deque(maxlen=STORY_LINES)
        self._told: Counter[str] = Counter()
        self._runs: list[JsonObject] = []
        self._titles: dict[str, str] = {}

    def tell(self, what: str) -> None:
        """Add a line to the story."""
        at, line = f"{datetime.now(UTC):%H:%M:%S}", shown(inert(what))
        self._story.append((at, line))
        if not self._live:
            self._console.print(f"{at}  {line}", markup=False, highlight=False, emoji=False, soft_wrap=True)

    @contextlib.asynccontextmanager
    async def watching(self, remote: Remote) -> AsyncIterator[None]:
        """Follow a server until the block ends."""
        following = asyncio.create_task(self._follow(remote.http))
        drawing = asyncio.create_task(self._draw(remote)) if self._live else None
        try:
            yield
        finally:
            tasks = [task for task in (following, drawing) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, http: "httpx.AsyncClient") -> None:
        async with http.stream("GET", "/api/v1/events", timeout=None) as answer:
            name = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._hear(name, json.loads(line.removeprefix("data: ")))

    def _hear(self, name: str, told: JsonObject) -> None:
        self._told[name] += 1
        if name == "ask.opened":
            self.tell(f"Tocsin asks by mail: {text(told.get('title'))}")
        elif name == "run" and "run_ended" in str(told.get("events")):
            self._told["run.ended"] += 1

    async def _draw(self, remote: Remote) -> None:
        with Live(self._picture(), console=self._console, refresh_per_second=8, transient=True) as live:
            while True:
                await asyncio.sleep(REFRESH_S)
                self._runs = await remote.items("/runs")
                if any(text(run.get("alert")) not in self._titles for run in self._runs):
                    self._titles = {text(one.get("id")): text(one.get("title")) for one in await remote.items("/alerts")}
                live.update(self._picture())

    def _picture(self) -> RenderableType:
        told = self._told
        head = Text.assemble(
            ("Tocsin demo  ", "bold"), f"{told['alert.new']} alerts, {told['alert.folded']} folded, ", f"{told['run.ended']} runs ended, ",
            f"{told['ask.answered']} of {told['ask.opened']} asks answered",
        )  # fmt: skip
        lines = [Text.assemble((at, "dim"), "  ", line) for at, line in self._story]
        return Group(head, runs_table(self._runs, self._titles), *lines)


def runs_table(runs: list[JsonObject], titles: dict[str, str]) -> Table:
    """Draw runs, oldest first, with the alert that each is about."""
    table = Table(pad_edge=False, box=None, header_style="dim")
    for name in ("run of", "about", "status", "actions", "asks", "how it ended"):
        table.add_column(name, no_wrap=True, min_width=len(name))
    for run in sorted(runs, key=lambda run: text(run.get("id")))[-RUN_LINES:]:
        status = text(run.get("status"))
        table.add_row(
            Text(shown(text(run.get("playbook")))),
            Text(_short(titles.get(text(run.get("alert")), ""), 50)),
            Text(status, style=STYLES.get(status, "")),
            str(run.get("actions") or 0),
            str(run.get("asks") or 0),
            Text(_short(_ending(run), 30), style="dim"),
        )
    return table


def _ending(run: JsonObject) -> str:
    outputs = run.get("outputs")
    answer = text(outputs.get("answer")) if isinstance(outputs, dict) else ""
    return text(run.get("reason")) or (f"decided: {answer}" if answer else "")


def _short(what: str, length: int) -> str:
    line = shown(inert(what))
    return line if len(line) <= length else f"{line[: length - 1]}…"
