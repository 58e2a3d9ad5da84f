"""Alerts in, the queue, and what is refused."""

import json

import pytest

ALERT = {"title": "Scan", "severity": "high", "ip": "192.0.2.7"}


async def test_alert_is_stored_when_the_answer_comes(world):
    answer = await world.client.post("/api/v1/alerts/ids", json=ALERT, headers=world.bearer("sensor"))
    assert answer.status_code == 202
    report = answer.json()
    assert {key: report[key] for key in ("received", "alerts", "folded", "skipped", "rejected")} == {
        "received": 1, "alerts": 1, "folded": 0, "skipped": 0, "rejected": [],
    }  # fmt: skip
    found = (await world.client.get(f"/api/v1/alerts/{report['ids'][0]}", headers=world.bearer())).json()
    assert found["title"] == "Scan"
    assert found["raw"] == ALERT
    assert found["observables"] == [{"type": "ip", "value": "192.0.2.7"}]


async def test_array_is_taken_and_equal_events_fold(world):
    answer = await world.client.post("/api/v1/alerts/ids", json=[ALERT, ALERT, {"boring": True}], headers=world.bearer("sensor"))
    report = answer.json()
    assert (report["received"], report["alerts"], report["folded"], report["skipped"]) == (3, 1, 1, 1)


async def test_broken_line_rejects_no_other_and_is_kept(world):
    lines = "\n".join([json.dumps(ALERT), '{"title": ', "", "[1]", '{"title": "two", "title": "twice"}', json.dumps({"title": "Last"})])
    answer = await world.client.post(
        "/api/v1/alerts/ids", content=lines, headers={**world.bearer("sensor"), "content-type": "application/x-ndjson"}
    )
    assert answer.status_code == 202
    report = answer.json()
    assert (report["received"], report["alerts"]) == (5, 5)
    assert [one["line"] for one in report["rejected"]] == [2, 4, 5]
    queue = (await world.client.get("/api/v1/alerts", headers=world.bearer())).json()["items"]
    kept = [one for one in queue if one["problem"]]
    assert len(kept) == 3
    assert all(one["title"].startswith("Could not be normalised") and one["severity"] == "unknown" for one in kept)
    raw = (await world.client.get(f"/api/v1/alerts/{kept[-1]['id']}", headers=world.bearer())).json()["raw"]
    assert raw == '{"title": '


async def test_long_ndjson_is_taken_in_batches(world):
    lines = "\n".join(json.dumps({"title": f"t{number}"}) for number in range(1_201))
    headers = {**world.bearer("sensor"), "content-type": "application/x-ndjson"}
    report = (await world.client.post("/api/v1/alerts/ids", content=lines, headers=headers)).json()
    assert (report["received"], report["alerts"], len(report["ids"])) == (1_201, 1_201, 1_201)


async def test_unknown_source_is_refused_naming_the_known(world):
    answer = await world.client.post("/api/v1/alerts/nope", json=ALERT, headers=world.bearer("sensor"))
    assert answer.status_code == 404
    assert "ids" in answer.json()["hint"]


BAD = {
    "not json": b"{",
    "empty": b"",
    "key twice": b'{"title": "a", "title": "b"}',
    "nan": b'{"title": NaN}',
    "infinity by size": b'{"n": 1e999}',
    "too deep": b"[" * 70 + b"]" * 70,
    "recursion": b"[" * 200_000,
    "nodes": b'{"a": [' + b"1," * 60_000 + b"1]}",
    "scalar": b"7",
    "array of scalars": b"[1]",
    "utf-16": '{"title": "a"}'.encode("utf-16"),
    "bom": b"\xef\xbb\xbf{}",
    "not utf-8": b'{"title": "\xff"}',
    "5000 digits": b'{"n": ' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("name", BAD)
async def test_doubtful_json_is_refused_with_a_reason(world, name):
    headers = {**world.bearer("sensor"), "content-type": "application/json"}
    answer = await world.client.post("/api/v1/alerts/ids", content=BAD[name], headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert (await world.client.get("/api/v1/alerts", headers=world.bearer())).json()["items"] == []


async def test_odd_but_legal_values_survive(world):
    body = '{"title": "a\\ud800b\\u0000", "n": 12345678901234567890, "e": "\\ud83d\\ude00"}'
    headers = {**world.bearer("sensor"), "content-type": "application/json"}
    answer = await world.client.post("/api/v1/alerts/ids", content=body, headers=headers)
    assert answer.status_code == 202
    raw = (await world.client.get(f"/api/v1/alerts/{answer.json()['ids'][0]}", headers=world.bearer())).json()["raw"]
    assert raw["n"] == "12345678901234567890"
    assert raw["e"] == "😀"
    assert "\ud800" not in raw["title"]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_other_media_types_are_refused(world, media):
    headers = {**world.bearer("sensor"), "content-type": media}
    assert (await world.client.post("/api/v1/alerts/ids", content=b"{}", headers=headers)).status_code == 415


async def test_compressed_body_is_refused(world):
    headers = {**world.bearer("sensor"), "content-type": "application/json", "content-encoding": "gzip"}
    assert (await world.client.post("/api/v1/alerts/ids", content=b"{}", headers=headers)).status_code == 415


async def test_body_over_the_limit_is_refused_declared_or_not(world):
    headers = {**world.bearer("sensor"), "content-type": "application/x-ndjson"}
    declared = await world.client.post("/api/v1/alerts/ids", content=b"\n" * (10 * 1024 * 1024 + 1), headers=headers)

    async def endless():
        for _ in range(11):
            yield b"\n" * 1024 * 1024

    chunked = await world.client.post("/api/v1/alerts/ids", content=endless(), headers=headers)
    for answer in (declared, chunked):
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:tocsin:error:too-large"


async def test_sensor_may_hand_in_and_nothing_else(world):
    id = (await world.client.post("/api/v1/alerts/ids", json=ALERT, headers=world.bearer("sensor"))).json()["ids"][0]
    headers = world.bearer("sensor")
    assert (await world.client.get("/api/v1/alerts", headers=headers)).status_code == 403
    closing = {"verdict": "benign", "reason": "x"}
    assert (await world.client.post(f"/api/v1/alerts/{id}/close", json=closing, headers=headers)).status_code == 403
    assert (await world.client.post("/api/v1/alerts/ids", json=ALERT, headers=world.bearer("viewer"))).status_code == 403


async def test_alert_is_closed_once_and_audited(world):
    id = (await world.client.post("/api/v1/alerts/ids", json=ALERT, headers=world.bearer("sensor"))).json()["ids"][0]
    closing = {"verdict": "benign", "reason": "Our own scanner."}
    answer = await world.client.post(f"/api/v1/alerts/{id}/close", json=closing, headers=world.bearer("amira"))
    assert (answer.json()["status"], answer.json()["verdict"], answer.json()["reason"]) == ("resolved", "benign", "Our own scanner.")
    again = await world.client.post(f"/api/v1/alerts/{id}/close", json=closing, headers=world.bearer("amira"))
    assert again.status_code == 409
    lines = await world.store.units.read(lambda tx: tx.audit.find(workspace="default", ref=id).items)
    assert [line.action for line in lines] == ["alert.close"]


async def test_queue_pages_filters_and_sorts(world):
    for number, severity in enumerate(["low", "critical", "medium"]):
        world.clock.move(seconds=1)
        await world.client.post("/api/v1/alerts/ids", json={"title": f"a{number}", "severity": severity}, headers=world.bearer("sensor"))
    get = world.client.get
    first = (await get("/api/v1/alerts", params={"limit": 2}, headers=world.bearer())).json()
    second = (await get("/api/v1/alerts", params={"limit": 2, "after": first["next"]}, headers=world.bearer())).json()
    assert [one["title"] for one in first["items"] + second["items"]] == ["a2", "a1", "a0"]
    assert second["next"] is None
    worst = (await get("/api/v1/alerts", params={"order": "severity"}, headers=world.bearer())).json()["items"]
    assert [one["severity"] for one in worst] == ["critical", "medium", "low"]
    high = (await get("/api/v1/alerts", params={"severity": "high"}, headers=world.bearer())).json()["items"]
    assert [one["title"] for one in high] == ["a1"]


@pytest.mark.parametrize(
    "query",
    [
        "order=password",
        "sort=title",
        "limit=0",
        "limit=501",
        "after=9999999999999999999~x",
        "after='",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
    ],
)
async def test_odd_queries_are_refused(world, query):
    answer = await world.client.get(f"/api/v1/alerts?{query}", headers=world.bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("field", ["workspace_id", "role", "status", "approved_by", "created_at"])
async def test_fields_that_nobody_asked_for_are_refused(world, field):
    id = (await world.client.post("/api/v1/alerts/ids", json=ALERT, headers=world.bearer("sensor"))).json()["ids"][0]
    closing = {"verdict": "benign", "reason": "x", field: "y"}
    answer = await world.client.post(f"/api/v1/alerts/{id}/close", json=closing, headers=world.bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_key_twice_is_refused_everywhere(world):
    headers = {**world.bearer(), "content-type": "application/json"}
    answer = await world.client.post("/api/v1/cases", content=b'{"title": "a", "title": "b"}', headers=headers)
    assert answer.status_code == 422
    assert "twice" in answer.json()["detail"]
