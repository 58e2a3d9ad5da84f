"""The history that a replay begins with: what an old run found out before a step, so that the new run goes on from there.

Only whole steps of the outermost scope are taken over. A step that carries an effect which was done, or may have been, is either taken
over or the replay is refused; so nothing before the point is ever done twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TypeAlias, assert_never

import msgspec

from tocsin.core.effects import Effect
from tocsin.core.errors import Invalid
from tocsin.core.values import Instant, Json, JsonObject, iso
from tocsin.engine.events import (
    ActionDone,
    ActionIntended,
    ActionUnknown,
    AskAnswered,
    BranchesJoined,
    BranchTaken,
    CallEnded,
    CallStarted,
    EventArrived,
    LoopEnded,
    MainEnded,
    Outcome,
    RoundsEnded,
    RunEvent,
    RunStarted,
    StepFailed,
    StepSkipped,
    TimerFired,
    ValuesSet,
)
from tocsin.playbook.plan import (
    ActionStep,
    AskStep,
    Block,
    CallStep,
    CodeStep,
    ForEachStep,
    IfStep,
    OnError,
    ParallelStep,
    Plan,
    SetStep,
    Step,
    StopStep,
    SwitchStep,
    WaitStep,
    WhileStep,
)

Shape: TypeAlias = tuple[object, ...]
HANDLER, FINAL = -2, -3  # "branches" of a step and of the playbook; -1 is the else of an `if`


class CannotReplay(Invalid):
    """A run cannot be replayed from that step."""

    code = "cannot-replay"


@dataclass(frozen=True, slots=True)
class Place:
    """A step of the outermost scope: `above` are the steps around it, each with the branch that it is in."""

    step: Step
    above: tuple[tuple[str, int], ...]

    @property
    def key(self) -> str:
        """Return the key of the step, which is its path."""
        return self.step.common.key


def replayed(
    events: Sequence[RunEvent],
    *,
    before: Plan,
    plan: Plan,
    from_path: str,
    inputs: JsonObject | None,
    at: Instant,
    trigger: JsonObject,
) -> tuple[RunEvent, ...]:
    """Return the events that a new run of `plan` begins with: its start, and the old ones of the steps before `from_path`.

    `before` is the plan of the old run; `inputs` None keeps its inputs. Raises CannotReplay.
    """
    started = events[0] if events else None
    if not isinstance(started, RunStarted):
        raise CannotReplay("The old run has no history.", hint="Start a new run.")
    point = _point(plan, from_path)
    history = _Histories(events)
    names = _renamed(before, plan)
    kept = _Choice(before, plan, point, history, names).kept()
    begun = msgspec.structs.replace(
        started,
        at=iso(at),
        playbook=plan.id,
        digest=plan.digest,
        trigger={**trigger, "from": point.key},
        inputs=started.inputs if inputs is None else inputs,
    )
    return (begun, *_taken_over(events, kept, names, final=_is_final(point)))


def effects_after(events: Sequence[RunEvent], kept: Sequence[RunEvent]) -> list[tuple[str, str]]:
    """Return (path, action) of the effects which the old run did and the new one does not know of: it may do them again."""
    known = {event.key for event in kept if isinstance(event, ActionIntended)}
    intents = {event.path: event for event in events if isinstance(event, ActionIntended)}
    done = [event.path for event in events if isinstance(event, ActionDone) and event.path in intents]
    return [(path, intents[path].action) for path in dict.fromkeys(done) if intents[path].key not in known]


def places(plan: Plan) -> list[Place]:
    """Return the steps of the outermost scope in the order of the plan."""
    return [*_walk(plan.steps, ()), *_walk(plan.final, (("", FINAL),))]


def _walk(block: Block, above: tuple[tuple[str, int], ...]) -> Iterator[Place]:
    for step in block:
        yield Place(step, above)
        for branch, inner in _inner(step):
            yield from _walk(inner, (*above, (step.common.key, branch)))


def _inner(step: Step) -> Iterator[tuple[int, Block]]:
    """Return the blocks of a step that belong to the scope around it."""
    match step:
        case IfStep():
            yield from enumerate(block for _, block in step.branches)
            yield -1, step.otherwise
        case SwitchStep():
            yield from enumerate(block for _, block in step.cases)
            yield -1, step.default
        case ParallelStep():
            yield from enumerate(step.branches)
        case _:
            pass
    yield HANDLER, step.common.handler


def _point(plan: Plan, path: str) -> Place:
    outer, inner = _owner(path), path != _owner(path)
    known = {place.key: place for place in places(plan)}
    if outer in known and not inner:
        return known[outer]
    if outer in known:
        message = f"The step '{path}' is inside '{outer}', which can only be begun anew as a whole."
        raise CannotReplay(message, hint=f"Replay from '{outer}'.")
    within = next((place.key for place in known.values() if path in _keys_in(place.step)), None)
    if within is not None:
        raise CannotReplay(
            f"The step '{path}' is inside '{within}', which can only be begun anew as a whole.", hint=f"Replay from '{within}'."
        )
    near = get_close_matches(outer, known, n=3, cutoff=0.4) or list(known)[:10]
    raise CannotReplay(f"The playbook '{plan.id}' has no step '{path}' in this version.", hint=f"It has: {', '.join(near)}.")


def _keys_in(step: Step) -> frozenset[str]:
    if not isinstance(step, ForEachStep | WhileStep):
        return frozenset()
    return frozenset(key for place in _walk(step.body, ()) for key in (place.key, *_keys_in(place.step)))


def _owner(path: str) -> str:
    return path.partition("/")[0].partition("[")[0]


def _is_final(place: Place) -> bool:
    return bool(place.above) and place.above[0][1] == FINAL


# --- which step of the old version is which of the new one


def _renamed(before: Plan, plan: Plan) -> dict[str, str]:
    """Return the new key of each old step that is still there. A step without an id is known by its neighbours."""
    old, new = places(before), places(plan)
    named = {place.key: place for place in new if place.step.common.id}
    names = {
        place.key: place.key for place in old if place.step.common.id and place.key in named and _is_same(place.step, named[place.key].step)
    }
    first_shapes, second_shapes = ([_shape(place.step) for place in side] for side in (old, new))
    for first, second, size in SequenceMatcher(a=first_shapes, b=second_shapes, autojunk=False).get_matching_blocks():
        for offset in range(size):
            if not old[first + offset].step.common.id:
                names[old[first + offset].key] = new[second + offset].key
    return names


def _may_be(new: Step, old: Step) -> bool:
    """Tell whether a step of the new version stands for one of the old version that is not the same any more."""
    if new.common.id or old.common.id:
        return new.common.id == old.common.id
    return _shape(new) == _shape(old)


def _is_same(old: Step, new: Step) -> bool:
    return _shape(old)[1:] == _shape(new)[1:]


def _shape(step: Step) -> Shape:
    """Return what makes a result of an old version usable in a new one: the kind, and what the kind's result depends on."""
    kind, id = type(step).__name__, step.common.id
    match step:
        case ActionStep():
            return (id, kind, step.action, step.polling is not None)
        case CallStep():
            return (id, kind, step.playbook, step.waits)
        case ForEachStep():
            return (id, kind, step.variable, _shapes(step.body))
        case WhileStep():
            return (id, kind, _shapes(step.body))
        case IfStep():
            return (id, kind, tuple(condition.source for condition, _ in step.branches))
        case SwitchStep():
            return (id, kind, step.subject.source, repr([value for value, _ in step.cases]))
        case ParallelStep():
            return (id, kind, len(step.branches), step.join)
        case WaitStep():
            return (id, kind, step.event is not None)
        case AskStep():
            return (id, kind, step.options)
        case SetStep():
            return (id, kind) if id else (id, kind, repr(step.values.value))
        case StopStep() | CodeStep():
            return (id, kind)
        case _:
            assert_never(step)


def _shapes(block: Block) -> Shape:
    return tuple((_shape(place.step), place.above) for place in _walk(block, ()))


# --- what is taken over


class _Histories:
    """The events of an old run by the step of the outermost scope that they belong to."""

    def __init__(self, events: Sequence[RunEvent]) -> None:
        self.events = events
        self.of: dict[str, list[RunEvent]] = {}
        for event in events:
            path = _path(event)
            if path:
                self.of.setdefault(_owner(path), []).append(event)

    def own(self, key: str) -> list[RunEvent]:
        """Return the events of the step itself, without those of iterations."""
        return [event for event in self.of.get(key, []) if _path(event) == key]

    def has_effect(self, key: str) -> bool:
        """Tell whether something in the step has changed the world, or may have: a write that is not known to have failed."""
        own = self.of.get(key, [])
        done = any(isinstance(event, ActionDone) and event.effect is not Effect.READ for event in own)
        unknown = any(isinstance(event, ActionUnknown) for event in own)
        intents, failed = ({_path(event) for event in own if isinstance(event, kind)} for kind in (ActionIntended, StepFailed))
        return done or unknown or bool(intents - failed)

    def is_over(self, step: Step, key: str) -> bool:
        """Tell whether the old run has settled the step, in a way that lets the new version go on behind it."""
        own = self.own(key)
        if any(isinstance(event, StepFailed) for event in own):
            return step.common.on_error is not OnError.FAIL
        if isinstance(step, ActionStep) and step.polling is not None:
            return any(isinstance(event, RoundsEnded | StepSkipped) for event in own)
        if isinstance(step, IfStep | SwitchStep):
            return any(isinstance(event, BranchTaken | StepSkipped) for event in own)
        if isinstance(step, AskStep):
            return any(isinstance(event, AskAnswered | StepSkipped) for event in own)
        return isinstance(step, ParallelStep) or any(map(_settles, own))


def _settles(event: RunEvent) -> bool:
    match event:
        case ActionDone() | ValuesSet() | StepSkipped() | LoopEnded() | RoundsEnded() | TimerFired() | EventArrived() | BranchesJoined():
            return True
        case CallEnded():
            return event.outcome is Outcome.SUCCEEDED
        case CallStarted():
            return not event.waits
        case _:
            return False


class _Choice:
    """Chooses the old steps whose events the new run begins with."""

    def __init__(self, before: Plan, plan: Plan, point: Place, history: _Histories, names: Mapping[str, str]) -> None:
        self.point, self.history = point, history
        self.lost = [place for place in places(before) if place.key not in names and history.has_effect(place.key)]
        self.order = places(plan)
        self.position = {place.key: position for position, place in enumerate(self.order)}
        self.old_key = {new: old for old, new in names.items()}

    def kept(self) -> dict[str, bool]:
        """Return the old keys to take over; False: only which way the step went."""
        kept: dict[str, bool] = {}
        around = dict(self.point.above)
        for place in self.order:
            old = self.old_key.get(place.key)
            if _is_final(self.point) and not _is_final(place):
                kept |= {} if old is None else {old: True}  # the main part is over, however it went
            elif place.key in around:
                self._enter(place, old, around[place.key], kept)
            elif not self._is_before(place):
                continue
            elif old is not None and self.history.is_over(place.step, old):
                kept[old] = True
            else:
                self._refuse_repeat(place, old)
        return kept

    def _is_before(self, place: Place) -> bool:
        """Tell whether the step stands before the point; the other branches of a `parallel` around it do too."""
        if self.position[place.key] < self.position[self.point.key]:
            return True
        parallels = {key for key, _ in self.point.above if self._is_parallel(key)}
        mine = set(self.point.above)
        return any(key in parallels and (key, branch) not in mine and branch >= 0 for key, branch in place.above)

    def _is_parallel(self, key: str) -> bool:
        return any(place.key == key and isinstance(place.step, ParallelStep) for place in self.order)

    def _enter(self, place: Place, old: str | None, branch: int, kept: dict[str, bool]) -> None:
        """Go into a step that is around the point: the old run must have gone the same way."""
        if isinstance(place.step, ParallelStep):
            return
        if branch == HANDLER:
            raise CannotReplay(f"The step '{self.point.key}' belongs to the on_error of '{place.key}'.", hint=f"Replay from '{place.key}'.")
        took = [event.branch for event in self.history.own(old or "") if isinstance(event, BranchTaken)]
        if not took or took[0] != branch:
            raise CannotReplay(
                f"The old run did not go into the branch of '{place.key}' that has '{self.point.key}'.",
                hint=f"Replay from '{place.key}', so that it is decided anew.",
            )
        if old is not None:
            kept[old] = False

    def _refuse_repeat(self, place: Place, old: str | None) -> None:
        """Refuse when the step would be run again although it, or what was it in the old version, has changed something."""
        if isinstance(place.step, IfStep | SwitchStep | ParallelStep):
            return
        if not (any(_may_be(place.step, lost.step) for lost in self.lost) if old is None else self.history.has_effect(old)):
            return
        raise CannotReplay(
            f"'{place.key}' comes before '{self.point.key}' and has changed something, but its result cannot be used: "
            "it did not finish, or it is another step in this version.",
            hint=f"Replay from '{place.key}' if it may be done again, or choose the version of the old run.",
        )


def _taken_over(events: Sequence[RunEvent], kept: Mapping[str, bool], names: Mapping[str, str], *, final: bool) -> Iterator[RunEvent]:
    for event in events[1:]:
        path = _path(event)
        old = _owner(path)
        if final and isinstance(event, MainEnded):
            yield event
        elif path and old in kept and (kept[old] or isinstance(event, BranchTaken)):
            yield _moved(event, names[old] + path[len(old) :])


def _moved(event: RunEvent, path: str) -> RunEvent:
    return event if _path(event) == path else msgspec.structs.replace(event, path=path)


def _path(event: RunEvent) -> str:
    path: Json = getattr(event, "path", "")
    return path if isinstance(path, str) else ""
