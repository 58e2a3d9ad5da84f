"""Server-sent events: as they come, what was missed, and only what one may see."""

import asyncio
import contextlib


class Listener:
    """Follow the stream by ASGI, since the test client waits for an answer's end."""

    def __init__(self, world, who, last_id=None):
        headers = [(b"authorization", f"Bearer {world.keys[who]}".encode())]
        if last_id is not None:
            headers.append((b"last-event-id", str(last_id).encode()))
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/api/v1/events",
            "raw_path": b"/api/v1/events", "query_string": b"", "root_path": "", "headers": headers, "server": ("t", 80),
        }  # fmt: skip
        self._app = world.app
        self._gone = asyncio.Event()
        self._chunks = asyncio.Queue()

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.body" and message.get("body"):
            self._chunks.put_nowait(message["body"].decode())

    async def next(self):
        return await asyncio.wait_for(self._chunks.get(), 5)

    async def __aenter__(self):
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        assert (await self.next()).startswith(":")
        # The stream subscribes when it is asked for the first event.
        while not self._app.state.parts.hub._listeners:
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_):
        self._gone.set()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def test_event_comes_as_it_happens(world):
    async with Listener(world, "viewer") as listener:
        id = (await world.client.post("/api/v1/alerts/ids", json={"title": "Scan"}, headers=world.bearer("sensor"))).json()["ids"][0]
        event = await listener.next()
        assert event.startswith("id: ")
        assert "event: alert.new\n" in event
        assert id in event
        assert event.endswith("\n\n")


async def test_missed_events_come_first(world):
    for number in range(3):
        world.parts.hub.tell("case.noted", {"id": f"cas_{number}"})
    async with Listener(world, "viewer", last_id=1) as listener:
        assert "cas_1" in await listener.next()
        assert "cas_2" in await listener.next()


async def test_events_of_what_one_may_not_see_do_not_come(world):
    async with Listener(world, "sensor") as sensor, Listener(world, "viewer") as viewer:
        world.parts.hub.tell("ask.opened", {"id": "ask_1"})
        assert "ask_1" in await viewer.next()
        assert sensor._chunks.empty()


async def test_listener_that_leaves_is_forgotten(world):
    async with Listener(world, "viewer"):
        pass
    deadline = asyncio.get_running_loop().time() + 5
    while world.parts.hub._listeners:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.01)
