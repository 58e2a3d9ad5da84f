"""Which branches of a playbook its cases have taken, and where those are that none has."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from tocsin.engine.events import (
    AskAnswered,
    BranchesJoined,
    BranchTaken,
    EventArrived,
    LoopStarted,
    RoundsEnded,
    RoundStarted,
    RunEvent,
    StepFailed,
    StepSkipped,
)
from tocsin.playbook.plan import (
    AskStep,
    Block,
    ForEachStep,
    IfStep,
    OnError,
    ParallelStep,
    Plan,
    Step,
    SwitchStep,
    WaitStep,
    WhileStep,
)
from tocsin.rehearsal.path import branch_name
from tocsin.rehearsal.places import Place, bare, is_polling, places_of
from tocsin.rehearsal.stage import Played
from tocsin.rehearsal.stops import stop_of

RUN, SKIPPED = "runs", "skipped"
NO_ITEMS, ITEMS = "no items", "items"
NO_ROUND, ROUNDS, LIMIT = "no round", "rounds", "limit"
HELD, TOO_LONG = "until holds", "takes too long"
ON_ERROR, DEADLINE, EVENT, JOINED = "on error", "deadline", "event", "joined early"


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that a run can take at a step. `line` is where it begins in the playbook."""

    path: str
    label: str
    line: int = field(compare=False, default=0)

    @property
    def name(self) -> str:
        """Return how reports call it."""
        return f"{self.path}: {self.label}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the cases of a playbook have taken of it."""

    plan: Plan
    branches: tuple[Branch, ...]
    taken: frozenset[Branch]
    steps: tuple[Place, ...]
    reached: frozenset[str]  # paths of steps

    @property
    def missed(self) -> tuple[Branch, ...]:
        """Return the branches that no case took, by line."""
        return tuple(sorted((one for one in self.branches if one not in self.taken), key=lambda one: one.line))

    @property
    def percent(self) -> float:
        """Return how many of a hundred branches were taken; 100 for a playbook without."""
        return 100.0 if not self.branches else 100.0 * (len(self.branches) - len(self.missed)) / len(self.branches)


def coverage_of(plan: Plan, plays: Iterable[Played]) -> Coverage:
    """Return what plays of a playbook, also as a called one, have taken of it."""
    places = places_of(plan)
    taken: set[Branch] = set()
    reached: set[str] = set()
    for played in _all(plays):
        if played.plan.digest == plan.digest:
            here = reached_by(plan, played.events)
            reached |= here
            taken |= _taken(places, played.events, here)
    branches = tuple(branch for place in places.values() for branch in _branches(place))
    return Coverage(plan, branches, frozenset(taken & set(branches)), tuple(places.values()), frozenset(reached))


def reached_by(plan: Plan, events: Sequence[RunEvent]) -> set[str]:
    """Return the paths of the steps that a run came to."""
    found = {bare(path) for event in events if not isinstance(event, StepSkipped) and (path := getattr(event, "path", ""))}
    stop = stop_of(plan, events)
    found |= {bare(stop)} if stop else set()
    # A `parallel` leaves no event of its own: it was reached when a step in it was.
    return found | {place.path for place in places_of(plan).values() if any(True for _ in _entered(place, found))}


def _all(plays: Iterable[Played]) -> Iterator[Played]:
    for played in plays:
        yield played
        yield from _all(played.children)


def _branches(place: Place) -> Iterator[Branch]:
    step, at = place.step, partial(Branch, place.path)
    if step.common.condition is not None:
        yield at(RUN, place.line)
        yield at(SKIPPED, place.line)
    match step:
        case IfStep():
            for index, (_, block) in enumerate(step.branches):
                yield at(branch_name(step, index), _line(block, place.line))
            yield at(branch_name(step, -1), _line(step.otherwise, place.line))
        case SwitchStep():
            for index, (_, block) in enumerate(step.cases):
                yield at(branch_name(step, index), _line(block, place.line))
            yield at(branch_name(step, -1), _line(step.default, place.line))
        case ForEachStep():
            yield at(ITEMS, _line(step.body, place.line))
            yield at(NO_ITEMS, place.line)
        case WhileStep():
            yield at(ROUNDS, _line(step.body, place.line))
            yield at(NO_ROUND, place.line)
        case ParallelStep():
            yield from (at(_nth(index), _line(block, place.line)) for index, block in enumerate(step.branches))
            if step.join < len(step.branches):
                yield at(JOINED, place.line)
        case AskStep():
            yield from (at(option, place.line) for option in step.options)
            if step.deadline_s is not None:
                yield at(DEADLINE, place.line)
        case WaitStep():
            if step.event is not None:
                yield at(EVENT, place.line)
                if step.event.deadline_s is not None:
                    yield at(DEADLINE, place.line)
        case _:
            if is_polling(step):
                yield at(HELD, place.line)
                yield at(TOO_LONG, place.line)
    if step.common.on_error is not OnError.FAIL:
        yield at(ON_ERROR, _line(step.common.handler, place.line))


def _taken(places: dict[str, Place], events: Sequence[RunEvent], reached: set[str]) -> set[Branch]:
    found: set[Branch] = set()
    rounds: set[str] = set()
    for event in events:
        path = bare(getattr(event, "path", ""))
        if isinstance(event, RoundStarted):
            rounds.add(event.path)
        place = places.get(path)
        if place is not None:
            found |= {Branch(path, label) for label in _labels(event, place.step, rounds)}
    found |= {Branch(path, RUN) for path in reached & places.keys()}
    for place in places.values():
        found |= {Branch(place.path, _nth(index)) for index in _entered(place, reached)}
    return found


def _entered(place: Place, reached: set[str]) -> Iterator[int]:
    """Yield the branches of a `parallel` that were entered: those whose first step was reached."""
    scope = place.path[: -len(place.key)]
    for index, block in enumerate(place.step.branches if isinstance(place.step, ParallelStep) else ()):
        if block and scope + block[0].common.key in reached:
            yield index


def _labels(event: RunEvent, step: Step, rounds: set[str]) -> Iterator[str]:
    match event:
        case StepSkipped():
            yield SKIPPED
        case BranchTaken():
            yield branch_name(step, event.branch)
        case LoopStarted():
            yield ITEMS if event.items else NO_ITEMS
        case RoundStarted():
            yield ROUNDS
        case RoundsEnded():
            yield HELD if is_polling(step) else ROUNDS if event.path in rounds else NO_ROUND
        case BranchesJoined():
            yield JOINED
        case AskAnswered():
            yield event.answer if event.by else DEADLINE
        case EventArrived():
            yield DEADLINE if event.event is None else EVENT
        case StepFailed():
            yield ON_ERROR
            yield {"poll-timeout": TOO_LONG, "deadline-passed": DEADLINE}.get(str(event.error.get("code")), ON_ERROR)
        case _:
            pass


def _line(block: Block, otherwise: int) -> int:
    return block[0].common.line if block else otherwise


def _nth(index: int) -> str:
    return f"branch {index + 1}"
