"""The server kills itself at every crash point; started again, it finishes every run, and the target's ledger says what happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tocsin.engine.crashpoints import CrashPoint
from tocsin.testing.smtp import SmtpSink
from tocsin.testing.target import Target

PACK = """\
schema: tocsin/pack@1
id: target
title: Target
product: Target
version: 1.0.0
description: A target for tests.
connection:
  required: true
  config: {type: object, required: [url], properties: {url: {type: string}}}
"""
ACTION = """\
action: %(name)s
title: %(name)s
effect: write
on_unknown: %(policy)s
input: {type: object, properties: {}}
output: {type: object, properties: {ok: {type: boolean}, verified: {type: boolean}}}
request: {method: POST, path: /do/%(name)s}
response: {output: {ok: "${{ body.ok }}"}}
%(more)s
"""
MORE = {
    "repeat": "",
    "ask": "",
    "key": "key_header: Idempotency-Key",
    "verify": "settle: 100ms\nverify: {request: {method: GET, path: /state/do_verify}, "
    'applied: "${{ body.applied }}", not_applied: "${{ not body.applied }}"}',
}
PLAYBOOK = """\
schema: tocsin/playbook@1
id: crash
title: Every kind of step that is committed
triggers:
  - alert: ${{ alert.source == 'sensor' }}
steps:
  - {id: seen, action: observable.look_up, with: {type: ip, value: 192.0.2.7}}
  - {id: act, action: target.do_%(policy)s}
  - wait: 300ms
  - id: q
    ask: {title: Go on?, to: ["role:admin"], via: [web, email], deadline: 1h, on_deadline: reject}
  - parallel:
      - - {id: tell, action: target.do_repeat2}
      - - {id: seen2, action: observable.look_up, with: {type: ip, value: 192.0.2.8}}
"""
MAPPING = """\
mapping: alert
alert: {title: "${{ raw.title }}", severity: high, category: test}
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as target:
        yield target


@pytest.fixture
def mail() -> Iterator[SmtpSink]:
    with SmtpSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def born(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a data folder after its first start, and the administrator's token; made once, copied by each test."""
    folder = tmp_path_factory.mktemp("born")
    config = folder / "tocsin.yaml"
    config.write_text(json.dumps({"data": str(folder / "data"), "port": 0, "admin_email": "admin@soc.example"}))
    with serving(config) as (_, _, token):
        assert token
    return folder / "data", token


def lay_out(folder: Path, target: Target, mail: SmtpSink, policy: str) -> Path:
    write(folder / "packs/target/pack.yaml", PACK)
    for name, each in [(f"do_{one}", one) for one in MORE] + [("do_repeat2", "repeat")]:
        write(folder / f"packs/target/actions/{name}.yaml", ACTION % {"name": name, "policy": each, "more": MORE[each]})
    write(folder / "packs/target/mappings/alert.yaml", MAPPING)
    write(folder / "playbooks/crash.yaml", PLAYBOOK % {"policy": policy})
    port = target.url.rpartition(":")[2]
    config = {
        "data": str(folder / "data"),
        "port": 0,
        "packs": [str(folder / "packs")],
        "playbooks": [str(folder / "playbooks")],
        "egress_allow": [f"127.0.0.1/32:{port}", f"127.0.0.1/32:{mail.port}"],
        "connections": [
            {"name": "target", "pack": "target", "config": {"url": target.url}},
            {
                "name": "email",
                "pack": "email",
                "config": {"host": "127.0.0.1", "port": mail.port, "tls": "none", "from": "tocsin@soc.example"},
            },
        ],
        "sources": [{"name": "sensor", "pack": "target"}],
        "admin_email": "admin@soc.example",
    }
    path = folder / "tocsin.yaml"
    path.write_text(json.dumps(config))
    return path


@contextmanager
def serving(config: Path, *, crash_at: str = "") -> Iterator[tuple[subprocess.Popen[str], str, str | None]]:
    environ = {**os.environ, "TOCSIN_CRASH_AT": crash_at, "TOCSIN_LOG_LEVEL": "error"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", "up", "--config", str(config), "--json"], stdout=subprocess.PIPE, text=True, env=environ
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            assert process.wait(30) == -signal.SIGKILL, "the server ended before it was ready, and not by the crash point"
            yield process, "", None
            return
        ready = json.loads(line)
        yield process, ready["url"], ready.get("token")
    finally:
        process.terminate()
        process.wait(30)


def until(claim, seconds: float = 40.0, what: str = ""):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := claim():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


class Client:
    """A person with the administrator's key, who tries again when the server is away."""

    def __init__(self, url: str, token: str, mail: SmtpSink) -> None:
        self.mail = mail
        self.http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=10)

    def get(self, path: str):  # type: ignore[no-untyped-def]
        return self.http.get(f"/api/v1{path}").raise_for_status().json()

    def decide(self) -> None:
        """Answer what is asked, once the mail about it has come."""
        if not self.mail.messages:
            return
        for ask in self.get("/asks?status=open")["items"]:
            answer = "approve" if "approve" in ask["options"] else self.what_happened
            self.http.post(f"/api/v1/asks/{ask['id']}/answer", json={"answer": answer})

    what_happened = "it-happened"

    def status(self) -> str:
        self.decide()
        runs = self.get("/runs")["items"]
        return runs[0]["status"] if runs else ""


def dies_or_answers(url: str, token: str) -> bool:
    """Send the alert; True when it was acknowledged."""
    try:
        answer = httpx.post(f"{url}/api/v1/alerts/sensor", json={"title": "x"}, headers={"authorization": f"Bearer {token}"}, timeout=20)
    except httpx.TransportError:
        return False
    assert answer.status_code == 202, answer.text
    return True


def drive_into_the_crash(process: subprocess.Popen[str], url: str, token: str, mail: SmtpSink) -> bool:
    """Send an alert and answer what is asked until the server has died; return whether the alert was acknowledged."""
    acked = dies_or_answers(url, token)
    client = Client(url, token, mail)
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            client.decide()
        time.sleep(0.05)
    assert process.poll() == -signal.SIGKILL, "the crash point was never reached"
    return acked


def finish(config: Path, token: str, target: Target, mail: SmtpSink, policy: str, acked: bool) -> None:
    with serving(config) as (_, url, _):
        client = Client(url, token, mail)
        if not client.get("/alerts")["items"]:
            assert not acked, "an acknowledged alert is missing"
            assert dies_or_answers(url, token)
        Client.what_happened = "it-happened" if target.times(f"do_{policy}") else "run-it"
        until(lambda: client.status() == "succeeded", what=f"the run ends; it is {client.get('/runs')['items']}")
        assert len(client.get("/runs")["items"]) == 1
        timeline = client.get(f"/runs/{client.get('/runs')['items'][0]['id']}/timeline")
    assert timeline["entries"], "the story can be read"
    assert target.times("do_repeat2") >= 1
    if policy == "repeat":
        assert target.times("do_repeat") >= 1
    else:
        assert target.times(f"do_{policy}") == 1, "contained exactly once"


SHORT = [(point, policy) for point in CrashPoint for policy in (["ask"] if point is not CrashPoint.CALL_RETURNED else list(MORE))]


@pytest.mark.parametrize(("point", "policy"), SHORT, ids=lambda value: str(value))
def test_killed_anywhere_every_run_finishes_and_nothing_is_doubled(
    tmp_path: Path, born: tuple[Path, str], target: Target, mail: SmtpSink, point: CrashPoint, policy: str
) -> None:
    data, token = born
    shutil.copytree(data, tmp_path / "data")
    config = lay_out(tmp_path, target, mail, policy)
    with serving(config, crash_at=point.value) as (process, url, _):
        acked = drive_into_the_crash(process, url, token, mail) if url else False
    finish(config, token, target, mail, policy, acked)
    assert mail.messages, "the person was asked by mail"
