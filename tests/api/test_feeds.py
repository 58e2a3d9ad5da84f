"""Hosted lists: who may fetch them, in which forms, and only when they have changed."""

import base64
from datetime import timedelta

import pytest

from tocsin.core.observables import ObservableType, observe
from tocsin.store.repos.lists import ListEntry


@pytest.fixture
async def blocked(world):
    async def put(value, type=ObservableType.IP, hours=1):
        entry = ListEntry("blocked", observe(type, value), "scans", "tocsin", world.clock(), world.clock() + timedelta(hours=hours))
        await world.store.units.write(lambda tx: tx.lists.put(entry, workspace="default"))

    await put("192.0.2.7")
    return put


async def fetch(world, path="/feeds/blocked.txt", headers=None):
    return await world.client.get(path, headers=world.bearer("firewall") if headers is None else headers)


async def test_text_zone_and_json(world, blocked):
    await blocked("evil.example", ObservableType.DOMAIN)
    text = await fetch(world)
    assert text.text == "192.0.2.7\nevil.example\n"
    assert text.headers["content-type"].startswith("text/plain")
    zone = await fetch(world, "/feeds/blocked.rpz")
    assert "evil.example CNAME ." in zone.text
    listed = (await fetch(world, "/feeds/blocked.json")).json()
    assert [(one["value"], one["reason"]) for one in listed] == [("evil.example", "scans"), ("192.0.2.7", "scans")]


async def test_unchanged_list_is_not_sent_again(world, blocked):
    first = await fetch(world)
    headers = {**world.bearer("firewall"), "if-none-match": first.headers["etag"]}
    again = await fetch(world, headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    weak = await fetch(world, headers={**world.bearer("firewall"), "if-none-match": f'"x", W/{first.headers["etag"]}'})
    assert weak.status_code == 304
    await blocked("192.0.2.8")
    changed = await fetch(world, headers=headers)
    assert (changed.status_code, changed.text) == (200, "192.0.2.7\n192.0.2.8\n")


async def test_entry_that_has_ended_changes_the_list(world, blocked):
    first = await fetch(world)
    world.clock.move(hours=2)
    later = await fetch(world, headers={**world.bearer("firewall"), "if-none-match": first.headers["etag"]})
    assert (later.status_code, later.text) == (200, "")


async def test_key_as_a_basic_password_opens_feeds_and_nothing_else(world, blocked):
    encoded = base64.b64encode(f"anybody:{world.keys['firewall']}".encode()).decode()
    basic = {"authorization": f"Basic {encoded}"}
    assert (await fetch(world, headers=basic)).status_code == 200
    assert (await world.client.get("/api/v1/me", headers=basic)).status_code == 401


async def test_others_may_not_fetch(world, blocked):
    assert (await fetch(world, headers={})).status_code == 401
    assert (await fetch(world, headers={"authorization": "Basic !!!"})).status_code == 401
    assert (await fetch(world, headers=world.bearer("sensor"))).status_code == 403


async def test_unknown_list_form_and_zone_are_refused(world, blocked):
    assert (await fetch(world, "/feeds/nope.txt")).status_code == 404
    assert (await fetch(world, "/feeds/blocked.exe")).status_code in (404, 422)
    assert (await fetch(world, "/feeds/blocked.rpz?zone=a%0Ab")).status_code == 422
