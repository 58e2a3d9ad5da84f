"""A rehearsal as it is written: cases, who answers what in them, and what is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from tocsin.core.diagnostics import Span
from tocsin.core.effects import Probe
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import Outcome
from tocsin.playbook.expr import Template


class Defaults(StrEnum):
    """What happens to a call that nothing in the case answers."""

    STRICT = "strict"  # the case fails
    FROM_SCHEMA = "from-schema"  # a plain value that fits the action's output schema


class StartKind(StrEnum):
    """What starts the run."""

    MANUAL = "manual"
    ALERT = "alert"
    CASE = "case"
    WEBHOOK = "webhook"


class Waits(StrEnum):
    """The end of a case's run when it has none: it waits for somebody."""

    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Returns:
    """It works; the template knows `input` and `now`."""

    value: Template


@dataclass(frozen=True, slots=True)
class Fails:
    """It fails, and changed nothing."""

    kind: str
    message: str
    code: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows whether it happened. `probe`: what the pack's probe finds then."""

    reason: str
    probe: Probe = Probe.UNKNOWN


@dataclass(frozen=True, slots=True)
class Http:
    """What the target answered; the pack's own mapping makes the output or the error of it."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Real:
    """A code step is run."""


Saying: TypeAlias = Returns | Fails | Unknown | Http | Real


@dataclass(frozen=True, slots=True)
class Line:
    """One canned answer. `given` is None for any call, else the arguments that a call must have, at least."""

    span: Span
    says: Saying
    given: JsonObject | None = None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PersonLine:
    """What a person answers; `answer` is None for silence."""

    span: Span
    answer: str | None
    by: str = ""
    form: JsonObject = field(default_factory=dict)
    reason: str = ""
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event that a `wait` may get; None when nothing comes."""

    span: Span
    event: JsonObject | None
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ChildLine:
    """How a called playbook ends without being played."""

    span: Span
    outcome: Outcome
    outputs: JsonObject = field(default_factory=dict)
    reason: str = ""
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """What starts the run. `value` is the alert, the case or the payload."""

    kind: StartKind
    span: Span
    value: JsonObject = field(default_factory=dict)
    name: str = ""  # of a webhook, or of what happened to the case
    inputs: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Somebody cancels, pauses or resumes the run."""

    kind: str  # cancel | pause | resume
    by: str
    after_s: float


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call that must be made. `step` or `action` is set; `times` None: at least once."""

    span: Span
    step: str = ""
    action: str = ""
    given: JsonObject = field(default_factory=dict)
    exactly: bool = False
    times: int | None = None

    @property
    def name(self) -> str:
        """Return what it is called in messages."""
        return self.step or self.action


@dataclass(frozen=True, slots=True)
class ExpectedAsk:
    """An ask that must be put."""

    span: Span
    step: str
    title: str | None = None
    to: tuple[str, ...] | None = None
    message: str | None = None  # part of it


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """The error that the run, or one step, must meet."""

    span: Span
    step: str | None = None
    code: str | None = None
    message: str | None = None  # part of it


@dataclass(frozen=True, slots=True)
class Expect:
    """What must have come of a case. None: not said."""

    span: Span
    starts: bool = True
    outcome: Outcome | Waits | None = None
    reason: str | None = None  # part of it
    path: tuple[str, ...] | None = None
    path_spans: tuple[Span, ...] = ()  # of each text of the path
    path_exactly: bool = False
    actions: tuple[ExpectedCall, ...] = ()
    not_called: tuple[str, ...] = ()
    effects: int | None = None
    outputs: JsonObject | None = None
    outputs_exactly: bool = False
    asks: tuple[ExpectedAsk, ...] | None = None
    error: ExpectedError | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One named case."""

    name: str
    span: Span
    start: Start
    expect: Expect
    clock: datetime | None = None
    answers: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)
    people: Mapping[str, tuple[PersonLine, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[EventLine, ...]] = field(default_factory=dict)
    calls: Mapping[str, tuple[ChildLine, ...]] = field(default_factory=dict)
    interrupts: tuple[Interrupt, ...] = ()
    defaults: Defaults | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A whole file."""

    file: str
    playbook: str
    playbook_span: Span
    cases: tuple[Case, ...]
    clock: datetime | None = None
    defaults: Defaults = Defaults.STRICT
    answers: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)
