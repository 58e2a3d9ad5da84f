"""Names are unique in their scope, mean nothing else, and are not those of loop variables."""

from tocsin.core.diagnostics import Span
from tocsin.playbook.checks.context import NAMES, Context
from tocsin.playbook.codes import names
from tocsin.playbook.model import Block, ForEachNode, Name, WhileNode, blocks_of


def check_ids(context: Context) -> None:
    """Report names that are used twice or are reserved."""
    taken: dict[str, Span] = {}
    _block(context.playbook.steps, taken, context)
    _block(context.playbook.final, taken, context)


def _block(block: Block, taken: dict[str, Span], context: Context) -> None:
    for step in block:
        if step.head.id is not None:
            _take(step.head.id, "The id", taken, context)
        if isinstance(step, ForEachNode | WhileNode):
            inside = dict(taken)
            if isinstance(step, ForEachNode) and step.variable.text != "item":
                _take(step.variable, "The loop variable", inside, context)
            _block(step.body, inside, context)
            _block(step.head.handler, taken, context)
        else:
            for inner in blocks_of(step):
                _block(inner, taken, context)


def _take(name: Name, what: str, taken: dict[str, Span], context: Context) -> None:
    if name.text in NAMES:
        message = f"{what} '{name.text}' has a meaning of its own in expressions."
        context.report(names.RESERVED_NAME, name.span, message, f"Choose another name, such as {name.text}_of_it or the_{name.text}.")
    elif name.text in taken:
        line = taken[name.text].line
        context.report(names.DUPLICATE_ID, name.span, f"{what} '{name.text}' is taken by line {line}.", "Give each step a name of its own.")
    else:
        taken[name.text] = name.span
