"""Make a case of a run that has happened: what started it, what everybody answered, and how it ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject, parse_instant
from tocsin.engine.events import (
    ActionDone,
    ActionFailed,
    ActionUnknown,
    AskAnswered,
    AskOpened,
    CallEnded,
    EventArrived,
    EventAwaited,
    RunEnded,
    RunEvent,
    RunStarted,
)
from tocsin.rehearsal.yaml_text import block_of_case, dumped, writer

Change = Callable[[JsonObject], JsonObject]
_HEAD = b"schema: tocsin/rehearsal@1\ncases: []\n"
_KINDS = frozenset({"invalid", "not_found", "conflict", "unauthenticated", "forbidden", "unavailable", "auth_failed", "transient"})


@dataclass(frozen=True, slots=True)
class Recording:
    """A run that has happened."""

    run: str
    events: tuple[RunEvent, ...]

    @property
    def started(self) -> RunStarted:
        """Return its start; raises Invalid for a history without."""
        first = self.events[0] if self.events else None
        if not isinstance(first, RunStarted):
            raise Invalid(f"The history of run '{self.run}' does not begin with its start.")
        return first


def case_from(recording: Recording, *, change: Change, name: str = "") -> JsonObject:
    """Return the case, with `change` (no secrets, no names) made to everything in it at once."""
    started = recording.started
    case: JsonObject = {**_start(started), **_said(recording.events), "expect": {"outcome": _outcome(recording.events)}}
    at = parse_instant(started.at).strftime("%Y-%m-%d %H:%M")
    return {"name": name or f"Recorded: run {recording.run} of {at}", "clock": started.at, **change(case)}


def appended(text: bytes | None, case: JsonObject) -> bytes:
    """Return a rehearsal file with one more case at its end; without a text, a new file."""
    document = writer().load(text if text is not None else _HEAD)
    cases = document["cases"]
    taken = {str(one.get("name")) for one in cases}
    number, name = 1, str(case["name"])
    while case["name"] in taken:
        number += 1
        case = {**case, "name": f"{name} ({number})"}
    if text is None:
        document["cases"] = [block_of_case(case)]
    else:
        cases.append(block_of_case(case))
    return dumped(document)


def _start(started: RunStarted) -> JsonObject:
    found: JsonObject = {}
    kind = started.trigger.get("kind")
    if kind == "webhook":
        found["webhook"] = {"name": started.trigger.get("hook"), "payload": started.trigger.get("body") or {}}
    elif started.alert is not None:
        found["alert"] = started.alert
    elif started.case is not None:
        found["case"] = {"happening": started.trigger.get("happening") or "opened", **started.case}
    if started.inputs and kind != "webhook":
        found["inputs"] = started.inputs
    return found


def _said(events: Sequence[RunEvent]) -> JsonObject:
    answers: dict[str, list[Json]] = {}
    people: dict[str, list[Json]] = {}
    waits: dict[str, list[Json]] = {}
    calls: dict[str, list[Json]] = {}
    opened = {event.path: event for event in events if isinstance(event, AskOpened | EventAwaited)}
    for event in events:
        match event:
            case ActionDone() if not event.by:
                answers.setdefault(event.path, []).append({"returns": event.output})
            case ActionDone() if event.by == "probe":
                _probed(answers, event.path, "applied")
            case ActionFailed() if event.error.get("code") == "not-applied":
                _probed(answers, event.path, "not_applied")
            case ActionFailed() if event.error.get("code") != "aborted":
                answers.setdefault(event.path, []).append({"error": _error(event.error)})
            case ActionUnknown() if not event.probed:
                answers.setdefault(event.path, []).append({"unknown": event.reason})
            case AskAnswered():
                people.setdefault(event.path, []).append(_person(event, opened.get(event.path)))
            case EventArrived():
                what: Json = "nothing" if event.event is None else {"event": event.event, "after": _after(opened.get(event.path), event.at)}
                waits.setdefault(event.path, []).append(what)
            case CallEnded():
                calls.setdefault(event.path, []).append(_ending(event))
            case _:
                pass
    _silent(events, people, waits)
    said: Mapping[str, dict[str, list[Json]]] = {"answers": answers, "people": people, "events": waits, "calls": calls}
    return {word: {path: lines[0] if len(lines) == 1 else lines for path, lines in found.items()} for word, found in said.items() if found}


def _probed(answers: dict[str, list[Json]], path: str, found: str) -> None:
    line = answers[path][-1] if answers.get(path) else None
    if isinstance(line, dict) and "unknown" in line:
        line["probe"] = found


def _error(error: JsonObject) -> JsonObject:
    kind = error.get("kind")
    found: JsonObject = {"kind": kind if kind in _KINDS else "invalid", "message": str(error.get("message") or "It failed.")}
    code, after = error.get("code"), error.get("retry_after")
    return {
        **found,
        **({"code": code} if isinstance(code, str) else {}),
        **({"retry_after": f"{after:g}s"} if isinstance(after, int | float) else {}),
    }


def _person(event: AskAnswered, opened: RunEvent | None) -> Json:
    if event.by is None:
        return "silence"
    found: JsonObject = {"answer": event.answer, "by": event.by, "after": _after(opened, event.at)}
    return {**found, **({"form": event.form} if event.form else {}), **({"reason": event.reason} if event.reason else {})}


def _ending(event: CallEnded) -> JsonObject:
    found: JsonObject = {"outcome": event.outcome.value, "outputs": event.outputs}
    return {**found, **({"reason": event.reason} if event.reason else {})}


def _silent(events: Sequence[RunEvent], people: dict[str, list[Json]], waits: dict[str, list[Json]]) -> None:
    """Say of what was never answered that it was not: a case says everything."""
    for event in events:
        if isinstance(event, AskOpened):
            people.setdefault(event.path, ["silence"])
        elif isinstance(event, EventAwaited):
            waits.setdefault(event.path, ["nothing"])


def _after(opened: RunEvent | None, at: str) -> str:
    if opened is None:
        return "0s"
    return f"{max(0, round((parse_instant(at) - parse_instant(opened.at)).total_seconds()))}s"


def _outcome(events: Sequence[RunEvent]) -> str:
    last = events[-1]
    return last.outcome.value if isinstance(last, RunEnded) else "waiting"
