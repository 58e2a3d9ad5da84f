"""What the demo is played on: a folder, a mailbox, and settings for both."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.cli.shipped import SAMPLES, shipped_playbooks
from tocsin.core.errors import Unavailable
from tocsin.core.values import JsonObject
from tocsin.settings import ConnectionSettings, Settings, SourceSettings

NETWORK, MAIL = "suricata", "reported-mail"
ADMIN, APPROVER = "admin@soc.example", "amira@soc.example"


@dataclass(frozen=True, slots=True)
class Stage:
    """The folders of one demo."""

    root: Path

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return self.root / "data"

    @property
    def maildir(self) -> Path:
        """Return the mailbox that people report mails to."""
        return self.root / "maildir"

    def settings(self, *, smtp_port: int) -> Settings:
        """Make the folders, and return settings of a server over them that sends by the mail server at `smtp_port`."""
        for name in ("tmp", "new", "cur"):
            (self.maildir / name).mkdir(parents=True, mode=0o700)
        mail: JsonObject = {
            "host": "127.0.0.1",
            "port": smtp_port,
            "tls": "none",
            "from": "tocsin@soc.example",
            "maildir": str(self.maildir),
        }
        return Settings(
            data=str(self.data),
            port=0,
            playbooks=[str(shipped_playbooks())],
            connections=[ConnectionSettings("email", "email", mail)],
            sources=[
                SourceSettings(NETWORK, "suricata"),
                SourceSettings(MAIL, "email", source="maildir", connection="email", options={"every": 0.2}),
            ],
            egress_allow=[f"127.0.0.1/32:{smtp_port}"],
            admin_email=ADMIN,
            log_level="error",
        )

    def deliver(self, mails: Sequence[Path]) -> None:
        """Put mails into the mailbox as a mail server does: written aside, then renamed into place."""
        for number, mail in enumerate(mails):
            name = f"{number:03d}.{os.getpid()}.demo"
            (self.maildir / "tmp" / name).write_bytes(mail.read_bytes())
            os.replace(self.maildir / "tmp" / name, self.maildir / "new" / name)


def sample_mails() -> list[Path]:
    """Return the shipped mails; raises Unavailable."""
    return _there(sorted((SAMPLES / "mail").glob("*.eml")), "mails")


def sample_alerts() -> Path:
    """Return the shipped Suricata log; raises Unavailable."""
    return _there([one for one in [SAMPLES / "network" / "eve.jsonl"] if one.is_file()], "alerts")[0]


def _there(files: list[Path], what: str) -> list[Path]:
    if not files:
        raise Unavailable(f"The sample {what} are missing.", hint="Install Tocsin again.")
    return files
