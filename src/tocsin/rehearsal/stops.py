"""Which `stop` step ended a run: stops leave no event of their own, so it is found by walking what the run did."""

from collections.abc import Sequence

from tocsin.engine.events import BranchTaken, LoopEnded, LoopStarted, RoundsEnded, RoundStarted, RunEnded, RunEvent, StepFailed, StepSkipped
from tocsin.playbook.plan import Block, ForEachStep, IfStep, ParallelStep, Plan, Step, StopStep, SwitchStep, WhileStep


def stop_of(plan: Plan, events: Sequence[RunEvent]) -> str:
    """Return the path of the `stop` that ended a run; empty if none did."""
    if not events or not isinstance(events[-1], RunEnded):
        return ""
    return _Trace(events).block(plan.steps, "")[0]


class _Trace:
    """What is known of every step instance of a run that is over."""

    def __init__(self, events: Sequence[RunEvent]) -> None:
        self.seen = {path for event in events if (path := getattr(event, "path", ""))}
        self.skipped = {event.path for event in events if isinstance(event, StepSkipped)}
        self.failed = {event.path for event in events if isinstance(event, StepFailed)}
        self.branches = {event.path: event.branch for event in events if isinstance(event, BranchTaken)}
        self.counts = {event.path: len(event.items) for event in events if isinstance(event, LoopStarted)}
        for event in events:
            if isinstance(event, RoundStarted):
                self.counts[event.path] = event.index + 1
        self.over = {event.path for event in events if isinstance(event, LoopEnded | RoundsEnded)}

    def block(self, block: Block, scope: str) -> tuple[str, bool]:
        """Return the stop that was met in a block, and whether the run went on behind the block."""
        for step in block:
            path = scope + step.common.key
            if path in self.skipped:
                continue
            stop, goes_on = self.step(step, path, scope)
            if stop or not goes_on:
                return stop, False
        return "", True

    def step(self, step: Step, path: str, scope: str) -> tuple[str, bool]:
        if isinstance(step, StopStep):
            return path, False
        if path not in self.seen and not isinstance(step, ParallelStep):
            return "", False
        if path in self.failed:
            return self.block(step.common.handler, scope)
        match step:
            case IfStep():
                chosen = self.branches.get(path, -1)
                return self.block(step.branches[chosen][1] if chosen >= 0 else step.otherwise, scope)
            case SwitchStep():
                chosen = self.branches.get(path, -1)
                return self.block(step.cases[chosen][1] if chosen >= 0 else step.default, scope)
            case ForEachStep() | WhileStep():
                found = (self.block(step.body, f"{path}[{index}]/")[0] for index in range(self.counts.get(path, 0)))
                return next(filter(None, found), ""), path in self.over
            case ParallelStep():
                reached = [self.block(branch, scope) for branch in step.branches]
                return next((stop for stop, _ in reached if stop), ""), any(goes_on for _, goes_on in reached)
            case _:
                return "", True
