"""A real OpenSSH server on loopback with keys of its own, for tests."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tocsin.core.errors import Unavailable
from tocsin.core.values import JsonObject

_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Sshd:
    """Where it listens, what its key is, and who may log in with which key."""

    port: int
    host_key: str
    user: str
    private_key: str
    log: Path

    def config(self) -> JsonObject:
        """Return the settings of a connection to it."""
        return {"host": "127.0.0.1", "port": self.port, "user": self.user, "host_key": self.host_key}


@contextmanager
def running_sshd(folder: Path) -> Iterator[Sshd]:
    """Start sshd, wait until it answers, stop it at the end; raises Unavailable when it is not installed or does not start."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        raise Unavailable("sshd is not installed.", hint="Install openssh-server.")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)  # noqa: S603, S607
    shutil.copy(folder / "user.pub", folder / "authorized")
    port, log = _free_port(), (folder / "sshd.log").resolve()  # absolute: sshd starts itself anew in /
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    (folder / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    process = subprocess.Popen([program, "-D", "-f", str(folder / "sshd_config"), "-E", str(log)])  # noqa: S603
    try:
        _wait(process, port, log)
        yield Sshd(port, (folder / "host.pub").read_text(), getpass.getuser(), (folder / "user").read_text(), log)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    said = log.read_text() if log.is_file() else ""
    raise Unavailable(f"sshd did not start: {said[-500:]}", hint="As root it needs the folder /run/sshd.")
