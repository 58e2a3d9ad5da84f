"""Read who answers what: targets, people, events and called playbooks."""

from collections.abc import Callable
from typing import Final, TypeVar

from tocsin.core.effects import Probe
from tocsin.core.errors import ErrorKind
from tocsin.core.values import JsonObject
from tocsin.engine.events import Outcome
from tocsin.playbook.findings import Findings
from tocsin.playbook.parsing.keys import Keys, fixed_text, mapping_of
from tocsin.playbook.parsing.values import key_text, plain, template_slot
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence
from tocsin.rehearsal import codes
from tocsin.rehearsal.model import ChildLine, EventLine, Fails, Http, Line, PersonLine, Real, Returns, Saying, Unknown

T = TypeVar("T")
SILENCE: Final = "silence"
NOTHING: Final = "nothing"
_SAYINGS: Final = ("returns", "error", "unknown", "http", "real")
_KINDS: Final = {kind.value: kind.value for kind in ErrorKind if kind not in (ErrorKind.LOST, ErrorKind.CORRUPT, ErrorKind.UNKNOWN)}
_PROBES: Final = {probe.value: probe for probe in Probe}
_OUTCOMES: Final = {outcome.value: outcome for outcome in Outcome}
_FORMS: Final = "Write one of returns: {…}, error: {kind, message}, unknown: why, http: {status, body}."


def read_answers(node: Node, findings: Findings) -> dict[str, tuple[Line, ...]]:
    """Read `answers`: by step or action, one answer or a list of them."""
    return _by_name(node, findings, "'answers'", _line)


def read_people(node: Node, findings: Findings) -> dict[str, tuple[PersonLine, ...]]:
    """Read `people`: by ask step, an answer or `silence`."""
    return _by_name(node, findings, "'people'", _person)


def read_events(node: Node, findings: Findings) -> dict[str, tuple[EventLine, ...]]:
    """Read `events`: by wait step, an event or `nothing`."""
    return _by_name(node, findings, "'events'", _event)


def read_calls(node: Node, findings: Findings) -> dict[str, tuple[ChildLine, ...]]:
    """Read `calls`: by step or playbook, how it ends."""
    return _by_name(node, findings, "'calls'", _child)


def _by_name(node: Node, findings: Findings, what: str, read: Callable[[Node, Findings], T | None]) -> dict[str, tuple[T, ...]]:
    mapping = mapping_of(node, findings, what)
    found: dict[str, tuple[T, ...]] = {}
    for entry in mapping.entries if mapping else ():
        key = key_text(entry.key, findings)
        items = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        if key is not None:
            found[key] = tuple(line for item in items if (line := read(item, findings)) is not None)
    return found


def _line(node: Node, findings: Findings) -> Line | None:
    mapping = mapping_of(node, findings, "An answer")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="An answer")
    given_node = keys.node("with")
    given = None if given_node is None else _object(given_node, findings, "'with'")
    after = keys.duration("after")
    said = [word for word in _SAYINGS if word in keys]
    if len(said) != 1:
        what = "says nothing" if not said else f"says {' and '.join(said)}, and can only say one of them"
        findings.add(codes.BAD_ANSWER, mapping.head, f"The answer {what}.", _FORMS)
        keys.drop()
        return None
    says = _saying(said[0], keys, findings)
    keys.done()
    return None if says is None else Line(mapping.head, says, given, after or 0.0)


def _saying(word: str, keys: Keys, findings: Findings) -> Saying | None:
    if word == "unknown":
        reason, probe = keys.text("unknown"), keys.word("probe", _PROBES)
        return Unknown(reason or "No answer came.", probe[0] if probe else Probe.UNKNOWN)
    node = keys.node(word)
    if node is None:
        return None
    if word == "returns":
        template = template_slot(node, findings).template
        return None if template is None else Returns(template)
    if word == "error":
        return _error(node, findings)
    if word == "http":
        return _http(node, findings)
    return Real()


def _error(node: Node, findings: Findings) -> Fails | None:
    mapping = mapping_of(node, findings, "'error'")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="An error")
    kind, message, code = keys.word("kind", _KINDS), keys.text("message"), keys.text("code")
    retry_after = keys.duration("retry_after")
    keys.done()
    return Fails(kind[0] if kind else "invalid", message or "It failed.", code or "", retry_after)


def _http(node: Node, findings: Findings) -> Http | None:
    mapping = mapping_of(node, findings, "'http'")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="An exchange")
    status, body, headers_node = keys.integer("status", 100, 599), keys.node("body"), keys.node("headers")
    headers = {} if headers_node is None else _object(headers_node, findings, "'headers'")
    keys.done()
    return Http(status[0] if status else 200, None if body is None else plain(body, findings), {k: str(v) for k, v in headers.items()})


def _person(node: Node, findings: Findings) -> PersonLine | None:
    if isinstance(node, Scalar):
        word = fixed_text(node, findings, "A person's answer")
        if word is None:
            return None
        return PersonLine(node.span, None if word.text == SILENCE else word.text, by="amira")
    mapping = mapping_of(node, findings, "A person's answer")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="A person's answer")
    answer, by, reason, after = keys.name("answer"), keys.text("by"), keys.text("reason"), keys.duration("after")
    form_node = keys.node("form")
    form = {} if form_node is None else _object(form_node, findings, "'form'")
    if answer is None:
        keys.missing("answer", f"Write one of the ask's options, or {SILENCE} instead of the map.")
    keys.done()
    span = answer.span if answer else mapping.head
    return PersonLine(span, answer.text if answer else None, by or "amira", form, reason or "", after or 0.0)


def _event(node: Node, findings: Findings) -> EventLine | None:
    if isinstance(node, Scalar) and node.value == NOTHING:
        return EventLine(node.span, None)
    mapping = mapping_of(node, findings, "An event")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="An event")
    event = keys.required("event", f"Write what comes, or {NOTHING} instead of the map.")
    after = keys.duration("after")
    keys.done()
    return None if event is None else EventLine(mapping.head, _object(event, findings, "'event'"), after or 0.0)


def _child(node: Node, findings: Findings) -> ChildLine | None:
    mapping = mapping_of(node, findings, "The end of a called playbook")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="The end of a called playbook")
    outcome, reason, after, outputs = keys.word("outcome", _OUTCOMES), keys.text("reason"), keys.duration("after"), keys.node("outputs")
    keys.done()
    return ChildLine(
        mapping.head,
        outcome[0] if outcome else Outcome.SUCCEEDED,
        {} if outputs is None else _object(outputs, findings, "'outputs'"),
        reason or "",
        after or 0.0,
    )


def _object(node: Node, findings: Findings, what: str) -> JsonObject:
    value = plain(node, findings) if isinstance(node, Mapping) else mapping_of(node, findings, what)
    return value if isinstance(value, dict) else {}
