"""Read a rehearsal file: its head and its cases. Everything that is wrong is collected, each at its place."""

from collections.abc import Mapping as Lookup
from datetime import datetime
from pathlib import PurePath
from typing import Final

from tocsin.core.values import JsonObject
from tocsin.playbook.findings import Findings
from tocsin.playbook.parsing.keys import Keys, fixed_text, items_of, mapping_of, wrong_type
from tocsin.playbook.parsing.values import plain
from tocsin.playbook.source import decode, load
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar
from tocsin.rehearsal import codes
from tocsin.rehearsal.model import Case, Defaults, Interrupt, Line, Rehearsal, Start, StartKind
from tocsin.rehearsal.read_answers import read_answers, read_calls, read_events, read_people
from tocsin.rehearsal.read_expect import read_expect

SCHEMA: Final = "tocsin/rehearsal@1"
SUFFIX: Final = ".rehearsal"  # of a file's stem
YEARS: Final = range(1970, 9900)  # of a clock: ten years of waiting and any offset still lead to an instant
_DEFAULTS: Final = {one.value: one for one in Defaults}
_STARTS: Final = {"alert": StartKind.ALERT, "case": StartKind.CASE, "webhook": StartKind.WEBHOOK}
_HEAD_HINT: Final = f"Begin with schema: {SCHEMA} and cases."


def read_rehearsal(text: str | bytes, *, file: str, findings: Findings) -> Rehearsal | None:
    """Read a rehearsal; None if the text is none at all."""
    decoded = decode(text, file=file, findings=findings)
    node = None if decoded is None else load(decoded, file=file, findings=findings)
    if node is None:
        return None
    if not isinstance(node, Mapping):
        wrong_type(node, "A rehearsal must be a map", findings)
        return None
    keys = Keys(node, findings, what="The rehearsal")
    _schema(keys, findings)
    playbook, clock = keys.name("playbook"), _clock(keys, findings)
    defaults, answers = keys.word("defaults", _DEFAULTS), _answers(keys, findings)
    cases = _cases(keys, findings)
    keys.done()
    return Rehearsal(
        file=file,
        playbook=playbook.text if playbook else PurePath(file).stem.removesuffix(SUFFIX),
        playbook_span=playbook.span if playbook else node.head,
        cases=cases,
        clock=clock,
        defaults=defaults[0] if defaults else Defaults.STRICT,
        answers=answers,
    )


def _schema(keys: Keys, findings: Findings) -> None:
    if "schema" not in keys:
        keys.missing("schema", _HEAD_HINT)
        return
    name = keys.name("schema")
    if name is not None and name.text != SCHEMA:
        findings.add(codes.WRONG_SCHEMA, name.span, f"This Tocsin reads '{SCHEMA}', not '{name.text[:60]}'.", f"Write schema: {SCHEMA}.")


def _clock(keys: Keys, findings: Findings) -> datetime | None:
    name = keys.name("clock")
    if name is None:
        return None
    try:
        at = datetime.fromisoformat(name.text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        hint = 'Write it as "2026-03-02T09:00:00Z".'
        findings.add(codes.BAD_INSTANT, name.span, f"'{name.text[:60]}' is not an instant with its offset.", hint)
        return None
    if at.year not in YEARS:
        hint = f"Take a year from {YEARS.start} to {YEARS.stop - 1}."
        findings.add(codes.BAD_INSTANT, name.span, f"'{name.text[:60]}' is out of reach.", hint)
        return None
    return at


def _answers(keys: Keys, findings: Findings) -> Lookup[str, tuple[Line, ...]]:
    node = keys.node("answers")
    return {} if node is None else read_answers(node, findings)


def _cases(keys: Keys, findings: Findings) -> tuple[Case, ...]:
    node = keys.required("cases", "Write one case at least, after '- name: …'.")
    if node is None:
        return ()
    items = items_of(node, findings, "'cases'")
    if not items and not (isinstance(node, Scalar) and node.value is not None):
        findings.add(codes.NO_CASES, node.span, "There is no case.", "Write one: - name, what starts it, and expect.")
    cases = [case for item in items if (case := _case(item, findings)) is not None]
    seen: dict[str, Case] = {}
    for case in cases:
        first = seen.setdefault(case.name, case)
        if first is not case:
            hint = f"One stands in line {first.span.line}; name them apart."
            findings.add(codes.DUPLICATE_CASE, case.span, f"Two cases are called '{case.name[:60]}'.", hint)
    return tuple(cases)


def _case(node: Node, findings: Findings) -> Case | None:
    mapping = mapping_of(node, findings, "A case")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="A case")
    title = keys.required("name", "Say in a few words what the case shows.")
    name = None if title is None else fixed_text(title, findings, "'name'")
    start = _start(keys, mapping, findings)
    expect = keys.required("expect", "Say what must come of it, as expect: {outcome: succeeded}.")
    defaults = keys.word("defaults", _DEFAULTS)
    people, events, calls = keys.node("people"), keys.node("events"), keys.node("calls")
    case = Case(
        name=name.text if name else "",
        span=name.span if name else mapping.head,
        start=start,
        expect=read_expect(expect, findings, mapping.head),
        clock=_clock(keys, findings),
        answers=_answers(keys, findings),
        people={} if people is None else read_people(people, findings),
        events={} if events is None else read_events(events, findings),
        calls={} if calls is None else read_calls(calls, findings),
        interrupts=_interrupts(keys, findings),
        defaults=defaults[0] if defaults else None,
    )
    keys.done()
    return case


def _start(keys: Keys, mapping: Mapping, findings: Findings) -> Start:
    given = [(kind, entry) for word, kind in _STARTS.items() if (entry := keys.entry(word)) is not None]
    node = keys.node("inputs")
    inputs = {} if node is None else object_of(node, findings, "'inputs'")
    if not given:
        return Start(StartKind.MANUAL, mapping.head if node is None else node.head, inputs=inputs)
    if len(given) > 1:
        words = " and ".join(f"'{entry.key.value}'" for _, entry in given)
        findings.add(codes.BAD_TRIGGER, given[1][1].key.span, f"{words} cannot both start the case.", "Make a case of each.")
    kind, entry = given[0]
    if kind is StartKind.ALERT:
        return Start(kind, entry.key.span, object_of(entry.value, findings, "'alert'"), inputs=inputs)
    return _named_start(kind, entry, inputs, findings)


def _named_start(kind: StartKind, entry: Entry, inputs: JsonObject, findings: Findings) -> Start:
    """Read `webhook: {name, payload}` or `case: {happening, …fields}`."""
    body = mapping_of(entry.value, findings, f"'{entry.key.value}'")
    if body is None:
        return Start(kind, entry.key.span, inputs=inputs)
    if kind is StartKind.CASE:
        value = object_of(entry.value, findings, "'case'")
        happening = value.pop("happening", "")
        return Start(kind, entry.key.span, value, name=happening if isinstance(happening, str) else "", inputs=inputs)
    keys = Keys(body, findings, what="A webhook", point=entry.key.span)
    name = keys.name("name")
    if name is None:
        keys.missing("name", "Name the hook that the playbook's trigger names.")
    payload = keys.node("payload")
    value = {} if payload is None else object_of(payload, findings, "'payload'")
    keys.done()
    return Start(kind, entry.key.span, value, name=name.text if name else "", inputs=inputs)


def _interrupts(keys: Keys, findings: Findings) -> tuple[Interrupt, ...]:
    node = keys.node("interruptions")
    if node is None:
        return ()
    return tuple(one for item in items_of(node, findings, "'interruptions'") if (one := _interrupt(item, findings)) is not None)


def _interrupt(node: Node, findings: Findings) -> Interrupt | None:
    mapping = mapping_of(node, findings, "An interruption")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="An interruption")
    kinds = [kind for kind in ("cancel", "pause", "resume") if keys.boolean(kind)]
    after, by = keys.duration("after"), keys.text("by")
    keys.done()
    if len(kinds) != 1:
        findings.add(
            codes.BAD_ANSWER, mapping.head, "An interruption is one of cancel, pause and resume.", "Write {cancel: true, after: 1h}."
        )
        return None
    return Interrupt(kinds[0], by or "amira", after or 0.0)


def object_of(node: Node, findings: Findings, what: str) -> JsonObject:
    """Return a map of fixed values."""
    if mapping_of(node, findings, what) is None:
        return {}
    value = plain(node, findings)
    return value if isinstance(value, dict) else {}
