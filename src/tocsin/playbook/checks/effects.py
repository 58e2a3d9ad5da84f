"""Somebody is asked before somebody's work is stopped, and silence is no answer."""

from tocsin.core.effects import Effect
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.ends import block_ends
from tocsin.playbook.codes import safety
from tocsin.playbook.model import ActionNode, AskNode, Block, IfNode, ParallelNode, StepNode, SwitchNode, blocks_of
from tocsin.playbook.plan import Join


def check_effects(context: Context) -> None:
    """Report destructive actions that no question comes before, and permissions that silence gives."""
    for block in (context.playbook.steps, context.playbook.final):
        _block(block, False, context)
    for place, step in enumerate(context.steps):
        if isinstance(step, AskNode) and step.on_deadline is not None and step.on_deadline.text == "approve":
            after = next((one for one in context.steps[place:] if _is_destructive(one, context)), None)
            if after is not None:
                message = f"When nobody answers, this approves what line {after.head.line} does."
                context.report(safety.SILENCE_APPROVES, step.on_deadline.span, message, "Write on_deadline: reject.")


def _is_destructive(step: StepNode, context: Context) -> bool:
    return isinstance(step, ActionNode) and context.effect_of(step) is Effect.DESTRUCTIVE


def _block(block: Block, asked: bool, context: Context) -> bool:
    """Walk a block; return whether somebody was asked on every way to its end."""
    for step in block:
        if isinstance(step, ActionNode) and _is_destructive(step, context) and not asked:
            message = f"'{step.action.text}' is destructive, and nobody is asked before it."
            context.report(safety.UNGUARDED, step.action.span, message, "Put an ask before it, or make sure that a guardrail covers it.")
        after = _after(step, asked, context)
        if step.head.handler:
            after = _block(step.head.handler, asked, context) and after
        asked = asked or (after and step.head.condition is None)
    return asked


def _after(step: StepNode, asked: bool, context: Context) -> bool:
    match step:
        case AskNode():
            return True
        case IfNode() | SwitchNode():
            otherwise = step.otherwise if isinstance(step, IfNode) else step.default
            ways = [(_block(block, asked, context), block_ends(block)) for block in own_blocks_of(step)]
            return all(was_asked or ended for was_asked, ended in ways) and otherwise is not None
        case ParallelNode():
            were_asked = [_block(block, asked, context) for block in step.branches]  # all are walked
            return any(were_asked) if step.join is Join.ALL else all(were_asked)
        case _:  # a list may be empty, and a condition false at once
            for block in own_blocks_of(step):
                _block(block, asked, context)
            return False


def own_blocks_of(step: StepNode) -> tuple[Block, ...]:
    """Return the blocks inside a step without the handler of its errors."""
    return blocks_of(step)[:-1] if step.head.handler else blocks_of(step)
