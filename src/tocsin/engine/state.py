"""The state of a run: a fold over its events.

`RunState.apply` is the only thing that changes it. A path is a scope's prefix and a step's key: `links[3]/` + `rep`. Outputs are kept
by scope and id, ready to be read as `steps.<id>`; a finished iteration collapses into one entry of its loop's result, and a finished
round into what the next one may read, so a loop over many items holds only what is going on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.core.effects import Effect
from tocsin.core.errors import JournalCorrupt
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import (
    ActionDone,
    ActionFailed,
    ActionIntended,
    ActionUnknown,
    AskAnswered,
    AskClosed,
    AskOpened,
    BranchesJoined,
    BranchTaken,
    CallEnded,
    CallStarted,
    EventArrived,
    EventAwaited,
    IterationEnded,
    LoopEnded,
    LoopStarted,
    MainEnded,
    Outcome,
    RoundEnded,
    RoundsEnded,
    RoundStarted,
    RunCancelled,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    StepFailed,
    StepSkipped,
    TimerFired,
    TimerSet,
    UndoScheduled,
    ValuesSet,
)


class Status(StrEnum):
    """Where a step instance stands."""

    INTENDED = "intended"  # a write was about to be sent
    ATTEMPT_FAILED = "attempt_failed"
    UNKNOWN = "unknown"
    ASKED = "asked"
    ANSWERED = "answered"  # a person said what to do about an UNKNOWN
    WAITING = "waiting"
    CALLING = "calling"
    BRANCHED = "branched"
    LOOPING = "looping"
    JOINED = "joined"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


OVER = frozenset({Status.DONE, Status.SKIPPED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class StepState:
    """What is known of one step instance; the fields after `at` matter to the statuses that use them."""

    status: Status
    at: str  # of the last event
    error: JsonObject | None = None
    branch: int = 0
    due: str | None = None
    run: str = ""  # the child of a call


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempts at one action so far."""

    number: int
    intent: ActionIntended | None = None  # the newest
    first_at: str = ""
    probed: bool = False
    unknowns: int = 0


@dataclass(slots=True)
class Loop:
    """A `for_each` under way: everything below `low` has ended."""

    variable: str
    items: list[Json]
    low: int = 0
    started: int = 0  # a hint, not history: how many iterations the decider has looked at
    results: dict[int, JsonObject] = field(default_factory=dict)

    def end(self, index: int, outputs: JsonObject) -> None:
        """Keep the result of one iteration."""
        self.results[index] = {self.variable: self.items[index], **outputs}
        while self.low in self.results:
            self.low += 1

    def result(self) -> list[Json]:
        """Return the results in the order of the items."""
        return [self.results[index] for index in range(len(self.items))]


@dataclass(slots=True)
class Rounds:
    """A `while`, or an action that polls, under way. `outputs` are the results of the rounds before, the newest of each id."""

    index: int
    polls: bool
    first_at: str
    is_between: bool = False  # the round of `index` has not begun
    due: str | None = None
    outputs: JsonObject = field(default_factory=dict)


class RunState:
    """Where a run stands after its events so far."""

    __slots__ = (
        "answers",
        "asks",
        "attempts",
        "cancelled",
        "effects",
        "ended",
        "is_paused",
        "joined",
        "loops",
        "main",
        "outputs",
        "rounds",
        "started",
        "steps",
    )

    def __init__(self, started: RunStarted) -> None:
        self.started = started
        self.main: MainEnded | None = None
        self.ended: RunEnded | None = None
        self.cancelled: RunCancelled | None = None
        self.is_paused = False
        self.steps: dict[str, StepState] = {}
        self.outputs: dict[str, JsonObject] = {"": {}}  # scope prefix -> id -> output
        self.attempts: dict[str, Attempt] = {}
        self.effects: dict[str, ActionIntended] = {}  # what was done, as far as nobody has planned its undo
        self.loops: dict[str, Loop] = {}
        self.rounds: dict[str, Rounds] = {}
        self.joined: dict[str, frozenset[int]] = {}  # branches of a `parallel` that were enough
        self.asks: dict[str, AskOpened] = {}
        self.answers: dict[str, AskAnswered] = {}

    def apply(self, event: RunEvent) -> None:
        """Fold one event in."""
        match event:
            case StepSkipped():
                self._mark(event.path, Status.SKIPPED, event.at)
            case StepFailed():
                self._fail(event.path, event.error, event.at)
            case ValuesSet():
                self._done(event.path, event.values, event.at)
            case BranchTaken():
                self.steps[event.path] = StepState(Status.BRANCHED, event.at, branch=event.branch)
            case LoopStarted():
                self.loops[event.path] = Loop(event.variable, event.items)
                self._mark(event.path, Status.LOOPING, event.at)
            case IterationEnded():
                self._collapse(event.path, event.index)
            case LoopEnded():
                self._done(event.path, self.loops.pop(event.path).result(), event.at)
            case RoundStarted() | RoundEnded() | RoundsEnded():
                self._round(event)
            case BranchesJoined():
                self.joined[event.path] = frozenset(event.branches)
                self._mark(event.path, Status.JOINED, event.at)
            case ActionIntended() | ActionDone() | ActionFailed() | ActionUnknown():
                self._act(event)
            case AskOpened():
                self.asks[event.path] = event
                self.steps[event.path] = StepState(Status.ASKED, event.at, due=event.deadline)
            case AskAnswered():
                self._answer(event)
            case AskClosed():
                self.asks.pop(event.path, None)
                self._mark(event.path, Status.SKIPPED, event.at)
            case EventAwaited():
                self.steps[event.path] = StepState(Status.WAITING, event.at, due=event.due)
            case EventArrived():
                self._arrive(event)
            case TimerSet():
                self.steps[event.path] = StepState(Status.WAITING, event.at, due=event.due)
            case TimerFired():
                self._done(event.path, {}, event.at)
            case CallStarted():
                self._call(event)
            case CallEnded():
                self._return(event)
            case UndoScheduled():
                self.effects.pop(event.path, None)
            case RunCancelled() | RunPaused() | RunResumed():
                self._steer(event)
            case MainEnded():
                self.main = event
            case RunEnded():
                self.ended = event
            case RunStarted():
                raise JournalCorrupt("A run's history has a second RunStarted.")

    def _act(self, event: ActionIntended | ActionDone | ActionFailed | ActionUnknown) -> None:
        before = self.attempts.get(event.path, Attempt(0))
        match event:
            case ActionIntended():
                self.attempts[event.path] = Attempt(event.attempt, event, before.first_at or event.at, unknowns=before.unknowns)
                self._mark(event.path, Status.INTENDED, event.at)
            case ActionDone():
                self.attempts.pop(event.path, None)
                if before.intent is not None:
                    self.effects[event.path] = before.intent
                self._done(event.path, event.output, event.at)
            case ActionFailed():
                self.attempts[event.path] = Attempt(event.attempt, before.intent, before.first_at, unknowns=before.unknowns)
                self.steps[event.path] = StepState(Status.ATTEMPT_FAILED, event.at, error=event.error)
            case ActionUnknown():
                self.attempts[event.path] = Attempt(event.attempt, before.intent, before.first_at, event.probed, before.unknowns + 1)
                self.steps[event.path] = StepState(Status.UNKNOWN, event.at, error={"code": "outcome-unknown", "message": event.reason})

    def _answer(self, event: AskAnswered) -> None:
        asked = self.asks.get(event.path)
        if asked is None or asked.ask != event.ask:
            return  # an answer to a question that is no longer open changes nothing
        del self.asks[event.path]
        if asked.about == "unknown":
            self.answers[event.path] = event
            self._mark(event.path, Status.ANSWERED, event.at)
        else:
            answer: JsonObject = {"answer": event.answer, "form": event.form, "by": event.by, "at": event.at, "reason": event.reason}
            self._done(event.path, answer, event.at)

    def _arrive(self, event: EventArrived) -> None:
        known = self.steps.get(event.path)
        if known is not None and known.status is Status.WAITING:  # the first event decides; later ones change nothing
            self._done(event.path, {"event": event.event, "at": event.at}, event.at)

    def _steer(self, event: RunCancelled | RunPaused | RunResumed) -> None:
        if isinstance(event, RunCancelled):
            self.cancelled = self.cancelled or event
        self.is_paused = isinstance(event, RunPaused) and self.cancelled is None

    def _call(self, event: CallStarted) -> None:
        if event.waits:
            self.steps[event.path] = StepState(Status.CALLING, event.at, run=event.run)
        else:
            self._done(event.path, {"run": event.run}, event.at)

    def _return(self, event: CallEnded) -> None:
        known = self.steps.get(event.path)
        if known is None or known.status is not Status.CALLING or known.run != event.run:
            return  # nobody waits for it any more
        if event.outcome is Outcome.SUCCEEDED:
            self._done(event.path, event.outputs, event.at)
        else:
            ended = "was cancelled" if event.outcome is Outcome.CANCELLED else "failed"
            error: JsonObject = {"code": "call-failed", "kind": "invalid", "message": f"The called run {event.run} {ended}: {event.reason}"}
            self.steps[event.path] = StepState(Status.ATTEMPT_FAILED, event.at, error=error)

    def _mark(self, path: str, status: Status, at: str) -> None:
        self.steps[path] = StepState(status, at)

    def _done(self, path: str, output: Json, at: str) -> None:
        self._mark(path, Status.DONE, at)
        self._bind(path, output)

    def _fail(self, path: str, error: JsonObject, at: str) -> None:
        self.attempts.pop(path, None)
        self.steps[path] = StepState(Status.FAILED, at, error=error)
        self._bind(path, {"error": error})

    def _bind(self, path: str, output: Json) -> None:
        scope, key = split(path)
        if "@" not in key:
            self.outputs.setdefault(scope, {})[key] = output

    def _collapse(self, path: str, index: int) -> None:
        self.loops[path].end(index, self._forget(f"{path}[{index}]/"))

    def _forget(self, prefix: str) -> JsonObject:
        """Drop what is known of the steps of a scope; return their outputs."""
        for key in [key for key in self.steps if key.startswith(prefix)]:
            del self.steps[key]
            self.effects.pop(key, None)
        return self.outputs.pop(prefix, {})

    def _round(self, event: RoundStarted | RoundEnded | RoundsEnded) -> None:
        path = event.path
        match event:
            case RoundStarted():
                rounds = self.rounds.setdefault(path, Rounds(event.index, event.polls, event.at))
                rounds.index, rounds.is_between, rounds.due = event.index, False, None
                self._mark(path, Status.LOOPING, event.at)
            case RoundEnded():
                rounds = self.rounds[path]
                rounds.outputs = {**rounds.outputs, **self._forget(f"{path}[{event.index}]/")}
                rounds.index, rounds.is_between, rounds.due = event.index + 1, True, event.due
            case RoundsEnded():
                ended = self.rounds.pop(path, Rounds(0, False, event.at))
                whole: JsonObject = {"iterations": ended.index, "last": ended.outputs}
                self._done(path, ended.outputs.get(split(path)[1], {}) if ended.polls else whole, event.at)


def split(path: str) -> tuple[str, str]:
    """Split a path into its scope's prefix and the step's key: `links[3]/rep` -> `links[3]/`, `rep`."""
    scope, slash, key = path.rpartition("/")
    return scope + slash, key


def fold(events: Iterable[RunEvent]) -> RunState:
    """Return the state after the events; the first must be RunStarted."""
    remaining = iter(events)
    first = next(remaining, None)
    if not isinstance(first, RunStarted):
        raise JournalCorrupt("A run's history does not begin with RunStarted.")
    state = RunState(first)
    for event in remaining:
        state.apply(event)
    return state


def is_effect(event: RunEvent) -> bool:
    """Tell whether losing the event would lose what is known of a write."""
    return isinstance(event, ActionUnknown) or (isinstance(event, ActionDone) and event.effect is not Effect.READ)
