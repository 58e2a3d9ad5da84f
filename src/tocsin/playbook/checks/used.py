"""Which steps' results something reads."""

from tocsin.playbook.checks.context import Context
from tocsin.playbook.model import Block, ForEachNode, WhileNode, blocks_of


def used_steps(context: Context) -> frozenset[int]:
    """Return the identities of the steps whose results are read, by themselves or as part of the list that their loop makes."""
    refs = {ref for ref in context.refs if ref[0] == "steps"}
    names = {ref[1] for ref in refs if len(ref) > 1}
    found: set[int] = set()
    for block in (context.playbook.steps, context.playbook.final):
        _block(block, names, ("steps",) in refs, found)
    return frozenset(found)


def _block(block: Block, names: set[str], every: bool, found: set[int]) -> None:
    for step in block:
        is_used = every or (step.head.id is not None and step.head.id.text in names)
        if is_used:
            found.add(id(step))
        for inner in blocks_of(step):
            _block(inner, names, every or (is_used and isinstance(step, ForEachNode | WhileNode)), found)
