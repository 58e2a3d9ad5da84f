"""What people answer decides what is done."""

from tocsin.core.effects import Effect
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.ends import block_ends
from tocsin.playbook.codes import hazards
from tocsin.playbook.model import (
    ActionNode,
    AskNode,
    Block,
    ConditionSlot,
    ExpressionSlot,
    IfNode,
    Slot,
    StepNode,
    SwitchNode,
    WhileNode,
    blocks_of,
    slots_of,
)


def check_answers(context: Context) -> None:
    """Report destructive actions that run whatever somebody has answered."""
    asks = {step.head.id.text for step in context.steps if isinstance(step, AskNode) and step.head.id is not None and len(step.options) > 1}
    if asks:
        _Answers(context, asks).block(context.playbook.steps, asked=None, looked=False)


class _Answers:
    """One walk; `told` are the steps whose results depend on an answer."""

    def __init__(self, context: Context, asks: set[str]) -> None:
        self.context, self.told = context, set(asks)
        self.asks = asks

    def block(self, block: Block, *, asked: AskNode | None, looked: bool) -> tuple[AskNode | None, bool]:
        """Walk a block; `asked` is the last question, `looked` whether a condition has looked at an answer since."""
        for step in block:
            here = looked or self._reads(step.head.condition)
            if isinstance(step, AskNode) and step.head.id is not None and len(step.options) > 1 and step.head.condition is None:
                asked, looked = step, False
                continue
            if isinstance(step, ActionNode) and asked is not None and not here:
                self._action(step, asked)
            looked = self._inside(step, asked, here) or looked
            if step.head.id is not None and any(self._reads(slot) for slot in slots_of(step)):
                self.told.add(step.head.id.text)
        return asked, looked

    def _inside(self, step: StepNode, asked: AskNode | None, looked: bool) -> bool:
        """Walk the blocks of a step; return whether after it the answer was looked at."""
        deciding = looked or any(self._reads(slot) for slot in _decisions(step))
        ends = False
        for block in blocks_of(step):
            self.block(block, asked=asked, looked=deciding)
            ends = ends or block_ends(block)
        condition_stops = (
            step.head.condition is not None and self._reads(step.head.condition) and block_ends((step,), despite_condition=True)
        )
        return (deciding and ends) or condition_stops

    def _reads(self, slot: Slot | None) -> bool:
        return slot is not None and any(
            ref[0] == "steps" and len(ref) > 1 and ref[1] in self.told for use in slot.uses for ref in use.expression.refs
        )

    def _action(self, step: ActionNode, asked: AskNode) -> None:
        if self.context.effect_of(step) is Effect.DESTRUCTIVE and asked.head.id is not None:
            message = f"This runs whatever the answer to '{asked.head.id.text}' was."
            hint = f"Put it into an if: steps.{asked.head.id.text}.answer == '{asked.options[0].text}'."
            self.context.report(hazards.ANSWER_DOES_NOT_GUARD, step.action.span, message, hint)


def _decisions(step: StepNode) -> list[ConditionSlot | ExpressionSlot]:
    match step:
        case IfNode():
            return [condition for condition, _ in step.branches]
        case SwitchNode():
            return [step.subject]
        case WhileNode():
            return [step.condition]
        case _:
            return []
