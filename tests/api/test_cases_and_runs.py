"""Cases, runs and playbooks by the API."""

import pytest

from tocsin.core.ids import DEFAULT_WORKSPACE

PLAYBOOK = """\
schema: tocsin/playbook@1
id: count-it
title: Count
inputs:
  least: {type: integer, default: 3}
steps:
  - id: sum
    set: {total: "${{ inputs.least + 1 }}"}
outputs: {total: "${{ steps.sum.total }}"}
"""


async def save(world, text=PLAYBOOK, id="count-it", who="author", **more):
    return await world.client.put(f"/api/v1/playbooks/{id}", json={"text": text, **more}, headers=world.bearer(who))


async def test_case_gathers_alerts_notes_and_ends(world):
    alert = {"title": "Scan", "severity": "critical", "ip": "192.0.2.7"}
    id = (await world.client.post("/api/v1/alerts/ids", json=alert, headers=world.bearer("sensor"))).json()["ids"][0]
    opened = await world.client.post(
        "/api/v1/cases", json={"title": "Scans", "alerts": [id], "tags": ["web"]}, headers=world.bearer("amira")
    )
    assert opened.status_code == 201
    case = opened.json()
    assert (case["severity"], case["owner"], case["tlp"], case["tags"]) == ("critical", "amira", "amber", ["web"])
    note = await world.client.post(f"/api/v1/cases/{case['id']}/notes", json={"text": "Called the owner."}, headers=world.bearer("bo"))
    assert note.status_code == 201
    closing = {"verdict": "malicious", "reason": "It was them."}
    closed = await world.client.post(f"/api/v1/cases/{case['id']}/close", json=closing, headers=world.bearer("amira"))
    assert (closed.json()["status"], closed.json()["verdict"]) == ("closed", "malicious")
    assert (await world.client.post(f"/api/v1/cases/{case['id']}/close", json=closing, headers=world.bearer("amira"))).status_code == 409
    whole = (await world.client.get(f"/api/v1/cases/{case['id']}", headers=world.bearer("viewer"))).json()
    assert [(one["kind"], one["by"]) for one in whole["timeline"]] == [
        ("opened", "amira"), ("alert", "amira"), ("note", "bo"), ("closed", "amira"),
    ]  # fmt: skip
    assert [one["id"] for one in whole["alerts"]] == [id]
    assert [one["value"] for one in whole["observables"]] == ["192.0.2.7"]


async def test_case_with_an_unknown_alert_is_not_opened(world):
    answer = await world.client.post("/api/v1/cases", json={"title": "x", "alerts": ["alr_nope"]}, headers=world.bearer())
    assert answer.status_code == 404
    assert (await world.client.get("/api/v1/cases", headers=world.bearer())).json()["items"] == []


async def test_viewer_changes_no_case(world):
    assert (await world.client.post("/api/v1/cases", json={"title": "x"}, headers=world.bearer("viewer"))).status_code == 403


async def test_saved_playbook_is_published_and_starts(world):
    saved = await save(world)
    assert saved.status_code == 200
    assert (saved.json()["saved"], saved.json()["is_new"], saved.json()["published"]) == (True, True, True)
    (listed,) = (await world.client.get("/api/v1/playbooks", headers=world.bearer())).json()["items"]
    assert (listed["id"], listed["published_by"], listed["digest"]) == ("count-it", "author", saved.json()["digest"])
    assert (await world.client.get("/api/v1/playbooks/count-it", headers=world.bearer())).json()["text"] == PLAYBOOK
    world.woken.clear()
    started = await world.client.post("/api/v1/runs", json={"playbook": "count-it"}, headers=world.bearer("amira"))
    assert started.status_code == 201
    run = started.json()
    assert (run["status"], run["trigger"], run["started_by"], run["digest"]) == ("running", "manual", "amira", saved.json()["digest"])
    assert run["id"] in world.woken
    timeline = (await world.client.get(f"/api/v1/runs/{run['id']}/timeline", headers=world.bearer())).json()
    assert timeline["entries"][0]["details"]["inputs"] == {"least": 3}


async def test_playbook_with_errors_is_neither_kept_nor_published(world):
    saved = await save(world, PLAYBOOK.replace("inputs.least", "inputs.lest"))
    body = saved.json()
    assert (saved.status_code, body["saved"], body["published"]) == (200, False, False)
    assert any(one["level"] == "error" and one["line"] > 1 for one in body["diagnostics"])
    assert (await world.client.get("/api/v1/playbooks/count-it", headers=world.bearer())).status_code == 404


async def test_text_of_another_playbook_is_refused(world):
    saved = (await save(world, id="other")).json()
    assert (saved["saved"], saved["published"]) == (False, False)
    assert any("other" in one["message"] + one["hint"] for one in saved["diagnostics"])


async def test_only_authors_save_playbooks(world):
    for who in ("amira", "viewer", "sensor"):
        assert (await save(world, who=who)).status_code == 403


@pytest.mark.parametrize("inputs", [{"least": "three"}, {"lest": 3}])
async def test_inputs_that_do_not_fit_start_nothing(world, inputs):
    await save(world)
    answer = await world.client.post("/api/v1/runs", json={"playbook": "count-it", "inputs": inputs}, headers=world.bearer())
    assert answer.status_code == 422
    assert next(iter(inputs)) in answer.json()["detail"]
    assert (await world.client.get("/api/v1/runs", headers=world.bearer())).json()["items"] == []


async def test_run_on_an_alert_sees_it(world):
    await save(world)
    id = (await world.client.post("/api/v1/alerts/ids", json={"title": "Scan"}, headers=world.bearer("sensor"))).json()["ids"][0]
    started = await world.client.post("/api/v1/runs", json={"playbook": "count-it", "alert": id}, headers=world.bearer())
    assert started.json()["alert"] == id
    events = await world.store.units.read(lambda tx: tx.runs.events(started.json()["id"], workspace=DEFAULT_WORKSPACE))
    assert events[0][1].alert["title"] == "Scan"
    found = (await world.client.get("/api/v1/runs", params={"alert": id}, headers=world.bearer())).json()["items"]
    assert [one["id"] for one in found] == [started.json()["id"]]


async def test_packs_are_listed(world):
    found = (await world.client.get("/api/v1/packs", headers=world.bearer("viewer"))).json()["items"]
    assert [one["id"] for one in found] == ["plain", "signed"]
