"""`tocsin run --dry-run`, `runs replay`, `runs compare` and `backtest`, as a person types them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tocsin.cli.serve import serving
from tocsin.settings import Settings, SourceSettings

PACK = """\
schema: tocsin/pack@1
id: plain
title: Plain
product: Plain
version: 1.0.0
description: A source for tests.
"""
MAPPING = """\
mapping: alert
alert: {title: "${{ raw.title }}", severity: high, category: test}
"""
PLAYBOOK = """\
schema: tocsin/playbook@1
id: list-it
title: List an address
triggers:
  - alert: ${{ alert.severity == 'high' }}
inputs:
  ip: {type: string, default: 192.0.2.7}
steps:
  - id: known
    action: observable.look_up
    with: {type: ip, value: "${{ inputs.ip }}"}
  - id: block
    action: blocklist.block_ip
    with: {ip: "${{ inputs.ip }}", duration: 1h, allow_private: true}
"""


@dataclass
class Shell:
    url: str
    token: str
    folder: Path
    client: httpx.AsyncClient

    async def __call__(self, *arguments: str, expect: int = 0) -> str:
        """Run `tocsin` and return what it printed."""
        environ = {**os.environ, "TOCSIN_URL": self.url, "TOCSIN_TOKEN": self.token, "COLUMNS": "200"}
        return await tocsin(*arguments, environ=environ, folder=self.folder, expect=expect)


async def tocsin(*arguments: str, environ: dict[str, str], folder: Path, expect: int = 0) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tocsin.cli", *arguments,
        env=environ, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == expect, out.decode()
    return out.decode()


def lay_out(folder: Path) -> Settings:
    for place, text in {
        "packs/plain/pack.yaml": PACK,
        "packs/plain/mappings/alert.yaml": MAPPING,
        "playbooks/list-it.yaml": PLAYBOOK,
    }.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    return Settings(
        data=str(folder / "data"),
        port=0,
        packs=[str(folder / "packs")],
        playbooks=[str(folder / "playbooks")],
        sources=[SourceSettings("sensor", "plain")],
    )


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with serving(lay_out(tmp_path)) as running:
        assert running.server.admin is not None
        token = running.server.admin.token
        async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers={"authorization": f"Bearer {token}"}) as client:
            yield Shell(running.url, token, tmp_path, client)


async def settled(shell: Shell, count: int) -> list[str]:
    async with asyncio.timeout(25):
        while True:
            runs = (await shell.client.get("/runs")).json()["items"]
            if len(runs) == count and all(run["ended_at"] for run in runs):
                return [run["id"] for run in runs]
            await asyncio.sleep(0.05)


async def test_a_dry_run_draws_what_would_happen_and_blocks_nothing(shell: Shell) -> None:
    told = await shell("run", "list-it", "--dry-run", "--input", "ip=192.0.2.9")
    assert "NOT SENT" in told
    assert "blocklist.unblock_ip" in told
    assert "192[.]0[.]2[.]9" in told
    assert "1 effect not sent" in told
    found = json.loads(await shell("run", "list-it", "--dry-run", "--json"))
    assert (found["dry_run"], found["counts"]["effects"]) == (True, 1)
    assert "192.0.2" not in (await shell.client.get("/feeds/default.txt")).text
    assert await settled(shell, 0) == []


async def test_a_file_is_tried_as_a_draft_and_not_run(shell: Shell) -> None:
    draft = shell.folder / "draft-one.yaml"
    draft.write_text(PLAYBOOK.replace("id: list-it", "id: draft-one"))
    assert "Dry run of draft-one" in await shell("run", str(draft), "--dry-run")
    assert "before it is published" in await shell("run", str(draft), expect=2)
    assert "--answer is for dry runs" in await shell("run", "list-it", "--answer", "a=b", expect=2)


async def test_a_replay_and_a_comparison_are_told(shell: Shell) -> None:
    await shell("run", "list-it")
    (old,) = await settled(shell, 1)
    told = await shell("runs", "replay", old, "--from", "block", "--input", "ip=192.0.2.8")
    assert "1 step: known" in told
    assert "may repeat" in told
    new, old = await settled(shell, 2)
    told = await shell("runs", "compare", old, new, expect=1)
    assert "arguments ip 192[.]0[.]2[.]7 → 192[.]0[.]2[.]8" in told
    assert "1 of 2 steps are the same" in told
    assert json.loads(await shell("runs", "compare", old, old, "--json"))["is_same"] is True
    assert "It has: block" in await shell("runs", "replay", old, "--from", "blok", expect=2)


async def test_a_backtest_asks_the_server_and_says_what_differs(shell: Shell) -> None:
    (await shell.client.post("/alerts/sensor", json=[{"title": "one"}, {"title": "two"}])).raise_for_status()
    await settled(shell, 2)
    assert "100%" in await shell("backtest", "list-it")
    draft = shell.folder / "list-it.yaml"
    draft.write_text(PLAYBOOK.replace("duration: 1h", "duration: 2h"))
    told = await shell("backtest", str(draft), "--top", "1")
    assert "blocklist.block_ip" in told
    assert "≠2 changed" in told
    lines = [json.loads(line) for line in (await shell("backtest", str(draft), "--json")).splitlines()]
    assert lines[-1]["totals"]["different"] == 2
    assert "is no time" in await shell("backtest", "list-it", "--since", "yesterday", expect=2)


async def test_a_backtest_opens_a_data_folder_that_no_server_uses_and_starts_nothing_in_it(tmp_path: Path) -> None:
    settings = lay_out(tmp_path)
    async with serving(settings) as running:
        assert running.server.admin is not None
        headers = {"authorization": f"Bearer {running.server.admin.token}"}
        async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers) as client:
            (await client.post("/alerts/sensor", json={"title": "one"})).raise_for_status()
            await settled(Shell(running.url, "", tmp_path, client), 1)
    config = tmp_path / "tocsin.yaml"
    config.write_text(json.dumps({"data": settings.data, "packs": settings.packs}))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    told = await tocsin("backtest", "list-it", "--config", str(config), environ=environ, folder=tmp_path)
    assert "1 alerts since" in told
    assert "100%" in told
    told = await tocsin("backtest", "list-it", "--data", str(tmp_path / "empty"), environ=environ, folder=tmp_path / "packs", expect=2)
    assert "No server runs over the data folder" in told
