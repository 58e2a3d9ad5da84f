"""What a backtest finds: a result an alert, and the totals."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.core.alerts import Alert
from tocsin.core.values import Json, JsonObject, iso
from tocsin.services.backtest.behaviour import WAITS, Behaviour, Change, Kind


class Finding(StrEnum):
    """What became of one alert."""

    SAME = "same"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class AlertResult:
    """One alert: what happened, what would, and where they differ."""

    alert: Alert
    before: Behaviour
    after: Behaviour
    changes: tuple[Change, ...]
    assumed: tuple[str, ...] = ()
    recorded: int = 0
    live: int = 0

    @property
    def finding(self) -> Finding:
        """Return what became of it. A difference that is sure counts, even where the play could not go on."""
        if self.changes:
            return Finding.DIFFERENT
        both_wait = self.before.outcome == self.after.outcome == WAITS
        return Finding.UNDECIDED if (self.before.cut or self.after.cut) and not both_wait else Finding.SAME

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        alert = self.alert
        return {
            "alert": alert.id,
            "title": alert.finding.title,
            "severity": alert.finding.severity.value,
            "source": alert.source,
            "last_seen": iso(alert.last_seen),
            "finding": self.finding.value,
            "why": self.after.cut or self.before.cut,
            "changes": [one.as_json() for one in self.changes],
            "assumed": [*self.assumed],
            "before": self.before.as_json(),
            "after": self.after.as_json(),
        }


@dataclass(slots=True)
class Totals:
    """The sums over all alerts; holds numbers only, however many alerts there are."""

    looked_at: int = 0
    results: "Counter[str]" = field(default_factory=Counter)
    changed: "Counter[str]" = field(default_factory=Counter)  # "ask added" -> how many
    effects: "Counter[str]" = field(default_factory=Counter)  # "added crowdsec.block_ip" -> how many
    asks: list[int] = field(default_factory=lambda: [0, 0])  # before, after
    acts: list[int] = field(default_factory=lambda: [0, 0])
    starts: list[int] = field(default_factory=lambda: [0, 0])
    minutes: list[float] = field(default_factory=lambda: [0.0, 0.0])
    reads: "Counter[str]" = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def considered(self) -> int:
        """Return how many alerts the playbook has, or had, to do with."""
        return sum(self.results.values())

    def add(self, results: Iterable[AlertResult]) -> None:
        """Count results."""
        for one in results:
            self.results[one.finding.value] += 1
            self.reads.update(recorded=one.recorded, assumed=len(one.assumed), live=one.live)
            for change in one.changes:
                self.changed[f"{change.kind.value} {change.how}"] += 1
                if change.kind is Kind.EFFECT:
                    self.effects[f"{change.how} {change.what}"] += 1
            for place, side in enumerate((one.before, one.after)):
                self.starts[place] += side.ran
                self.asks[place] += len(side.asks)
                self.acts[place] += len(side.effects)
                self.minutes[place] += side.minutes

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        found: dict[str, Json] = {finding.value: self.results[finding.value] for finding in Finding}
        return {
            "looked_at": self.looked_at,
            "considered": self.considered,
            **found,
            "starts": _pair(self.starts),
            "asks": {**_pair(self.asks), **self._more_and_fewer(Kind.ASK)},
            "effects": {**_pair(self.acts), **self._more_and_fewer(Kind.EFFECT), "changed": self.changed["effect changed"]},
            "effects_by_action": dict(sorted(self.effects.items())),
            "minutes_saved": _pair([round(one, 1) for one in self.minutes]),
            "reads": {name: self.reads[name] for name in ("recorded", "assumed", "live")},
            "seconds": round(self.seconds, 3),
            "per_minute": round(self.looked_at / self.seconds * 60) if self.seconds else None,
        }

    def _more_and_fewer(self, kind: Kind) -> JsonObject:
        return {"more": self.changed[f"{kind.value} added"], "fewer": self.changed[f"{kind.value} removed"]}


def _pair(values: list[int] | list[float]) -> JsonObject:
    before, after = values
    return {"before": before, "after": after}
