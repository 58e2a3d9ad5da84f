"""The ssh pack against a real OpenSSH server."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.connectors.sdk import AuthFailed, JsonObject, OutcomeUnknown, Unreachable
from tocsin.core.errors import Unavailable
from tocsin.testing.platform import PackRun
from tocsin.testing.sshd import Sshd, running_sshd

COMMANDS: JsonObject = {
    "say": {"effect": "read", "argv": ["printf", "%s|", "{words}", "$HOME", "a b"], "params": {"words": {"pattern": "(?s).*"}}},
    "fail": {"effect": "read", "argv": ["sh", "-c", "echo out; echo err >&2; exit 3"]},
    "flood": {"effect": "read", "argv": ["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"]},
    "kill": {"argv": ["kill", "{pid}"], "params": {"pid": {"format": "integer"}}},
    "die": {"argv": ["sh", "-c", "kill -9 $$"]},
    "sleep": {"argv": ["sleep", "30"], "timeout": "1s"},
}


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    try:
        with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
            yield server
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def run(sshd: Sshd) -> PackRun:
    return PackRun("ssh", config={**sshd.config(), "commands": COMMANDS}, secrets={"private_key": sshd.private_key})


async def test_check_logs_in_and_names_the_commands(run: PackRun) -> None:
    output = await run("check")
    assert "OpenSSH" in str(output["server"])
    assert output["commands"] == sorted(COMMANDS)


@pytest.mark.parametrize("words", ["plain", "a b  c", "$(reboot)", "`id`", "'; rm -rf / #", '"', "\\", "*", "é☃", "~", "!!", "a&b|c>d"])
async def test_argument_arrives_as_one_word_as_it_was_given(run: PackRun, words: str) -> None:
    output = await run("run_read", command="say", args={"words": words})
    assert output["stdout"] == f"{words}|$HOME|a b|"
    assert output["ok"] is True


async def test_failed_command_is_an_output(run: PackRun) -> None:
    output = await run("run_read", command="fail")
    assert (output["ok"], output["exit_status"], output["stdout"], output["stderr"]) == (False, 3, "out\n", "err\n")


async def test_killed_command_names_its_signal(run: PackRun) -> None:
    output = await run("run", command="die")
    assert (output["ok"], output["signal"]) == (False, "KILL")


async def test_flood_of_output_is_cut_and_the_command_ends(run: PackRun) -> None:
    output = await run("run_read", command="flood")
    assert (output["stdout"], output["truncated"], output["ok"]) == ("x" * 32768, True, True)


async def test_remote_process_is_killed(run: PackRun) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    try:
        output = await run("run", command="kill", args={"pid": victim.pid})
        assert output["ok"] is True
        assert victim.wait(timeout=5) == -signal.SIGTERM
    finally:
        victim.kill()


async def test_write_that_does_not_end_in_time_is_unknown(run: PackRun) -> None:
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="within 1 s"):
        await run("run", command="sleep")
    assert time.monotonic() - began < 5


async def test_other_host_key_is_refused(run: PackRun, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    run.config["host_key"] = (tmp_path / "other.pub").read_text()
    with pytest.raises(AuthFailed, match="host key"):
        await run("check")


async def test_other_user_key_is_refused(run: PackRun, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    run.secrets["private_key"] = (tmp_path / "other").read_text()
    with pytest.raises(AuthFailed, match="refused"):
        await run("check")


async def test_closed_port_is_unreachable(run: PackRun) -> None:
    run.config["port"] = 1
    with pytest.raises(Unreachable):
        await run("run", command="sleep")
