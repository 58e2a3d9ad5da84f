"""Rounds, polling, code in both sandboxes, an event and the last steps, over a real server on a real store."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from tocsin.cli.serve import serving
from tocsin.playbook.plan import Runtime
from tocsin.sandbox.code import CodeRunner
from tocsin.settings import ConnectionSettings, Settings, SourceSettings
from tocsin.testing.http_server import LocalServer, Received, Reply

PLAYBOOK = """\
schema: tocsin/playbook@1
id: language
title: A little of everything
inputs:
  url: {type: string}
steps:
  - id: scan
    action: http.get
    with: {url: "${{ inputs.url }}"}
    repeat_until: ${{ steps.scan.body.state == 'done' }}
    every: 100ms
    at_most: 30s
  - id: pages
    while: ${{ steps.sum.next | default(0) < 3 }}
    max: 5
    steps:
      - id: sum
        set: {next: "${{ (steps.sum.next | default(0)) + 1 }}"}
  - id: small
    code: |
      return {"doubled": inputs["n"] * 2}
    with: {n: "${{ steps.pages.iterations }}"}
    returns: {doubled: {type: integer}}
  - id: large
    runtime: python
    code: |
      import statistics
      return {"mean": statistics.mean(inputs["all"])}
    with: {all: [1, 2, 3]}
    timeout: 20s
  - id: back
    wait: {event: alert, filter: "${{ event.title == 'Beacon' }}", deadline: 1h}
finally:
  - id: told
    set: {text: "${{ run.outcome }}"}
outputs:
  polled: ${{ steps.scan.body.state }}
  rounds: ${{ steps.pages.last.sum.next }}
  doubled: ${{ steps.small.doubled }}
  mean: ${{ steps.large.mean }}
  event: ${{ steps.back.event.title }}
  told: ${{ steps.told.text }}
"""
ALERT = {
    "event_type": "alert",
    "timestamp": "2026-03-02T09:00:00.000000+0000",
    "src_ip": "10.20.0.15",
    "dest_ip": "203.0.113.66",
    "proto": "TCP",
    "alert": {"signature_id": 1, "signature": "Other", "severity": 1},
}


async def test_the_language_runs_for_real(tmp_path: Path) -> None:
    if why := CodeRunner().available(Runtime.PYTHON):
        pytest.skip(why)
    asked: list[str] = []

    def answer(received: Received) -> Reply:
        asked.append(received.path)
        state = "done" if len(asked) == 3 else "running"
        return Reply(body=json.dumps({"state": state}).encode(), headers={"content-type": "application/json"})

    (tmp_path / "language.yaml").write_text(PLAYBOOK)
    with LocalServer(answer) as target:
        settings = Settings(
            data=str(tmp_path / "data"),
            port=0,
            playbooks=[str(tmp_path / "language.yaml")],
            sources=[SourceSettings("ids", "suricata")],
            connections=[ConnectionSettings("http", "http", {})],
            egress_allow=["127.0.0.0/8"],
        )
        async with serving(settings) as running, asyncio.timeout(60):
            assert running.server.admin is not None
            headers = {"authorization": f"Bearer {running.server.admin.token}"}
            async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers) as client:
                started = await client.post("/runs", json={"playbook": "language", "inputs": {"url": f"{target.url}/scan"}})
                run = started.raise_for_status().json()
                while run["status"] == "running" or (run["status"] == "waiting" and run["wake_at"] and len(asked) < 3):
                    await asyncio.sleep(0.05)
                    run = (await client.get(f"/runs/{run['id']}")).json()
                await _until_it_waits_for_the_event(client, run["id"])
                for number, signature in enumerate(("Other", "Beacon")):
                    event = {**ALERT, "alert": {"signature_id": number, "signature": signature, "severity": 1}}
                    (await client.post("/alerts/ids", json=event)).raise_for_status()
                while run["status"] not in ("succeeded", "failed"):
                    await asyncio.sleep(0.05)
                    run = (await client.get(f"/runs/{run['id']}")).json()
    assert run["status"] == "succeeded", run["reason"]
    assert run["outputs"] == {"polled": "done", "rounds": 3, "doubled": 6, "mean": 2, "event": "Beacon", "told": "succeeded"}
    assert len(asked) == 3


async def _until_it_waits_for_the_event(client: httpx.AsyncClient, run: str) -> None:
    while True:
        timeline = (await client.get(f"/runs/{run}/timeline")).raise_for_status().json()
        assert timeline["run"]["status"] in ("running", "waiting"), timeline["run"]["reason"]
        if any(entry["path"] == "back" for entry in timeline["entries"]):
            return
        await asyncio.sleep(0.05)
