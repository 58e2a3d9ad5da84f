"""Parse a `wait`: for a while, until an instant, or for an event."""

from typing import Final

from tocsin.playbook.codes import constructs, names
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import EventNode, StepNode, WaitNode
from tocsin.playbook.parsing.keys import Keys, duration_of
from tocsin.playbook.parsing.parts import Parts
from tocsin.playbook.parsing.values import OPEN, condition_slot, template_slot
from tocsin.playbook.plan import Awaited, OnDeadline
from tocsin.playbook.tree import Mapping, Node, Scalar

_KINDS: Final = {kind.value: kind for kind in Awaited}
_ON_DEADLINE: Final = {word.value: word for word in OnDeadline}


def parse_wait(parts: Parts) -> StepNode:
    """Parse a `wait`."""
    node = parts.keys.node("wait")
    if isinstance(node, Mapping):
        return _map(node, parts)
    return WaitNode(parts.head) if node is None else _for(node, parts)


def _for(node: Node, parts: Parts) -> WaitNode:
    if isinstance(node, Scalar) and isinstance(node.value, str) and OPEN in node.value:
        return WaitNode(parts.head, duration=template_slot(node, parts.findings))
    return WaitNode(parts.head, duration_s=duration_of(node, parts.findings, "'wait'"))


def _map(mapping: Mapping, parts: Parts) -> StepNode:
    keys = Keys(mapping, parts.findings, what="'wait'", point=parts.head.span)
    given = [entry for word in ("for", "until", "event") if (entry := mapping.get(word)) is not None]
    if not given:
        parts.findings.add(
            names.MISSING_KEY,
            parts.head.span,
            "'wait' needs 'for', 'until' or 'event'.",
            "Write wait: 5m, until: ${{ … }}, or event: alert.",
        )
    for other in given[1:]:
        message = f"'wait' has both '{given[0].key.value}' and '{other.key.value}'."
        parts.findings.add(names.SEVERAL_KINDS, other.value.head, message, "Keep one.")
    duration, until = keys.node("for"), keys.node("until")
    event = _event(keys, parts.findings) if mapping.get("event") is not None else None
    keys.done()
    if event is not None:
        return WaitNode(parts.head, event=event)
    if until is not None:
        return WaitNode(parts.head, until=template_slot(until, parts.findings))
    return WaitNode(parts.head) if duration is None else _for(duration, parts)


def _event(keys: Keys, findings: Findings) -> EventNode | None:
    kind, hook = keys.word("event", _KINDS), keys.name("webhook")
    condition, deadline = keys.node("filter"), keys.duration("deadline")
    on_deadline = keys.word("on_deadline", _ON_DEADLINE)
    if kind is None:
        return None
    word, span = kind
    if word is Awaited.WEBHOOK and hook is None:
        keys.missing("webhook", "Name the hook that is waited for: webhook: scan-finished.")
    elif word is not Awaited.WEBHOOK and hook is not None:
        findings.add(names.UNKNOWN_KEY, hook.span, f"'webhook' belongs to event: webhook, not to {word.value}.", "Leave it out.")
    if deadline is None:
        message = f"If no such {word.value} comes, the run waits for ever."
        findings.add(constructs.EVENT_WAITS_FOR_EVER, span, message, "Add deadline: 2d, and on_deadline: continue if it may go on without.")
    slot = None if condition is None else condition_slot(condition, findings)
    return EventNode(span, word, hook, slot, deadline, OnDeadline.FAIL if on_deadline is None else on_deadline[0])
