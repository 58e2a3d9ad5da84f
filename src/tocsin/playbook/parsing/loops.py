"""Parse what is repeated: `while`, and an action that polls."""

from typing import Final

from tocsin.playbook.codes import constructs, flow
from tocsin.playbook.model import ConditionSlot, PollingNode, StepNode, WhileNode
from tocsin.playbook.parsing.parts import Parts
from tocsin.playbook.parsing.values import condition_slot

MAX_ROUNDS: Final = 10_000


def parse_while(parts: Parts) -> StepNode:
    """Parse a `while`."""
    keys = parts.keys
    node = keys.node("while")
    if "max" not in keys:
        keys.missing("max", "Say how many rounds at most, as max: 20; a loop that never ends is refused.")
    limit = keys.integer("max", 1, MAX_ROUNDS, flow.FAN_OUT)
    condition = ConditionSlot(parts.nothing()) if node is None else condition_slot(node, parts.findings)
    return WhileNode(parts.head, condition, limit[0] if limit else 1, parts.required_block("steps"))


def parse_polling(parts: Parts) -> PollingNode | None:
    """Parse how an action is repeated; None if it is not."""
    keys = parts.keys
    until, every, at_most = keys.entry("repeat_until"), keys.entry("every"), keys.entry("at_most")
    given = [entry for entry in (until, every, at_most) if entry is not None]
    if not given:
        return None
    missing = [word for word, entry in (("repeat_until", until), ("every", every), ("at_most", at_most)) if entry is None]
    if missing:
        message = f"An action that polls needs '{missing[0]}' too."
        hint = "Write repeat_until: ${{ … }}, every: 30s and at_most: 2h."
        parts.findings.add(constructs.POLL_INCOMPLETE, given[0].key.span, message, hint)
    pace = None if every is None else parts.duration(every)
    length = None if at_most is None else parts.duration(at_most)
    if every is not None and at_most is not None and pace is not None and length is not None and length < pace:
        message = "'at_most' is shorter than 'every', so the action is done once only."
        parts.findings.add(constructs.POLL_TOO_SHORT, at_most.key.span, message, "Make it longer.")
    if until is None:
        return None
    return PollingNode(condition_slot(until.value, parts.findings), pace or 30.0, length or 3600.0)
