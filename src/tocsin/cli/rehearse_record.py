"""`tocsin rehearse --record`: append a case that was made from a run, without secrets and, if wished, without names."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import msgspec

from tocsin.cli.remote import Remote, connect, find_url, need_token
from tocsin.cli.replacing import replace
from tocsin.cli.say import put, shown, warn
from tocsin.core.effects import ActionSpec
from tocsin.core.errors import Invalid, NotFound
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.engine.events import decode
from tocsin.rehearsal.anonymise import Anonymiser
from tocsin.rehearsal.bundle import Reader, read_bytes, rehearsal_file
from tocsin.rehearsal.playing import play_file
from tocsin.rehearsal.read import SUFFIX
from tocsin.rehearsal.record import Recording, appended, case_from
from tocsin.rehearsal.secrets import object_without_secrets
from tocsin.rehearsal.update import updated


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
    before = read_bytes(file) if file.exists() else None
    replace(file, appended(before, case))
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
    replace(file, updated(played.bundle.text, [last]))
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
        items = await Remote(http).items(f"/runs/{quote(run, safe='')}/events")
    return Recording(run, tuple(decode(msgspec.json.encode(item.get("event"))) for item in items))
