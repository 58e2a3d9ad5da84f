"""What a mailbox can do for us, whether it is a Maildir or on an IMAP server."""

from enum import StrEnum
from typing import Protocol

from tocsin.connectors.sdk import JsonObject


class Place(StrEnum):
    """The two folders that matter."""

    INBOX = "inbox"
    QUARANTINE = "quarantine"


class Mailbox(Protocol):
    """Find and move mails by Message-ID, given without angle brackets."""

    async def find(self, message_id: str) -> Place | None:
        """Return where the mail lies; the inbox first."""
        ...

    async def move(self, message_id: str, *, to: Place) -> int:
        """Move every copy from the other folder; return how many."""
        ...


async def moved(box: Mailbox, message_id: str, *, to: Place) -> JsonObject:
    """Move a mail and say what became of it; a second time changes nothing."""
    count = await box.move(message_id, to=to)
    if count:
        return {"found": True, "moved": count, "already": False, "folder": to.value}
    there = await box.find(message_id)
    return {"found": there is not None, "moved": 0, "already": there is to, "folder": there.value if there is not None else ""}
