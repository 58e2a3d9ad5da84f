"""Blocks nest no deeper than a person can follow."""

from typing import Final

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import flow
from tocsin.playbook.model import Block, blocks_of

MAX_BLOCKS: Final = 12


def check_limits(context: Context) -> None:
    """Report blocks that nest too deep."""
    _depth(context.playbook.steps, 1, context)
    _depth(context.playbook.final, 1, context)


def _depth(block: Block, depth: int, context: Context) -> None:
    if depth > MAX_BLOCKS and block:
        message = f"This is nested {depth} blocks deep; {MAX_BLOCKS} are allowed."
        context.report(flow.BLOCKS_TOO_DEEP, block[0].head.span, message, "Move a part into a playbook of its own and call it.")
        return
    for step in block:
        for inner in blocks_of(step):
            _depth(inner, depth + 1, context)
