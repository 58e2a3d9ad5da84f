"""Where each step stands, to say why a result is not there."""

from typing import TypeAlias

from tocsin.playbook.codes import Code, flow
from tocsin.playbook.model import Block, ForEachNode, ParallelNode, Playbook, StepNode, WhileNode, blocks_of

Trail: TypeAlias = "tuple[tuple[StepNode, int], ...]"  # the blocks around a step: whose, and which of it


class Places:
    """The steps that have an id, and the trail of every step; `told`: names whose absence was reported, which is enough once."""

    def __init__(self, playbook: Playbook) -> None:
        self.steps: dict[str, list[StepNode]] = {}
        self.told: set[str] = set()
        self._trails: dict[int, Trail] = {}  # by identity: two steps may be equal
        self._walk(playbook.steps, ())
        self._walk(playbook.final, ())

    def trail(self, step: StepNode | None) -> Trail:
        """Return the blocks around a step, the outermost first; none for the outputs."""
        return () if step is None else self._trails[id(step)]

    def _walk(self, block: Block, trail: Trail) -> None:
        for step in block:
            self._trails[id(step)] = trail
            if step.head.id is not None:
                self.steps.setdefault(step.head.id.text, []).append(step)
            for place, inner in enumerate(blocks_of(step)):
                self._walk(inner, (*trail, (step, place)))


def why_not_there(id: str, reader: StepNode | None, places: Places) -> tuple[Code, str, str]:
    """Say why a step that exists has no result where it is read: the code, the message and the hint."""
    target = places.steps[id][0]
    here, there = places.trail(reader), places.trail(target)
    if reader is target or any(step is target for step, _ in here):
        return flow.STEP_READS_ITSELF, f"The step '{id}' reads its own result.", "Read a step before it."
    shared = 0
    while shared < min(len(here), len(there)) and here[shared][0] is there[shared][0] and here[shared][1] == there[shared][1]:
        shared += 1
    loop = next((step for step, _ in there[shared:] if isinstance(step, ForEachNode | WhileNode)), None)
    if loop is not None:
        own = loop.head.id.text if loop.head.id is not None else None
        read = f"steps.{own}.last.{id}" if isinstance(loop, WhileNode) else f"steps.{own} | pluck('{id}')"
        hint = f"Read {read}." if own else f"Give the loop of line {loop.head.line} an id, and read steps.<id>."
        return flow.STEP_IN_LOOP, f"The step '{id}' runs inside the loop of line {loop.head.line}; outside it has no one result.", hint
    if shared < min(len(here), len(there)) and here[shared][0] is there[shared][0]:
        if isinstance(here[shared][0], ParallelNode):
            return flow.STEP_BESIDE, f"The step '{id}' runs at the same time as this one.", "Read it after the parallel step."
        return flow.STEP_BESIDE, f"The step '{id}' stands in another branch, which does not run when this one does.", "Move it before both."
    return flow.STEP_COMES_LATER, f"The step '{id}' comes later, in line {target.head.line}.", "Move it before this one."
