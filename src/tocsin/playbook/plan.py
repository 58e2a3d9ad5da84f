"""The plan: a checked playbook as the decider reads it. Frozen; every expression in it is compiled.

Every step has a `key`, unique in its scope (its id, else kind and position, as `if@3`). A *scope* is the whole playbook, or one
iteration of a `for_each`; ids of steps inside `if`, `switch` and `parallel` belong to the scope around them.
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
    """What a failed step does to its run."""

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
class ParallelStep:
    """Run all branches at once and go on when all are done."""

    common: Common
    branches: tuple[Block, ...]


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


@dataclass(frozen=True, slots=True)
class WaitStep:
    """Wait for a duration or until an instant; exactly one is set."""

    common: Common
    duration_s: float | None = None
    duration: Template | None = None  # renders to "4h" or seconds
    until: Template | None = None  # renders to an RFC 3339 instant


@dataclass(frozen=True, slots=True)
class CallStep:
    """Run another playbook and wait for its outputs."""

    common: Common
    playbook: str
    inputs: Template


@dataclass(frozen=True, slots=True)
class StopStep:
    """End the run here."""

    common: Common
    outcome: str  # succeeded | failed
    reason: Template


Step: TypeAlias = ActionStep | SetStep | IfStep | SwitchStep | ForEachStep | ParallelStep | AskStep | WaitStep | CallStep | StopStep


@dataclass(frozen=True, slots=True)
class AlertTrigger:
    """Start a run for each new alert that the condition accepts."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class WebhookTrigger:
    """Start a run for each call of the named hook."""

    name: str


Trigger: TypeAlias = AlertTrigger | WebhookTrigger


@dataclass(frozen=True, slots=True)
class Plan:
    """A playbook version, ready to run. `digest` is the sha256 of the source text."""

    id: str
    title: str
    digest: str
    triggers: tuple[Trigger, ...]
    inputs: JsonObject  # JSON Schema of what a start must hand over, type object
    steps: Block
    outputs: Template | None
