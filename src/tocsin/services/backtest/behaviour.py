"""What a run did, as far as it matters to people: its decisions, its questions, its effects; and where two of them differ."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.core.effects import ActionSpec
from tocsin.core.errors import TocsinError
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import ActionDone, ActionIntended, AskAnswered, AskOpened, BranchTaken, RunEnded, RunEvent
from tocsin.rehearsal.stage import Played
from tocsin.services.backtest.recorded import PastRun, steady

WAITS = "waiting"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the answer that it got; None: nobody has answered it."""

    title: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Acted:
    """An effect that was sent, or would be."""

    action: str
    arguments: JsonObject

    @property
    def key(self) -> tuple[str, str]:
        """Return what makes two effects the same."""
        return self.action, steady(self.arguments)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a run did. `ran` is False when nothing started; `cut` says why it is not known how it went on."""

    ran: bool = True
    outcome: str = WAITS
    reason: str = ""
    outputs: JsonObject = field(default_factory=dict)
    branches: dict[str, int] = field(default_factory=dict)  # of steps with an id
    asks: tuple[Asked, ...] = ()
    effects: tuple[Acted, ...] = ()
    minutes: float = 0.0
    cut: str = ""

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        return {
            "ran": self.ran,
            "outcome": self.outcome if self.ran else None,
            "reason": self.reason,
            "asks": [{"title": one.title, "answer": one.answer} for one in self.asks],
            "effects": [{"action": one.action, "arguments": one.arguments} for one in self.effects],
            "minutes_saved": round(self.minutes, 1),
        }


NOTHING = Behaviour(ran=False, outcome="")


class Kind(StrEnum):
    """What differs."""

    DECISION = "decision"
    ASK = "ask"
    EFFECT = "effect"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `how`: added, removed or changed."""

    kind: Kind
    how: str
    what: str
    before: Json = None
    after: Json = None

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        return {"kind": self.kind.value, "how": self.how, "what": self.what, "before": self.before, "after": self.after}


def of_played(played: Played, spec: Callable[[str], ActionSpec], *, cut: str = "") -> Behaviour:
    """Return what a play did, its children included."""
    return _behaviour(played.events, [events for one in _family(played) for events in (one.events,)], spec, cut)


def of_past(root: PastRun, runs: Sequence[PastRun], spec: Callable[[str], ActionSpec]) -> Behaviour:
    """Return what a recorded run did, its children included."""
    family, grown = {root.run.id}, True
    while grown:
        more = {one.run.id for one in runs if one.run.parent in family} - family
        family, grown = family | more, bool(more)
    return _behaviour(root.events, [one.events for one in runs if one.run.id in family], spec, "")


def changes(before: Behaviour, after: Behaviour) -> list[Change]:
    """Return where `after` differs. Where it is cut, nothing is said of what did not come to pass."""
    return [*_decisions(before, after), *_asks(before, after), *_effects(before, after)]


def _family(played: Played) -> Iterator[Played]:
    yield played
    for child in played.children:
        yield from _family(child)


def _behaviour(own: Sequence[RunEvent], family: Iterable[Sequence[RunEvent]], spec: Callable[[str], ActionSpec], cut: str) -> Behaviour:
    last = own[-1] if own else None
    ended = last if isinstance(last, RunEnded) else None
    asks: list[Asked] = []
    effects: list[Acted] = []
    minutes = 0.0
    for events in family:
        answers = {event.ask: event.answer for event in events if isinstance(event, AskAnswered)}
        intents = {event.path: event for event in events if isinstance(event, ActionIntended)}
        asks += [Asked(event.title, answers.get(event.ask)) for event in events if isinstance(event, AskOpened) and event.about == "step"]
        effects += [Acted(event.action, event.arguments) for event in intents.values()]
        names = (event.action for event in events if isinstance(event, ActionDone))
        minutes += sum(_minutes(name, spec) for name in names)
    return Behaviour(
        outcome=ended.outcome.value if ended else WAITS,
        reason=ended.reason if ended else "",
        outputs=ended.outputs if ended else {},
        branches={event.path: event.branch for event in own if isinstance(event, BranchTaken) and "@" not in event.path},
        asks=tuple(asks),
        effects=tuple(effects),
        minutes=minutes,
        cut=cut,
    )


def _minutes(action: str, spec: Callable[[str], ActionSpec]) -> float:
    try:
        return spec(action).minutes_saved
    except TocsinError:
        return 0.0  # a code step, or an action that is installed no more


def _decisions(before: Behaviour, after: Behaviour) -> Iterator[Change]:
    if before.ran != after.ran:
        yield Change(Kind.DECISION, "added" if after.ran else "removed", "the playbook starts", before.ran, after.ran)
        return
    if not before.ran:
        return
    for path in before.branches.keys() & after.branches.keys():
        if before.branches[path] != after.branches[path]:
            yield Change(Kind.DECISION, "changed", path, before.branches[path], after.branches[path])
    if after.cut:
        return
    if before.outcome != after.outcome:
        yield Change(Kind.DECISION, "changed", "outcome", before.outcome, after.outcome)
    elif steady(before.reason) != steady(after.reason):
        yield Change(Kind.DECISION, "changed", "reason", before.reason, after.reason)
    if steady(before.outputs) != steady(after.outputs):
        yield Change(Kind.DECISION, "changed", "outputs", before.outputs, after.outputs)


def _asks(before: Behaviour, after: Behaviour) -> Iterator[Change]:
    old, new = (Counter(steady(ask.title) for ask in side.asks) for side in (before, after))
    for ask in _surplus(after.asks, new - old):
        yield Change(Kind.ASK, "added", ask.title, None, ask.answer)
    if not after.cut:
        for ask in _surplus(before.asks, old - new):
            yield Change(Kind.ASK, "removed", ask.title, ask.answer, None)


def _surplus(asks: Sequence[Asked], counts: "Counter[str]") -> Iterator[Asked]:
    left = Counter(counts)
    for ask in asks:
        if left[steady(ask.title)] > 0:
            left[steady(ask.title)] -= 1
            yield ask


def _effects(before: Behaviour, after: Behaviour) -> Iterator[Change]:
    old, new = (Counter(one.key for one in side.effects) for side in (before, after))
    added, removed = _left(after.effects, new - old), _left(before.effects, old - new)
    for one in added:
        twin = next((other for other in removed if other.action == one.action), None)
        if twin is None:
            yield Change(Kind.EFFECT, "added", one.action, None, one.arguments)
        else:
            removed.remove(twin)
            yield Change(Kind.EFFECT, "changed", one.action, twin.arguments, one.arguments)
    if not after.cut:
        for one in removed:
            yield Change(Kind.EFFECT, "removed", one.action, one.arguments, None)


def _left(effects: Sequence[Acted], counts: "Counter[tuple[str, str]]") -> list[Acted]:
    left, found = Counter(counts), []
    for one in effects:
        if left[one.key] > 0:
            left[one.key] -= 1
            found.append(one)
    return found
