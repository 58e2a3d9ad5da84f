"""The nftables pack against the real nft and real traffic: an attacker and a victim in network namespaces with a firewall between."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.connectors.sdk import Invalid, JsonObject, NotFound
from tocsin.core.errors import Unavailable
from tocsin.testing.platform import PackRun
from tocsin.testing.sshd import running_sshd

ATTACKER, VICTIM, GATEWAY = "203.0.113.66", "10.20.0.8", "10.20.0.1"
ATTACKER6, VICTIM6 = "2001:db8:66::66", "2001:db8:20::8"
SERVE = """
import http.server, socketserver, socket, sys
class Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self): self.send_response(204); self.end_headers()
    def log_message(self, *_): pass
class Six(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
Six(("::", 80), Quiet).serve_forever()
"""
TRY = "import socket, sys; socket.create_connection((sys.argv[1], 80), timeout=1).close()"

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not (shutil.which("nft") and shutil.which("ip")), reason="nft or ip is missing (Debian: nftables iproute2)"),
]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass
class Net:
    """Three namespaces: attacker - gateway - victim."""

    attacker: str
    gateway: str
    victim: str
    nft: Path  # runs the real nft in the gateway

    def reaches(self, address: str) -> bool:
        done = subprocess.run(["ip", "netns", "exec", self.attacker, sys.executable, "-c", TRY, address], capture_output=True, check=False)
        return done.returncode == 0

    def rules(self) -> str:
        return subprocess.run([str(self.nft), "list", "ruleset"], capture_output=True, text=True, check=True).stdout

    def run(self, **config: object) -> PackRun:
        settings: JsonObject = {"mode": "local", "nft": str(self.nft), "create": True, **config}  # type: ignore[dict-item]  # a test gives JSON
        return PackRun("nftables", config=settings)


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    names = [f"tocsin-nft-{role}-{os.getpid()}" for role in ("a", "g", "v")]
    made: list[str] = []
    server: subprocess.Popen[bytes] | None = None
    try:
        try:
            for name in names:
                ip("netns", "add", name)
                made.append(name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespace can be made here: {error.stderr.decode().strip()}")
        attacker, gateway, victim = names
        wire(attacker, gateway, "203.0.113.66/24", "203.0.113.1/24", "2001:db8:66::66/64", "2001:db8:66::1/64", "a")
        wire(victim, gateway, "10.20.0.8/24", "10.20.0.1/24", "2001:db8:20::8/64", "2001:db8:20::1/64", "v")
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            ip("netns", "exec", gateway, "sysctl", "-qw", f"{key}=1")
        server = subprocess.Popen(["ip", "netns", "exec", victim, sys.executable, "-c", SERVE])
        nft = tmp_path / "nft"
        nft.write_text(f'#!/bin/sh\nexec ip netns exec {gateway} nft "$@"\n')
        nft.chmod(0o755)
        net = Net(attacker, gateway, victim, nft)
        wait_until(lambda: net.reaches(VICTIM) and net.reaches(VICTIM6))
        yield net
    finally:
        if server is not None:
            server.kill()
            server.wait()
        for name in made:
            ip("netns", "del", name)


def wire(end: str, gateway: str, end4: str, gate4: str, end6: str, gate6: str, tag: str) -> None:
    ip("link", "add", "e0", "netns", end, "type", "veth", "peer", "name", f"g{tag}", "netns", gateway)
    for name, link, four, six in ((end, "e0", end4, end6), (gateway, f"g{tag}", gate4, gate6)):
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "link", "set", link, "up")
        ip("-n", name, "addr", "add", four, "dev", link)
        ip("-n", name, "addr", "add", six, "dev", link, "nodad")
    ip("-n", end, "route", "add", "default", "via", gate4.partition("/")[0])
    ip("-n", end, "-6", "route", "add", "default", "via", gate6.partition("/")[0])


def wait_until(holds: "object", *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]  # a lambda
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)


@pytest.mark.parametrize(("attacker", "victim", "set"), [(ATTACKER, VICTIM, "blocked_v4"), (ATTACKER6, VICTIM6, "blocked_v6")])
async def test_blocked_attacker_cannot_reach_the_victim_until_unblocked(net: Net, attacker: str, victim: str, set: str) -> None:
    run = net.run()
    assert (await run("list_blocked"))["count"] == 0
    output = await run("block_ip", ip=attacker, duration="1h", reason="port scan")
    assert output["set"] == set
    assert not net.reaches(victim)
    [entry] = (await run("list_blocked"))["blocked"]  # type: ignore[misc]  # a list
    assert entry["ip"] == attacker
    assert entry["comment"] == "tocsin run run-1 port scan"
    assert 3590 <= entry["expires_in_s"] <= 3600
    assert (await run("unblock_ip", ip=attacker))["was_blocked"] is True
    assert net.reaches(victim)
    assert (await run("unblock_ip", ip=attacker))["was_blocked"] is False


async def test_block_ends_by_itself(net: Net) -> None:
    run = net.run()
    await run("block_ip", ip=ATTACKER, duration="2s")
    assert not net.reaches(VICTIM)
    wait_until(lambda: net.reaches(VICTIM))
    assert (await run("list_blocked"))["count"] == 0


async def test_repeated_block_is_one_entry_with_the_full_time(net: Net) -> None:
    run = net.run()
    await run("block_ip", ip=ATTACKER, duration="5m")
    before = net.rules().count("drop")
    await run("block_ip", ip=ATTACKER, duration="2h", reason="again")
    blocked = await run("list_blocked", ip=ATTACKER)
    assert blocked["count"] == 1
    assert blocked["blocked"][0]["timeout_s"] == 7200  # type: ignore[index, call-overload]  # a list
    assert net.rules().count("drop") == before == 12


async def test_nothing_is_made_without_create(net: Net) -> None:
    run = net.run(create=False)
    with pytest.raises(NotFound, match="create: true"):
        await run("block_ip", ip=ATTACKER)
    with pytest.raises(NotFound):
        await run("list_blocked")
    assert net.rules() == ""


async def test_table_somebody_made_is_used_as_it_is(net: Net) -> None:
    subprocess.run(
        [str(net.nft), "-f", "-"], input="table inet edge { set bad { type ipv4_addr; flags timeout; }; }", text=True, check=True
    )
    run = net.run(create=False, table="edge", set_v4="bad")
    await run("block_ip", ip=ATTACKER)
    assert net.reaches(VICTIM)  # whoever made the table decides what its set does
    assert "drop" not in net.rules()
    with pytest.raises(NotFound):
        await run("block_ip", ip=ATTACKER6)


async def test_comment_cannot_break_out_of_its_quotes(net: Net) -> None:
    run = net.run()
    await run("block_ip", ip=ATTACKER, reason='x" }; flush ruleset; add table inet pwned; # \n \\ é')
    assert "pwned" not in [line.split()[2] for line in net.rules().splitlines() if line.startswith("table")]
    restored = subprocess.run([str(net.nft), "-c", "-f", "-"], input=net.rules(), text=True, capture_output=True, check=False)
    assert restored.returncode == 0, restored.stderr  # a saved rule set can be loaded again


async def test_over_a_real_ssh_server_the_same_happens(net: Net, tmp_path: Path) -> None:
    Path("/run/sshd").mkdir(exist_ok=True)
    try:
        with running_sshd(tmp_path) as sshd:
            run = net.run(**{**sshd.config(), "mode": "ssh"})
            run.secrets = {"private_key": sshd.private_key}
            await run("block_ip", ip=ATTACKER)
            assert not net.reaches(VICTIM)
            assert (await run("list_blocked"))["count"] == 1
            await run("unblock_ip", ip=ATTACKER)
            assert net.reaches(VICTIM)
    except Unavailable as error:
        pytest.skip(str(error))


async def test_own_address_is_refused_by_a_real_machine(net: Net) -> None:
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("198.51.100.1", 9))  # sends nothing; tells which address of ours would be used
        own = probe.getsockname()[0]
    except OSError:
        pytest.skip("this machine has no route, and so no address of its own")
    finally:
        probe.close()
    with pytest.raises(Invalid):
        await net.run()("block_ip", ip=own)
    assert net.rules() == ""
