"""The cast of a case: everybody says what the file gives them to say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, assert_never

from tocsin.core.effects import ActionSpec, Effect, Probe
from tocsin.core.errors import (
    AuthFailed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TocsinError,
    Transient,
    Unauthenticated,
    Unavailable,
)
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.events import AskOpened, CallStarted, EventAwaited
from tocsin.playbook.expr import ExprError, compile_condition
from tocsin.rehearsal.cast import Answer, Arrival, Call, Ending, Exchange, Found, Refusal, Reply, Unplayable, Value
from tocsin.rehearsal.code import run_code
from tocsin.rehearsal.model import Case, Defaults, Fails, Http, Line, PersonLine, Real, Rehearsal, Returns, Unknown
from tocsin.rehearsal.places import names_of
from tocsin.rehearsal.samples import completed, sample_of

T = TypeVar("T")
HttpMapping: TypeAlias = Callable[[Call, Http], Answer]  # what a pack makes of a recorded exchange
_ERRORS: Final[Mapping[str, type[TocsinError]]] = {
    "invalid": Invalid,
    "not_found": NotFound,
    "conflict": Conflict,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "unavailable": Unavailable,
    "auth_failed": AuthFailed,
}


class CannedCast:
    """Implements `cast.Cast` for one play of one case; it remembers whose turn it is."""

    def __init__(
        self, case: Case, rehearsal: Rehearsal, *, playbook: str, spec: Callable[[str], ActionSpec], http: HttpMapping | None = None
    ) -> None:
        self.case, self.rehearsal, self.playbook = case, rehearsal, playbook
        self.used: set[str] = set()  # names of the case's answers that something asked for
        self._spec, self._http = spec, http
        self._defaults = case.defaults or rehearsal.defaults
        self._turns: dict[tuple[str, int], int] = {}
        self._sent: dict[str, Unknown] = {}  # by idempotency key: the line that left the outcome unknown

    def answer(self, call: Call, history: Sequence[Exchange]) -> Answer:
        """Return what the file says of a call; raises Unplayable when it says nothing."""
        if call.pending.probe:
            before = self._sent.get(call.pending.key)
            return Found(before.probe if before is not None else Probe.UNKNOWN)
        names = [*self._named(call.playbook, call.path), call.action]
        for lines in (self.case.answers, self.rehearsal.answers):
            for name in names:
                line = self._pick(name, lines, call)
                if line is not None:
                    self.used.add(name)
                    return self._say(line, call)
        return self._otherwise(call)

    def decide(self, ask: AskOpened, *, playbook: str) -> Reply | None:
        """Return what a person answers; raises Unplayable when nobody is cast."""
        for name in self._named(playbook, ask.path):
            if name in self.case.people:
                self.used.add(name)
                line = self._next(name, self.case.people[name])
                return None if line is None or line.answer is None else _reply(line, ask)
        if self._defaults is Defaults.FROM_SCHEMA and ask.deadline is not None:
            return None
        what = f"Nobody is cast to answer '{ask.title}' ({ask.path})."
        raise Unplayable(what, hint=f"Add people: {{{names_of(ask.path)[-1]}: {{answer: {ask.options[0]}, by: amira}}}}, or silence.")

    def event(self, wait: EventAwaited, *, playbook: str) -> Arrival | None:
        """Return the first event of the file that the wait's filter accepts; raises Unplayable when the file says nothing of it."""
        for name in self._named(playbook, wait.path):
            if name in self.case.events:
                self.used.add(name)
                found = (line for line in self.case.events[name] if line.event is not None and _accepts(wait, line.event))
                line = next(found, None)
                return None if line is None or line.event is None else Arrival(line.event, line.after_s)
        what = f"Nothing is said of the {wait.kind} that '{wait.path}' waits for."
        raise Unplayable(what, hint=f"Add events: {{{names_of(wait.path)[-1]}: {{event: {{…}}, after: 5m}}}}, or nothing.")

    def child(self, call: CallStarted, *, playbook: str) -> Ending | None:
        """Return how the file ends a called playbook; None: it is played."""
        for name in (*self._named(playbook, call.path), call.playbook):
            if name in self.case.calls:
                self.used.add(name)
                line = self._next(name, self.case.calls[name])
                return None if line is None else Ending(line.outcome, line.outputs, line.reason, line.after_s)
        return None

    def _named(self, playbook: str, path: str) -> list[str]:
        """Return what a step may be called: those of a called playbook are written `its-id:step`."""
        names = names_of(path)
        return [*names] if playbook == self.playbook else [f"{playbook}:{name}" for name in names]

    def _pick(self, name: str, answers: Mapping[str, tuple[Line, ...]], call: Call) -> Line | None:
        """Return the line whose `with` fits, else the next of those without."""
        lines = answers.get(name, ())
        for line in lines:
            if line.given is not None and contains(call.arguments, line.given):
                return line
        return self._next(f"{name}/{id(answers)}", tuple(line for line in lines if line.given is None))

    def _next(self, name: str, lines: tuple[T, ...]) -> T | None:
        """Return the line whose turn it is; the last one stays."""
        turn = self._turns.get((name, len(lines)), 0)
        self._turns[name, len(lines)] = turn + 1
        return lines[min(turn, len(lines) - 1)] if lines else None

    def _say(self, line: Line, call: Call) -> Answer:
        match line.says:
            case Returns():
                return Value(self._value(line.says, call), line.after_s)
            case Fails():
                return Refusal(_error(line.says), line.after_s)
            case Unknown():
                self._sent[call.pending.key] = line.says
                return Refusal(OutcomeUnknown(line.says.reason), line.after_s)
            case Http():
                if self._http is None:
                    raise Unplayable("Recorded HTTP exchanges cannot be played here.", hint="Write returns: instead of http:.")
                return self._http(call, line.says)
            case Real():
                return run_code(call)
            case _:
                assert_never(line.says)

    def _value(self, says: Returns, call: Call) -> Json:
        try:
            value = says.value.render({"input": call.arguments, "now": iso(call.at)})
        except ExprError as error:
            raise Unplayable(f"The canned answer of '{call.path}' cannot be made: {error}") from None
        if self._defaults is Defaults.FROM_SCHEMA and not call.is_code:
            return completed(value, self._spec(call.action).output_schema)
        return value

    def _otherwise(self, call: Call) -> Answer:
        if call.is_code:
            return run_code(call)
        if self._defaults is Defaults.FROM_SCHEMA:
            return Value(sample_of(self._spec(call.action).output_schema))
        what = f"There is no canned answer for '{call.path}' ({call.action})."
        raise Unplayable(what, hint=f"Add answers: {{{call.action}: {{returns: {{…}}}}}}, or defaults: from-schema.")


def contains(whole: Json, part: Json) -> bool:
    """Tell whether a value has, at least, what a part of it says; lists are compared item by item."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(part, list):
        return isinstance(whole, list) and len(whole) == len(part) and all(map(contains, whole, part))
    return same(whole, part)


def same(first: Json, second: Json) -> bool:
    """Tell whether two values are equal as JSON: 1 is no true."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _reply(line: PersonLine, ask: AskOpened) -> Reply:
    answer = line.answer or ""
    if answer not in ask.options:
        options = ", ".join(ask.options)
        raise Unplayable(f"'{answer}' is no option of '{ask.title}' ({ask.path}).", hint=f"Its options are {options}.")
    return Reply(answer, line.by, line.form, line.reason, line.after_s)


def _accepts(wait: EventAwaited, event: JsonObject) -> bool:
    if wait.filter is None:
        return True
    try:
        return compile_condition(wait.filter).test({**wait.names, "event": event})
    except ExprError:
        return False  # an event without what the filter reads is another event


def _error(says: Fails) -> TocsinError:
    if says.kind == "transient":
        kind = RateLimited if says.retry_after is not None else Transient
        found: TocsinError = kind(says.message, retry_after=says.retry_after)
    else:
        found = _ERRORS.get(says.kind, Invalid)(says.message)
    if says.code:
        return _coded(found, says.code)
    return found


def _coded(error: TocsinError, code: str) -> TocsinError:
    error.code = code  # type: ignore[misc]  # of this instance: a target's own code, which no class has
    return error


def is_effect(call: Call) -> bool:
    """Tell whether a call would change something."""
    return call.pending.effect is not Effect.READ and not call.pending.probe
