"""What a server does under load, measured from outside over kept loopback connections."""

import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeAlias

from tocsin.cli.bench.client import Client
from tocsin.cli.bench.spawn import Spawned, spawned
from tocsin.cli.bench.stub import Stub, stub
from tocsin.core.errors import Unavailable
from tocsin.core.values import JsonObject

CLIENTS, RUN_CLIENTS, BATCH = 32, 8, 500
FOR_S, WARM_UP_S, ENDED_WITHIN_S = 4.0, 1.0, 30.0
TRIGGERS = 40
Measure: TypeAlias = Callable[[Spawned, Stub], Awaitable[JsonObject]]
SOURCE: JsonObject = {"name": "bench", "pack": "suricata"}
PATH = "/api/v1/alerts/bench"
PLAYBOOK = """\
schema: tocsin/playbook@1
id: five-nodes
title: Set, if, one write, set
triggers:
  - alert: ${{ alert.source == 'bench' }}
steps:
  - id: facts
    set: {serious: "${{ alert.severity in ['high', 'critical'] }}", n: "${{ alert.rule.sid }}"}
  - if: ${{ steps.facts.serious }}
    then:
      - id: told
        action: target.call
        with: {n: "${{ steps.facts.n }}"}
  - id: end
    set: {status: "${{ steps.told.status | default(0) }}"}
"""
# Not the pack `http`: its rate limit, 50 calls a second, would be all that is measured.
PACK = """\
schema: tocsin/pack@1
id: target
title: Target
product: The stub of the bench
version: 1.0.0
connection: {config: {type: object, properties: {url: {type: string}}}}
"""
ACTION = """\
action: call
title: Call
effect: write
on_unknown: ask
input: {type: object, required: [n], properties: {n: {type: integer}}}
output: {type: object, properties: {status: {type: integer}}}
request: {method: POST, path: /, json: {n: "${{ input.n }}"}}
response: {output: {status: "${{ status }}"}}
"""


def intake() -> JsonObject:
    """Measure single alerts by 32 clients, and NDJSON batches by two; every alert is a new one, and durable when it is answered."""
    with _folder() as folder, spawned(folder, {"sources": [SOURCE]}) as server:
        return asyncio.run(_intake(server))


async def _intake(server: Spawned) -> JsonObject:
    numbers = count(1)
    singles: list[float] = []

    async def send_singles(client: Client, until: float, into: list[float]) -> None:
        while (started := time.perf_counter()) < until:
            await client.post(PATH, alert(next(numbers)))
            into.append(time.perf_counter() - started)

    batches: list[float] = []

    async def send_batches(client: Client, until: float) -> None:
        while (started := time.perf_counter()) < until:
            lines = b"\n".join(alert(next(numbers)) for _ in range(BATCH))
            await client.post(PATH, lines, media="application/x-ndjson")
            batches.append(time.perf_counter() - started)

    async with _clients(server, CLIENTS) as clients:
        warm_up = time.perf_counter() + WARM_UP_S
        await asyncio.gather(*(send_singles(client, warm_up, []) for client in clients))
        started = time.perf_counter()
        await asyncio.gather(*(send_singles(client, started + FOR_S, singles) for client in clients))
        took = time.perf_counter() - started
        started = time.perf_counter()
        await asyncio.gather(*(send_batches(client, started + FOR_S) for client in clients[:2]))
        took_batches = time.perf_counter() - started
    return {
        "single_per_s": round(len(singles) / took),
        "p99_ms": round(_percentile(singles, 99) * 1e3, 1),
        "ndjson_per_s": round(len(batches) * BATCH / took_batches),
    }


def runs() -> JsonObject:
    """Measure runs of five nodes: eight clients, each sends an alert and waits until the run's write has reached its target."""
    return asyncio.run(_with_playbook(_runs))


async def _runs(server: Spawned, target: Stub) -> JsonObject:
    numbers = count(1)
    took: list[float] = []

    async def drive(client: Client, until: float, into: list[float]) -> None:
        while time.perf_counter() < until:
            into.append(await _trigger(client, target, next(numbers)))

    async with _clients(server, RUN_CLIENTS) as clients:
        warm_up = time.perf_counter() + WARM_UP_S
        await asyncio.gather(*(drive(client, warm_up, []) for client in clients))
        await _all_ended(server)
        cpu, started = server.cpu_s(), time.perf_counter()
        await asyncio.gather(*(drive(client, started + FOR_S, took) for client in clients))
        await _all_ended(server)
        seconds, cpu = time.perf_counter() - started, server.cpu_s() - cpu
    return {
        "webhook_5_nodes_per_s": round(len(took) / seconds, 1),
        "p50_ms": round(_percentile(took, 50) * 1e3, 1),
        "p99_ms": round(_percentile(took, 99) * 1e3, 1),
        "cpu_ms_per_run": round(cpu / len(took) * 1e3, 2),
    }


def trigger_to_first_action() -> JsonObject:
    """Measure from sending an alert to the arrival of the run's write, one at a time on a server that does nothing else."""
    return asyncio.run(_with_playbook(_latency))


async def _latency(server: Spawned, target: Stub) -> JsonObject:
    async with _clients(server, 1) as clients:
        took = []
        for number in range(1, TRIGGERS + 1):
            took.append(await _trigger(clients[0], target, number))
            await asyncio.sleep(0.03)
    return {"p50": round(_percentile(took[TRIGGERS // 4 :], 50) * 1e3, 2)}


async def _trigger(client: Client, target: Stub, number: int) -> float:
    arrived, started = target.expect(number), time.perf_counter()
    await client.post(PATH, alert(number))
    async with asyncio.timeout(ENDED_WITHIN_S):
        await arrived
    return time.perf_counter() - started


async def _with_playbook(measure: Measure) -> JsonObject:
    async with stub() as target:
        with _folder() as folder:
            _lay_out(folder)
            settings: JsonObject = {
                "sources": [SOURCE],
                "playbooks": [str(folder / "five-nodes.yaml")],
                "packs": [str(folder / "packs")],
                "connections": [{"name": "target", "pack": "target", "config": {"url": f"http://127.0.0.1:{target.port}"}}],
                "egress_allow": [f"127.0.0.1/32:{target.port}"],
            }
            # Starting and stopping it wait for a process; nothing else happens on this loop then.
            with spawned(folder, settings) as server:
                return await measure(server, target)


def _lay_out(folder: Path) -> None:
    pack = folder / "packs" / "target"
    (pack / "actions").mkdir(parents=True)
    (folder / "five-nodes.yaml").write_text(PLAYBOOK)
    (pack / "pack.yaml").write_text(PACK)
    (pack / "actions" / "call.yaml").write_text(ACTION)


async def _all_ended(server: Spawned) -> None:
    from tocsin.cli.remote import Remote, connect

    deadline = time.perf_counter() + ENDED_WITHIN_S
    async with connect(server.url, server.token) as http:
        while (await Remote(http).get("/runs", status="running", limit="1")).get("items"):
            if time.perf_counter() > deadline:
                raise Unavailable(f"Runs of the bench did not end within {ENDED_WITHIN_S:g} s.")
            await asyncio.sleep(0.02)


def alert(number: int) -> bytes:
    """Return an event like Suricata's that is no other's duplicate."""
    event = {
        "timestamp": "2026-03-02T09:00:00.000000+0000",
        "event_type": "alert",
        "src_ip": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "src_port": 49152,
        "dest_ip": "203.0.113.66",
        "dest_port": 443,
        "proto": "TCP",
        "alert": {"signature_id": number, "signature": "BENCH", "category": "Misc activity", "severity": 1, "action": "allowed"},
    }
    return json.dumps(event).encode()


@contextlib.asynccontextmanager
async def _clients(server: Spawned, many: int) -> AsyncIterator[list[Client]]:
    clients = [await Client.open(server.port, token=server.token) for _ in range(many)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as root:
        folder = Path(root) / "server"
        folder.mkdir()
        yield folder


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else sum(values)
