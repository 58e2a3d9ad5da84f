"""Which steps end the run whatever happens."""

from tocsin.playbook.model import Block, IfNode, ParallelNode, StepNode, StopNode, SwitchNode
from tocsin.playbook.plan import Join


def ends(step: StepNode, *, despite_condition: bool = False) -> bool:
    """Say whether a step ends the run; with `despite_condition`, whether it does when its own `if` holds."""
    if step.head.condition is not None and not despite_condition:
        return False
    match step:
        case StopNode():
            return True
        case IfNode():
            return step.otherwise is not None and block_ends(step.otherwise) and all(block_ends(block) for _, block in step.branches)
        case SwitchNode():
            return step.default is not None and block_ends(step.default) and all(block_ends(block) for _, block in step.cases)
        case ParallelNode():
            if step.join is Join.ALL:
                return any(block_ends(block) for block in step.branches)
            return bool(step.branches) and all(block_ends(block) for block in step.branches)
        case _:
            return False


def block_ends(block: Block, *, despite_condition: bool = False) -> bool:
    """Say whether a block ends the run."""
    return any(ends(step, despite_condition=despite_condition) for step in block)
