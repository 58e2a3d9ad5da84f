"""The nftables pack before it reaches nft: what it refuses, and what it would send. The real nft is in tests/range."""

import stat
from pathlib import Path

import asyncssh
import pytest

from tocsin.connectors.sdk import AuthFailed, Invalid, JsonObject, NotFound, OutcomeUnknown, Transient, Unreachable
from tocsin.packs.nftables import code
from tocsin.testing.platform import PackRun

LISTED = (
    '{"nftables": [{"metainfo": {}}, {"set": {"family": "inet", "name": "blocked_v4", "table": "tocsin", "elem": ['
    '{"elem": {"val": "192.0.2.9", "timeout": 60, "expires": 59, "comment": "tocsin"}}, "192.0.2.10", '
    '{"prefix": {"addr": "198.51.100.0", "len": 24}}]}}]}'
)


def program(tmp_path: Path, body: str) -> str:
    """Write a program that stands where nft is, and keeps its standard input."""
    path = tmp_path / "nft"
    path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/argv\ncat >> {tmp_path}/stdin\n{body}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def local(nft: str, **config: object) -> PackRun:
    settings: JsonObject = {"mode": "local", "nft": nft, **config}  # type: ignore[dict-item]  # a test gives JSON
    return PackRun("nftables", config=settings)


async def test_block_is_one_transaction_that_sets_the_full_time_again(tmp_path: Path) -> None:
    output = await local(program(tmp_path, "exit 0"))("block_ip", ip="203.0.113.66", duration="90m", reason='beacon"; flush ruleset\n#é')
    assert output == {
        "ip": "203.0.113.66",
        "set": "blocked_v4",
        "expires_at": "2026-01-02T04:34:05.000000Z",
        "comment": "tocsin run run-1 beacon_ flush ruleset_#_",
    }
    assert (tmp_path / "argv").read_text() == "-f -\n"
    assert (tmp_path / "stdin").read_text().splitlines() == [
        "add element inet tocsin blocked_v4 { 203.0.113.66 }",
        "delete element inet tocsin blocked_v4 { 203.0.113.66 }",
        'add element inet tocsin blocked_v4 { 203.0.113.66 timeout 5400s comment "tocsin run run-1 beacon_ flush ruleset_#_" }',
    ]


async def test_case_is_named_in_the_comment_and_the_comment_is_not_too_long_for_nft(tmp_path: Path) -> None:
    run = local(program(tmp_path, "exit 0"))
    run.case = "case-7"
    comment = str((await run("block_ip", ip="203.0.113.66", reason="x" * 400))["comment"])
    assert comment.startswith("tocsin case case-7 run run-1 xxx")
    assert len(comment) <= 100


@pytest.mark.parametrize(("ip", "name"), [("2001:db8::1", "blocked_v6"), ("::ffff:203.0.113.66", "blocked_v4")])
async def test_address_goes_into_the_set_of_its_version(tmp_path: Path, ip: str, name: str) -> None:
    assert (await local(program(tmp_path, "exit 0"))("block_ip", ip=ip))["set"] == name


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "::1", "0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "ff02::1", "169.254.1.1", "fe80::1", "::ffff:127.0.0.1",
     "fe80::1%$(reboot)", "203.0.113.0/24", "203.0.113.66; flush ruleset", "bad.example", "", "203.0.113.66 }"],
)  # fmt: skip
async def test_address_that_is_none_or_would_hurt_never_reaches_nft(tmp_path: Path, ip: str) -> None:
    with pytest.raises(Invalid):
        await local(program(tmp_path, "exit 0"))("block_ip", ip=ip)
    assert not (tmp_path / "argv").exists()


async def test_protected_networks_are_never_blocked(tmp_path: Path) -> None:
    run = local(program(tmp_path, "exit 0"), protected=["203.0.113.0/24", "2001:db8::/32"])
    for ip in ("203.0.113.66", "2001:db8::1"):
        with pytest.raises(Invalid, match="protected"):
            await run("block_ip", ip=ip)


@pytest.mark.parametrize("value", ["203.0.113.66", "2001:db8::1"])
def test_zone_of_an_address_is_refused(value: str) -> None:
    assert str(code.parse_address(value)) == value
    with pytest.raises(Invalid):
        code.parse_address(f"{value}%eth0")


@pytest.mark.parametrize(
    "config",
    [{"table": "a; flush ruleset"}, {"set_v4": "a b"}, {"set_v6": "{"}, {"nft": "nft; reboot"}, {"nft": "../nft"}, {"family": "bridge"},
     {"hooks": ["x"]}, {"protected": ["nonsense"]}, {"unknown": 1}, {"mode": "ssh"}, {"mode": "telnet"}],
)  # fmt: skip
async def test_wrong_setting_is_refused_before_anything_runs(config: JsonObject) -> None:
    with pytest.raises(Invalid):
        await PackRun("nftables", config=config)("list_blocked")


async def test_family_that_cannot_hold_the_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="family: inet"):
        await local(program(tmp_path, "exit 0"), family="ip")("block_ip", ip="2001:db8::1")


@pytest.mark.parametrize("duration", ["0s", "100ms", "3651d", "forever"])
async def test_duration_that_nft_cannot_keep_is_refused(tmp_path: Path, duration: str) -> None:
    with pytest.raises(Invalid):
        await local(program(tmp_path, "exit 0"))("block_ip", ip="203.0.113.66", duration=duration)


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("echo 'Error: Could not process rule: No such file or directory' >&2; exit 1", NotFound, "create: true"),
        ("echo 'Operation not permitted (you must be root)' >&2; exit 1", AuthFailed, "sudo"),
        ("echo 'sudo: a password is required' >&2; exit 1", AuthFailed, "sudo"),
        ("echo 'Error: syntax error' >&2; exit 1", Invalid, "syntax error"),
    ],
)
async def test_refusal_of_nft_says_what_to_do(tmp_path: Path, body: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        await local(program(tmp_path, body))("block_ip", ip="203.0.113.66")


async def test_missing_program_is_told() -> None:
    with pytest.raises(Invalid, match="was not found"):
        await local("/nowhere/nft")("block_ip", ip="203.0.113.66")


async def test_nft_that_does_not_end_is_unknown_for_a_block_and_transient_for_a_list(tmp_path: Path) -> None:
    run = local(program(tmp_path, "exec sleep 30"))
    with pytest.raises(OutcomeUnknown):
        await run("block_ip", ip="203.0.113.66", timeout_s=0.3)
    with pytest.raises(Transient):
        await run("list_blocked", timeout_s=0.3)


async def test_every_kind_of_element_is_listed(tmp_path: Path) -> None:
    run = local(program(tmp_path, f"echo '{LISTED}'"), family="ip")
    assert (await run("list_blocked"))["blocked"] == [
        {"ip": "192.0.2.9", "set": "blocked_v4", "timeout_s": 60, "expires_in_s": 59, "comment": "tocsin"},
        {"ip": "192.0.2.10", "set": "blocked_v4", "timeout_s": None, "expires_in_s": None, "comment": ""},
        {"ip": "198.51.100.0/24", "set": "blocked_v4", "timeout_s": None, "expires_in_s": None, "comment": ""},
    ]
    assert (await run("list_blocked", ip="192.0.2.9"))["count"] == 1
    assert (tmp_path / "argv").read_text().splitlines()[0] == "-j list set ip tocsin blocked_v4"


async def test_answer_that_is_not_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="JSON support"):
        await local(program(tmp_path, "echo set"))("list_blocked")


async def test_address_of_this_machine_is_not_blocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "_is_of_this_machine", lambda address: str(address) == "203.0.113.66")
    with pytest.raises(Invalid, match="cut us off"):
        await local(program(tmp_path, "exit 0"))("block_ip", ip="203.0.113.66")
    assert not (tmp_path / "argv").exists()


def test_loopback_is_known_as_an_address_of_this_machine_and_a_stranger_is_not() -> None:
    assert code._is_of_this_machine(code.parse_address("127.0.0.1"))
    assert not code._is_of_this_machine(code.parse_address("203.0.113.66"))


class Remote:
    """A real SSH server in this process, with what it was asked to run."""

    def __init__(self) -> None:
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.ran: list[tuple[str, str]] = []
        self.hang_up = False

    async def handle(self, process: asyncssh.SSHServerProcess[str]) -> None:
        stdin = await process.stdin.read()
        self.ran.append((process.command or "", stdin))
        if self.hang_up:
            process.get_extra_info("connection").abort()
            return
        process.stdout.write(LISTED if "list" in (process.command or "") else "")
        process.exit(0)

    def run(self, port: int, **config: object) -> PackRun:
        settings: JsonObject = {
            "mode": "ssh", "host": "127.0.0.1", "port": port, "user": "tocsin", "host_key": self.host_key.export_public_key().decode(),
            **config,  # type: ignore[dict-item]  # a test gives JSON
        }  # fmt: skip
        return PackRun("nftables", config=settings, secrets={"private_key": self.user_key.export_private_key().decode()})


@pytest.fixture
async def remote(tmp_path: Path):  # type: ignore[no-untyped-def]  # pytest's fixtures
    remote = Remote()
    (tmp_path / "keys").write_bytes(remote.user_key.export_public_key())
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[remote.host_key], authorized_client_keys=str(tmp_path / "keys"), process_factory=remote.handle
    )
    async with server:
        yield remote, server.get_port()


async def test_over_ssh_the_command_is_fixed_and_the_address_travels_on_standard_input(remote: tuple[Remote, int]) -> None:
    host, port = remote
    await host.run(port, sudo=True, nft="/usr/sbin/nft")("block_ip", ip="203.0.113.66")
    [(command, stdin)] = host.ran
    assert command == "sudo -n /usr/sbin/nft -f -"
    assert stdin.count("203.0.113.66") == 3
    assert (await host.run(port)("list_blocked", ip="192.0.2.9"))["count"] == 1


async def test_both_ends_of_the_ssh_connection_are_never_blocked(remote: tuple[Remote, int], monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = remote
    monkeypatch.setattr(code, "_refuse_harm", lambda firewall, address: None)  # loopback is refused earlier otherwise
    with pytest.raises(Invalid, match="cut us off"):
        await host.run(port)("block_ip", ip="127.0.0.1")
    assert host.ran == []


async def test_other_host_key_is_refused_before_a_word_is_said(remote: tuple[Remote, int]) -> None:
    host, port = remote
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(AuthFailed, match="host key"):
        await host.run(port, host_key=other)("block_ip", ip="203.0.113.66")
    assert host.ran == []


async def test_refused_key_is_an_authentication_failure(remote: tuple[Remote, int]) -> None:
    host, port = remote
    host.user_key = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(AuthFailed, match="refused"):
        await host.run(port)("list_blocked")


async def test_closed_port_changed_nothing(remote: tuple[Remote, int]) -> None:
    with pytest.raises(Unreachable):
        await remote[0].run(1)("block_ip", ip="203.0.113.66")


async def test_connection_lost_after_the_command_is_unknown(remote: tuple[Remote, int]) -> None:
    host, port = remote
    host.hang_up = True
    with pytest.raises(OutcomeUnknown):
        await host.run(port)("block_ip", ip="203.0.113.66")
    with pytest.raises(Transient):
        await host.run(port)("list_blocked")


async def test_key_that_cannot_be_read_is_told_without_showing_it(remote: tuple[Remote, int]) -> None:
    run = remote[0].run(remote[1])
    run.secrets = {"private_key": "not-a-key-but-secret"}
    with pytest.raises(Invalid) as caught:
        await run("list_blocked")
    assert "cannot be read" in str(caught.value)
    assert "not-a-key-but-secret" not in str(caught.value)
