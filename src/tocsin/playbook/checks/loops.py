"""What is repeated changes, has a pace, and ends."""

from typing import Final

from tocsin.core.effects import Effect
from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import branches, clarity, hazards
from tocsin.playbook.model import (
    ActionNode,
    AskNode,
    CallNode,
    CodeNode,
    ConditionSlot,
    PollingNode,
    StepNode,
    WaitNode,
    WhileNode,
    steps_of,
)
from tocsin.playbook.plan import Retry

_WEEK: Final = 7 * 86_400
_ALWAYS_NEW: Final = frozenset({"now"})


def check_loops(context: Context) -> None:
    """Report loops and polling that nothing ends, and retries that nobody waits for."""
    for step in context.steps:
        if isinstance(step, WhileNode):
            _while(step, context)
        elif isinstance(step, ActionNode):
            if step.polling is not None:
                _polling(step, step.polling, context)
            if step.retry is not None:
                _retry(step, step.retry, context)
        elif isinstance(step, WaitNode) and step.event is not None and step.event.filter is not None:
            _event(step.event.filter, context)


def _read(slot: ConditionSlot) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return the names and the steps that a condition reads; None if it reads nothing, which is reported elsewhere."""
    if slot.condition is None or not slot.condition.refs:
        return None
    refs = slot.condition.refs
    return frozenset(ref[0] for ref in refs), frozenset(ref[1] for ref in refs if ref[0] == "steps" and len(ref) > 1)


def _while(step: WhileNode, context: Context) -> None:
    inside = [*steps_of(step.body)]
    made = {one.head.id.text for one in inside if one.head.id is not None}
    read = _read(step.condition)
    if read is not None and not read[1] & made and not read[0] & _ALWAYS_NEW and inside:
        message = "Nothing in the loop changes what this condition reads."
        hint = "Read the result of a step of the loop: steps.<id> | default(…)."
        context.report(branches.LOOP_NEVER_CHANGES, step.condition.node.head, message, hint)
    elif inside and all(_only_reads(one, context) for one in inside) and any(isinstance(one, ActionNode) for one in inside):
        context.report(branches.BUSY_LOOP, step.head.span, "Nothing waits between two rounds.", "Add a step such as wait: 30s.")


def _only_reads(step: StepNode, context: Context) -> bool:
    match step:
        case ActionNode():
            return context.effect_of(step) is Effect.READ and step.polling is None
        case WaitNode() | AskNode() | CallNode() | CodeNode():
            return False
        case _:
            return True


def _polling(step: ActionNode, polling: PollingNode, context: Context) -> None:
    read = _read(polling.until)
    own = step.head.id
    if read is not None and (own is None or own.text not in read[1]) and not read[0] & _ALWAYS_NEW:
        what = f"steps.{own.text}" if own is not None else "steps.<id>, and give the step an id"
        message = "The condition does not read the result of the action."
        context.report(branches.POLL_NEVER_CHANGES, polling.until.node.head, message, f"Read {what}.")
    effect = context.effect_of(step)
    if effect is not None and effect is not Effect.READ:
        message = f"'{step.action.text}' is {effect.value}, and is done again each time."
        context.report(hazards.POLLING_REPEATS_EFFECT, step.action.span, message, "Do it once, and poll an action that reads.")
    if step.timeout_s is not None and step.timeout_s > polling.at_most_s:
        message = f"One call may take {step.timeout_s:g} s, and all the polling ends after {polling.at_most_s:g} s."
        context.report(branches.TIMEOUT_OUTLASTS_POLLING, step.head.span, message, "Shorten the timeout, or lengthen at_most.")


def _retry(step: ActionNode, retry: Retry, context: Context) -> None:
    if retry.attempts == 1 and not context.findings.has_errors:  # what cannot be read counts as one
        hint = "Write attempts: 2 or more, or leave it out."
        context.report(clarity.RETRY_OF_ONE, step.head.span, "One attempt in all is no retry.", hint)
        return
    waits = sum(retry.delay_s * retry.backoff**number for number in range(retry.attempts - 1))
    if waits > _WEEK:
        message = f"The retries wait {waits / 86_400:,.0f} days in all."
        context.report(branches.RETRY_TOO_LONG, step.head.span, message, "Fewer attempts, a shorter delay or a smaller backoff.")


def _event(slot: ConditionSlot, context: Context) -> None:
    read = _read(slot)
    if read is not None and "event" not in read[0]:
        hint = "Compare a field of it: event.source == alert.source."
        context.report(branches.EVENT_NOT_READ, slot.node.head, "The filter does not read 'event'.", hint)
