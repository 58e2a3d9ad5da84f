"""The mail pack against a real IMAP server: Dovecot on loopback, with a configuration of its own."""

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.connectors.connections import ConnectionConfig, SecretRef
from tocsin.connectors.loader import load_packs
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.sdk import AuthFailed, Json, JsonObject
from tocsin.connectors.ssrf import Egress
from tocsin.testing.clock import FakeClock
from tocsin.testing.platform import BUILTIN, MemoryPlatform, PackRun

pytestmark = [
    pytest.mark.skipif(shutil.which("dovecot") is None, reason="dovecot is not installed (Debian: dovecot-imapd)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="dovecot's processes need root to change their user"),
]
CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = dovecot
default_login_user = dovenull
mail_location = maildir:{folder}/mail
first_valid_uid = 0
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={folder}/mail
}}
"""
EML = "From: m@evil.example\r\nTo: a@soc.example\r\nSubject: Pay {name}\r\nMessage-ID: <{name}@evil.example>\r\n\r\nClick.\r\n"


@dataclass(frozen=True)
class Server:
    """A running Dovecot."""

    port: int
    mail: Path

    def deliver(self, name: str) -> None:
        """Put a mail into the mailbox."""
        path = self.mail / "tmp" / name
        path.write_text(EML.format(name=name), newline="")
        shutil.chown(path, "dovecot", "dovecot")
        path.rename(self.mail / "new" / name)

    def config(self) -> JsonObject:
        """Return the connection's settings."""
        return {
            "host": "127.0.0.1",
            "from": "t@soc.example",
            "imap_host": "127.0.0.1",
            "imap_port": self.port,
            "imap_tls": False,
            "imap_user": "reports",
        }

    def run(self, password: str = "right") -> PackRun:
        """Return the pack over this server."""
        return PackRun("email", config=self.config(), secrets={"imap_password": password})


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/dovecot.XXXXXX"], text=True).strip())  # short, for its sockets
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in ("new", "cur", "tmp"):
        (folder / "mail" / name).mkdir(parents=True)
    subprocess.run(["chown", "-R", "dovecot:dovecot", str(folder / "mail")], check=True)
    (folder / "users").write_text("reports:{PLAIN}right\n")
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, port=port))
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)])
    try:
        _until_it_answers(port, folder)
        yield Server(port, folder / "mail")
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _until_it_answers(port: int, folder: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                if connection.recv(100).startswith(b"* OK"):
                    return
        except OSError:
            time.sleep(0.05)
    log = folder / "log"
    raise AssertionError(f"dovecot does not answer; its log: {log.read_text() if log.exists() else 'none'} ({getpass.getuser()})")


async def follow(server: Server, *, count: int, cursor: Json = None) -> tuple[list[JsonObject], Json]:
    config = ConnectionConfig("email", "email", server.config(), {"imap_password": SecretRef(env="PASSWORD")})
    connectors = Connectors(
        load_packs([BUILTIN]),
        connections=[config],
        egress=Egress(("127.0.0.0/8",)),
        platform=lambda call: MemoryPlatform(),
        now=FakeClock(),
        environ={"PASSWORD": "right"},
    )
    events: list[JsonObject] = []
    cursors: list[Json] = [cursor]
    enough = asyncio.Event()

    async def emit(raw: Json, after: Json) -> None:
        assert isinstance(raw, dict)
        events.append(raw)
        cursors.append(after)
        if len(events) >= count:
            enough.set()

    async def reject(text: str, reason: str, after: Json) -> None:
        raise AssertionError(reason)

    task = asyncio.create_task(
        connectors.follow("email", "mailbox", connection="email", options={"every": 0.5}, cursor=cursor, emit=emit, reject=reject)
    )
    waiting = asyncio.create_task(enough.wait())
    try:
        async with asyncio.timeout(20):
            done, _ = await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            await one
    finally:
        task.cancel()
        waiting.cancel()
        await connectors.aclose()
    return events, cursors[-1]


async def test_each_mail_comes_once_also_over_a_restart(server: Server) -> None:
    server.deliver("1")
    server.deliver("2")
    first, cursor = await follow(server, count=2)
    server.deliver("3")
    second, _ = await follow(server, count=1, cursor=cursor)
    assert [event["message_id"] for event in [*first, *second]] == [f"{n}@evil.example" for n in (1, 2, 3)]
    assert first[0]["eml"] == EML.format(name="1")


async def test_a_mail_goes_to_quarantine_once_and_comes_back(server: Server) -> None:
    server.deliver("1")
    server.deliver("11")
    run = server.run()
    assert (await run("quarantine", message_id="<1@evil.example>"))["moved"] == 1
    assert await run("quarantine", message_id="1@evil.example") == {"found": True, "moved": 0, "already": True, "folder": "quarantine"}
    assert (await run("find", message_id="11@evil.example"))["folder"] == "inbox"
    assert (await run("release", message_id="1@evil.example"))["moved"] == 1
    assert (await run("find", message_id="1@evil.example"))["folder"] == "inbox"


async def test_a_wrong_password_says_so(server: Server) -> None:
    with pytest.raises(AuthFailed):
        await server.run("wrong")("find", message_id="1@evil.example")
