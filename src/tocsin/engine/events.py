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
    CANCELLED = "cancelled"


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


class RoundStarted(Event, frozen=True, tag="round_started"):
    """A round of a `while`, or of an action that polls, begins."""

    path: str
    index: int
    polls: bool = False


class RoundEnded(Event, frozen=True, tag="round_ended"):
    """A round is over; the next one does not begin before `due`."""

    path: str
    index: int
    due: str | None = None


class RoundsEnded(Event, frozen=True, tag="rounds_ended"):
    """The last round is over, and its condition says so."""

    path: str


class BranchesJoined(Event, frozen=True, tag="branches_joined"):
    """Enough branches of a `parallel` have succeeded: these."""

    path: str
    branches: list[int]


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
    escalates: list[str] = []  # who is asked instead after the deadline


class AskAnswered(Event, frozen=True, tag="ask_answered"):
    """The ask is decided; `by` is null when the deadline decided."""

    path: str
    ask: str
    answer: str
    by: str | None
    form: JsonObject = {}
    reason: str = ""


class AskClosed(Event, frozen=True, tag="ask_closed"):
    """The ask needs no answer any more: its branch or its run was given up."""

    path: str
    ask: str
    reason: str


class EventAwaited(Event, frozen=True, tag="event_awaited"):
    """A `wait` waits for an event. `names` are what its filter reads besides the event, as they are now."""

    path: str
    kind: str  # alert | case | webhook
    hook: str = ""
    filter: str | None = None  # source of the condition
    names: JsonObject = {}
    due: str | None = None


class EventArrived(Event, frozen=True, tag="event_arrived"):
    """What a `wait` waited for; `event` is null when the deadline passed and the playbook goes on without."""

    path: str
    event: JsonObject | None


class TimerSet(Event, frozen=True, tag="timer_set"):
    """A `wait` step waits until `due`."""

    path: str
    due: str


class TimerFired(Event, frozen=True, tag="timer_fired"):
    """The wait is over."""

    path: str


class CallStarted(Event, frozen=True, tag="call_started"):
    """Another playbook was started as `run`; when the run does not wait for it, that is all."""

    path: str
    playbook: str
    digest: str
    run: str
    inputs: JsonObject
    waits: bool = True


class UndoScheduled(Event, frozen=True, tag="undo_scheduled"):
    """The run `run` will do the inverse action when `due` has come."""

    path: str
    digest: str
    run: str
    action: str
    arguments: JsonObject
    due: str


class CallEnded(Event, frozen=True, tag="call_ended"):
    """The child run ended."""

    path: str
    run: str
    outcome: Outcome
    outputs: JsonObject = {}
    reason: str = ""


class MainEnded(Event, frozen=True, tag="main_ended"):
    """The steps are over, and those of `finally` begin."""

    outcome: Outcome
    reason: str = ""
    error: JsonObject | None = None  # {step, code, kind, message}
    is_stop: bool = False  # a `stop` step said so


class RunCancelled(Event, frozen=True, tag="run_cancelled"):
    """Somebody ends the run: nothing new starts, what is under way is waited for."""

    by: str
    reason: str = ""


class RunPaused(Event, frozen=True, tag="run_paused"):
    """Somebody holds the run: nothing new starts until it is resumed."""

    by: str
    reason: str = ""


class RunResumed(Event, frozen=True, tag="run_resumed"):
    """The run goes on."""

    by: str


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
    | RoundStarted
    | RoundEnded
    | RoundsEnded
    | BranchesJoined
    | ActionIntended
    | ActionDone
    | ActionFailed
    | ActionUnknown
    | AskOpened
    | AskAnswered
    | AskClosed
    | EventAwaited
    | EventArrived
    | TimerSet
    | TimerFired
    | CallStarted
    | CallEnded
    | UndoScheduled
    | MainEnded
    | RunCancelled
    | RunPaused
    | RunResumed
    | RunEnded
)
Signal: TypeAlias = AskAnswered | CallEnded | EventArrived | RunCancelled | RunPaused | RunResumed  # what comes from outside

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(RunEvent).decode
