"""Mailboxes on an IMAP server. The standard library's client blocks, so each visit is one call in a thread."""

import asyncio
import imaplib
import re
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from tocsin.connectors.sdk import AuthFailed, Connection, Invalid, Json, SourceContext, Transient, Unreachable
from tocsin.packs.email.mailbox import Place
from tocsin.packs.email.maildir import HEADER_BYTES, LARGEST_MAIL, event_of

TIMEOUT_S = 30.0
MOST_AT_ONCE = 50
Connect = Callable[[str, int], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ImapBox:
    """A mailbox and its quarantine folder; `address` has passed the guard."""

    address: str
    host: str
    port: int
    tls: bool
    user: str
    password: str
    folder: str
    quarantine: str

    @classmethod
    async def of(cls, connection: Connection, connect: Connect) -> Self:
        """Return the mailbox that a connection names."""
        host, port = connection.text("imap_host"), int(connection.number("imap_port", 993))
        return cls(
            address=await connect(host, port),
            host=host,
            port=port,
            tls=connection.config.get("imap_tls", True) is not False,
            user=connection.text("imap_user"),
            password=connection.secret("imap_password"),
            folder=connection.text("folder", "INBOX"),
            quarantine=connection.text("quarantine", "Quarantine"),
        )

    async def find(self, message_id: str) -> Place | None:
        """Return where the mail lies."""
        return await asyncio.to_thread(self._find, message_id)

    async def move(self, message_id: str, *, to: Place) -> int:
        """Move every copy from the other folder."""
        return await asyncio.to_thread(self._move, message_id, to)

    @contextmanager
    def visit(self) -> Iterator[imaplib.IMAP4]:
        """Log in for a moment."""
        client = self._connect()
        try:
            try:
                client.login(self.user, self.password)
            except imaplib.IMAP4.error as error:
                raise AuthFailed(
                    f"{self.host} refuses the user '{self.user}': {error}", hint="Correct the connection's imap_password."
                ) from None
            yield client
        except (imaplib.IMAP4.abort, OSError) as error:
            raise Transient(f"The IMAP server {self.host} broke off: {error}") from None
        except imaplib.IMAP4.error as error:
            raise Invalid(f"The IMAP server {self.host} refuses: {error}") from None
        finally:
            client.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        try:
            if not self.tls:
                return imaplib.IMAP4(self.address, self.port, TIMEOUT_S)
            return _TlsImap(self.address, self.port, name=self.host)
        except (imaplib.IMAP4.error, OSError) as error:
            raise Unreachable(f"The IMAP server {self.host}:{self.port} cannot be reached: {error}") from None

    def _find(self, message_id: str) -> Place | None:
        with self.visit() as client:
            for place, folder in ((Place.INBOX, self.folder), (Place.QUARANTINE, self.quarantine)):
                if _selected(client, folder, readonly=True) and _uids_of(client, message_id):
                    return place
        return None

    def _move(self, message_id: str, to: Place) -> int:
        source, target = (self.folder, self.quarantine) if to is Place.QUARANTINE else (self.quarantine, self.folder)
        with self.visit() as client:
            client.create(_quoted(target))  # answers NO when it is there
            if not _selected(client, source, readonly=False):
                return 0
            uids = _uids_of(client, message_id)
            for uid in uids:
                self._move_one(client, uid, target)
            return len(uids)

    def _move_one(self, client: imaplib.IMAP4, uid: str, target: str) -> None:
        if "MOVE" in client.capabilities:
            status, answer = client.uid("MOVE", uid, _quoted(target))
            _expect(status, answer)
            return
        _expect(*client.uid("COPY", uid, _quoted(target)))
        _expect(*client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        if "UIDPLUS" in client.capabilities:
            _expect(*client.uid("EXPUNGE", uid))
        else:
            _expect(*client.expunge())


class _TlsImap(imaplib.IMAP4):
    """IMAP over TLS to a checked address, with the certificate checked for the name."""

    def __init__(self, address: str, port: int, *, name: str) -> None:
        self._name = name
        super().__init__(address, port, TIMEOUT_S)

    def _create_socket(self, timeout: float | None):  # type: ignore[no-untyped-def]  # typeshed knows this hook of imaplib's not
        return ssl.create_default_context().wrap_socket(super()._create_socket(timeout), server_hostname=self._name)  # type: ignore[misc]  # the same


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _selected(client: imaplib.IMAP4, folder: str, *, readonly: bool) -> bool:
    return client.select(_quoted(folder), readonly)[0] == "OK"


def _uids_of(client: imaplib.IMAP4, message_id: str) -> list[str]:
    status, answer = client.uid("SEARCH", "HEADER", "Message-ID", _quoted(message_id))
    _expect(status, answer)
    return [uid for uid in (answer[0] or b"").decode().split() if _has_id(client, uid, message_id)]


def _has_id(client: imaplib.IMAP4, uid: str, message_id: str) -> bool:
    """SEARCH HEADER looks for a part of the value; only the whole one counts."""
    _, answer = client.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    head = b"".join(part[1] for part in answer if isinstance(part, tuple))[:HEADER_BYTES]
    found = re.search(rb"(?i)^message-id:\s*<?([^>\s]+)>?", head)
    return found is not None and found.group(1).decode("utf-8", "replace") == message_id


def _expect(status: str, answer: object) -> None:
    if status != "OK":
        raise imaplib.IMAP4.error(str(answer))


async def follow_mailbox(ctx: SourceContext) -> None:
    """Emit each mail once. The cursor is the highest UID; a new UIDVALIDITY starts from the first mail that is there then."""
    box = await ImapBox.of(ctx.connection, ctx.connect)
    every = ctx.options.get("every", 10)
    pause = float(every) if isinstance(every, int | float) else 10.0
    validity, last = _position(ctx.cursor)
    while True:
        validity, mails = await asyncio.to_thread(_new_mails, box, validity, last)
        for uid, raw in mails:
            last = uid
            cursor: Json = {"validity": validity, "uid": uid}
            if len(raw) >= LARGEST_MAIL:
                text = raw[:HEADER_BYTES].decode("utf-8", "backslashreplace")
                await ctx.reject(text, f"The mail {uid} has {LARGEST_MAIL // 1024 // 1024} MB or more.", cursor)
            else:
                await ctx.emit(event_of(raw, folder=box.folder, file=str(uid), at=ctx.now()), cursor)
        if not mails:
            await asyncio.sleep(pause)


def _position(cursor: Json) -> tuple[int, int]:
    if isinstance(cursor, dict):
        validity, uid = cursor.get("validity"), cursor.get("uid")
        if isinstance(validity, int) and isinstance(uid, int):
            return validity, uid
    return 0, 0


def _new_mails(box: ImapBox, validity: int, last: int) -> tuple[int, list[tuple[int, bytes]]]:
    with box.visit() as client:
        if not _selected(client, box.folder, readonly=True):
            raise Invalid(f"There is no mailbox '{box.folder}' on {box.host}.", hint="Correct 'folder' of the connection.")
        now = int((client.response("UIDVALIDITY")[1][0] or b"0").decode())
        first = last + 1 if now == validity else 1
        status, answer = client.uid("SEARCH", f"UID {first}:*")
        _expect(status, answer)
        uids = [int(uid) for uid in (answer[0] or b"").split() if int(uid) >= first]  # `n:*` gives the last mail even below n
        return now, [(uid, _fetched(client, uid)) for uid in sorted(uids)[:MOST_AT_ONCE]]


def _fetched(client: imaplib.IMAP4, uid: int) -> bytes:
    _, answer = client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST_MAIL}>)")
    return b"".join(part[1] for part in answer if isinstance(part, tuple))
