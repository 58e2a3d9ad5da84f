"""Who answers on a stage: targets, people, the world and other playbooks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from tocsin.core.effects import Probe
from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.ids import RunId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.attempts import Pending
from tocsin.engine.events import AskOpened, CallStarted, EventAwaited, Outcome

CODE_ACTIONS = frozenset({"code.monty", "code.python"})  # what a code step asks for; arguments: {source, inputs, timeout_s}


class Unplayable(Invalid):
    """The run cannot be played on: nobody is cast for what it needs, or it does not end."""

    code = "rehearsal-unplayable"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a run makes on the stage. With `pending.probe` it asks whether the attempt before happened."""

    run: RunId
    playbook: str
    pending: Pending
    at: datetime
    context: JsonObject  # {"alert": id | None, "case": id | None, "playbook": id}

    @property
    def path(self) -> str:
        """Return the step instance that calls."""
        return self.pending.path

    @property
    def action(self) -> str:
        """Return `pack.action`."""
        return self.pending.action

    @property
    def arguments(self) -> JsonObject:
        """Return what the action is given."""
        return self.pending.arguments

    @property
    def is_code(self) -> bool:
        """Tell whether this is a code step."""
        return self.pending.action in CODE_ACTIONS


@dataclass(frozen=True, slots=True)
class Value:
    """It worked, and this came back, `after_s` later."""

    output: Json
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """It failed. An OutcomeUnknown leaves a write UNKNOWN, and is transient to a read."""

    error: TocsinError
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe found; only for a call with `pending.probe`."""

    probe: Probe
    after_s: float = 0.0


Answer: TypeAlias = Value | Refusal | Found


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call and what came of it."""

    call: Call
    answer: Answer


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's answer to an ask."""

    answer: str
    by: str
    form: JsonObject = field(default_factory=dict)
    reason: str = ""
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that a run waited for."""

    event: JsonObject
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a called playbook that is not played."""

    outcome: Outcome
    outputs: JsonObject = field(default_factory=dict)
    reason: str = ""
    after_s: float = 0.0


class Cast(Protocol):
    """Everybody that a run meets; `playbook` is the one that asks. Each may raise Unplayable."""

    def answer(self, call: Call, history: Sequence[Exchange]) -> Answer:
        """Return what comes of a call; `history` has the calls of this play so far."""
        ...

    def decide(self, ask: AskOpened, *, playbook: str) -> Reply | None:
        """Return a person's answer, or None for silence: then the deadline decides, if there is one."""
        ...

    def event(self, wait: EventAwaited, *, playbook: str) -> Arrival | None:
        """Return the event that ends a wait, or None when none comes."""
        ...

    def child(self, call: CallStarted, *, playbook: str) -> Ending | None:
        """Return how a called playbook ends, or None to have it played on the same stage."""
        ...
