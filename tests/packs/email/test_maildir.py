"""Mails in a real Maildir: each is emitted once, and moved by renaming."""

import asyncio
import os
from pathlib import Path

import pytest

from tocsin.connectors.sdk import Connection, Invalid, Json, SourceContext
from tocsin.packs.email.maildir import follow_maildir
from tocsin.testing.clock import FakeClock
from tocsin.testing.platform import PackRun

EML = b"From: Mallory <m@evil.example>\r\nTo: a@soc.example\r\nSubject: Pay now\r\nMessage-ID: <%s@evil.example>\r\n\r\nClick.\r\n"


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    return tmp_path / "Maildir"


def deliver(maildir: Path, name: str, raw: bytes | None = None) -> Path:
    temporary = maildir / "tmp" / name
    temporary.write_bytes(raw if raw is not None else EML % name.encode())
    return temporary.rename(maildir / "new" / name)


class Collector:
    """Keeps what a source hands over, and ends it after so many."""

    def __init__(self, count: int) -> None:
        self.events: list[Json] = []
        self.rejected: list[str] = []
        self.cursor: Json = None
        self._left = count
        self._enough = asyncio.Event()

    async def emit(self, raw: Json, cursor: Json) -> None:
        self.events.append(raw)
        self._count(cursor)

    async def reject(self, text: str, reason: str, cursor: Json) -> None:
        self.rejected.append(reason)
        self._count(cursor)

    def _count(self, cursor: Json) -> None:
        self.cursor = cursor
        self._left -= 1
        if self._left <= 0:
            self._enough.set()

    async def follow(self, maildir: Path, *, cursor: Json = None) -> None:
        context = SourceContext(
            connection=Connection("email", "email"),
            options={"path": str(maildir), "every": 0.1},
            cursor=cursor,
            emit=self.emit,
            reject=self.reject,
            now=FakeClock(),
            connect=_nowhere,
        )
        task = asyncio.create_task(follow_maildir(context))
        enough = asyncio.create_task(self._enough.wait())
        try:
            async with asyncio.timeout(10):
                done, _ = await asyncio.wait({task, enough}, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                await one
        finally:
            task.cancel()
            enough.cancel()


async def _nowhere(host: str, port: int) -> str:
    raise AssertionError("a Maildir needs no network")


async def test_each_mail_is_emitted_once_also_over_a_restart(maildir: Path) -> None:
    deliver(maildir, "1")
    deliver(maildir, "2")
    first = Collector(2)
    await first.follow(maildir)
    os.rename(maildir / "new/1", maildir / "cur/1:2,S")  # a person reads it
    deliver(maildir, "3")
    second = Collector(1)
    await second.follow(maildir, cursor=first.cursor)
    assert [event["message_id"] for event in [*first.events, *second.events]] == [  # type: ignore[index, call-overload]
        "1@evil.example",
        "2@evil.example",
        "3@evil.example",
    ]


async def test_a_mail_that_is_not_text_comes_whole_as_base64(maildir: Path) -> None:
    raw = EML.replace(b"Click.", b"Caf\xe9") % b"1"
    deliver(maildir, "1", raw)
    found = Collector(1)
    await found.follow(maildir)
    (event,) = found.events
    assert isinstance(event, dict)
    assert "eml" not in event
    assert __import__("base64").b64decode(str(event["eml_base64"])) == raw


async def test_a_mail_that_is_too_large_is_rejected_and_not_lost(maildir: Path) -> None:
    deliver(maildir, "1", EML % b"1" + b"x" * (26 * 1024 * 1024))
    found = Collector(1)
    await found.follow(maildir)
    assert found.events == []
    assert "25 MB" in found.rejected[0]


async def test_a_folder_that_is_no_maildir_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not a Maildir"):
        await Collector(1).follow(tmp_path)


def mailbox(maildir: Path) -> PackRun:
    return PackRun("email", config={"host": "127.0.0.1", "from": "t@soc.example", "maildir": str(maildir)})


async def test_quarantine_moves_a_mail_and_a_second_time_changes_nothing(maildir: Path) -> None:
    deliver(maildir, "1")
    deliver(maildir, "2")
    run = mailbox(maildir)
    assert await run("quarantine", message_id="<1@evil.example>") == {"found": True, "moved": 1, "already": False, "folder": "quarantine"}
    assert [file.name for file in (maildir / ".Quarantine/cur").iterdir()] == ["1:2,"]
    assert [file.name for file in (maildir / "new").iterdir()] == ["2"]
    assert await run("quarantine", message_id="1@evil.example") == {"found": True, "moved": 0, "already": True, "folder": "quarantine"}


async def test_release_brings_it_back(maildir: Path) -> None:
    deliver(maildir, "1")
    run = mailbox(maildir)
    await run("quarantine", message_id="1@evil.example")
    assert (await run("release", message_id="1@evil.example"))["moved"] == 1
    assert (await run("find", message_id="1@evil.example"))["folder"] == "inbox"


async def test_a_mail_that_is_not_there_is_no_error(maildir: Path) -> None:
    assert await mailbox(maildir)("quarantine", message_id="no@evil.example") == {
        "found": False,
        "moved": 0,
        "already": False,
        "folder": "",
    }


async def test_a_message_id_that_is_only_part_of_another_is_another_mail(maildir: Path) -> None:
    deliver(maildir, "11")
    assert (await mailbox(maildir)("find", message_id="1@evil.example"))["found"] is False


@pytest.mark.parametrize("message_id", ["../../etc/passwd", "*", "a\nb", "<>"])
async def test_a_hostile_message_id_moves_nothing(maildir: Path, message_id: str) -> None:
    deliver(maildir, "1")
    try:
        output = await mailbox(maildir)("quarantine", message_id=message_id)
    except Invalid:
        output = {"moved": 0}
    assert output["moved"] == 0
    assert [file.name for file in (maildir / "new").iterdir()] == ["1"]
