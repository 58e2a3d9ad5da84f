"""A wait ends when it is over, not when somebody happens to look."""

import asyncio
from datetime import datetime
from pathlib import Path

import httpx

from tocsin.cli.serve import serving
from tocsin.settings import Settings

PLAYBOOK = """\
schema: tocsin/playbook@1
id: waits
title: Wait a moment, twice
steps:
  - wait: 200ms
  - id: known
    action: observable.look_up
    with: {type: ip, value: 192.0.2.1}
  - wait: 1s
"""


async def test_a_short_wait_ends_on_time_while_the_server_has_nothing_else_to_do(tmp_path: Path) -> None:
    (tmp_path / "waits.yaml").write_text(PLAYBOOK)
    settings = Settings(data=str(tmp_path / "data"), port=0, playbooks=[str(tmp_path / "waits.yaml")])
    async with serving(settings) as running:
        admin = running.server.admin
        assert admin is not None
        async with httpx.AsyncClient(base_url=running.url, headers={"authorization": f"Bearer {admin.token}"}) as client:
            run = (await client.post("/api/v1/runs", json={"playbook": "waits"})).raise_for_status().json()
            async with asyncio.timeout(25):
                while run["status"] not in ("succeeded", "failed"):
                    await asyncio.sleep(0.1)
                    run = (await client.get(f"/api/v1/runs/{run['id']}")).json()
    assert run["status"] == "succeeded", run["reason"]
    lasted = datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])
    assert 1.2 <= lasted.total_seconds() < 15
