"""A playbook stays within what a person can read and a run can carry."""

from typing import Final

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import flow
from tocsin.playbook.model import Block, blocks_of

MAX_STEPS: Final = 500
MAX_BLOCKS: Final = 12


def check_limits(context: Context) -> None:
    """Report too many steps and too deep blocks."""
    steps = list(context.steps())
    if len(steps) > MAX_STEPS:
        message = f"The playbook has {len(steps)} steps; it may have {MAX_STEPS}."
        context.report(flow.TOO_MANY_STEPS, steps[MAX_STEPS].head.span, message, "Move a part into a playbook of its own and call it.")
    _depth(context.playbook.steps, 1, context)


def _depth(block: Block, depth: int, context: Context) -> None:
    if depth > MAX_BLOCKS and block:
        message = f"This is nested {depth} blocks deep; {MAX_BLOCKS} are allowed."
        context.report(flow.BLOCKS_TOO_DEEP, block[0].head.span, message, "Move a part into a playbook of its own and call it.")
        return
    for step in block:
        for inner in blocks_of(step):
            _depth(inner, depth + 1, context)
