"""Cancel, pause and resume on a real server, by the command line; and an alert that a run has waited for."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tocsin.cli.serve import serving
from tocsin.settings import Settings, SourceSettings

PLAYBOOK = """\
schema: tocsin/playbook@1
id: patient
title: Wait for a beacon
steps:
  - id: again
    wait: {event: alert, filter: "${{ event.title == 'Beacon' }}", deadline: 2d}
finally:
  - id: told
    set: {outcome: "${{ run.outcome }}"}
outputs: {title: "${{ steps.again.event.title }}"}
"""
ALERT = {
    "event_type": "alert", "timestamp": "2026-03-02T09:00:00.000000+0000", "src_ip": "10.20.0.15", "dest_ip": "203.0.113.66",
    "proto": "TCP", "alert": {"signature_id": 1, "signature": "Beacon", "severity": 1},
}  # fmt: skip


class World:
    def __init__(self, http: httpx.AsyncClient, url: str, token: str) -> None:
        self.http, self.url, self.token = http, url, token

    async def tocsin(self, *arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tocsin.cli", *arguments, "--url", self.url, "--token", self.token,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode(), err.decode()

    async def begin(self) -> str:
        answer = await self.http.post("/api/v1/runs", json={"playbook": "patient"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def until(self, run: str, status: str) -> dict[str, object]:
        async with asyncio.timeout(30):
            while True:
                found: dict[str, object] = (await self.http.get(f"/api/v1/runs/{run}")).json()
                if found["status"] == status:
                    return found
                await asyncio.sleep(0.05)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    (tmp_path / "patient.yaml").write_text(PLAYBOOK)
    settings = Settings(
        data=str(tmp_path / "data"),
        port=0,
        sources=[SourceSettings(name="ids", pack="suricata")],
        playbooks=[str(tmp_path / "patient.yaml")],
    )
    async with serving(settings) as running:
        admin = running.server.admin
        assert admin is not None
        assert running.server.problems == ()
        headers = {"authorization": f"Bearer {admin.token}"}
        async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=20) as http:
            yield World(http, running.url, admin.token)


async def test_a_run_waits_for_an_alert_is_paused_resumed_and_cancelled(world: World) -> None:
    first, second = await world.begin(), await world.begin()
    await world.until(first, "waiting")
    await world.until(second, "waiting")

    code, out, _ = await world.tocsin("runs", "pause", first, "--reason", "let me look")
    assert (code, out.split(";")[0]) == (0, f"Run {first} of patient is told to pause")
    await world.until(first, "paused")
    code, out, _ = await world.tocsin("runs", "list", "--status", "paused")
    assert first in out
    assert second not in out

    code, out, _ = await world.tocsin("runs", "cancel", second, "--reason", "a false alarm", "--json")
    assert (code, json.loads(out)["id"]) == (0, second)
    cancelled = await world.until(second, "cancelled")
    assert "a false alarm" in str(cancelled["reason"])
    code, _, err = await world.tocsin("runs", "pause", second)
    assert code == 2
    assert "is over (cancelled)" in err

    assert (await world.http.post("/api/v1/alerts/ids", json=ALERT)).status_code == 202
    assert (await world.http.get(f"/api/v1/runs/{first}")).json()["status"] == "paused"
    code, _, _ = await world.tocsin("runs", "resume", first)
    assert code == 0
    assert (await world.until(first, "succeeded"))["outputs"] == {"title": "Beacon"}
    code, out, _ = await world.tocsin("runs", "show", first)
    assert code == 0
    assert "Paused by admin: let me look" in out
    assert "The event has come" in out
