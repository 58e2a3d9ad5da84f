"""Webhooks: proved or refused, and a signed delivery counts once."""

import asyncio
import hashlib
import hmac
import json

BODY = json.dumps({"title": "Posted", "ip": "192.0.2.9"}).encode()
SECRET = "a vendor's secret"


def signed(world, body=BODY, *, secret=SECRET, at=None, prefix="v1="):
    time = str(int(world.clock().timestamp() if at is None else at))
    digest = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-sig": f"{prefix}{digest}", "x-time": time}


async def post(world, headers, *, source="signed", body=BODY):
    return await world.client.post(f"/hooks/{source}", content=body, headers={"content-type": "application/json", **headers})


async def alerts(world):
    return (await world.client.get("/api/v1/alerts", headers=world.bearer())).json()["items"]


async def test_signed_delivery_becomes_an_alert(world):
    answer = await post(world, signed(world))
    assert answer.status_code == 202
    assert answer.json() == {"duplicate": False, "received": 1, "alerts": 1, "folded": 0}
    assert [one["title"] for one in await alerts(world)] == ["Posted"]


async def test_delivery_counts_once_however_often_it_comes(world):
    headers = signed(world)
    answers = await asyncio.gather(*(post(world, headers) for _ in range(60)))
    assert sorted(one.status_code for one in answers) == [200] * 59 + [202]
    (alert,) = await alerts(world)
    assert alert["count"] == 1


async def test_forged_deliveries_are_refused(world):
    good = signed(world)
    now = world.clock().timestamp()
    bad = {
        "none": {},
        "empty": {"x-sig": "", "x-time": good["x-time"]},
        "no prefix": signed(world, prefix=""),
        "cut": {**good, "x-sig": good["x-sig"][:-2]},
        "upper case": {**good, "x-sig": good["x-sig"].upper()},
        "other secret": signed(world, secret="guess"),
        "other body": signed(world, b"{}"),
        "other time": {**good, "x-time": str(int(now) + 1)},
        "stale": signed(world, at=now - 600),
        "from the future": signed(world, at=now + 600),
        "no time": {"x-sig": good["x-sig"]},
        "time of nonsense": {**good, "x-time": "yesterday"},
        "huge time": {**good, "x-time": "9" * 400},
        "not ascii": {**good, "x-sig": "v1=é".encode("latin-1")},
    }
    for name, headers in bad.items():
        answer = await post(world, headers)
        assert answer.status_code == 401, name
        assert answer.headers["content-type"] == "application/problem+json"
    assert await alerts(world) == []


async def test_shared_secret_proves_sources_without_a_signature(world):
    assert (await post(world, {"x-tocsin-secret": SECRET}, source="ids")).status_code == 202
    assert (await post(world, {"x-tocsin-secret": "guess"}, source="ids")).status_code == 401
    assert (await post(world, {}, source="ids")).status_code == 401


async def test_hook_without_a_secret_takes_nothing(world):
    for headers in ({}, {"x-tocsin-secret": ""}, {"x-tocsin-secret": "None"}):
        answer = await post(world, headers, source="open")
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:tocsin:error:unavailable"
    answer = await post(world, {"x-tocsin-secret": ""}, source="unset")
    assert answer.status_code == 503
    assert "HOOK_SECRET" not in answer.text
    assert await alerts(world) == []


async def test_unknown_hook_tells_no_names(world):
    answer = await post(world, {}, source="nope")
    assert answer.status_code == 404
    assert "ids" not in answer.text


async def test_doubtful_body_is_refused_even_when_signed(world):
    body = b'{"title": "a", "title": "b"}'
    assert (await post(world, signed(world, body), body=body)).status_code == 422
