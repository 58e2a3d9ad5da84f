"""How far a walk over the plan has come, and what it decides."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.ids import RunId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.attempts import Pending
from tocsin.engine.events import Outcome, RunEvent


@dataclass(slots=True)
class Decision:
    """What follows: `events` are facts from now on, already folded; `calls` are to be made; `wake_at` is the next instant of interest."""

    events: list[RunEvent] = field(default_factory=list)
    calls: list[Pending] = field(default_factory=list)
    cancels: list[RunId] = field(default_factory=list)  # children that nobody waits for any more
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A block or step is over."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A block or step waits for something."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step failed, and so does what is around it."""

    path: str
    error: JsonObject


@dataclass(frozen=True, slots=True)
class Stopped:
    """A `stop` step ends the run."""

    outcome: Outcome
    reason: str


Progress: TypeAlias = Done | Blocked | Failed | Stopped
DONE, BLOCKED = Done(), Blocked()


def error_json(error: TocsinError) -> JsonObject:
    """Return an error as playbooks see it."""
    return {"code": error.code, "kind": error.kind.value, "message": str(error)}


def failure(code: str, message: str) -> JsonObject:
    """Return the error of a step that did not come to its end."""
    return {"code": code, "kind": "invalid", "message": message}


def as_object(value: Json, what: str) -> JsonObject:
    """Return a value that must be a map; `what` names it in the message."""
    if not isinstance(value, dict):
        raise Invalid(f"'{what}' must be a map.")
    return value
