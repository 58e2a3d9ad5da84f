"""Check a rehearsal against the playbook that it is for: names lead somewhere, answers fit schemas, options exist."""

from collections.abc import Callable, Iterable, Mapping

from tocsin.core.diagnostics import Span
from tocsin.core.effects import ActionSpec
from tocsin.core.errors import TocsinError
from tocsin.core.values import Json
from tocsin.playbook.catalogue import ALERT_SCHEMA, CASE_SCHEMA
from tocsin.playbook.expr.errors import nearest
from tocsin.playbook.findings import Findings
from tocsin.playbook.plan import ActionStep, AskStep, CallStep, CodeStep, Plan, WaitStep
from tocsin.playbook.schemas import fields_of
from tocsin.rehearsal import codes
from tocsin.rehearsal.model import Case, Defaults, Line, Rehearsal, Returns, Start, StartKind
from tocsin.rehearsal.places import Place, bare, places_of
from tocsin.rehearsal.samples import completed
from tocsin.rehearsal.schema_check import problems
from tocsin.rehearsal.starts import check_inputs


class Script:
    """The steps that a rehearsal may name: those of its playbook, and as `id:step` those of the playbooks that it calls."""

    def __init__(self, plan: Plan, called: Mapping[str, Plan], spec: Callable[[str], ActionSpec | None]) -> None:
        self.plan, self.spec = plan, spec
        self._by_name: dict[str, Place] = {}
        for prefix, one in (("", plan), *((f"{id}:", other) for id, other in called.items())):
            for place in places_of(one).values():
                for name in (place.path, place.key):
                    self._by_name.setdefault(prefix + name, place)

    def place(self, name: str) -> Place | None:
        """Return the step that a name stands for."""
        playbook, colon, path = name.rpartition(":")
        return self._by_name.get(playbook + colon + bare(path))

    def names(self) -> list[str]:
        """Return every name."""
        return list(self._by_name)

    def alike(self, name: str) -> str:
        """Say which steps without an id are of the kind that a name is of, and where; empty for a name that is an id."""
        kind, at, _ = name.rpartition("/")[2].partition("@")
        found = {place.path: place.line for place in self._by_name.values() if place.key.startswith(f"{kind}@")} if at else {}
        listed = ", ".join(f"{path} (line {line})" for path, line in sorted(found.items(), key=lambda one: one[1]))
        return f"The {kind} steps without an id are {listed}." if found else ""

    def actions(self) -> set[str]:
        """Return every action that a step does."""
        return {place.step.action for place in self._by_name.values() if isinstance(place.step, ActionStep)}


def verify(rehearsal: Rehearsal, script: Script, findings: Findings) -> None:
    """Report what cannot be, in every case of a rehearsal."""
    _answers(rehearsal.answers, rehearsal.defaults, script, findings)
    for case in rehearsal.cases:
        _start(case.start, script.plan, findings)
        _answers(case.answers, case.defaults or rehearsal.defaults, script, findings)
        _cast(case, script, findings)
        _expect(case, script, findings)


def _answers(answers: Mapping[str, tuple[Line, ...]], defaults: Defaults, script: Script, findings: Findings) -> None:
    for name, lines in answers.items():
        place = script.place(name)
        if place is None and (name not in script.actions() or not lines):
            span = lines[0].span if lines else None
            if span is not None:
                _unknown(name, [*script.names(), *script.actions()], span, "step or action", findings)
            continue
        step = place.step if place is not None else None
        if step is not None and not isinstance(step, ActionStep | CodeStep):
            findings.add(
                codes.UNKNOWN_STEP, lines[0].span, f"'{name}' calls nothing, so it needs no answer.", "Name an action or code step."
            )
        elif not isinstance(step, CodeStep):
            action = step.action if isinstance(step, ActionStep) else name
            for line in lines:
                _output(line, action, defaults, script, findings)


def _output(line: Line, action: str, defaults: Defaults, script: Script, findings: Findings) -> None:
    """Check a fixed value against the schema of the action's output; what holds expressions is checked when it is said."""
    spec = script.spec(action)
    if spec is None or not isinstance(line.says, Returns):
        return
    value: Json = line.says.value.value
    if not line.says.value.is_constant:
        value = _without_expressions(value)
    elif defaults is Defaults.FROM_SCHEMA:
        value = completed(value, spec.output_schema)
    schema = spec.output_schema if line.says.value.is_constant else {**spec.output_schema, "required": []}
    for problem in problems(value, schema):
        hint = "Write what the action really returns; `defaults: from-schema` completes what is missing."
        findings.add(codes.BAD_OUTPUT, line.span, f"{action} cannot return this: {problem}.", hint)


def _without_expressions(value: Json) -> Json:
    """Return the fields of an object that hold no expression."""
    if not isinstance(value, dict):
        return {}
    return {key: one for key, one in value.items() if not _has_expression(one)}


def _has_expression(value: Json) -> bool:
    if isinstance(value, str):
        return "${{" in value
    inner: Iterable[Json] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_has_expression(one) for one in inner)


def _start(start: Start, plan: Plan, findings: Findings) -> None:
    if start.kind in (StartKind.ALERT, StartKind.CASE):
        schema = ALERT_SCHEMA if start.kind is StartKind.ALERT else CASE_SCHEMA
        for name in start.value:
            if name not in fields_of(schema):
                known = nearest(name, fields_of(schema)) or "See the reference for its fields."
                findings.add(codes.BAD_START, start.span, f"No {start.kind.value} has a field '{name}'.", known)
    wrong = check_inputs(plan, start)
    if wrong:
        findings.add(codes.BAD_START, start.span, wrong, "Correct 'inputs' of the case.")


def _cast(case: Case, script: Script, findings: Findings) -> None:
    for name, people in case.people.items():
        place = script.place(name)
        if place is None:
            _unknown(name, script.names(), people[0].span if people else case.span, "step", findings)
        elif isinstance(place.step, AskStep):
            for person in people:
                if person.answer is not None and person.answer not in place.step.options:
                    options = ", ".join(place.step.options)
                    findings.add(
                        codes.BAD_OPTION, person.span, f"'{name}' cannot be answered '{person.answer}'.", f"Write one of {options}."
                    )
        elif not isinstance(place.step, ActionStep):
            findings.add(codes.UNKNOWN_STEP, people[0].span, f"'{name}' asks nobody.", "Name an ask step.")
    for name, events in case.events.items():
        place = script.place(name)
        if place is None or not isinstance(place.step, WaitStep):
            _unknown(name, script.names(), events[0].span if events else case.span, "step that waits", findings)
    for name, children in case.calls.items():
        place = script.place(name)
        calls = [one.step.playbook for one in places_of(script.plan).values() if isinstance(one.step, CallStep)]
        if name not in calls and (place is None or not isinstance(place.step, CallStep)):
            _unknown(name, [*script.names(), *calls], children[0].span if children else case.span, "call", findings)


def _expect(case: Case, script: Script, findings: Findings) -> None:
    expect = case.expect
    for text, span in zip(expect.path or (), expect.path_spans, strict=True):
        name = text.partition(": ")[0]
        if name not in ("finally", "cancelled", "paused", "resumed") and script.place(name) is None:
            _unknown(name, script.names(), span, "step", findings, hint=script.alike(name))
    for call in expect.actions:
        _called(call.name, call.span, script, findings)
    for name in expect.not_called:
        _called(name, expect.span, script, findings)
    for ask in expect.asks or ():
        if script.place(ask.step) is None:
            _unknown(ask.step, script.names(), ask.span, "step", findings)


def _called(name: str, span: Span, script: Script, findings: Findings) -> None:
    if script.place(name) is None and name not in script.actions() and script.spec(name) is None:
        _unknown(name, [*script.names(), *script.actions()], span, "step or action", findings)


def _unknown(name: str, known: Iterable[str], span: Span, what: str, findings: Findings, *, hint: str = "") -> None:
    words = sorted(set(known))
    hint = hint or nearest(name, words) or f"It has {', '.join(words[:12])}{' and more' if len(words) > 12 else ''}."
    findings.add(codes.UNKNOWN_STEP, span, f"The playbook has no {what} '{name[:60]}'.", hint)


def spec_or_none(spec: Callable[[str], ActionSpec]) -> Callable[[str], ActionSpec | None]:
    """Return a look-up that gives None instead of raising."""

    def find(name: str) -> ActionSpec | None:
        try:
            return spec(name)
        except TocsinError:
            return None

    return find
