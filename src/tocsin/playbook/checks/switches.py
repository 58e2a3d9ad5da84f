"""Every case of a switch can match."""

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import flow
from tocsin.playbook.model import SwitchNode
from tocsin.playbook.tree import Plain, Scalar


def check_switches(context: Context) -> None:
    """Report values that stand in two cases."""
    for step in context.steps:
        if isinstance(step, SwitchNode):
            _cases([value for value, _ in step.cases], context)


def _cases(values: list[Scalar], context: Context) -> None:
    seen: dict[tuple[type, Plain], Scalar] = {}
    for value in values:
        first = seen.setdefault((type(value.value), value.value), value)
        if first is not value:
            message = f"The case '{value.value}' never matches: line {first.span.line} has it already."
            context.report(flow.DUPLICATE_CASE, value.span, message, "Put the steps together, or change the value.")
