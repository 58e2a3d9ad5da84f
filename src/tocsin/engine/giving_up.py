"""What becomes of steps that nobody waits for any more: those of a branch that was not needed, or of a cancelled run.

What was sent is not taken back: a call under way is waited for, and a write whose outcome is unknown stays so, and says it.
"""

from collections.abc import Collection, Iterable, Iterator

from tocsin.engine.events import ActionUnknown, AskClosed, StepSkipped
from tocsin.engine.state import RunState, Status
from tocsin.playbook.plan import Block, ForEachStep, IfStep, ParallelStep, Step, SwitchStep, WhileStep

GIVEN_UP = "The process ended before the answer was recorded, and nobody waits for it any more."


def give_up(
    state: RunState, paths: Iterable[str], *, in_flight: Collection[str], at: str, reason: str
) -> Iterator[AskClosed | StepSkipped | ActionUnknown]:
    """Yield what is to be said of the paths that wait; those with a call in flight are left alone."""
    for path in paths:
        known = state.steps.get(path)
        if known is None or path in in_flight:
            continue
        match known.status:
            case Status.ASKED:
                yield AskClosed(at=at, path=path, ask=state.asks[path].ask, reason=reason)
            case Status.INTENDED:
                yield ActionUnknown(at=at, path=path, reason=GIVEN_UP, attempt=state.attempts[path].number)
            case Status.WAITING | Status.CALLING:
                yield StepSkipped(at=at, path=path)
            case _:
                pass


def paths_of(state: RunState, block: Block, scope: str) -> list[str]:
    """Return the paths that are known of the steps in a block, those inside its loops too."""
    steps = keys_of(block, scope)
    return [path for path in state.steps if is_inside(path, steps)]


def keys_of(block: Block, scope: str) -> frozenset[str]:
    """Return the paths that the steps of a block have in a scope."""
    return frozenset(scope + key for key in _keys(block))


def is_inside(path: str, steps: frozenset[str]) -> bool:
    """Say whether a path is one of the steps, or inside one of them."""
    if path in steps:
        return True
    return any(path.startswith(f"{step}[") for step in steps)


def _keys(block: Block) -> Iterator[str]:
    for step in block:
        yield step.common.key
        yield from _keys(step.common.handler)
        for inner in _same_scope(step):
            yield from _keys(inner)


def _same_scope(step: Step) -> tuple[Block, ...]:
    """Return the blocks inside a step whose ids belong to the scope around it."""
    match step:
        case IfStep():
            return (*(block for _, block in step.branches), step.otherwise)
        case SwitchStep():
            return (*(block for _, block in step.cases), step.default)
        case ParallelStep():
            return step.branches
        case ForEachStep() | WhileStep():
            return ()  # their bodies are scopes of their own
        case _:
            return ()
