"""The playbook that shows the whole language: checked, rehearsed, and run over a real server against a target with a ledger."""

import asyncio
import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tocsin.cli.serve import serving
from tocsin.core.values import JsonObject
from tocsin.settings import ConnectionSettings, Settings, SourceSettings
from tocsin.testing.http_server import LocalServer, Received, Reply
from tocsin.testing.smtp import SmtpSink

HERE = Path(__file__).parent
PLAYBOOK = HERE.parents[1] / "golden/playbook/whole-language/phishing-triage.yaml"
MAIL = """\
From: Bank <help@bank.example>
To: anna@corp.example
Subject: Your account
Message-ID: <m1@bank.example>
Content-Type: text/plain; charset=utf-8

http://evil-one.example/a http://evil-two.example/b http://evil-three.example/c http://fine.example/d
"""


def answer(received: Received) -> Reply:
    body: dict[str, bool] = {"ok": True}
    if received.method == "GET":
        url = parse_qs(urlsplit(received.path).query)["url"][0]
        body = {"malicious": "evil" in url}
    return Reply(body=json.dumps(body).encode(), headers={"content-type": "application/json"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    playbooks = tmp_path / "playbooks"
    playbooks.mkdir()
    for file in (PLAYBOOK, *(HERE / "playbooks").glob("*.yaml")):
        (playbooks / file.name).write_text(file.read_text())
    return playbooks


def tocsin(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tocsin.cli", *arguments], capture_output=True, text=True, timeout=100, check=False)


def test_it_is_checked_without_an_error(folder: Path) -> None:
    ran = tocsin("check", str(folder), "--packs", str(HERE / "packs"), "--json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {one["code"] for one in json.loads(ran.stdout)} == {
        "PB354",  # what the schedule starts has no alert
        "PB422",  # nobody is asked by Jira yet
    }


def test_it_is_rehearsed_on_every_branch(folder: Path) -> None:
    ran = tocsin("rehearse", str(folder), "--packs", str(HERE / "packs"), "--min-coverage", "100")
    assert ran.returncode == 0, ran.stdout + ran.stderr


async def test_it_asks_contains_tells_and_plans_the_undo(folder: Path, tmp_path: Path) -> None:
    with LocalServer(answer) as target, SmtpSink() as smtp:
        mail_server: JsonObject = {"host": "127.0.0.1", "port": smtp.port, "tls": "none", "from": "soar@corp.example"}
        settings = Settings(
            data=str(tmp_path / "data"),
            port=0,
            playbooks=[str(folder)],
            packs=[str(HERE / "packs")],
            connections=[
                *(ConnectionSettings(name, name, {"url": target.url}) for name in ("urlscan", "dns", "mailbox")),
                ConnectionSettings("email", "email", mail_server),
            ],
            sources=[SourceSettings("reports", "email")],
            egress_allow=["127.0.0.0/8"],
        )
        async with serving(settings) as running:
            assert running.server.problems == ()
            admin = running.server.admin
            assert admin is not None
            headers = {"authorization": f"Bearer {admin.token}"}
            async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers) as client, asyncio.timeout(40):
                mail = {"eml": MAIL, "subject": "Your account", "reported_by": "anna@corp.example", "message_id": "m1@bank.example"}
                (await client.post("/alerts/reports", json=mail)).raise_for_status()
                ask = await _one(client, "/asks", status="open")
                assert ask["title"] == "Block 3 URLs and purge the mail?"
                assert not _sent(target)
                (await client.post(f"/asks/{ask['id']}/answer", json={"answer": "approve"})).raise_for_status()
                run = await _one(client, "/runs", playbook="phishing-triage", status="succeeded")
                undo = await _one(client, "/runs", playbook="undo", status="waiting")
                told = await _one(client, "/runs", playbook="notify-user", status="succeeded")
    assert run["outputs"] == {"malicious": [f"http://evil-{n}.example/{p}" for n, p in (("one", "a"), ("two", "b"), ("three", "c"))]}
    assert sorted(_sent(target)) == [
        ("/purge", {"message_id": "m1@bank.example"}),
        ("/sinkhole", {"names": ["evil-one.example", "evil-two.example", "evil-three.example"]}),
    ]
    assert told["outputs"]["text"].startswith("Dear anna@corp.example")  # type: ignore[index]
    due = datetime.fromisoformat(str(undo["wake_at"])) - datetime.fromisoformat(str(run["ended_at"]))
    assert undo["trigger"] == "undo"
    assert timedelta(hours=23, minutes=59) < due <= timedelta(hours=24)


def _sent(target: LocalServer) -> list[tuple[str, object]]:
    return [(one.path, json.loads(one.body)) for one in target.received if one.method == "POST"]


async def _one(client: httpx.AsyncClient, path: str, **where: str) -> dict[str, object]:
    while True:
        items = (await client.get(path, params=where)).raise_for_status().json()["items"]
        if items:
            assert len(items) == 1, items
            return dict(items[0])
        await asyncio.sleep(0.05)
