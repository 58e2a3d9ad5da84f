"""News reach whoever listens; a slow listener is told that it missed some."""

import asyncio
from collections.abc import AsyncIterator

from tocsin.services.hub import LONGEST_BACKLOG, Hub, News


async def take(listening: AsyncIterator[News], count: int) -> list[News]:
    async with asyncio.timeout(5):
        return [await anext(listening) for _ in range(count)]


async def test_a_listener_hears_what_is_told_from_then_on() -> None:
    hub = Hub()
    hub.tell("run", {"id": "before"})
    listening = hub.listen()
    waiting = asyncio.create_task(take(listening, 2))
    await asyncio.sleep(0)
    hub.tell("run", {"id": "a"})
    hub.tell("ask.opened", {"id": "b"})
    assert [(news.type, news.data) for news in await waiting] == [("run", {"id": "a"}), ("ask.opened", {"id": "b"})]


async def test_a_listener_that_comes_back_hears_what_it_missed() -> None:
    hub = Hub()
    for id in ("a", "b", "c"):
        hub.tell("run", {"id": id})
    assert [news.data["id"] for news in await take(hub.listen(after=1), 2)] == ["b", "c"]


async def test_a_slow_listener_is_told_of_the_gap_and_the_teller_never_waits() -> None:
    hub = Hub()
    listening = hub.listen()
    first = asyncio.create_task(take(listening, 1))
    await asyncio.sleep(0)
    for number in range(LONGEST_BACKLOG + 2):
        hub.tell("run", {"n": number})
    await first
    heard = await take(listening, LONGEST_BACKLOG - 1)
    assert "gap" in {news.type for news in heard}
