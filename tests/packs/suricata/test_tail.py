"""Following eve.json: nothing lost, nothing twice, whatever happens to the file."""

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.connectors.sdk import Connection, Json, JsonObject, SourceContext
from tocsin.packs.suricata import code


class Tailing:
    """A running tail, with what it handed out and the cursor it would be given at the next start."""

    def __init__(self, path: Path, *, cursor: Json = None, **options: Json) -> None:
        self.events: list[Json] = []
        self.rejected: list[tuple[str, str]] = []
        self.cursor = cursor
        self.task = asyncio.create_task(code.tail(self._context({"path": str(path), **options})))

    def _context(self, options: JsonObject) -> SourceContext:
        async def emit(event: Json, cursor: Json) -> None:
            self.events.append(event)
            self.cursor = json.loads(json.dumps(cursor))

        async def reject(text: str, reason: str, cursor: Json) -> None:
            self.rejected.append((text, reason))
            self.cursor = json.loads(json.dumps(cursor))

        async def connect(host: str, port: int) -> str:
            raise AssertionError("tail opens no connection")

        return SourceContext(Connection("eve", "suricata"), options, self.cursor, emit, reject, lambda: datetime.now(UTC), connect)

    def numbers(self) -> list[int]:
        return [event["n"] for event in self.events if isinstance(event, dict)]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not done():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def stop(self) -> Json:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        return self.cursor


@pytest.fixture(autouse=True)
def fast_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "POLL_S", 0.01)


def line(n: int, type: str = "alert") -> str:
    return json.dumps({"n": n, "event_type": type, "timestamp": f"2026-01-01T00:00:00.{n:06}+0000"}) + "\n"


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


async def test_lines_come_in_order_and_only_of_the_wanted_types(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + line(2, "flow") + line(3))
    tailing = Tailing(eve)
    await tailing.until(lambda: len(tailing.events) == 2)
    append(eve, line(4, "dns") + line(5))
    await tailing.until(lambda: len(tailing.events) == 3)
    await tailing.stop()
    assert tailing.numbers() == [1, 3, 5]
    assert tailing.rejected == []


async def test_no_types_named_means_every_type(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + line(2, "flow"))
    tailing = Tailing(eve, event_types=[])
    await tailing.until(lambda: tailing.numbers() == [1, 2])
    await tailing.stop()


async def test_file_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    eve = tmp_path / "later" / "eve.json"
    tailing = Tailing(eve, start="end")
    await asyncio.sleep(0.05)
    eve.parent.mkdir()
    append(eve, line(1))
    await tailing.until(lambda: tailing.numbers() == [1])
    await tailing.stop()


async def test_start_at_end_skips_what_was_there_but_not_the_line_half_written(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + line(2)[:10])
    tailing = Tailing(eve, start="end")
    await asyncio.sleep(0.05)
    append(eve, line(2)[10:])
    await tailing.until(lambda: len(tailing.events) == 1)
    assert tailing.numbers() == [2]
    await tailing.stop()


async def test_partial_line_waits_for_its_end(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1)[:9])
    tailing = Tailing(eve)
    await asyncio.sleep(0.05)
    assert tailing.events == []
    append(eve, line(1)[9:20])
    await asyncio.sleep(0.03)
    append(eve, line(1)[20:])
    await tailing.until(lambda: tailing.numbers() == [1])
    await tailing.stop()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"event_type": "alert", "x": "\xff\xfe"}\n', "not UTF-8"),
        (b'{"event_type": "alert"\n', "not JSON"),
        (b"[1, 2]\n", "no object"),
        (b'{"a": NaN}\n', "not JSON"),
        (b"[" * 100_000 + b"\n", "nested too deeply"),
        (b"\x00\x00\x00\n", "not JSON"),
    ],
)
async def test_unreadable_line_is_rejected_with_its_text_and_the_next_is_read(tmp_path: Path, broken: bytes, reason: str) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1).encode() + broken + line(2).encode())
    tailing = Tailing(eve)
    await tailing.until(lambda: len(tailing.events) == 2)
    await tailing.stop()
    assert tailing.numbers() == [1, 2]
    [(text, why)] = tailing.rejected
    assert reason in why
    assert text == broken[:-1].decode("utf-8", "backslashreplace")


async def test_line_without_an_end_in_sight_is_rejected_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "LONGEST_LINE", 10_000)
    eve = tmp_path / "eve.json"
    append(eve, line(1) + "x" * 700_000 + "\n" + line(2))
    tailing = Tailing(eve)
    await tailing.until(lambda: len(tailing.events) == 2)
    await tailing.stop()
    assert tailing.numbers() == [1, 2]
    assert [reason for _, reason in tailing.rejected] == ["The line is longer than 10000 bytes; its beginning is kept."]


async def test_rotation_reads_the_old_file_to_its_end_first(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1))
    tailing = Tailing(eve)
    await tailing.until(lambda: tailing.numbers() == [1])
    eve.rename(tmp_path / "eve.json.1")
    append(eve, "")  # logrotate's `create`: an empty file, while Suricata still writes to the old one
    await asyncio.sleep(0.05)
    append(tmp_path / "eve.json.1", line(2))
    await tailing.until(lambda: tailing.numbers() == [1, 2])
    append(eve, line(3))
    await tailing.until(lambda: tailing.numbers() == [1, 2, 3])
    await tailing.stop()
    assert tailing.rejected == []


async def test_two_rotations_between_two_looks_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "POLL_S", 0.3)
    eve = tmp_path / "eve.json"
    append(eve, line(1))
    tailing = Tailing(eve)
    await tailing.until(lambda: tailing.numbers() == [1])
    append(eve, line(2))
    eve.rename(tmp_path / "eve.json.2")
    append(eve, line(3))
    eve.rename(tmp_path / "eve.json.1")
    append(eve, line(4))
    await tailing.until(lambda: len(tailing.events) >= 4)
    await asyncio.sleep(0.5)
    await tailing.stop()
    assert tailing.numbers() == [1, 2, 3, 4]


async def test_half_a_line_at_the_end_of_a_rotated_file_is_rejected_not_joined(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + '{"n": 2, "event')
    tailing = Tailing(eve)
    await tailing.until(lambda: tailing.numbers() == [1])
    eve.rename(tmp_path / "eve.json.1")
    append(eve, line(3))
    await tailing.until(lambda: tailing.numbers() == [1, 3])
    await tailing.stop()
    assert [text for text, _ in tailing.rejected] == ['{"n": 2, "event']


async def test_emptied_file_is_read_from_its_start(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + line(2))
    tailing = Tailing(eve)
    await tailing.until(lambda: tailing.numbers() == [1, 2])
    os.truncate(eve, 0)
    append(eve, line(3))
    await tailing.until(lambda: tailing.numbers() == [1, 2, 3])
    await tailing.stop()


async def test_emptied_file_that_grew_past_the_old_place_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "POLL_S", 0.3)
    eve = tmp_path / "eve.json"
    append(eve, line(1))
    tailing = Tailing(eve)
    await tailing.until(lambda: tailing.numbers() == [1])
    os.truncate(eve, 0)
    append(eve, "".join(line(n) for n in range(2, 9)))
    await tailing.until(lambda: len(tailing.events) == 8)
    await tailing.stop()
    assert tailing.numbers() == list(range(1, 9))


async def test_copytruncate_reads_from_the_copy_what_came_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "POLL_S", 0.3)
    eve = tmp_path / "eve.json"
    append(eve, line(1))
    tailing = Tailing(eve)
    await tailing.until(lambda: tailing.numbers() == [1])
    append(eve, line(2))
    shutil.copy(eve, tmp_path / "eve.json.1")
    os.truncate(eve, 0)
    append(eve, line(3))
    await tailing.until(lambda: len(tailing.events) == 3)
    await asyncio.sleep(0.5)
    await tailing.stop()
    assert tailing.numbers() == [1, 2, 3]


async def test_restart_goes_on_where_the_cursor_is(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + line(2))
    first = Tailing(eve)
    await first.until(lambda: len(first.events) == 2)
    cursor = await first.stop()
    append(eve, line(3))
    second = Tailing(eve, cursor=cursor)
    await second.until(lambda: len(second.events) == 1)
    await second.stop()
    assert second.numbers() == [3]


@pytest.mark.parametrize("names", [("eve.json.2", "eve.json.1"), ("eve.json-20260101", "eve.json-20260102")])
async def test_restart_after_two_rotations_reads_all_three_files(tmp_path: Path, names: tuple[str, str]) -> None:
    eve = tmp_path / "eve.json"
    append(tmp_path / "eve.json.3", line(99))
    os.utime(tmp_path / "eve.json.3", (1, 1))
    append(eve, line(1))
    first = Tailing(eve)
    await first.until(lambda: len(first.events) == 1)
    cursor = await first.stop()
    append(eve, line(2))
    eve.rename(tmp_path / names[0])
    await asyncio.sleep(0.02)
    append(eve, line(3))
    eve.rename(tmp_path / names[1])
    await asyncio.sleep(0.02)
    append(eve, line(4))
    (tmp_path / "eve.json.bak").write_text(line(77))
    second = Tailing(eve, cursor=cursor)
    await second.until(lambda: len(second.events) == 3)
    append(eve, line(5))
    await second.until(lambda: len(second.events) == 4)
    await second.stop()
    assert second.numbers() == [2, 3, 4, 5]
    assert second.rejected == []


async def test_restart_is_not_fooled_by_a_new_file_with_the_old_inode(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1) + line(2))
    first = Tailing(eve)
    await first.until(lambda: len(first.events) == 2)
    cursor = await first.stop()
    eve.rename(tmp_path / "eve.json.1")
    append(eve, "".join(line(n) for n in range(3, 10)))
    assert isinstance(cursor, dict)
    second = Tailing(eve, cursor={**cursor, "inode": eve.stat().st_ino})
    await second.until(lambda: len(second.events) == 7)
    await second.stop()
    assert second.numbers() == list(range(3, 10))


async def test_restart_tells_when_the_place_is_gone_and_reads_the_new_file(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    append(eve, line(1))
    first = Tailing(eve)
    await first.until(lambda: len(first.events) == 1)
    cursor = await first.stop()
    eve.write_text(line(2))
    second = Tailing(eve, cursor=cursor)
    await second.until(lambda: len(second.events) == 1)
    await second.stop()
    assert second.numbers() == [2]
    [(_, reason)] = second.rejected
    assert "is gone" in reason


async def test_killed_at_any_line_and_restarted_every_event_comes_once(tmp_path: Path) -> None:
    eve = tmp_path / "eve.json"
    seen: list[int] = []
    cursor: Json = None
    for turn in range(12):
        append(eve, line(3 * turn) + line(3 * turn + 1)[: turn * 3])
        tailing = Tailing(eve, cursor=cursor)
        wanted = 1 if turn == 0 else 3
        await tailing.until(lambda tailing=tailing, wanted=wanted: len(tailing.events) >= wanted)
        cursor = await tailing.stop()
        seen += tailing.numbers()
        append(eve, line(3 * turn + 1)[turn * 3 :] + line(3 * turn + 2))
        if turn % 3 == 2:
            for old in (2, 1):
                if (tmp_path / f"eve.json.{old}").exists():
                    (tmp_path / f"eve.json.{old}").rename(tmp_path / f"eve.json.{old + 1}")
            eve.rename(tmp_path / "eve.json.1")
    assert seen == list(range(34))
