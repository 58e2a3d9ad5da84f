"""A case for the rehearsal, made from a run of a running server, comes out as the run did."""

import asyncio
from pathlib import Path

import httpx

from tocsin.cli.serve import serving
from tocsin.settings import Settings, SourceSettings

PLAYBOOK = """\
schema: tocsin/playbook@1
id: block-it
title: Block who knocks, if a person agrees
triggers:
  - alert: ${{ alert.category == 'intrusion' }}
steps:
  - id: looked
    for_each: ${{ alert.observables }}
    as: seen
    steps:
      - id: known
        action: observable.look_up
        with: {type: "${{ seen.type }}", value: "${{ seen.value }}"}
  - id: permission
    ask: {title: "Block ${{ alert.dst_endpoint.ip }}?", to: [role:responder], deadline: 4h, on_deadline: reject}
  - if: ${{ steps.permission.answer == 'approve' }}
    then:
      - action: blocklist.block_ip
        with: {ip: "${{ alert.dst_endpoint.ip }}"}
outputs:
  looked: ${{ steps.looked | length }}
"""
ALERT = {
    "event_type": "alert",
    "timestamp": "2026-03-02T09:00:00.000000+0000",
    "src_ip": "198.51.100.9",
    "dest_ip": "203.0.113.66",
    "proto": "TCP",
    "alert": {"signature_id": 1, "signature": "Beacon", "severity": 1},
}


async def test_a_run_of_a_server_becomes_a_case_that_passes(tmp_path: Path) -> None:
    file = tmp_path / "block-it.yaml"
    file.write_text(PLAYBOOK)
    settings = Settings(data=str(tmp_path / "data"), port=0, playbooks=[str(file)], sources=[SourceSettings("ids", "suricata")])
    async with serving(settings) as running, asyncio.timeout(60):
        assert running.server.admin is not None
        token = running.server.admin.token
        async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers={"authorization": f"Bearer {token}"}) as client:
            (await client.post("/alerts/ids", json=ALERT)).raise_for_status()
            ask = await _one(client, "/asks", status="open")
            (await client.post(f"/asks/{ask['id']}/answer", json={"answer": "approve"})).raise_for_status()
            run = await _one(client, "/runs", status="succeeded")
            first = (await client.get(f"/runs/{run['id']}/events", params={"limit": 3})).raise_for_status().json()
            rest = (await client.get(f"/runs/{run['id']}/events", params={"after": first["next"]})).raise_for_status().json()
        recorded = await _tocsin("rehearse", str(file), "--record", str(run["id"]), "--url", running.url, "--token", token)
        other = await _tocsin("rehearse", str(file), "--record", str(run["id"]), "--url", running.url, "--token", token, "--anonymise")
    events = [*first["items"], *rest["items"]]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"]["type"], events[-1]["event"]["type"], rest["next"]) == ("run_started", "run_ended", None)
    assert recorded[0] == 0, recorded[1]
    assert other[0] == 0, other[1]
    code, said = await _tocsin("rehearse", str(file))
    assert code == 0, said
    assert "2 cases, 2 passed" in said


async def _one(client: httpx.AsyncClient, path: str, **where: str) -> dict[str, object]:
    while True:
        items = (await client.get(path, params=where)).raise_for_status().json()["items"]
        if items:
            return dict(items[0])
        await asyncio.sleep(0.05)


async def _tocsin(*arguments: str) -> tuple[int, str]:
    import sys

    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tocsin.cli", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await made.communicate()
    return made.returncode or 0, said.decode()
