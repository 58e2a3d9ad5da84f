"""`tocsin rehearse --record`: append a case that was made from a run, without secrets and, if wished, without names."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from tocsin.cli.remote import Remote, connect, find_url, need_token, objects, text
from tocsin.cli.say import put, shown, warn
from tocsin.core.effects import ActionSpec
from tocsin.core.errors import Invalid, NotFound
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.core.values import JsonObject
from tocsin.engine.events import (
    ActionDone,
    ActionFailed,
    ActionUnknown,
    AskAnswered,
    AskOpened,
    CallEnded,
    EventArrived,
    EventAwaited,
    Outcome,
    RunEnded,
    RunEvent,
    RunStarted,
)
from tocsin.rehearsal.anonymise import Anonymiser
from tocsin.rehearsal.bundle import Reader, rehearsal_file
from tocsin.rehearsal.playing import play_file
from tocsin.rehearsal.read import SUFFIX
from tocsin.rehearsal.record import Recording, appended, case_from
from tocsin.rehearsal.secrets import object_without_secrets
from tocsin.rehearsal.update import updated

_ENDED = {"succeeded", "failed", "cancelled"}


def record_case(
    run: str,
    paths: list[Path],
    reader: Reader,
    spec: Callable[[str], ActionSpec],
    *,
    anonymise: bool,
    url: str | None,
    token: str | None,
    data: str | None,
) -> None:
    """Append the case to the rehearsal of its playbook, and play it once: it must come out as the run did."""
    recording = _from_store(run, data) if data and not url else asyncio.run(_from_server(run, url=url, token=token, data=data))
    file = _file(paths, recording.started.playbook)
    other = Anonymiser()
    change = (lambda value: other.object(object_without_secrets(value))) if anonymise else object_without_secrets
    name = f"Recorded from a run of {recording.started.at[:10]}" if anonymise else ""
    case = case_from(recording, change=change, name=name)
    before = file.read_bytes() if file.exists() else None
    file.write_bytes(appended(before, case))
    _replay(file, reader, spec)


def _replay(file: Path, reader: Reader, spec: Callable[[str], ActionSpec]) -> None:
    """Play the case that was appended, and write the path that it took into it."""
    played = play_file(file, reader, spec)
    if played.bundle.has_errors or not played.results:
        for found in played.bundle.diagnostics:
            warn(f"{found.span.file}:{found.span.line}: {found.code} {found.message} {found.hint}".rstrip())
        raise Invalid(f"The case stands in '{file}' and cannot be played yet.", hint="Correct what is said above.")
    last = played.results[-1]
    if not last.is_good:
        put(shown(f"The case '{last.case.name}' stands in {file}, but it does not come out as the run did: {last.differences[0].what}"))
        put("The playbook has changed since, or a playbook that it calls. Run `tocsin rehearse` and see the difference.")
        return
    file.write_bytes(updated(played.bundle.text, [last]))
    put(shown(f"Recorded '{last.case.name}' in {file}. Read it before you commit it: what is in it was in your alerts."))


def _file(paths: list[Path], playbook: str) -> Path:
    if len(paths) != 1:
        raise Invalid("--record needs one place.", hint="Name the playbook, its rehearsal, or the folder that they are in.")
    place = paths[0]
    if place.is_dir():
        place = place / f"{playbook}.yaml"
    if place.stem.endswith(SUFFIX):
        return place
    if not place.exists():
        raise NotFound(f"There is no playbook '{place}'.", hint=f"The run is one of '{playbook}'; name its file.")
    return rehearsal_file(place)


def _from_store(run: str, data: str | None) -> Recording:
    from tocsin.store.opening import open_store  # the whole store is heavy, and a server is asked more often

    with open_store(Path(data or "tocsin-data")) as store:
        events = asyncio.run(store.units.read(lambda tx: tx.runs.events(RunId(run), workspace=DEFAULT_WORKSPACE)))
    return Recording(run, tuple(event for _, event in events))


async def _from_server(run: str, *, url: str | None, token: str | None, data: str | None) -> Recording:
    async with connect(find_url(url, data=data), need_token(token)) as http:
        remote = Remote(http)
        timeline = await remote.get(f"/runs/{quote(run, safe='')}/timeline")
        head = _object(timeline.get("run"))
        alert = await remote.get(f"/alerts/{quote(text(head.get('alert')), safe='')}") if head.get("alert") else None
    return Recording(run, tuple(events_of_timeline(head, objects(timeline.get("entries")), alert)))


def events_of_timeline(head: JsonObject, entries: list[JsonObject], alert: JsonObject | None) -> list[RunEvent]:
    """Read a timeline back as events, as far as a case needs them."""
    return [event for entry in entries for event in _event(entry, _object(entry.get("details")), head, alert)]


def _event(entry: JsonObject, details: JsonObject, head: JsonObject, alert: JsonObject | None) -> list[RunEvent]:
    at, path, status = text(entry.get("at")), text(entry.get("path")), text(entry.get("status"))
    match entry.get("kind"):
        case "run":
            return _run_event(at, status, details, head, alert)
        case "action":
            return _action_event(at, path, status, details)
        case "ask" if status == "open":
            return [_opened(at, path)]
        case "ask" if status == "answered":
            by = details.get("by")
            return [
                AskAnswered(
                    at=at,
                    path=path,
                    ask="",
                    answer=text(details.get("answer")),
                    by=by if isinstance(by, str) else None,
                    form=_object(details.get("form")),
                    reason=text(details.get("reason")),
                )
            ]
        case "call" if status in _ENDED:
            outputs, reason = _object(details.get("outputs")), text(details.get("reason"))
            return [CallEnded(at=at, path=path, run=text(details.get("run")), outcome=Outcome(status), outputs=outputs, reason=reason)]
        case "wait" if "filter" in details:
            return [EventAwaited(at=at, path=path, kind="")]
        case "wait" if "event" in details:
            event = details.get("event")
            return [EventArrived(at=at, path=path, event=event if isinstance(event, dict) else None)]
        case _:
            return []


def _run_event(at: str, status: str, details: JsonObject, head: JsonObject, alert: JsonObject | None) -> list[RunEvent]:
    if status == "started":
        return [
            RunStarted(
                at=at,
                playbook=text(head.get("playbook")),
                digest=text(details.get("digest")),
                trigger=_object(details.get("trigger")),
                alert=alert,
                inputs=_object(details.get("inputs")),
            )
        ]
    return [RunEnded(at=at, outcome=Outcome(status), outputs=_object(details.get("outputs")))] if status in _ENDED else []


def _action_event(at: str, path: str, status: str, details: JsonObject) -> list[RunEvent]:
    action = text(details.get("action"))
    match status:
        case "succeeded":
            return [ActionDone(at=at, path=path, output=details.get("output"), action=action, by=text(details.get("by")))]
        case "failed":
            return [ActionFailed(at=at, path=path, error=_object(details.get("error")), attempt=1, action=action)]
        case "unknown":
            probed = details.get("probed") is True
            return [ActionUnknown(at=at, path=path, reason=text(details.get("reason")), attempt=1, probed=probed)]
        case _:
            return []


def _opened(at: str, path: str) -> AskOpened:
    return AskOpened(
        at=at, path=path, ask="", about="step", title="", message="", to=[], via=[], options=[], form={}, quorum=1, deadline=None,
        on_deadline=None, binding="",
    )  # fmt: skip


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}
