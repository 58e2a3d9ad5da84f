"""Nothing is there twice, and no name hides another."""

from collections.abc import Iterator
from itertools import pairwise

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import branches, clarity
from tocsin.playbook.model import (
    ActionNode,
    AlertTriggerNode,
    AskNode,
    Block,
    CaseTriggerNode,
    ForEachNode,
    IfNode,
    ParallelNode,
    ScheduleTriggerNode,
    StepNode,
    StopNode,
    TriggerNode,
    WebhookTriggerNode,
    blocks_of,
    steps_of,
)
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence


def check_repeated(context: Context) -> None:
    """Report triggers, steps and branches that are there twice, and what loops and branches do to what is beside them."""
    _triggers(context)
    for block in (context.playbook.steps, context.playbook.final):
        _block(block, None, context)


def _triggers(context: Context) -> None:
    seen: set[str] = set()
    for trigger in context.playbook.triggers:
        key = _key(trigger)
        if key in seen:
            context.report(branches.DUPLICATE_TRIGGER, trigger.span, "The same trigger stands above.", "Remove one.")
        seen.add(key)


def _key(trigger: TriggerNode) -> str:
    match trigger:
        case AlertTriggerNode():
            condition = trigger.condition.condition
            return f"alert {trigger.span.line if condition is None else condition.source}"
        case WebhookTriggerNode():
            return f"webhook {trigger.name}"
        case ScheduleTriggerNode():
            return f"schedule {' '.join(trigger.cron.split())}"
        case CaseTriggerNode():
            return f"case {trigger.happening}"


def _block(block: Block, loop: ForEachNode | None, context: Context) -> None:
    """Look at the steps of a block; `loop` is the loop around it."""
    for place, step in enumerate(block):
        _twice(step, block[place - 1] if place else None, context)
        match step:
            case ForEachNode():
                _hidden(step, loop, context)
            case AskNode() if loop is not None:
                message = f"Each item of the loop of line {loop.head.line} asks a question of its own."
                context.report(clarity.QUESTION_PER_ITEM, step.head.span, message, "Ask once, about the whole list.")
            case ParallelNode():
                _stops(step, context)
            case IfNode():
                _branches(step, context)
            case _:
                pass
        for inner in blocks_of(step):
            _block(inner, step if isinstance(step, ForEachNode) else loop, context)


def _hidden(step: ForEachNode, loop: ForEachNode | None, context: Context) -> None:
    if loop is not None and loop.variable.text == step.variable.text == "item":
        message = f"'item' hides 'item' of the loop of line {loop.head.line}."
        context.report(clarity.ITEM_HIDDEN, step.head.span, message, "Name it: as: address.")


def _stops(step: ParallelNode, context: Context) -> None:
    if len(step.branches) < 2:
        return
    for branch in step.branches:
        for inner in steps_of(branch):
            if isinstance(inner, StopNode):
                message = "This ends the run while other branches may be at work."
                hint = "Note the outcome in a set step, and stop after the parallel step."
                context.report(branches.STOP_BESIDE_OTHERS, inner.head.span, message, hint)


def _twice(step: StepNode, before: StepNode | None, context: Context) -> None:
    if isinstance(step, ActionNode) and isinstance(before, ActionNode) and _shape(step) == _shape(before):
        message = f"Line {before.head.line} does the same."
        context.report(clarity.STEP_TWICE, step.action.span, message, "Remove one, or change it.")


def _branches(step: IfNode, context: Context) -> None:
    blocks = [block for _, block in step.branches] + ([] if step.otherwise is None else [step.otherwise])
    for one, other in pairwise(blocks):
        if other and [*_shapes(one)] == [*_shapes(other)]:
            message = f"The branch of line {one[0].head.line} does the same."
            context.report(clarity.SAME_BRANCHES, other[0].head.span, message, "Do it once, after or before the condition.")


def _shapes(block: Block) -> Iterator[object]:
    """Yield what the steps of a block do, so that equal ones do the same; of other kinds than actions only themselves are equal."""
    for step in block:
        yield _shape(step) if isinstance(step, ActionNode) else id(step)


def _shape(step: ActionNode) -> object:
    arguments = None if step.arguments is None else _plain(step.arguments.node)
    condition = None if step.head.condition is None else _plain(step.head.condition.node)
    return step.action.text, step.connection, arguments, condition


def _plain(node: Node) -> object:
    match node:
        case Scalar():
            return type(node.value).__name__, node.value
        case Mapping():
            return tuple((entry.key.value, _plain(entry.value)) for entry in node.entries)
        case Sequence():
            return [_plain(item) for item in node.items]
