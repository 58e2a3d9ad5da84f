"""The crowdsec pack against a real CrowdSec: its own detection, our bans, its decisions. Needs root and Debian's `crowdsec`."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.connectors.connections import ConnectionConfig, SecretRef
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.connectors.mapping import Skipped, apply
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.ssrf import Egress
from tocsin.core.alerts import Finding
from tocsin.core.effects import Effect
from tocsin.core.errors import AuthFailed, Invalid
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.ports import ActionCall
from tocsin.testing.platform import MemoryPlatform

pytestmark = [
    pytest.mark.skipif(shutil.which("crowdsec") is None, reason="crowdsec is not installed: apt-get install crowdsec"),
    pytest.mark.skipif(os.geteuid() != 0, reason="crowdsec's files are readable for root only"),
    pytest.mark.timeout(180),
]

CONFIG = """\
common: {{daemonize: false, log_media: stdout, log_level: info}}
config_paths:
  config_dir: {etc}
  data_dir: {data}
  simulation_path: {etc}/simulation.yaml
  hub_dir: /var/lib/crowdsec/hub
  index_path: /var/lib/crowdsec/hub/.index.json
crowdsec_service: {{acquisition_path: {etc}/acquis.yaml, parser_routines: 1}}
cscli: {{output: human}}
db_config: {{log_level: info, type: sqlite, db_path: {data}/crowdsec.db}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {etc}/local_api_credentials.yaml}}
  server: {{log_level: info, listen_uri: "127.0.0.1:{port}", profiles_path: {etc}/profiles.yaml}}
prometheus: {{enabled: false}}
"""


class CrowdSec:
    """A CrowdSec of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.log = folder / "auth.log"
        self.output = folder / "crowdsec.out"
        self.config = folder / "config.yaml"
        self.password = "a-password-of-the-test"
        self.api_key = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        etc, data = self.folder / "etc", self.folder / "data"
        shutil.copytree("/etc/crowdsec", etc, symlinks=True)
        (etc / "config.yaml.local").unlink(missing_ok=True)
        data.mkdir()
        for path in Path("/var/lib/crowdsec/data").glob("*.txt"):
            shutil.copy(path, data)
        self.log.touch()
        (etc / "acquis.yaml").write_text(f"filenames: [{self.log}]\nlabels: {{type: syslog}}\n")
        self.config.write_text(CONFIG.format(etc=etc, data=data, port=self.port))
        self.cscli("machines", "add", "agent", "--password", "of-the-agent", "-f", str(etc / "local_api_credentials.yaml"), "--force")
        (etc / "local_api_credentials.yaml").write_text(f"url: http://127.0.0.1:{self.port}\nlogin: agent\npassword: of-the-agent\n")
        self.cscli("machines", "add", "tocsin", "--password", self.password, "-f", str(self.folder / "tocsin.yaml"))
        self.api_key = self.cscli("bouncers", "add", "tocsin", "-o", "raw").strip()
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(["crowdsec", "-c", str(self.config)], stdout=output, stderr=subprocess.STDOUT)
        _wait(self.is_ready, 60, self.output)

    def is_ready(self) -> bool:
        assert self._process is not None
        text = self.output.read_text(errors="replace")
        assert self._process.poll() is None, f"crowdsec ended: {text[-1500:]}"
        return "Starting processing data" in text

    def cscli(self, *arguments: str) -> str:
        done = subprocess.run(["cscli", "-c", str(self.config), *arguments], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(true: Callable[[], bool], seconds: float, output: Path) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"crowdsec did not get ready: {output.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def crowdsec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrowdSec]:
    one = CrowdSec(tmp_path_factory.mktemp("crowdsec"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


def connect(crowdsec: CrowdSec, *, password: str | None = None) -> Connectors:
    return Connectors(
        load_packs([BUILTIN]),
        connections=[
            ConnectionConfig(
                "edge",
                "crowdsec",
                {"url": f"http://127.0.0.1:{crowdsec.port}", "machine_id": "tocsin"},
                {"password": SecretRef(env="PASSWORD"), "api_key": SecretRef(env="KEY")},
            )
        ],
        egress=Egress(allow=(f"127.0.0.1/32:{crowdsec.port}",)),
        platform=lambda call: MemoryPlatform(),
        now=lambda: datetime.now(UTC),
        environ={"PASSWORD": password or crowdsec.password, "KEY": crowdsec.api_key},
    )


async def run(connectors: Connectors, action: str, **arguments: Json) -> JsonObject:
    output = await connectors.execute(
        ActionCall(RunId("run_1"), WorkspaceId("default"), "s", f"crowdsec.{action}", None, arguments, Effect.READ, "key", 1, 20)
    )
    assert isinstance(output, dict)
    return output


async def test_connection_proves_itself(crowdsec: CrowdSec) -> None:
    connectors = connect(crowdsec)
    assert await connectors.check("edge") == {"alerts": [], "count": 0}
    await connectors.aclose()


async def test_wrong_password_is_auth_failed(crowdsec: CrowdSec) -> None:
    connectors = connect(crowdsec, password="another-password")
    with pytest.raises(AuthFailed):
        await run(connectors, "list_alerts")
    await connectors.aclose()


async def test_banned_address_is_a_decision_until_it_is_lifted(crowdsec: CrowdSec) -> None:
    connectors = connect(crowdsec)
    ban = await run(connectors, "block_ip", ip="203.0.113.77", duration="30m", reason="brute force")
    assert str(ban["id"]).isdigit()
    found = await run(connectors, "list_decisions", ip="203.0.113.77")
    assert found["count"] == 1
    decision = found["decisions"][0]  # type: ignore[index, call-overload]  # the test fails when it is no list
    assert (decision["type"], decision["value"], decision["origin"], decision["scope"]) == ("ban", "203.0.113.77", "cscli", "Ip")  # type: ignore[index, call-overload]  # as above
    assert "203.0.113.77" in crowdsec.cscli("decisions", "list")

    again = await run(connectors, "block_ip", ip="203.0.113.77", duration="30m")  # on_unknown: repeat
    assert again["id"] != ban["id"]
    assert await run(connectors, "unblock_ip", ip="203.0.113.77") == {"deleted": 2}
    assert await run(connectors, "list_decisions", ip="203.0.113.77") == {"count": 0, "decisions": []}
    assert await run(connectors, "unblock_ip", ip="203.0.113.77") == {"deleted": 0}
    assert connectors.drift.records() == []
    await connectors.aclose()


async def test_duration_that_crowdsec_does_not_know_is_refused_before_it_is_sent(crowdsec: CrowdSec) -> None:
    connectors = connect(crowdsec)
    with pytest.raises(Invalid):
        await run(connectors, "block_ip", ip="203.0.113.78", duration="2d")
    await connectors.aclose()


async def test_attack_on_ssh_arrives_as_a_finding(crowdsec: CrowdSec) -> None:
    connectors = connect(crowdsec)
    events: asyncio.Queue[tuple[Json, Json]] = asyncio.Queue()

    async def emit(raw: Json, cursor: Json) -> None:
        await events.put((raw, cursor))

    async def reject(text: str, reason: str, cursor: Json) -> None:
        raise AssertionError(reason)

    def follow(cursor: Json) -> asyncio.Task[None]:
        options: JsonObject = {"every": "300ms"}
        work = connectors.follow("crowdsec", "poll", connection="edge", options=options, cursor=cursor, emit=emit, reject=reject)
        return asyncio.create_task(work)

    task = follow(None)
    stamp = datetime.now().astimezone().strftime("%b %d %H:%M:%S")
    with crowdsec.log.open("a") as log:
        for number in range(12):
            said = f"Failed password for invalid user admin{number} from 198.51.100.23 port 4{number:03} ssh2"
            log.write(f"{stamp} host sshd[{3000 + number}]: {said}\n")
    mapping = connectors.mapping("crowdsec", "poll")
    assert mapping is not None
    findings: list[Finding] = []
    cursor: Json = None
    while not findings:
        raw, cursor = await asyncio.wait_for(events.get(), 60)
        found = apply(mapping, raw, source="edge", received=datetime.now(UTC))
        if not isinstance(found, Skipped):
            findings.append(found)
    first = findings[0]
    assert first.problem == ""
    assert first.title.endswith("from 198.51.100.23")
    assert [seen.value for seen in first.observables] == ["198.51.100.23"]
    assert first.context["rule"]
    while True:  # what came with it
        try:
            _, cursor = await asyncio.wait_for(events.get(), 2)
        except TimeoutError:
            break
    task.cancel()

    task = follow(cursor)  # from the cursor on nothing comes twice
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(events.get(), 1.5)
    task.cancel()
    await connectors.aclose()
