"""The cast of a dry run: targets that are read and never changed, and people who are shown their questions."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from tocsin.core.effects import ActionSpec, Effect
from tocsin.core.errors import Forbidden, Invalid, TocsinError
from tocsin.core.ids import RunId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import AskOpened, CallStarted, EventAwaited
from tocsin.rehearsal.cast import Answer, Arrival, Call, Ending, Exchange, Refusal, Reply, Value
from tocsin.services.dryrun.guardrails import Guardrails, Ruling, Verdict
from tocsin.services.dryrun.plausible import is_made_up, made_up_output, plausible
from tocsin.services.dryrun.radius import BlastRadius, blast_radius
from tocsin.services.dryrun.thread import outcome_of

BY = "dry-run"


@dataclass(frozen=True, slots=True)
class ShownEffect:
    """An effect that was not sent."""

    call: Call
    verdict: Verdict
    radius: BlastRadius
    output: Json


@dataclass(frozen=True, slots=True)
class ShownAsk:
    """A question that was not put, and the answer that was taken for it."""

    ask: AskOpened
    answer: str
    chosen: bool  # by whoever started the dry run; otherwise it is the first option


class GuardrailDenied(Forbidden):
    """A guardrail forbids the action."""

    code = "guardrail-denied"


@dataclass(slots=True)
class DryCast:
    """Implements `rehearsal.cast.Cast`: `ask` begins a call for real, and effects go nowhere."""

    spec: Callable[[str], ActionSpec]
    ask: Callable[[Call], "Future[Json]"]
    guardrails: Guardrails
    answers: Mapping[str, str] = field(default_factory=dict)  # step id -> option
    effects: dict[tuple[RunId, str], ShownEffect] = field(default_factory=dict)
    asks: dict[str, ShownAsk] = field(default_factory=dict)
    assumed: set[tuple[RunId, str]] = field(default_factory=set)  # reads that could not be real
    used: set[str] = field(default_factory=set)  # of `answers`
    reads: "dict[str, Future[Json]]" = field(default_factory=dict)

    def expect(self, calls: Sequence[Call]) -> None:
        """Begin the reads that are made at once, so that they are under way together."""
        for call in calls:
            if _is_read(call) and not self._asks_for_nothing(call):
                self._begun(call)

    def answer(self, call: Call, history: Sequence[Exchange]) -> Answer:
        """Read for real; show an effect."""
        return self._read(call) if _is_read(call) else self._show(call)

    def _read(self, call: Call) -> Answer:
        if self._asks_for_nothing(call):
            self.assumed.add((call.run, call.path))
            return Value(self._made_up(call))
        try:
            return Value(outcome_of(self._begun(call)))
        except TocsinError as error:
            return Refusal(error)

    def _asks_for_nothing(self, call: Call) -> bool:
        """Tell whether a call asks for what an effect before it would have made: nobody out there knows that."""
        return not call.is_code and is_made_up(call.arguments)

    def _begun(self, call: Call) -> "Future[Json]":
        """Begin a read. The same one is done once: no time passes in a dry run, so polling would be told the same each time."""
        pending = call.pending
        key = json.dumps([call.action, pending.connection, call.arguments, pending.attempt], sort_keys=True)
        if key not in self.reads:
            self.reads[key] = self.ask(call)
        return self.reads[key]

    def _show(self, call: Call) -> Answer:
        verdict = self.guardrails.verdict(call.action, call.arguments)
        radius = blast_radius(self.spec(call.action), call.arguments, effect=call.pending.effect)
        output = self._made_up(call)
        self.effects[call.run, call.path] = ShownEffect(call, verdict, radius, output)
        if verdict.ruling is Ruling.DENY:
            return Refusal(GuardrailDenied(f"The guardrail '{verdict.rule}' forbids {call.action}. {verdict.reason}".rstrip()))
        return Value(output)

    def _made_up(self, call: Call) -> Json:
        return made_up_output(self.spec(call.action).output_schema, arguments=call.arguments, name=call.path.rpartition("/")[2])

    def decide(self, ask: AskOpened, *, playbook: str) -> Reply | None:
        """Take the answer that was given for the step, else the first option."""
        step = ask.path.rpartition("/")[2]
        name = next((one for one in (ask.path, step) if one in self.answers), "")
        answer = self.answers[name] if name else next(iter(ask.options), "")
        if answer not in ask.options:
            raise Invalid(f"'{answer}' is no answer to '{step}'.", hint=f"It has: {', '.join(ask.options)}.")
        self.used.add(name)
        self.asks[ask.ask] = ShownAsk(ask, answer, bool(name))
        return Reply(answer, BY, form=_form(ask.form))

    def event(self, wait: EventAwaited, *, playbook: str) -> Arrival | None:
        """Nothing comes: the deadline decides, if there is one."""
        return None

    def child(self, call: CallStarted, *, playbook: str) -> Ending | None:
        """Have it played: a called playbook is dry too."""
        return None


def _is_read(call: Call) -> bool:
    return call.is_code or call.pending.effect is Effect.READ


def _form(fields: JsonObject) -> JsonObject:
    return {name: plausible(schema) for name, schema in fields.items() if isinstance(schema, dict) and _is_filled(schema)}


def _is_filled(schema: JsonObject) -> bool:
    return "default" in schema or schema.get("required") is not False
