"""Maildirs: watch one, and move mails within one by renaming, which is atomic."""

import asyncio
import base64
import os
from datetime import UTC, datetime
from pathlib import Path

from tocsin.connectors.sdk import Invalid, Json, JsonObject, SourceContext, iso
from tocsin.packs.email.headers import summary
from tocsin.packs.email.mailbox import Place

LARGEST_MAIL = 25 * 1024 * 1024
HEADER_BYTES = 64 * 1024
MOST_REMEMBERED = 100_000


class MaildirBox:
    """A Maildir whose quarantine is the Maildir++ folder `.NAME` in it."""

    def __init__(self, path: str, *, quarantine: str) -> None:
        self._inbox = Path(path)
        self._quarantine = self._inbox / f".{quarantine}"
        if not (self._inbox / "new").is_dir():
            raise Invalid(f"'{path}' is not a Maildir.", hint="It needs the folders new, cur and tmp; correct 'maildir' in tocsin.yaml.")

    async def find(self, message_id: str) -> Place | None:
        """Return where the mail lies."""
        return await asyncio.to_thread(self._find, message_id)

    async def move(self, message_id: str, *, to: Place) -> int:
        """Move every copy from the other folder."""
        return await asyncio.to_thread(self._move, message_id, to)

    def _find(self, message_id: str) -> Place | None:
        for place, folder in ((Place.INBOX, self._inbox), (Place.QUARANTINE, self._quarantine)):
            if _with_id(folder, message_id):
                return place
        return None

    def _move(self, message_id: str, to: Place) -> int:
        source, target = (self._inbox, self._quarantine) if to is Place.QUARANTINE else (self._quarantine, self._inbox)
        files = _with_id(source, message_id)
        if not files:
            return 0
        for name in ("cur", "new", "tmp"):
            (target / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in files:
            os.replace(file, target / "cur" / (file.name if ":" in file.name else f"{file.name}:2,"))
        return len(files)


def _with_id(folder: Path, message_id: str) -> list[Path]:
    return [file for file in _files(folder) if _id_of(file) == message_id]


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for name in ("new", "cur"):
        try:
            found.extend(
                Path(entry.path) for entry in os.scandir(folder / name) if entry.is_file(follow_symlinks=False) and entry.name[0] != "."
            )
        except FileNotFoundError:
            continue
    return found


def _id_of(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            head = opened.read(HEADER_BYTES)
    except FileNotFoundError:
        return ""  # a reader has moved it meanwhile
    return str(summary(head)["message_id"]).strip("<>")


async def follow_maildir(ctx: SourceContext) -> None:
    """Emit each mail once. The cursor has the unique names that were emitted and are still there: a name never comes twice."""
    path = Path(str(ctx.options.get("path") or ctx.connection.text("maildir")))
    if not (path / "new").is_dir():
        raise Invalid(f"'{path}' is not a Maildir.", hint="It needs the folders new, cur and tmp; correct the source's 'path'.")
    every = ctx.options.get("every", 0.5)
    pause = float(every) if isinstance(every, int | float) else 0.5
    seen = _remembered(ctx.cursor)
    while True:
        there = {file.name.partition(":")[0]: file for file in await asyncio.to_thread(_files, path)}
        seen = {name for name in seen if name in there}
        for name in sorted(there.keys() - seen):
            seen.add(name)
            await _hand_over(ctx, there[name], _cursor(seen))
        await asyncio.sleep(pause)


def _cursor(seen: set[str]) -> JsonObject:
    names: list[Json] = [*sorted(seen)]
    return {"seen": names[-MOST_REMEMBERED:]}


def _remembered(cursor: Json) -> set[str]:
    names = cursor.get("seen") if isinstance(cursor, dict) else None
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


async def _hand_over(ctx: SourceContext, file: Path, cursor: JsonObject) -> None:
    try:
        raw, at = await asyncio.to_thread(_read, file)
    except FileNotFoundError:
        return  # moved between listing and reading: it comes with its new name, or was deleted
    if len(raw) > LARGEST_MAIL:
        reason = f"The mail {file.name} has more than {LARGEST_MAIL // 1024 // 1024} MB."
        await ctx.reject(raw[:HEADER_BYTES].decode("utf-8", "backslashreplace"), reason, cursor)
        return
    await ctx.emit(event_of(raw, folder=file.parent.parent.name, file=file.name, at=at), cursor)


def _read(file: Path) -> tuple[bytes, datetime]:
    with file.open("rb") as opened:
        raw = opened.read(LARGEST_MAIL + 1)
        return raw, datetime.fromtimestamp(os.fstat(opened.fileno()).st_mtime, UTC)


def event_of(raw: bytes, *, folder: str, file: str, at: datetime) -> JsonObject:
    """Return the raw event of a mail; `eml` when its bytes are text, else `eml_base64`."""
    event: JsonObject = {"folder": folder, "file": file, "received_at": iso(at), **summary(raw)}
    try:
        event["eml"] = raw.decode("utf-8")
    except UnicodeDecodeError:
        event["eml_base64"] = base64.b64encode(raw).decode()
    return event
