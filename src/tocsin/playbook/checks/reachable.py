"""Every step can run."""

from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.ends import ends
from tocsin.playbook.codes import flow
from tocsin.playbook.model import Block, blocks_of


def check_reachable(context: Context) -> None:
    """Report the first step of a block that stands after its end."""
    _block(context.playbook.steps, context)
    _block(context.playbook.final, context)


def _block(block: Block, context: Context) -> None:
    for place, step in enumerate(block):
        for inner in blocks_of(step):
            _block(inner, context)
        if ends(step) and place + 1 < len(block):
            after = block[place + 1].head
            message = f"This never runs: the run ends in line {step.head.line}."
            context.report(flow.UNREACHABLE, after.span, message, "Remove it, or give the stop an if.")
            return
