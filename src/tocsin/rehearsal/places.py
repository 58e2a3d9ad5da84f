"""Where steps stand in a plan, and which of them an instance in a run is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tocsin.playbook.plan import ActionStep, Block, ForEachStep, IfStep, ParallelStep, Plan, Step, SwitchStep, WhileStep

_INDEX: Final = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Place:
    """A step and its path without the numbers of iterations: `links/rep`."""

    path: str
    step: Step

    @property
    def line(self) -> int:
        """Return the line of the playbook that the step starts in."""
        return self.step.common.line

    @property
    def key(self) -> str:
        """Return the step's id, else its kind and position."""
        return self.step.common.key


def places_of(plan: Plan) -> dict[str, Place]:
    """Return every step of a plan by its path, in the order of the text."""
    return {place.path: place for block in (plan.steps, plan.final) for place in _in(block, "")}


def blocks_of(step: Step) -> tuple[Block, ...]:
    """Return the blocks inside a step, the handler of its errors last."""
    match step:
        case IfStep():
            own = (*(block for _, block in step.branches), step.otherwise)
        case SwitchStep():
            own = (*(block for _, block in step.cases), step.default)
        case ForEachStep() | WhileStep():
            own = (step.body,)
        case ParallelStep():
            own = step.branches
        case _:
            own = ()
    return (*own, step.common.handler)


def _in(block: Block, scope: str) -> Iterator[Place]:
    for step in block:
        path = scope + step.common.key
        yield Place(path, step)
        inner = f"{path}/" if isinstance(step, ForEachStep | WhileStep) else scope
        *own, handler = blocks_of(step)
        for one in own:
            yield from _in(one, inner)
        yield from _in(handler, scope)


def bare(path: str) -> str:
    """Return the path of a step instance without the numbers of iterations; of one poll, that of the step that polls."""
    found = _INDEX.sub("", path)
    scope, _, key = found.rpartition("/")
    # A poll runs its action as `job[3]/job`; no step of a loop can be called as the loop is.
    return scope if scope == key or scope.endswith(f"/{key}") else found


def last(path: str) -> str:
    """Return the key of the step that a path names."""
    return bare(path).rpartition("/")[2]


def names_of(path: str) -> tuple[str, ...]:
    """Return what an instance may be called, the nearest first: `links[3]/rep`, `links/rep`, `rep`."""
    return tuple(dict.fromkeys((path, bare(path), last(path))))


def is_polling(step: Step) -> bool:
    """Tell whether a step is an action that is repeated until something holds."""
    return isinstance(step, ActionStep) and step.polling is not None
