"""The suricata pack against a real Suricata that watches real traffic and whose eve.json is rotated while it runs."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.connectors.loader import BUILTIN, Packs, load_pack
from tocsin.connectors.mapping import apply
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.ssrf import Egress
from tocsin.core.alerts import Finding, fingerprint
from tocsin.core.values import Json
from tocsin.testing.platform import MemoryPlatform

CONFIG = Path(__file__).parents[2] / "scripts/record-samples"
CLIENT, SERVER = "10.20.0.15", "203.0.113.66"
RULE = (
    'alert http any any -> any any (msg:"Bad agent"; http.user_agent; content:"bad-agent"; '
    "metadata: mitre_technique_id T1071_001; priority:1; sid:77; rev:2;)\n"
)
SERVE = f"import http.server, socketserver; socketserver.TCPServer(('{SERVER}', 80), http.server.SimpleHTTPRequestHandler).serve_forever()"
ASK = (
    f"import socket; s = socket.create_connection(('{SERVER}', 80), 3);"
    "s.sendall(b'GET /nothing HTTP/1.0\\r\\nHost: bad.example\\r\\nUser-Agent: bad-agent\\r\\n\\r\\n'); s.recv(999)"
)

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(
        not (shutil.which("suricata") and shutil.which("ip")),
        reason="suricata or ip is missing (Debian: suricata from backports, iproute2)",
    ),
]


@dataclass
class Sensor:
    """A Suricata that runs, and the client whose traffic it sees."""

    process: subprocess.Popen[bytes]
    client: str
    log: Path

    def make_traffic(self) -> None:
        subprocess.run(["ip", "netns", "exec", self.client, sys.executable, "-c", ASK], check=True)

    def rotate(self) -> None:
        (self.log / "eve.json").rename(self.log / f"eve.json.{time.monotonic_ns()}")
        self.process.send_signal(signal.SIGHUP)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def wait_until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


@pytest.fixture
def sensor(tmp_path: Path) -> Iterator[Sensor]:
    client, server = (f"tocsin-ids-{role}-{os.getpid()}" for role in ("c", "s"))
    made: list[str] = []
    processes: list[subprocess.Popen[bytes]] = []
    try:
        try:
            for name in (client, server):
                ip("netns", "add", name)
                made.append(name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespace can be made here: {error.stderr.decode().strip()}")
        ip("link", "add", "e0", "netns", client, "type", "veth", "peer", "name", "e0", "netns", server)
        for name, own, other in ((client, CLIENT, SERVER), (server, SERVER, CLIENT)):
            ip("-n", name, "link", "set", "e0", "up")
            ip("-n", name, "addr", "add", f"{own}/32", "dev", "e0")
            ip("-n", name, "route", "add", f"{other}/32", "dev", "e0")
        (tmp_path / "rules").write_text(RULE)
        processes.append(subprocess.Popen(["ip", "netns", "exec", server, sys.executable, "-c", SERVE], stderr=subprocess.DEVNULL))
        command = ["suricata", "-c", "suricata.yaml", "-S", str(tmp_path / "rules"), "--af-packet=e0", "-k", "none", "-l", str(tmp_path)]
        with (tmp_path / "out").open("wb") as out:
            process = subprocess.Popen(["ip", "netns", "exec", client, *command], cwd=CONFIG, stdout=out, stderr=out)
        processes.append(process)
        wait_until(lambda: "Engine started" in (tmp_path / "out").read_text())
        yield Sensor(process, client, tmp_path)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        for name in made:
            ip("netns", "del", name)


async def test_alerts_of_a_running_suricata_come_once_through_rotations_and_restarts(sensor: Sensor) -> None:
    pack, _ = load_pack(BUILTIN / "suricata")
    assert pack is not None
    runtime = Connectors(
        Packs({"suricata": pack}),
        connections=[],
        egress=Egress(),
        platform=lambda call: MemoryPlatform(),
        now=lambda: datetime.now(UTC),
        environ={},
    )
    seen: list[Json] = []
    rejected: list[str] = []
    cursor: Json = None

    async def emit(event: Json, after: Json) -> None:
        nonlocal cursor
        seen.append(event)
        cursor = after

    async def reject(text: str, reason: str, after: Json) -> None:
        rejected.append(reason)

    def follow() -> "asyncio.Task[None]":
        options: dict[str, Json] = {"path": str(sensor.log / "eve.json")}
        return asyncio.create_task(
            runtime.follow("suricata", "tail", connection=None, options=options, cursor=cursor, emit=emit, reject=reject)
        )

    async def until(count: int) -> None:
        async with asyncio.timeout(20):
            while len(seen) < count:
                if task.done():
                    task.result()
                await asyncio.sleep(0.05)

    task = follow()
    await asyncio.to_thread(sensor.make_traffic)
    await until(1)
    sensor.rotate()
    await asyncio.to_thread(sensor.make_traffic)
    await until(2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await asyncio.to_thread(sensor.make_traffic)  # while nobody follows
    await asyncio.sleep(1)  # Suricata writes at the end of the transaction; the rotation must come after that
    sensor.rotate()
    await asyncio.to_thread(sensor.make_traffic)
    task = follow()
    await until(4)
    await asyncio.sleep(1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert len(seen) == 4
    assert rejected == []

    findings = [apply(pack.mappings["alert"], event, source="ids", received=datetime.now(UTC)) for event in seen]
    assert all(isinstance(found, Finding) for found in findings)
    found = findings[0]
    assert isinstance(found, Finding)
    assert (found.title, found.severity.value, found.problem) == ("Bad agent", "high", "")
    assert {seen.value for seen in found.observables} >= {CLIENT, SERVER, "bad.example", "http://bad.example/nothing"}
    assert found.context["attacks"] == [{"technique": {"uid": "T1071.001"}}]
    assert len({fingerprint("ids", one) for one in findings if isinstance(one, Finding)}) == 1
