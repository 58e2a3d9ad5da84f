"""What the demo came to, counted in the server and in the mailbox and nowhere else."""

from collections import Counter
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from urllib.parse import quote

from tocsin.cli.demo.stage import Stage
from tocsin.cli.remote import Remote, count, objects, text
from tocsin.core.ids import DEFAULT_WORKSPACE
from tocsin.core.values import Instant, JsonObject
from tocsin.wiring import Server


@dataclass(slots=True)
class Ended:
    """The end of a demo."""

    url: str
    alerts: list[JsonObject] = field(default_factory=list)
    runs: list[JsonObject] = field(default_factory=list)
    asks: list[JsonObject] = field(default_factory=list)
    cases: list[JsonObject] = field(default_factory=list)
    timelines: dict[str, JsonObject] = field(default_factory=dict)
    contained: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def actions(self) -> dict[str, int]:
        """Return how many actions were done, by effect."""
        done = Counter(
            text(entry.get("effect"))
            for timeline in self.timelines.values()
            for entry in objects(timeline.get("entries"))
            if entry.get("kind") == "action" and entry.get("status") == "succeeded"
        )
        return {effect: done[effect] for effect in ("read", "write", "destructive")}

    @property
    def folded(self) -> int:
        """Return how many events said what an alert said already."""
        return sum(count(alert.get("count")) - 1 for alert in self.alerts)

    def asked_by(self, channel: str) -> int:
        """Return how many asks that went out by a channel were answered by somebody."""
        return sum(channel in _texts(ask.get("via")) and bool(ask.get("answered_by")) for ask in self.asks)

    def as_json(self) -> JsonObject:
        """Return the line for machines."""
        return {
            "alerts": len(self.alerts),
            "folded": self.folded,
            "runs": len(self.runs),
            "runs_succeeded": sum(run.get("status") == "succeeded" for run in self.runs),
            "asks": {"email": self.asked_by("email")},
            "actions": {**self.actions},
            "cases": len(self.cases),
            "contained": [*self.contained],
            "reports": [*self.reports],
            "problems": [*self.problems],
            "seconds": round(self.seconds, 3),
            "url": self.url,
        }


async def count_up(remote: Remote, server: Server, stage: Stage, *, now: Instant) -> Ended:
    """Ask the server for everything, and look into the mailbox."""
    ended = Ended(server.url)
    ended.alerts = await remote.items("/alerts")
    ended.runs = await remote.items("/runs")
    ended.asks = await remote.items("/asks")
    cases = await remote.items("/cases")
    ended.cases = [await remote.get(f"/cases/{quote(text(case.get('id')))}") for case in reversed(cases)]
    for run in ended.runs:
        id = text(run.get("id"))
        ended.timelines[id] = await remote.get(f"/runs/{quote(id)}/timeline")
    ended.contained = [*await blocked(server, now=now), *quarantined(stage.maildir)]
    return ended


async def blocked(server: Server, *, now: Instant) -> list[str]:
    """Return what is on the block lists."""
    names = await server.store.units.read(lambda tx: tx.lists.names(workspace=DEFAULT_WORKSPACE))
    entries = await server.store.units.read(
        lambda tx: [one for name in names for one in tx.lists.entries(name, workspace=DEFAULT_WORKSPACE, now=now)]
    )
    return sorted({entry.observable.value for entry in entries})


def quarantined(maildir: Path) -> list[str]:
    """Return the Message-IDs of what lies in quarantine."""
    found = []
    for file in sorted((maildir / ".Quarantine").glob("*/*")):
        with file.open("rb") as opened:
            found.append(str(BytesHeaderParser().parse(opened).get("message-id", file.name)).strip("<> \r\n"))
    return sorted(found)


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
