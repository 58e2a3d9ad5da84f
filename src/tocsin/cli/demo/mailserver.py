"""A real SMTP server on loopback that keeps what it is sent."""

import asyncio
import email
import email.policy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that was accepted."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def subject(self) -> str:
        """Return the decoded subject."""
        return str(self._parsed().get("subject", ""))

    @property
    def message_id(self) -> str:
        """Return the Message-ID."""
        return str(self._parsed().get("message-id", "")).strip()

    @property
    def text(self) -> str:
        """Return the plain text."""
        body = self._parsed().get_body(("plain",))
        return "" if body is None else str(body.get_content())

    def _parsed(self) -> email.message.EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)


class _AnyPort(Controller):
    """Listen on a free port; aiosmtpd tries its own port once before it says that it is up, so that has to be known."""

    def _trigger_server(self) -> None:
        sockets = getattr(self.server, "sockets", None)  # uvloop's server is no asyncio.Server
        self.port = int(sockets[0].getsockname()[1]) if sockets else 0
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's method has no annotations


class SmtpSink:
    """Serve SMTP; `refuse` answers every recipient with that line, `users` demands a log-in, `drop_after_data` breaks the connection."""

    def __init__(self, *, refuse: str = "", users: dict[str, str] | None = None, drop_after_data: bool = False) -> None:
        self.refuse, self.users, self.drop_after_data = refuse, users or {}, drop_after_data
        self._messages: list[Mail] = []
        self._arrived = threading.Condition()
        self._controller = _AnyPort(
            self,
            hostname="127.0.0.1",
            port=0,
            authenticator=self._authenticate if self.users else None,
            auth_required=bool(self.users),
            auth_require_tls=False,
        )

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return self._controller.port

    @property
    def messages(self) -> list[Mail]:
        """Return what has arrived so far."""
        with self._arrived:
            return list(self._messages)

    def wait_for(self, wanted: Callable[[Mail], bool], *, seconds: float) -> Mail:
        """Return the first mail that is wanted; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = next((mail for mail in self._messages if wanted(mail)), None)
                if found is not None:
                    return found
                if not self._arrived.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"No such mail within {seconds:g} s; {len(self._messages)} others came.")

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._controller.stop()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """Accept a recipient, or not."""
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        with self._arrived:
            self._messages.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw))
            self._arrived.notify_all()
        if self.drop_after_data and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "250 Kept"

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        known = isinstance(data, LoginPassword) and self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=False)
