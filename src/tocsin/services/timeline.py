"""A run's events as a person reads them."""

from collections.abc import Sequence
from typing import assert_never

from tocsin.core.values import JsonObject
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
    IterationEnded,
    LoopEnded,
    LoopStarted,
    MainEnded,
    RoundEnded,
    RoundsEnded,
    RoundStarted,
    RunCancelled,
    RunEnded,
    RunEvent,
    RunPaused,
    RunResumed,
    RunStarted,
    StepFailed,
    StepSkipped,
    TimerFired,
    TimerSet,
    UndoScheduled,
    ValuesSet,
)
from tocsin.services.timeline_entry import TimelineEntry
from tocsin.services.timeline_rounds import fold_rounds

__all__ = ["TimelineEntry", "read_timeline"]


def read_timeline(events: Sequence[RunEvent]) -> list[TimelineEntry]:
    """Return a line for each event, in order; many rounds of a loop are folded into one line. Pure."""
    intents: dict[str, ActionIntended] = {}
    waiting: set[str] = set()
    entries = []
    for event in events:
        if isinstance(event, ActionIntended):
            intents[event.path] = event
        if isinstance(event, TimerSet | EventAwaited | CallStarted):
            waiting.add(event.path)
        if isinstance(event, StepSkipped) and event.path in waiting:
            entries.append(TimelineEntry(event.at, event.path, "Given up: nobody waits for it any more", "step", "skipped"))
        else:
            entries.append(_entry(event, intents))
    return fold_rounds(entries)


def _entry(event: RunEvent, intents: dict[str, ActionIntended]) -> TimelineEntry:
    match event:
        case RunStarted() | MainEnded() | RunEnded():
            return _run(event)
        case RunCancelled() | RunPaused() | RunResumed():
            return _control(event)
        case ActionIntended() | ActionDone() | ActionFailed() | ActionUnknown():
            return _action(event, intents.get(event.path))
        case AskOpened() | AskAnswered() | AskClosed():
            return _ask(event)
        case LoopStarted() | IterationEnded() | LoopEnded():
            return _loop(event)
        case RoundStarted() | RoundEnded() | RoundsEnded():
            return _round(event)
        case TimerSet() | TimerFired() | EventAwaited() | EventArrived():
            return _wait(event)
        case CallStarted() | CallEnded():
            return _call(event)
        case UndoScheduled():
            planned: JsonObject = {"run": event.run, "action": event.action, "arguments": event.arguments, "due": event.due}
            return TimelineEntry(event.at, event.path, f"{event.action} will undo it at {event.due}", "undo", "waiting", planned)
        case StepSkipped():
            return TimelineEntry(event.at, event.path, "Skipped: its condition was false", "step", "skipped")
        case StepFailed():
            return TimelineEntry(event.at, event.path, f"Failed: {_message(event.error)}", "step", "failed", {"error": event.error})
        case ValuesSet():
            return TimelineEntry(event.at, event.path, f"Set {', '.join(event.values)}", "set", "done", {"values": event.values})
        case BranchTaken():
            name = "the other branch" if event.branch < 0 else f"branch {event.branch + 1}"
            return TimelineEntry(event.at, event.path, f"Took {name}", "branch", "done", {"branch": event.branch})
        case BranchesJoined():
            enough = ", ".join(str(branch + 1) for branch in event.branches)
            title = f"Goes on: enough branches have succeeded ({enough})"
            return TimelineEntry(event.at, event.path, title, "branch", "done", {"branches": [*event.branches]})
        case _:
            assert_never(event)


def _run(event: RunStarted | MainEnded | RunEnded) -> TimelineEntry:
    if isinstance(event, RunStarted):
        details: JsonObject = {"trigger": event.trigger, "inputs": event.inputs, "digest": event.digest}
        return TimelineEntry(event.at, "", f"Started {event.playbook}", "run", "started", details)
    if isinstance(event, MainEnded):
        title = f"The steps have ended ({event.outcome.value}); those of 'finally' begin"
        return TimelineEntry(event.at, "", title, "run", event.outcome.value, {"reason": event.reason, "error": event.error})
    title = f"Run {event.outcome.value}" + (f": {event.reason}" if event.reason else "")
    return TimelineEntry(event.at, "", title, "run", event.outcome.value, {"outputs": event.outputs, "reason": event.reason})


def _control(event: RunCancelled | RunPaused | RunResumed) -> TimelineEntry:
    match event:
        case RunCancelled():
            verb, status, reason = "Cancelled", "cancelled", event.reason
        case RunPaused():
            verb, status, reason = "Paused", "paused", event.reason
        case RunResumed():
            verb, status, reason = "Resumed", "resumed", ""
        case _:
            assert_never(event)
    title = f"{verb} by {event.by}" + (f": {reason}" if reason else "")
    return TimelineEntry(event.at, "", title, "run", status, {"by": event.by, "reason": reason})


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


def _ask(event: AskOpened | AskAnswered | AskClosed) -> TimelineEntry:
    if isinstance(event, AskOpened):
        details: JsonObject = {"ask": event.ask, "to": [*event.to], "options": [*event.options], "deadline": event.deadline}
        return TimelineEntry(event.at, event.path, f"Asked: {event.title}", "ask", "open", details)
    if isinstance(event, AskClosed):
        closed: JsonObject = {"ask": event.ask, "reason": event.reason}
        return TimelineEntry(event.at, event.path, f"Closed without an answer: {event.reason}", "ask", "closed", closed)
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


def _round(event: RoundStarted | RoundEnded | RoundsEnded) -> TimelineEntry:
    match event:
        case RoundStarted():
            started: JsonObject = {"index": event.index, "polls": event.polls}
            title = f"Round {event.index + 1}"
            return TimelineEntry(event.at, event.path, title, "loop", "started", started)
        case RoundEnded():
            title = f"Round {event.index + 1} done" + (f", the next at {event.due}" if event.due else "")
            return TimelineEntry(event.at, event.path, title, "loop", "done", {"index": event.index, "due": event.due})
        case RoundsEnded():
            return TimelineEntry(event.at, event.path, "No more rounds", "loop", "done")
        case _:
            assert_never(event)


def _wait(event: TimerSet | TimerFired | EventAwaited | EventArrived) -> TimelineEntry:
    match event:
        case TimerSet():
            return TimelineEntry(event.at, event.path, f"Waits until {event.due}", "wait", "waiting", {"due": event.due})
        case TimerFired():
            return TimelineEntry(event.at, event.path, "Waited", "wait", "done")
        case EventAwaited():
            what = {"alert": "a new alert", "case": "a change of a case"}.get(event.kind, f"a call of the hook '{event.hook}'")
            title = f"Waits for {what}" + (f" until {event.due}" if event.due else "")
            details: JsonObject = {"event": event.kind, "hook": event.hook, "filter": event.filter, "due": event.due}
            return TimelineEntry(event.at, event.path, title, "wait", "waiting", details)
        case EventArrived():
            title = "No event has come in time" if event.event is None else "The event has come"
            return TimelineEntry(event.at, event.path, title, "wait", "done", {"event": event.event})
        case _:
            assert_never(event)


def _call(event: CallStarted | CallEnded) -> TimelineEntry:
    if isinstance(event, CallStarted):
        details: JsonObject = {"run": event.run, "playbook": event.playbook, "inputs": event.inputs}
        title = f"Called {event.playbook}" if event.waits else f"Started {event.playbook}, and does not wait for it"
        return TimelineEntry(event.at, event.path, title, "call", "started", details)
    ended: JsonObject = {"run": event.run, "outputs": event.outputs, "reason": event.reason}
    return TimelineEntry(event.at, event.path, f"The called run {event.outcome.value}", "call", event.outcome.value, ended)


def _message(error: JsonObject) -> str:
    return str(error.get("message") or error.get("code") or "no reason given")
