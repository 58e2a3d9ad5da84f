"""What happened in a run: frozen, versioned by the tag, written to the journal as JSON and never changed.

`path` names a step instance: keys joined by `/`, a loop's iteration as `links[3]`, so `links[3]/rep`.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from tocsin.core.effects import Effect
from tocsin.core.values import Json, JsonObject


class Outcome(StrEnum):
    """How a run or a step ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Event(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True, kw_only=True):
    """Root of the events; `at` is RFC 3339 in UTC."""

    at: str


class RunStarted(Event, frozen=True, tag="run_started"):
    """The run exists. `trigger`: {kind: alert|manual|webhook|call, ...}."""

    playbook: str
    digest: str
    trigger: JsonObject
    alert: JsonObject | None = None
    case: JsonObject | None = None
    inputs: JsonObject = {}
    depth: int = 0


class StepSkipped(Event, frozen=True, tag="step_skipped"):
    """The step's `if` was false."""

    path: str


class StepFailed(Event, frozen=True, tag="step_failed"):
    """The step failed for good: an expression, a failed action, a failed child."""

    path: str
    error: JsonObject  # {code, kind, message}


class ValuesSet(Event, frozen=True, tag="values_set"):
    """A `set` step named values."""

    path: str
    values: JsonObject


class BranchTaken(Event, frozen=True, tag="branch_taken"):
    """An `if` or `switch` chose: the branch's index, -1 for else or default."""

    path: str
    branch: int


class LoopStarted(Event, frozen=True, tag="loop_started"):
    """A `for_each` fixed its items."""

    path: str
    variable: str
    items: list[Json]


class IterationEnded(Event, frozen=True, tag="iteration_ended"):
    """Every step of one iteration of a `for_each` is done."""

    path: str
    index: int


class LoopEnded(Event, frozen=True, tag="loop_ended"):
    """Every iteration of a `for_each` is done."""

    path: str


class ActionIntended(Event, frozen=True, tag="action_intended"):
    """A write is about to be sent; committed before the first byte. `key` is the same on every attempt."""

    path: str
    action: str
    connection: str | None
    arguments: JsonObject
    effect: Effect
    key: str
    attempt: int
    epoch: int


class ActionDone(Event, frozen=True, tag="action_done"):
    """The action's answer. `action`, `arguments` and `effect` are given here for reads, which have no intent."""

    path: str
    output: Json
    action: str = ""
    arguments: JsonObject = {}
    effect: Effect = Effect.READ
    by: str = ""  # who said that it happened, when a person resolved an UNKNOWN
    elapsed_ms: float = 0.0


class ActionFailed(Event, frozen=True, tag="action_failed"):
    """An attempt failed, and certainly changed nothing."""

    path: str
    error: JsonObject
    attempt: int
    action: str = ""


class ActionUnknown(Event, frozen=True, tag="action_unknown"):
    """Nobody knows whether the attempt happened. `probed`: the pack's probe could not tell either."""

    path: str
    reason: str
    attempt: int
    probed: bool = False


class AskOpened(Event, frozen=True, tag="ask_opened"):
    """People were asked. `about`: `step` for an ask step, `unknown` for an action whose outcome is not known."""

    path: str
    ask: str
    about: str
    title: str
    message: str
    to: list[str]
    via: list[str]
    options: list[str]
    form: JsonObject
    quorum: int
    deadline: str | None
    on_deadline: str | None
    binding: str  # sha256 of what is being decided


class AskAnswered(Event, frozen=True, tag="ask_answered"):
    """The ask is decided; `by` is null when the deadline decided."""

    path: str
    ask: str
    answer: str
    by: str | None
    form: JsonObject = {}
    reason: str = ""


class TimerSet(Event, frozen=True, tag="timer_set"):
    """A `wait` step waits until `due`."""

    path: str
    due: str


class TimerFired(Event, frozen=True, tag="timer_fired"):
    """The wait is over."""

    path: str


class CallStarted(Event, frozen=True, tag="call_started"):
    """Another playbook was started as `run`."""

    path: str
    playbook: str
    digest: str
    run: str
    inputs: JsonObject


class CallEnded(Event, frozen=True, tag="call_ended"):
    """The child run ended."""

    path: str
    run: str
    outcome: Outcome
    outputs: JsonObject = {}
    reason: str = ""


class RunEnded(Event, frozen=True, tag="run_ended"):
    """The run is over."""

    outcome: Outcome
    outputs: JsonObject = {}
    reason: str = ""


RunEvent: TypeAlias = (
    RunStarted
    | StepSkipped
    | StepFailed
    | ValuesSet
    | BranchTaken
    | LoopStarted
    | IterationEnded
    | LoopEnded
    | ActionIntended
    | ActionDone
    | ActionFailed
    | ActionUnknown
    | AskOpened
    | AskAnswered
    | TimerSet
    | TimerFired
    | CallStarted
    | CallEnded
    | RunEnded
)

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(RunEvent).decode
