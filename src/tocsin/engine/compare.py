"""Two runs side by side, step by step: where they went another way, asked for something else, or got another answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from tocsin.core.values import Json, JsonObject, iso, parse_instant
from tocsin.engine.events import (
    ActionDone,
    ActionFailed,
    ActionIntended,
    ActionUnknown,
    AskAnswered,
    AskClosed,
    AskOpened,
    BranchesJoined,
    BranchTaken,
    CallEnded,
    CallStarted,
    EventArrived,
    EventAwaited,
    LoopEnded,
    LoopStarted,
    Outcome,
    RoundsEnded,
    RoundStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    StepFailed,
    StepSkipped,
    TimerFired,
    TimerSet,
    ValuesSet,
)

MOST_DIFFERENCES = 50  # of one value
MISSING: Json = None


class Same(StrEnum):
    """How a step of one run relates to that of the other."""

    SAME = "same"
    DIFFERENT = "different"
    ONLY_FIRST = "only-first"
    ONLY_SECOND = "only-second"


@dataclass(frozen=True, slots=True)
class StepFacts:
    """What became of one step instance."""

    path: str
    kind: str  # action set branch loop ask wait call parallel step
    status: str  # running done skipped failed unknown open
    action: str = ""
    effect: str = ""
    arguments: Json = None
    output: Json = None
    branch: int | None = None
    error: JsonObject | None = None
    began_at: str = ""
    ended_at: str = ""

    @property
    def duration_ms(self) -> float | None:
        """Return how long it took; None while it is not over."""
        if not self.began_at or not self.ended_at:
            return None
        return round((parse_instant(self.ended_at) - parse_instant(self.began_at)).total_seconds() * 1000, 1)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two values differ. `how`: changed, added (only the second has it) or removed."""

    place: str  # a JSON path: $.urls[3]
    how: str
    first: Json
    second: Json


@dataclass(frozen=True, slots=True)
class StepComparison:
    """One step of both runs."""

    path: str
    same: Same
    first: StepFacts | None
    second: StepFacts | None
    changed: tuple[str, ...] = ()  # of status, branch, action, arguments, output, error
    arguments: tuple[Difference, ...] = ()
    output: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What became of one run."""

    playbook: str
    digest: str
    outcome: Outcome | None
    reason: str
    began_at: str
    ended_at: str
    outputs: JsonObject


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, aligned by path."""

    first: RunFacts
    second: RunFacts
    steps: tuple[StepComparison, ...]
    inputs: tuple[Difference, ...]
    outputs: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """Tell whether both did the same with the same result."""
        return self.first.outcome is self.second.outcome and not self.outputs and all(one.same is Same.SAME for one in self.steps)


def compare(first: Sequence[RunEvent], second: Sequence[RunEvent]) -> Comparison:
    """Compare two runs; times and ids of asks and child runs don't count as differences."""
    facts = steps_of(first), steps_of(second)
    mine, theirs = run_facts(first), run_facts(second)
    return Comparison(
        mine,
        theirs,
        tuple(_compare_step(path, facts[0].get(path), facts[1].get(path)) for path in _aligned(list(facts[0]), list(facts[1]))),
        tuple(differences(_inputs(first), _inputs(second))),
        tuple(differences(mine.outputs, theirs.outputs)),
    )


def run_facts(events: Sequence[RunEvent]) -> RunFacts:
    """Return what became of a run."""
    started = events[0] if events else None
    ended = next((event for event in events if isinstance(event, RunEnded)), None)
    known = started if isinstance(started, RunStarted) else None
    return RunFacts(
        known.playbook if known else "",
        known.digest if known else "",
        ended.outcome if ended else None,
        ended.reason if ended else "",
        known.at if known else "",
        ended.at if ended else "",
        ended.outputs if ended else {},
    )


def steps_of(events: Sequence[RunEvent]) -> dict[str, StepFacts]:
    """Return what became of each step instance, in the order in which they began."""
    found: dict[str, StepFacts] = {}
    for event in events:
        path: Json = getattr(event, "path", "")
        if isinstance(path, str) and path:
            before = found.get(path) or StepFacts(path, "step", "running", began_at=event.at)
            found[path] = _after(before, event)
    return found


def differences(first: Json, second: Json) -> list[Difference]:
    """Return where two JSON values differ, at most MOST_DIFFERENCES places."""
    found: list[Difference] = []
    for one in _differ("$", first, second):
        found.append(one)
        if len(found) == MOST_DIFFERENCES:
            break
    return found


def _inputs(events: Sequence[RunEvent]) -> JsonObject:
    started = events[0] if events else None
    return started.inputs if isinstance(started, RunStarted) else {}


def _after(before: StepFacts, event: RunEvent) -> StepFacts:
    """Fold one event into what is known of its step."""
    match event:
        case ActionIntended():
            facts = replace(before, kind="action", status="running", action=event.action, effect=event.effect.value)
            return replace(facts, arguments=event.arguments)
        case ActionDone():
            arguments = before.arguments if before.arguments is not None else event.arguments
            facts = replace(before, kind="action", status="done", action=event.action or before.action, arguments=arguments)
            began = _earlier(event.at, event.elapsed_ms) if before.began_at == event.at else before.began_at
            return replace(facts, effect=before.effect or event.effect.value, output=event.output, began_at=began, ended_at=event.at)
        case ActionFailed():
            return replace(
                before, kind="action", status="failed", action=event.action or before.action, error=event.error, ended_at=event.at
            )
        case ActionUnknown():
            return replace(before, kind="action", status="unknown", ended_at=event.at)
        case StepSkipped():
            return replace(before, status="skipped", ended_at=event.at)
        case StepFailed():
            return replace(before, status="failed", error=event.error, ended_at=event.at)
        case ValuesSet():
            return replace(before, kind="set", status="done", output=event.values, ended_at=event.at)
        case BranchTaken():
            return replace(before, kind="branch", status="done", branch=event.branch, ended_at=event.at)
        case LoopStarted():
            return replace(before, kind="loop", arguments=event.items)
        case RoundStarted():
            return replace(before, kind="action" if event.polls else "loop")
        case LoopEnded() | RoundsEnded():
            return replace(before, status="done", ended_at=event.at)
        case BranchesJoined():
            return replace(before, kind="parallel", status="done", output=[*event.branches], ended_at=event.at)
        case AskOpened() | AskAnswered() | AskClosed():
            return _after_ask(before, event)
        case TimerSet() | EventAwaited():
            return replace(before, kind="wait", status="waiting")
        case TimerFired():
            return replace(before, status="done", ended_at=event.at)
        case EventArrived():
            return replace(before, status="done", output=event.event, ended_at=event.at)
        case CallStarted():
            facts = replace(before, kind="call", action=event.playbook, arguments=event.inputs)
            return facts if event.waits else replace(facts, status="done", ended_at=event.at)
        case CallEnded():
            status = "done" if event.outcome is Outcome.SUCCEEDED else "failed"
            return replace(before, status=status, output=event.outputs, ended_at=event.at)
        case _:
            return before


def _after_ask(before: StepFacts, event: AskOpened | AskAnswered | AskClosed) -> StepFacts:
    match event:
        case AskOpened() if event.about != "step":
            return before
        case AskOpened():
            asked: JsonObject = {"title": event.title, "message": event.message, "to": [*event.to], "options": [*event.options]}
            return replace(before, kind="ask", status="open", arguments=asked)
        case AskAnswered() if before.kind == "ask":
            answer: JsonObject = {"answer": event.answer, "by": event.by, "form": event.form}
            return replace(before, status="done", output=answer, ended_at=event.at)
        case AskClosed() if before.kind == "ask":
            return replace(before, status="closed", ended_at=event.at)
        case _:
            return before


def _earlier(at: str, elapsed_ms: float) -> str:
    """Return when a read began, whose only event is its end."""
    return iso(parse_instant(at) - timedelta(milliseconds=elapsed_ms))


def _aligned(first: list[str], second: list[str]) -> list[str]:
    """Return the paths of both: in the order of the first, with the second's own behind what they follow there."""
    behind: dict[str, list[str]] = {}
    known, last = frozenset(first), ""
    for path in second:
        if path in known:
            last = path
        else:
            behind.setdefault(last, []).append(path)
    return [*behind.get("", []), *(one for path in first for one in (path, *behind.get(path, [])))]


def _compare_step(path: str, first: StepFacts | None, second: StepFacts | None) -> StepComparison:
    if first is None or second is None:
        return StepComparison(path, Same.ONLY_SECOND if first is None else Same.ONLY_FIRST, first, second)
    arguments = tuple(differences(first.arguments, second.arguments))
    output = tuple(differences(first.output, second.output))
    changed = tuple(name for name, differs in _changes(first, second, arguments, output).items() if differs)
    return StepComparison(path, Same.DIFFERENT if changed else Same.SAME, first, second, changed, arguments, output)


def _changes(first: StepFacts, second: StepFacts, arguments: tuple[Difference, ...], output: tuple[Difference, ...]) -> Mapping[str, bool]:
    return {
        "status": first.status != second.status,
        "branch": first.branch != second.branch,
        "action": first.action != second.action,
        "arguments": bool(arguments),
        "output": bool(output),
        "error": (first.error or {}).get("code") != (second.error or {}).get("code"),
    }


def _differ(place: str, first: Json, second: Json) -> Iterator[Difference]:
    if isinstance(first, dict) and isinstance(second, dict):
        for name in [*first, *(name for name in second if name not in first)]:
            yield from _member(f"{place}.{name}", name in first, name in second, first.get(name), second.get(name))
    elif isinstance(first, list) and isinstance(second, list):
        for index in range(max(len(first), len(second))):
            one, other = (side[index] if index < len(side) else MISSING for side in (first, second))
            yield from _member(f"{place}[{index}]", index < len(first), index < len(second), one, other)
    elif type(first) is not type(second) or first != second:
        yield Difference(place, "changed", first, second)


def _member(place: str, has_first: bool, has_second: bool, first: Json, second: Json) -> Iterator[Difference]:
    if has_first and has_second:
        yield from _differ(place, first, second)
    else:
        yield Difference(place, "removed" if has_first else "added", first, second)
