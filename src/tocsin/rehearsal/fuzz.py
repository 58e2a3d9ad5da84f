"""Search a playbook for a run that breaks: Hypothesis makes what starts it and what everybody answers, and shrinks what it finds."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from tocsin.core.diagnostics import Span
from tocsin.core.effects import ActionSpec, Effect, Probe
from tocsin.core.errors import Invalid, OutcomeUnknown, TocsinError, Transient
from tocsin.core.observables import ObservableType
from tocsin.core.severity import Severity
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import AskAnswered, AskOpened, CallStarted, EventAwaited, Outcome, StepFailed
from tocsin.playbook.expr import ExprError, compile_condition
from tocsin.playbook.plan import AlertTrigger, CaseTrigger, CodeStep, Plan, ScheduleTrigger, WebhookTrigger
from tocsin.rehearsal.canned import is_effect
from tocsin.rehearsal.cast import Answer, Arrival, Call, Ending, Exchange, Found, Refusal, Reply, Value
from tocsin.rehearsal.clock import START, CountingIds, StageClock
from tocsin.rehearsal.code import run_code
from tocsin.rehearsal.coverage import Coverage, coverage_of
from tocsin.rehearsal.expressions import expressions_of
from tocsin.rehearsal.model import Start, StartKind
from tocsin.rehearsal.places import bare, places_of
from tocsin.rehearsal.rehearse import StagePlans
from tocsin.rehearsal.stage import Played, Stage
from tocsin.rehearsal.starts import beginning_of
from tocsin.rehearsal.strategies import Values, need_hypothesis, refs_below, schema_of_refs

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject, SearchStrategy

T = TypeVar("T")
INJECTED: Final = "injected"  # code of the errors that the search makes
NEGATIVE: Final = frozenset({"reject", "deny", "no", "abort", "cancel", "decline", "refuse", "stop"})
_EQUAL: Final = re.compile(r"alert\.(\w+) == '([^'\\]*)'")
_MATCHED: Final = re.compile(r"alert\.(\w+)(?: \| \w+)* \| regex_test\('(?:\(\?i\))?\^?([\w ,:;/-]+)[^']*'\)")  # with its first words
# A run may fail by these without a mistake in the playbook: somebody or something outside decided so.
_OUTSIDE: Final = frozenset({INJECTED, "call-failed", "aborted", "deadline-passed", "poll-timeout", "not-applied", "transient"})
_TEXT_FIELDS: Final = frozenset({"description", "product", "reason"})
_HOWS: Final = ("value", "value", "value", "invalid", "transient")
_NOWHERE: Final = Span("", 1, 1, 1, 1)


class Kind(StrEnum):
    """What can be wrong with a run."""

    CRASH = "crash"
    UNHANDLED = "unhandled-error"
    UNGUARDED = "unguarded-effect"
    ENDLESS = "endless"


class Broken(Exception):
    """A run that breaks; raised for Hypothesis, which looks for a smaller one."""

    def __init__(self, kind: Kind, what: str, path: str = "") -> None:
        super().__init__(what)
        self.kind, self.what, self.path = kind, what, path


@dataclass(slots=True)
class Script:
    """What was made up for one run, in the form of a case."""

    start: Start
    inputs: JsonObject = field(default_factory=dict)
    answers: dict[str, list[JsonObject]] = field(default_factory=dict)
    people: dict[str, list[Json]] = field(default_factory=dict)
    events: dict[str, list[Json]] = field(default_factory=dict)
    calls: dict[str, list[Json]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """The smallest run that was found to break. `case` is a ready case of a rehearsal file."""

    kind: Kind
    what: str
    case: JsonObject


@dataclass(frozen=True, slots=True)
class Search:
    """What came of a search."""

    finding: Finding | None
    runs: int
    seed: int
    coverage: Coverage
    started: int  # of the runs; what the triggers accept none of starts nothing


@dataclass(slots=True)
class _Tally:
    runs: int = 0
    started: int = 0
    script: Script | None = None  # of the run under way


def search(
    plan: Plan,
    *,
    plans: Mapping[str, Plan],
    spec: Callable[[str], ActionSpec],
    examples: int = 200,
    seed: int = 0,
    allowed: frozenset[str] = frozenset(),
) -> Search:
    """Try runs until one breaks or all are tried. `allowed`: destructive actions, or steps, that need no question before them."""
    need_hypothesis()
    from hypothesis import HealthCheck, Phase, Verbosity, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    tally, plays, known = _Tally(), _Seen(plan), _Known(plan)

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def try_one(data: "DataObject") -> None:
        tally.runs += 1
        maker = _Maker(data, known, spec)
        tally.script = maker.script
        played = _play(maker, plan, plans, spec)
        if played is not None:
            tally.started += 1
            plays.add(played)
            _judge(played, plan, allowed)

    return Search(_found(try_one, tally), tally.runs, seed, plays.coverage, tally.started)


class _Seen:
    """The branches that any run of the search took."""

    def __init__(self, plan: Plan) -> None:
        self.coverage = coverage_of(plan, [])

    def add(self, played: Played) -> None:
        one, before = coverage_of(self.coverage.plan, [played]), self.coverage
        self.coverage = Coverage(before.plan, before.branches, before.taken | one.taken, before.steps, before.reached | one.reached)


def _found(try_one: Callable[[], None], tally: _Tally) -> Finding | None:
    """Run the search; the script of the last run is then that of the smallest that breaks."""
    broken: list[Broken] = []
    with _caught(broken):
        try_one()
    if not broken or tally.script is None:
        return None
    return Finding(broken[0].kind, broken[0].what, case_of(tally.script, broken[0]))


class _caught(contextlib.AbstractContextManager[None]):
    """Take what ended the search, whatever it is: to find an exception that is not ours is what the search is for."""

    def __init__(self, into: list[Broken]) -> None:
        self.into = into

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or not isinstance(error, Exception):
            return False
        if isinstance(error, Broken):
            self.into.append(error)
        elif type(error).__module__.startswith("hypothesis"):
            return False
        else:
            self.into.append(Broken(Kind.CRASH, f"Tocsin itself broke: {type(error).__name__}: {error}"))
        return True


def _play(maker: "_Maker", plan: Plan, plans: Mapping[str, Plan], spec: Callable[[str], ActionSpec]) -> Played | None:
    start = maker.start()
    beginning = beginning_of(start, plan, START)
    if beginning.refusal:
        return None
    stage = Stage(StagePlans({**plans, plan.id: plan}), spec=spec, cast=maker, clock=StageClock(START), ids=CountingIds(START))
    return stage.play(plan, trigger=beginning.trigger, alert=beginning.alert, case=beginning.case, inputs=beginning.inputs)


def _judge(played: Played, plan: Plan, allowed: frozenset[str]) -> None:
    if played.problem is not None:
        raise Broken(Kind.ENDLESS, str(played.problem))
    for one in _and_children(played):
        _judge_effects(one, allowed)
        if one.outcome is Outcome.FAILED:
            _judge_failure(one)


def _judge_failure(played: Played) -> None:
    failures = [event for event in played.events if isinstance(event, StepFailed)]
    last = failures[-1] if failures else None
    if last is not None and f"Step '{last.path}' failed" in played.reason:
        if str(last.error.get("code")) not in _OUTSIDE:
            raise Broken(Kind.UNHANDLED, f"{played.plan.id}: step '{last.path}' fails: {last.error.get('message')}", last.path)
    elif played.reason.startswith("The outputs could not be computed"):
        raise Broken(Kind.UNHANDLED, f"{played.plan.id}: {played.reason}")


def _judge_effects(played: Played, allowed: frozenset[str]) -> None:
    """Find a destructive call before which no person has said yes in this run."""
    for exchange in played.calls:
        call = exchange.call
        if call.pending.effect is not Effect.DESTRUCTIVE or not is_effect(call) or {call.action, bare(call.path)} & allowed:
            continue
        if not any(_approves(event, call) for event in played.events):
            what = f"{played.plan.id}: '{call.path}' does {call.action}, which is destructive, and nobody approved anything before it."
            raise Broken(Kind.UNGUARDED, what, call.path)


def _approves(event: object, call: Call) -> bool:
    if not isinstance(event, AskAnswered) or event.by is None or event.answer in NEGATIVE:
        return False
    return event.path != call.path and event.at <= call.at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _and_children(played: Played) -> Iterator[Played]:
    yield played
    for child in played.children:
        yield from _and_children(child)


class _Known:
    """What is the same for every run of a search."""

    def __init__(self, plan: Plan) -> None:
        expressions = expressions_of(plan)
        self.plan, self.places = plan, places_of(plan)
        self.refs = {ref for one in expressions for ref in one.refs}
        self.values = Values(one.source for one in expressions)


class _Maker:
    """Implements `cast.Cast`: draws what everybody says, and writes it down as a case."""

    def __init__(self, data: "DataObject", known: _Known, spec: Callable[[str], ActionSpec]) -> None:
        self.data, self.plan, self.spec = data, known.plan, spec
        self.refs, self.values, self.places = known.refs, known.values, known.places
        self.script = Script(Start(StartKind.MANUAL, _NOWHERE))
        self.is_calm = self._pick([True, True, False])  # else most runs end at their first error

    def start(self) -> Start:
        """Draw what starts the run."""
        inputs = self._object(self.plan.inputs)
        match self._pick(self.plan.triggers) if self.plan.triggers else None:
            case AlertTrigger() as trigger:
                start = Start(StartKind.ALERT, _NOWHERE, self._alert(trigger), inputs={})
            case CaseTrigger(happening=happening):
                severity = self._pick([one.value for one in Severity])
                start = Start(StartKind.CASE, _NOWHERE, {"severity": severity}, name=happening)
            case WebhookTrigger(name=hook):
                start = Start(StartKind.WEBHOOK, _NOWHERE, inputs, name=hook)
            case ScheduleTrigger():
                start = Start(StartKind.MANUAL, _NOWHERE, inputs={})
            case None:
                start = Start(StartKind.MANUAL, _NOWHERE, inputs=inputs)
        self.script.start = start
        return start

    def answer(self, call: Call, history: Sequence[Exchange]) -> Answer:
        """Draw what comes of a call."""
        if call.pending.probe:
            probe = self._pick(list(Probe))
            if self.script.answers.get(call.path):
                self.script.answers[call.path][-1]["probe"] = probe.value
            return Found(probe)
        how = "value" if self.is_calm else self._pick(_HOWS if call.pending.effect is Effect.READ else (*_HOWS, "unknown"))
        said = self.script.answers.setdefault(call.path, [])
        if how == "unknown":
            said.append({"unknown": "No answer came."})
            return Refusal(OutcomeUnknown("No answer came."))
        if how != "value":
            said.append({"error": {"kind": how, "code": INJECTED, "message": "It did not work."}})
            return Refusal(_injected(Invalid if how == "invalid" else Transient))
        if call.is_code and self._returns(call) is None:
            said.append({"real": True})
            return run_code(call)
        value = (
            self._object(self._returns(call) or {}) if call.is_code else self._draw(self.values.of(self.spec(call.action).output_schema))
        )
        said.append({"returns": value})
        return Value(value)

    def decide(self, ask: AskOpened, *, playbook: str) -> Reply | None:
        """Draw what a person answers."""
        choice = self._pick([*ask.options, *(["silence"] if ask.deadline is not None else [])])
        said = self.script.people.setdefault(ask.path, [])
        if choice == "silence":
            said.append(choice)
            return None
        form: JsonObject = {name: self._draw(self.values.of(one)) for name, one in ask.form.items() if isinstance(one, dict)}
        said.append({"answer": choice, "by": "amira", **({"form": form} if form else {})})
        return Reply(choice, "amira", form, after_s=0.0)

    def event(self, wait: EventAwaited, *, playbook: str) -> Arrival | None:
        """Draw the event that a wait gets; one that its filter does not accept is none."""
        read = refs_below(self.refs, ("event",))
        event = self._alert() if wait.kind == "alert" else self._object(schema_of_refs(read))
        comes = self._pick([True, True, False]) if wait.due is not None else True
        if not comes or not _accepted(wait, event):
            self.script.events.setdefault(wait.path, []).append("nothing")
            return None
        self.script.events.setdefault(wait.path, []).append({"event": event})
        return Arrival(event)

    def child(self, call: CallStarted, *, playbook: str) -> Ending | None:
        """Have called playbooks played."""
        return None

    def _returns(self, call: Call) -> JsonObject | None:
        place = self.places.get(bare(call.path))
        return place.step.returns if place is not None and isinstance(place.step, CodeStep) else None

    def _alert(self, trigger: AlertTrigger | None = None) -> JsonObject:
        from hypothesis import strategies as st

        fixed = {"title", "severity", "category", "observables", "problem", "raw", "id", "source", "time", "status", "verdict"}
        context = [ref for ref in refs_below(self.refs, ("alert",)) if ref[0] not in fixed]
        observable: JsonObject = {
            "type": "object",
            "required": ["type", "value"],
            "properties": {"type": {"enum": self._types()}, "value": {"type": "string"}},
        }
        alert: JsonObject = {
            "title": self._draw(self.values.texts({})),
            "severity": self._pick([one.value for one in Severity]),
            "category": self._draw(self.values.texts({})),
            "observables": self._draw(self.values.of({"type": "array", "items": observable})),
            "raw": self._object(schema_of_refs(refs_below(self.refs, ("alert", "raw")))),
            **self._object(schema_of_refs([ref for ref in context if ref[0] not in _TEXT_FIELDS])),
            **{name: self._draw(st.text(max_size=10)) for name in sorted({ref[0] for ref in context} & _TEXT_FIELDS)},
        }
        return alert if trigger is None else {**alert, **self._wanted(trigger)}

    def _types(self) -> list[Json]:
        """Return the types of observables, those that the playbook names more often."""
        types = [one.value for one in ObservableType]
        return [*types, *(one for one in types if one in self.values.words for _ in range(len(types)))]

    def _wanted(self, trigger: AlertTrigger) -> JsonObject:
        """Return what a trigger compares the alert with: most alerts would else start nothing."""
        source = trigger.condition.source
        matched = dict(_MATCHED.findall(source)) if self._pick([True, True, False]) else {}  # a `not` before it wants the contrary
        return {**matched, **dict(_EQUAL.findall(source))}

    def _object(self, schema: JsonObject) -> JsonObject:
        value = self._draw(self.values.of({"type": "object", **schema}))
        return value if isinstance(value, dict) else {}

    def _pick(self, among: Sequence[T]) -> T:
        from hypothesis import strategies as st

        return self._draw(st.sampled_from(list(among)))

    def _draw(self, strategy: "SearchStrategy[T]") -> T:
        return self.data.draw(strategy)


def case_of(script: Script, broken: Broken) -> JsonObject:
    """Return the case that shows what was found; it fails until the playbook is mended."""
    start = script.start
    case: JsonObject = {"name": _name(broken)}
    if start.kind is StartKind.ALERT:
        case["alert"] = start.value
    elif start.kind is StartKind.CASE:
        case["case"] = {"happening": start.name, **start.value}
    elif start.kind is StartKind.WEBHOOK:
        case["webhook"] = {"name": start.name, "payload": start.value}
    if start.inputs:
        case["inputs"] = start.inputs
    for word, said in (("answers", script.answers), ("people", script.people), ("events", script.events)):
        if said:
            case[word] = {path: lines[0] if len(lines) == 1 else [*lines] for path, lines in said.items()}
    case["expect"] = {"not_called": [broken.path]} if broken.kind is Kind.UNGUARDED else {"outcome": Outcome.SUCCEEDED.value}
    return case


def _name(broken: Broken) -> str:
    text = " ".join(broken.what.split())
    return f"Found by search: {text if len(text) <= 100 else text[:97] + '...'}"


def _injected(kind: type[TocsinError]) -> TocsinError:
    error = kind("It did not work.")
    error.code = INJECTED  # type: ignore[misc]  # of this instance, so that it is told from the playbook's own errors
    return error


def _accepted(wait: EventAwaited, event: JsonObject) -> bool:
    try:
        return wait.filter is None or compile_condition(wait.filter).test({**wait.names, "event": event})
    except ExprError:
        return False
