"""What the runs of one alert have recorded: answers of targets and of people, found again by what was asked."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.core.effects import Effect
from tocsin.core.errors import (
    AuthFailed,
    ErrorKind,
    Forbidden,
    Invalid,
    NotFound,
    TocsinError,
    Transient,
    Unavailable,
)
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import (
    ActionDone,
    ActionFailed,
    ActionIntended,
    AskAnswered,
    AskOpened,
    EventArrived,
    EventAwaited,
    RunEvent,
)
from tocsin.rehearsal.cast import Answer, Call, Refusal, Value
from tocsin.services.dryrun.radius import targets_of
from tocsin.store.repos.runs import Run

Key: TypeAlias = tuple[str, ...]
# What is another in every run, and means the same: instants, and the ids of runs and asks.
_FLEETING = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b(?:run|ask)_[0-9a-z]{26}\b")
_ERRORS: Mapping[str, type[TocsinError]] = {
    ErrorKind.NOT_FOUND: NotFound,
    ErrorKind.FORBIDDEN: Forbidden,
    ErrorKind.UNAVAILABLE: Unavailable,
    ErrorKind.AUTH_FAILED: AuthFailed,
    ErrorKind.TRANSIENT: Transient,
}


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run as it was recorded."""

    run: Run
    events: tuple[RunEvent, ...]


def steady(value: Json) -> str:
    """Return a value as a text that is the same in every run which means the same."""
    return _FLEETING.sub("…", json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")))


class Recorded:
    """Everything that the runs of one alert were told. Each play takes its own `Reading`."""

    def __init__(self, runs: Sequence[PastRun]) -> None:
        self.results: dict[Key, list[Json]] = {}
        self.failures: dict[Key, JsonObject] = {}
        self.answers: dict[Key, AskAnswered] = {}
        self.arrivals: dict[Key, JsonObject] = {}
        for past in runs:
            _Indexed(self, past).index()

    def reading(self) -> "Reading":
        """Return a fresh reader: the second time the same is asked, it gives the second answer."""
        return Reading(self)


class _Indexed:
    def __init__(self, into: Recorded, past: PastRun) -> None:
        self.into, self.past = into, past
        self.intents: dict[str, ActionIntended] = {}
        self.asks: dict[str, AskOpened] = {}
        self.waits: dict[str, EventAwaited] = {}

    def index(self) -> None:
        for event in self.past.events:
            match event:
                case ActionIntended():
                    self.intents[event.path] = event
                case ActionDone():
                    self._done(event)
                case ActionFailed():
                    self._failed(event)
                case AskOpened():
                    self.asks[event.ask] = event
                case AskAnswered():
                    asked = self.asks.get(event.ask)
                    if asked is not None:
                        self.into.answers[question(asked)] = event
                case EventAwaited():
                    self.waits[event.path] = event
                case EventArrived():
                    wait = self.waits.get(event.path)
                    if wait is not None and event.event is not None:
                        self.into.arrivals[waited(wait)] = event.event
                case _:
                    pass

    def _done(self, event: ActionDone) -> None:
        intent = self.intents.get(event.path)
        arguments = event.arguments if event.effect is Effect.READ or intent is None else intent.arguments
        action = event.action or (intent.action if intent is not None else "")
        for key in _keys(action, arguments):
            self.into.results.setdefault(key, []).append(event.output)

    def _failed(self, event: ActionFailed) -> None:
        intent = self.intents.get(event.path)
        if intent is not None:
            self.into.failures[_keys(intent.action, intent.arguments)[0]] = event.error
        self.into.failures[event.action, self.past.run.playbook, event.path] = event.error


class Reading:
    """Answers one play from the record."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self._taken: dict[Key, int] = {}

    def answer(self, call: Call) -> Answer | None:
        """Return what was recorded for the same arguments, else for the same targets; None when nothing was."""
        exact, *looser = _keys(call.action, call.arguments)
        if exact in self._recorded.results:
            return Value(self._next(exact))
        failure = self._recorded.failures.get(exact) or self._recorded.failures.get((call.action, call.playbook, call.path))
        if failure is not None:
            return Refusal(error_of(failure))
        return next((Value(self._next(key)) for key in looser if key in self._recorded.results), None)

    def reply(self, ask: AskOpened) -> AskAnswered | None:
        """Return what people, or the deadline, answered to the same question."""
        return self._recorded.answers.get(question(ask))

    def arrival(self, wait: EventAwaited) -> JsonObject | None:
        """Return the event that the same wait was ended by."""
        return self._recorded.arrivals.get(waited(wait))

    def _next(self, key: Key) -> Json:
        results, place = self._recorded.results[key], self._taken.get(key, 0)
        self._taken[key] = place + 1
        return results[min(place, len(results) - 1)]


def question(ask: AskOpened) -> Key:
    """Return what makes two questions the same."""
    return ("ask", steady(ask.title), *ask.options)


def waited(wait: EventAwaited) -> Key:
    """Return what makes two waits the same."""
    return ("wait", wait.kind, wait.hook, wait.filter or "", steady(wait.names))


def error_of(recorded: JsonObject) -> TocsinError:
    """Return a recorded error as one that can be raised."""
    kind, message = recorded.get("kind"), str(recorded.get("message", "It failed."))
    return _ERRORS.get(kind if isinstance(kind, str) else "", Invalid)(message)


def _keys(action: str, arguments: JsonObject) -> list[Key]:
    """Return the keys of a call, the exact one first; only a call that names something has a looser one."""
    targets = tuple(f"{one.type}:{one.value}" for one in targets_of(arguments))
    return [(action, steady(arguments)), *([(action, "", *targets)] if targets else [])]
