"""The path that a run took, as a list of short texts: `mail`, `links: 2 items`, `if@4: then`, `permission: approve`."""

import json
from collections.abc import Sequence
from functools import partial

from tocsin.core.values import Json
from tocsin.engine.events import (
    ActionDone,
    ActionIntended,
    ActionUnknown,
    AskAnswered,
    AskClosed,
    BranchesJoined,
    BranchTaken,
    CallStarted,
    EventArrived,
    LoopStarted,
    MainEnded,
    RoundStarted,
    RunCancelled,
    RunEvent,
    RunPaused,
    RunResumed,
    StepFailed,
    StepSkipped,
    TimerFired,
    UndoScheduled,
    ValuesSet,
)
from tocsin.playbook.plan import Plan, Step, SwitchStep
from tocsin.rehearsal.places import Place, bare, names_of, places_of


def path_of(plan: Plan, events: Sequence[RunEvent]) -> tuple[str, ...]:
    """Return the path of a run."""
    say = partial(_said, places_of(plan), {event.path for event in events if isinstance(event, ActionIntended)})
    return tuple(text for event in events if (text := say(event)))


def branch_name(step: Step | None, branch: int) -> str:
    """Name a branch of an `if` or a `switch` as the path does."""
    if isinstance(step, SwitchStep):
        return "default" if branch < 0 else f"case {_plain(step.cases[branch][0])}"
    return "else" if branch < 0 else "then" if branch == 0 else f"elif {branch}"


def fits(expected: str, actual: str) -> bool:
    """Tell whether a text of an expected path stands for one of an actual path.

    `permission` stands for `permission: approve`, and `rep` and `links/rep` for `links[3]/rep`.
    """
    if expected == actual:
        return True
    wanted, _, wanted_end = expected.partition(": ")
    step, _, end = actual.partition(": ")
    return wanted in names_of(step) and (not wanted_end or wanted_end == end)


def _said(places: dict[str, Place], written: set[str], event: RunEvent) -> str:
    match event:
        case StepSkipped():
            return f"{event.path}: skipped"
        case StepFailed():
            return f"{event.path}: failed"
        case ValuesSet() | TimerFired() | CallStarted():
            return event.path
        case BranchTaken():
            place = places.get(bare(event.path))
            return f"{event.path}: {branch_name(place.step if place else None, event.branch)}"
        case LoopStarted():
            return f"{event.path}: {len(event.items)} {'item' if len(event.items) == 1 else 'items'}"
        case RoundStarted():
            return "" if event.polls else f"{event.path}: round {event.index + 1}"
        case BranchesJoined():
            return f"{event.path}: joined {', '.join(str(one + 1) for one in event.branches)}"
        case ActionIntended():
            return event.path if event.attempt == 1 else f"{event.path}: attempt {event.attempt}"
        case ActionDone():
            return (f"{event.path}: it happened" if event.by else "") if event.path in written else event.path
        case ActionUnknown():
            return f"{event.path}: unknown"
        case AskAnswered():
            return f"{event.path}: {event.answer}" + ("" if event.by else " (deadline)")
        case AskClosed():
            return f"{event.path}: closed"
        case EventArrived():
            return f"{event.path}: {'nothing came' if event.event is None else 'event'}"
        case UndoScheduled():
            return f"{event.path}: undo planned"
        case MainEnded():
            return "finally"
        case RunCancelled() | RunPaused() | RunResumed():
            return {RunCancelled: "cancelled", RunPaused: "paused", RunResumed: "resumed"}[type(event)]
        case _:
            return ""


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
