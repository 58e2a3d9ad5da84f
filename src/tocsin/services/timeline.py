"""A run's events as a person reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from tocsin.core.values import JsonObject
from tocsin.engine.events import (
    ActionDone,
    ActionFailed,
    ActionIntended,
    ActionUnknown,
    AskAnswered,
    AskOpened,
    BranchTaken,
    CallEnded,
    CallStarted,
    IterationEnded,
    LoopEnded,
    LoopStarted,
    RunEnded,
    RunEvent,
    RunStarted,
    StepFailed,
    StepSkipped,
    TimerFired,
    TimerSet,
    ValuesSet,
)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line. `kind`: run action set branch loop ask wait call step; `effect` and `attempt` are set for actions only."""

    at: str
    path: str
    title: str
    kind: str
    status: str
    details: JsonObject = field(default_factory=dict)
    effect: str | None = None
    attempt: int | None = None


def read_timeline(events: Sequence[RunEvent]) -> list[TimelineEntry]:
    """Return a line for each event, in order. Pure."""
    intents: dict[str, ActionIntended] = {}
    entries = []
    for event in events:
        if isinstance(event, ActionIntended):
            intents[event.path] = event
        entries.append(_entry(event, intents))
    return entries


def _entry(event: RunEvent, intents: dict[str, ActionIntended]) -> TimelineEntry:
    match event:
        case RunStarted() | RunEnded():
            return _run(event)
        case ActionIntended() | ActionDone() | ActionFailed() | ActionUnknown():
            return _action(event, intents.get(event.path))
        case AskOpened() | AskAnswered():
            return _ask(event)
        case LoopStarted() | IterationEnded() | LoopEnded():
            return _loop(event)
        case TimerSet() | TimerFired():
            return _timer(event)
        case CallStarted() | CallEnded():
            return _call(event)
        case StepSkipped():
            return TimelineEntry(event.at, event.path, "Skipped: its condition was false", "step", "skipped")
        case StepFailed():
            return TimelineEntry(event.at, event.path, f"Failed: {_message(event.error)}", "step", "failed", {"error": event.error})
        case ValuesSet():
            return TimelineEntry(event.at, event.path, f"Set {', '.join(event.values)}", "set", "done", {"values": event.values})
        case BranchTaken():
            name = "the other branch" if event.branch < 0 else f"branch {event.branch + 1}"
            return TimelineEntry(event.at, event.path, f"Took {name}", "branch", "done", {"branch": event.branch})
        case _:
            assert_never(event)


def _run(event: RunStarted | RunEnded) -> TimelineEntry:
    if isinstance(event, RunStarted):
        details: JsonObject = {"trigger": event.trigger, "inputs": event.inputs, "digest": event.digest}
        return TimelineEntry(event.at, "", f"Started {event.playbook}", "run", "started", details)
    title = f"Run {event.outcome.value}" + (f": {event.reason}" if event.reason else "")
    return TimelineEntry(event.at, "", title, "run", event.outcome.value, {"outputs": event.outputs, "reason": event.reason})


def _action(event: ActionIntended | ActionDone | ActionFailed | ActionUnknown, intent: ActionIntended | None) -> TimelineEntry:
    effect = intent.effect.value if intent else "read"
    attempt = intent.attempt if intent else None
    match event:
        case ActionIntended():
            sent: JsonObject = {"action": event.action, "connection": event.connection, "arguments": event.arguments, "key": event.key}
            return TimelineEntry(event.at, event.path, f"About to do {event.action}", "action", "intended", sent, effect, event.attempt)
        case ActionDone():
            name = event.action or (intent.action if intent else "action")
            done: JsonObject = {"action": name, "output": event.output, "elapsed_ms": event.elapsed_ms}
            if event.arguments:
                done["arguments"] = event.arguments
            if event.by:
                done["by"] = event.by
            title = f"{name}: {event.by} says that it happened" if event.by else f"{name} done"
            return TimelineEntry(event.at, event.path, title, "action", "succeeded", done, effect, attempt)
        case ActionFailed():
            name = event.action or (intent.action if intent else "action")
            title = f"{name} failed, nothing changed: {_message(event.error)}"
            return TimelineEntry(
                event.at, event.path, title, "action", "failed", {"action": name, "error": event.error}, effect, event.attempt
            )
        case ActionUnknown():
            name = intent.action if intent else "action"
            details: JsonObject = {"action": name, "reason": event.reason, "probed": event.probed}
            title = f"Nobody knows whether {name} happened: {event.reason}"
            return TimelineEntry(event.at, event.path, title, "action", "unknown", details, effect, event.attempt)
        case _:
            assert_never(event)


def _ask(event: AskOpened | AskAnswered) -> TimelineEntry:
    if isinstance(event, AskOpened):
        details: JsonObject = {"ask": event.ask, "to": [*event.to], "options": [*event.options], "deadline": event.deadline}
        return TimelineEntry(event.at, event.path, f"Asked: {event.title}", "ask", "open", details)
    who = event.by or "The deadline"
    answered: JsonObject = {"ask": event.ask, "answer": event.answer, "by": event.by, "reason": event.reason, "form": event.form}
    return TimelineEntry(event.at, event.path, f"{who} answered '{event.answer}'", "ask", "answered", answered)


def _loop(event: LoopStarted | IterationEnded | LoopEnded) -> TimelineEntry:
    match event:
        case LoopStarted():
            count = len(event.items)
            title = f"For each of {count} {'item' if count == 1 else 'items'}"
            return TimelineEntry(event.at, event.path, title, "loop", "started", {"variable": event.variable, "count": count})
        case IterationEnded():
            return TimelineEntry(event.at, event.path, f"Item {event.index + 1} done", "loop", "done", {"index": event.index})
        case LoopEnded():
            return TimelineEntry(event.at, event.path, "Every item done", "loop", "done")
        case _:
            assert_never(event)


def _timer(event: TimerSet | TimerFired) -> TimelineEntry:
    if isinstance(event, TimerSet):
        return TimelineEntry(event.at, event.path, f"Waits until {event.due}", "wait", "waiting", {"due": event.due})
    return TimelineEntry(event.at, event.path, "Waited", "wait", "done")


def _call(event: CallStarted | CallEnded) -> TimelineEntry:
    if isinstance(event, CallStarted):
        details: JsonObject = {"run": event.run, "playbook": event.playbook, "inputs": event.inputs}
        return TimelineEntry(event.at, event.path, f"Called {event.playbook}", "call", "started", details)
    ended: JsonObject = {"run": event.run, "outputs": event.outputs, "reason": event.reason}
    return TimelineEntry(event.at, event.path, f"The called run {event.outcome.value}", "call", event.outcome.value, ended)


def _message(error: JsonObject) -> str:
    return str(error.get("message") or error.get("code") or "no reason given")
