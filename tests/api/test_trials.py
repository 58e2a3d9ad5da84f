"""Who may try, replay, compare and backtest; and what a server without connectors says."""

TEXT = """\
schema: tocsin/playbook@1
id: plain
title: Plain
triggers:
  - alert: ${{ alert.severity == 'high' }}
steps:
  - {id: a, set: {x: 1}}
"""


async def publish(world):
    answer = await world.client.put("/api/v1/playbooks/plain", json={"text": TEXT, "publish": True}, headers=world.bearer())
    assert answer.status_code == 200, answer.text


async def status(world, who, path, body):
    answer = await world.client.post(f"/api/v1{path}", json=body, headers=world.bearer(who))
    return answer.status_code


async def test_a_dry_run_needs_the_right_to_start_runs(world):
    await publish(world)
    assert await status(world, "viewer", "/runs/dry", {"playbook": "plain"}) == 403
    assert await status(world, "sensor", "/runs/dry", {"playbook": "plain"}) == 403


async def test_a_draft_needs_the_right_to_write_playbooks(world):
    await publish(world)
    assert await status(world, "amira", "/runs/dry", {"playbook": "plain", "text": TEXT}) == 403
    assert await status(world, "amira", "/playbooks/plain/backtest", {"text": TEXT}) == 403


async def test_a_backtest_needs_the_right_to_read_and_live_reads_the_right_to_start(world):
    await publish(world)
    assert await status(world, "sensor", "/playbooks/plain/backtest", {}) == 403
    assert await status(world, "viewer", "/playbooks/plain/backtest", {"reads": "live"}) == 403


async def test_a_server_without_connectors_says_so(world):
    await publish(world)
    assert await status(world, "admin", "/runs/dry", {"playbook": "plain"}) == 503
    assert await status(world, "admin", "/playbooks/plain/backtest", {}) == 503


async def test_unknown_members_and_odd_values_are_refused(world):
    await publish(world)
    assert await status(world, "admin", "/runs/dry", {"playbook": "plain", "answer": {}}) == 422
    assert await status(world, "admin", "/playbooks/plain/backtest", {"reads": "guess"}) == 422
    assert await status(world, "admin", "/playbooks/plain/backtest", {"limit": 0}) == 422


async def test_a_run_that_goes_on_is_not_replayed(world):
    await publish(world)
    run = (await world.client.post("/api/v1/runs", json={"playbook": "plain"}, headers=world.bearer())).json()
    assert await status(world, "viewer", f"/runs/{run['id']}/replay", {"from": "a"}) == 403
    answer = await world.client.post(f"/api/v1/runs/{run['id']}/replay", json={"from": "a"}, headers=world.bearer())
    assert answer.status_code == 409
    assert "cancel it" in answer.text


async def test_a_run_that_is_not_there_is_not_compared(world):
    await publish(world)
    run = (await world.client.post("/api/v1/runs", json={"playbook": "plain"}, headers=world.bearer())).json()
    answer = await world.client.get(f"/api/v1/runs/{run['id']}/compare/run_nowhere", headers=world.bearer("viewer"))
    assert answer.status_code == 404
    same = await world.client.get(f"/api/v1/runs/{run['id']}/compare/{run['id']}", headers=world.bearer("viewer"))
    assert same.json()["is_same"] is True
