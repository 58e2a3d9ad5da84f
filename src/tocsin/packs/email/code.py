"""The mail pack's functions, as its YAML names them."""

from tocsin.connectors.sdk import Connection, Context, Invalid, JsonObject, SourceContext
from tocsin.packs.email.imap import ImapBox, follow_mailbox
from tocsin.packs.email.mailbox import Mailbox, Place, moved
from tocsin.packs.email.maildir import MaildirBox, follow_maildir
from tocsin.packs.email.parse import parse
from tocsin.packs.email.smtp import check, send

__all__ = ["check", "find", "parse", "quarantine", "release", "send", "watch_mailbox", "watch_maildir"]


async def find(ctx: Context, input: JsonObject) -> JsonObject:
    """Tell where a mail lies."""
    place = await (await _box(ctx)).find(_message_id(input))
    folder = {None: "", Place.INBOX: "inbox", Place.QUARANTINE: "quarantine"}[place]
    return {"found": place is not None, "moved": 0, "already": place is Place.QUARANTINE, "folder": folder}


async def quarantine(ctx: Context, input: JsonObject) -> JsonObject:
    """Move a mail into the quarantine folder; one that is there stays there."""
    return await moved(await _box(ctx), _message_id(input), to=Place.QUARANTINE)


async def release(ctx: Context, input: JsonObject) -> JsonObject:
    """Move a mail back into the mailbox."""
    return await moved(await _box(ctx), _message_id(input), to=Place.INBOX)


async def watch_maildir(ctx: SourceContext) -> None:
    """Emit every mail of a Maildir once."""
    await follow_maildir(ctx)


async def watch_mailbox(ctx: SourceContext) -> None:
    """Emit every mail of an IMAP mailbox once."""
    await follow_mailbox(ctx)


async def _box(ctx: Context) -> Mailbox:
    connection: Connection = ctx.connection
    if path := connection.text("maildir"):
        return MaildirBox(path, quarantine=connection.text("quarantine", "Quarantine"))
    if connection.text("imap_host"):
        return await ImapBox.of(connection, ctx.connect)
    raise Invalid(
        f"The connection '{connection.name}' has no mailbox.",
        hint="Give it 'maildir', or 'imap_host' with user and password, in tocsin.yaml.",
    )


def _message_id(input: JsonObject) -> str:
    text = str(input["message_id"]).strip().strip("<>")
    if not text or any(ord(letter) < 33 for letter in text):
        raise Invalid(f"{text!r} is not a Message-ID.", hint="Give it as it stands in the mail's header.")
    return text
