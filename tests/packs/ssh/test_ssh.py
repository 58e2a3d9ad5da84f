"""The ssh pack against a real SSH server in this process: what is allowed, what is refused, what is unknown."""

from collections.abc import AsyncIterator

import asyncssh
import pytest

from tocsin.connectors.sdk import AuthFailed, CredentialMissing, Invalid, JsonObject, OutcomeUnknown, Transient
from tocsin.testing.platform import PackRun

COMMANDS: JsonObject = {
    "look": {
        "effect": "read",
        "argv": ["look", "--at={place}", "{ip}"],
        "params": {"place": {"pattern": "[a-z/]+"}, "ip": {"format": "ip"}},
    },
    "stop": {"argv": ["stop", "{name}"], "params": {"name": {"format": "word"}}},
    "vanish": {"argv": ["vanish"]},
    "vanish_reading": {"effect": "read", "argv": ["vanish"]},
}


class Host(asyncssh.SSHServer):
    """Lets one user in with one password and notes what it is told to run."""

    def __init__(self, ran: list[str]) -> None:
        self.ran = ran

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("tocsin", "open-sesame")


@pytest.fixture
async def host() -> AsyncIterator[tuple[PackRun, list[str]]]:
    ran: list[str] = []

    async def handle(process: asyncssh.SSHServerProcess[str]) -> None:
        ran.append(process.command or "")
        if process.command == "vanish":
            process.get_extra_info("connection").abort()
            return
        process.stdout.write("done\n")
        process.exit(0)

    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[key], server_factory=lambda: Host(ran), process_factory=handle)
    async with server:
        config: JsonObject = {
            "host": "127.0.0.1",
            "port": server.get_port(),
            "user": "tocsin",
            "host_key": key.export_public_key().decode(),
            "commands": COMMANDS,
        }
        yield PackRun("ssh", config=config, secrets={"password": "open-sesame"}), ran


async def test_allowed_command_runs_with_its_arguments_in_their_places(host: tuple[PackRun, list[str]]) -> None:
    run, ran = host
    output = await run("run_read", command="look", args={"place": "/etc", "ip": "192.0.2.1"})
    assert ran == ["look --at=/etc 192.0.2.1"]
    assert output == {
        "command": "look",
        "host": "127.0.0.1",
        "ok": True,
        "exit_status": 0,
        "signal": "",
        "stdout": "done\n",
        "stderr": "",
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("action", "command", "args"),
    [
        ("run", "reboot", {}),
        ("run_read", "stop", {"name": "x"}),
        ("run", "stop", {}),
        ("run", "stop", {"name": "x", "more": "y"}),
        ("run", "stop", {"name": "-rf"}),
        ("run", "stop", {"name": "a b"}),
        ("run", "stop", {"name": "a;b"}),
        ("run", "stop", {"name": ""}),
        ("run", "stop", {"name": "x" * 1001}),
        ("run", "stop", {"name": True}),
        ("run", "stop", {"name": ["x"]}),
        ("run", "look", {"place": "/etc", "ip": "192.0.2.1; id"}),
        ("run", "look", {"place": "/etc", "ip": "fe80::1%$(id)"}),
        ("run", "look", {"place": "/etc\n", "ip": "192.0.2.1"}),
        ("run", "look", {"place": "/etc\u2028", "ip": "192.0.2.1"}),
        ("run", "look", {"place": "a1", "ip": "192.0.2.1"}),
    ],
)
async def test_what_the_list_does_not_allow_never_leaves(
    host: tuple[PackRun, list[str]], action: str, command: str, args: JsonObject
) -> None:
    run, ran = host
    with pytest.raises(Invalid):
        await run(action, command=command, args=args)
    assert ran == []


@pytest.mark.parametrize(
    "command",
    [
        {"argv": []},
        {"argv": ["x", "{a}"]},
        {"argv": ["x"], "params": {"a": {"format": "ip"}}},
        {"argv": ["{a}"], "params": {"a": {"format": "ip"}}},
        {"argv": ["x", "{a}"], "params": {"a": {}}},
        {"argv": ["x", "{a}"], "params": {"a": {"format": "ip", "pattern": "x"}}},
        {"argv": ["x", "{a}"], "params": {"a": {"format": "planet"}}},
        {"argv": ["x", "{a}"], "params": {"a": {"pattern": "("}}},
        {"argv": ["x", "{a}"], "params": {"a": {"pattern": "(?=x)"}}},
        {"argv": ["x"], "effect": "harmless"},
        {"argv": ["x"], "timeout": "soon"},
        {"argv": "x"},
    ],
)
async def test_wrong_entry_of_the_list_is_told_by_check(host: tuple[PackRun, list[str]], command: JsonObject) -> None:
    run, _ = host
    run.config["commands"] = {"c": command}
    with pytest.raises(Invalid):
        await run("check")


async def test_dash_is_allowed_where_the_list_says_so(host: tuple[PackRun, list[str]]) -> None:
    run, ran = host
    run.config["commands"] = {"c": {"argv": ["x", "{a}"], "params": {"a": {"pattern": ".*", "dash": True}}}}
    await run("run", command="c", args={"a": "-v"})
    assert ran == ["x -v"]


async def test_wrong_password_is_an_authentication_failure_that_does_not_show_it(host: tuple[PackRun, list[str]]) -> None:
    run, _ = host
    run.secrets["password"] = "wrong-and-secret"
    with pytest.raises(AuthFailed) as caught:
        await run("check")
    assert "wrong-and-secret" not in str(caught.value)


async def test_missing_credential_is_named(host: tuple[PackRun, list[str]]) -> None:
    run, _ = host
    run.secrets = {}
    with pytest.raises(CredentialMissing, match="password"):
        await run("check")


async def test_connection_lost_after_the_command_is_unknown_for_a_write_and_transient_for_a_read(host: tuple[PackRun, list[str]]) -> None:
    run, ran = host
    with pytest.raises(OutcomeUnknown):
        await run("run", command="vanish")
    with pytest.raises(Transient):
        await run("run_read", command="vanish_reading")
    assert ran == ["vanish", "vanish"]
