"""The plan: a checked playbook as the decider reads it. Frozen; every expression in it is compiled.

Every step has a `key`, unique in its scope (its id, else kind and position, as `if@3`). A *scope* is the whole playbook, one
iteration of a `for_each`, or one round of a `while`; ids of steps inside `if`, `switch`, `parallel`, `on_error` and `finally` belong
to the scope around them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from tocsin.core.effects import Effect
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, Expression, Template

Block: TypeAlias = "tuple[Step, ...]"


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to try again after a transient failure: `attempts` in all, waits `delay_s * backoff**n`."""

    attempts: int = 1
    delay_s: float = 1.0
    backoff: float = 2.0


class OnError(StrEnum):
    """What a failed step does to its run. HANDLE: the steps of its handler run, and then those after it."""

    FAIL = "fail"
    CONTINUE = "continue"
    HANDLE = "handle"


class Join(StrEnum):
    """How many branches of a `parallel` must succeed, when it is not a number."""

    ALL = "all"
    ANY = "any"


class Runtime(StrEnum):
    """What runs a `code` step: MONTY is a small safe Python; PYTHON is CPython in a sandbox of the operating system."""

    MONTY = "monty"
    PYTHON = "python"


class Awaited(StrEnum):
    """What a `wait` can wait for."""

    ALERT = "alert"  # a new alert
    CASE = "case"  # a case was opened, changed or closed
    WEBHOOK = "webhook"  # a call of a named hook


class OnDeadline(StrEnum):
    """What a `wait` for an event does when none has come in time."""

    FAIL = "fail"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Common:
    """The keys that every step kind shares; `line` is where the step starts in the source."""

    key: str
    id: str | None
    name: str
    line: int
    condition: Condition | None = None
    on_error: OnError = OnError.FAIL
    handler: Block = ()  # with OnError.HANDLE


@dataclass(frozen=True, slots=True)
class Polling:
    """Do an action again, `every_s` after the last result, until the condition holds; fail after `at_most_s`."""

    until: Condition
    every_s: float
    at_most_s: float


@dataclass(frozen=True, slots=True)
class ActionStep:
    """Call one action of a connector."""

    common: Common
    action: str  # pack.action
    arguments: Template
    connection: str | None = None  # name; None: the pack's only or default connection
    retry: Retry = Retry()
    timeout_s: float | None = None
    effect: Effect | None = None  # tightened by the playbook; None: as the pack declares
    reads: frozenset[str] = frozenset()  # ids of steps whose results the step's expressions read
    polling: Polling | None = None
    undo_after_s: float | None = None  # the inverse action is run then


@dataclass(frozen=True, slots=True)
class SetStep:
    """Name values."""

    common: Common
    values: Template  # renders to an object


@dataclass(frozen=True, slots=True)
class IfStep:
    """Take the first branch whose condition holds, else the otherwise block."""

    common: Common
    branches: tuple[tuple[Condition, Block], ...]
    otherwise: Block = ()


@dataclass(frozen=True, slots=True)
class SwitchStep:
    """Take the branch whose value equals the subject, else the default block."""

    common: Common
    subject: Expression
    cases: tuple[tuple[Json, Block], ...]
    default: Block = ()


@dataclass(frozen=True, slots=True)
class ForEachStep:
    """Run the body once an item, `concurrency` at a time; the result is a list of `{variable: item, step id: output, ...}`."""

    common: Common
    items: Expression
    variable: str
    concurrency: int
    body: Block


@dataclass(frozen=True, slots=True)
class WhileStep:
    """Run the body again while the condition holds, `limit` rounds at most; the result is `{iterations, last: {step id: output}}`."""

    common: Common
    condition: Condition
    limit: int
    body: Block


@dataclass(frozen=True, slots=True)
class ParallelStep:
    """Run all branches at once and go on when `join` of them have succeeded; the others then start nothing more."""

    common: Common
    branches: tuple[Block, ...]
    join: int  # from 1 to the number of branches


@dataclass(frozen=True, slots=True)
class Escalation:
    """Whom to ask instead when nobody has answered in time, and what counts when they do not either."""

    to: Template
    deadline_s: float
    on_deadline: str | None = None  # one of the options


@dataclass(frozen=True, slots=True)
class AskStep:
    """Put a question to people and wait. Its result: `{answer, form, by, at, reason}`; `by` is null after a deadline."""

    common: Common
    title: Template
    to: Template  # renders to a list of `role:NAME` and `user:NAME`
    via: tuple[str, ...]
    message: Template | None = None
    options: tuple[str, ...] = ("approve", "reject")
    form: JsonObject | None = None  # field name -> {type, required, default, title, enum}
    quorum: int = 1
    deadline_s: float | None = None
    on_deadline: str | None = None  # one of the options
    escalation: Escalation | None = None  # then on_deadline is None


@dataclass(frozen=True, slots=True)
class EventWait:
    """What a `wait` waits for. The filter knows the event as `event`, and everything else as it was when the wait began."""

    kind: Awaited
    hook: str = ""  # of Awaited.WEBHOOK
    filter: Condition | None = None
    deadline_s: float | None = None
    on_deadline: OnDeadline = OnDeadline.FAIL


@dataclass(frozen=True, slots=True)
class WaitStep:
    """Wait for a duration, until an instant or for an event; exactly one is set. An event's result: `{event, at}`."""

    common: Common
    duration_s: float | None = None
    duration: Template | None = None  # renders to "4h" or seconds
    until: Template | None = None  # renders to an RFC 3339 instant
    event: EventWait | None = None


@dataclass(frozen=True, slots=True)
class CallStep:
    """Run another playbook. Its result: the outputs; `{run}` when it does not wait."""

    common: Common
    playbook: str
    inputs: Template
    waits: bool = True
    digest: str | None = None  # the version that was published at save; None: the one that is published then


@dataclass(frozen=True, slots=True)
class CodeStep:
    """Run Python in a sandbox; the values arrive as `inputs`, the result is the map that it returns."""

    common: Common
    source: str
    inputs: Template
    runtime: Runtime = Runtime.MONTY
    timeout_s: float = 5.0
    returns: JsonObject | None = None  # JSON Schema of the result, type object
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StopStep:
    """End the run here."""

    common: Common
    outcome: str  # succeeded | failed
    reason: Template


Step: TypeAlias = (
    ActionStep
    | SetStep
    | IfStep
    | SwitchStep
    | ForEachStep
    | WhileStep
    | ParallelStep
    | AskStep
    | WaitStep
    | CallStep
    | CodeStep
    | StopStep
)


@dataclass(frozen=True, slots=True)
class AlertTrigger:
    """Start a run for each new alert that the condition accepts."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class WebhookTrigger:
    """Start a run for each call of the named hook."""

    name: str


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """Start a run at each instant of a cron line, in UTC."""

    cron: str


@dataclass(frozen=True, slots=True)
class CaseTrigger:
    """Start a run when something happens to a case: opened, escalated, closed, ..."""

    happening: str


Trigger: TypeAlias = AlertTrigger | WebhookTrigger | ScheduleTrigger | CaseTrigger


@dataclass(frozen=True, slots=True)
class Plan:
    """A playbook version, ready to run. `digest` is the sha256 of the source text and of the versions that it calls."""

    id: str
    title: str
    digest: str
    triggers: tuple[Trigger, ...]
    inputs: JsonObject  # JSON Schema of what a start must hand over, type object
    steps: Block
    outputs: Template | None
    final: Block = ()  # runs whatever happened
