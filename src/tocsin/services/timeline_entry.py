"""A line of a run's timeline."""

from dataclasses import dataclass, field

from tocsin.core.values import JsonObject


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line. `kind`: run action set branch loop ask wait call undo step; `effect` and `attempt` are set for actions only."""

    at: str
    path: str
    title: str
    kind: str
    status: str
    details: JsonObject = field(default_factory=dict)
    effect: str | None = None
    attempt: int | None = None
