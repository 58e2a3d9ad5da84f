"""What is named is read."""

from tocsin.core.effects import Effect
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.used import used_steps
from tocsin.playbook.codes import clarity, style
from tocsin.playbook.model import ActionNode, ForEachNode, ParallelNode, SetNode, slots_in


def check_unused(context: Context) -> None:
    """Report values, inputs and loop items that nothing reads, and parallel with nothing beside it."""
    used = used_steps(context)
    for step in context.steps:
        if isinstance(step, SetNode) and id(step) not in used:
            what = f"Nothing reads '{step.head.id.text}'." if step.head.id else "Nothing can read these values: the step has no id."
            context.report(style.UNUSED_SET, step.head.span, what, "Remove the step, or read it as steps.<id>.<name>.")
        elif isinstance(step, ActionNode) and id(step) not in used and not context.findings.has_errors:  # a misspelt name may mean it
            _answer(step, context)
        elif isinstance(step, ForEachNode):
            _loop(step, context)
        elif isinstance(step, ParallelNode) and len(step.branches) == 1:
            hint = "Write the steps without parallel, or begin a second branch with '- - '."
            context.report(style.PARALLEL_OF_ONE, step.head.span, "Nothing runs beside the one branch.", hint)
    _inputs(context)


def _answer(step: ActionNode, context: Context) -> None:
    if context.effect_of(step) is Effect.READ and step.polling is None and context.spec_of(step) is not None:
        message = f"'{step.action.text}' only answers, and nothing reads the answer."
        hint = "Read it as steps.<id>.<field>, or remove the step."
        context.report(clarity.UNUSED_RESULT, step.action.span, message, hint)


def _loop(step: ForEachNode, context: Context) -> None:
    refs = {ref[0] for slot in slots_in(step.body) for use in slot.uses for ref in use.expression.refs}
    if step.body and not refs & {step.variable.text, "item"}:
        message = f"No step of the loop looks at '{step.variable.text}'."
        context.report(style.LOOP_ITEM_UNUSED, step.variable.span, message, "Read it, or do the steps once without a loop.")


def _inputs(context: Context) -> None:
    refs = {ref for ref in context.refs if ref[0] == "inputs"}
    if ("inputs",) in refs:
        return
    for declared in context.playbook.inputs:
        if not any(ref[1] == declared.name.text for ref in refs):
            context.report(
                style.UNUSED_INPUT, declared.name.span, f"Nothing reads the input '{declared.name.text}'.", "Remove it, or read it."
            )
