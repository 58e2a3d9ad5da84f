"""Send mails by SMTP."""

import asyncio
import hashlib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from tocsin.connectors.sdk import AuthFailed, Context, Invalid, JsonObject, OutcomeUnknown, Transient, Unreachable


async def check(ctx: Context, input: JsonObject) -> JsonObject:
    """Connect, encrypt, log in, and leave."""
    client = await _connected(ctx)
    await client.quit()
    return {"ok": True}


async def send(ctx: Context, input: JsonObject) -> JsonObject:
    """Send a mail whose Message-ID comes from the key, so that a second sending is the same mail."""
    to, cc = _addresses(input, "to"), _addresses(input, "cc")
    mail = _mail(ctx, input, to, cc)
    client = await _connected(ctx)
    sender = ctx.connection.text("from")
    try:
        refused, _ = await client.send_message(mail, sender=sender, recipients=[*to, *cc])
    except aiosmtplib.SMTPRecipientsRefused as error:
        codes = [one.code for one in error.recipients]
        text = "; ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
        raise (Transient if all(400 <= code < 500 for code in codes) else Invalid)(f"The server refuses every recipient: {text}") from None
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error) from None
    except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError) as error:
        raise OutcomeUnknown(
            f"The connection broke while the mail was sent: {error}", hint="Look at the server's log for its Message-ID."
        ) from None
    finally:
        client.close()
    return {"message_id": str(mail["Message-ID"]), "accepted": [one for one in [*to, *cc] if one not in refused], "refused": [*refused]}


async def _connected(ctx: Context) -> aiosmtplib.SMTP:
    connection = ctx.connection
    host, port, tls = connection.text("host"), int(connection.number("port", 587)), connection.text("tls", "starttls")
    address = await ctx.connect(host, port)
    context = ssl.create_default_context() if tls != "none" else None
    # The checked address is connected to, so that the name cannot lead elsewhere a moment later; the certificate is checked for the name.
    try:
        opened = await asyncio.to_thread(socket.create_connection, (address, port), min(ctx.timeout_s, 30.0))
    except OSError as error:
        raise _unreachable(host, port, error) from None
    opened.setblocking(False)
    client = aiosmtplib.SMTP(
        hostname=host, sock=opened, use_tls=tls == "tls", start_tls=False, tls_context=context, timeout=min(ctx.timeout_s, 60.0)
    )
    try:
        await client.connect()
        if tls == "starttls":
            await client.starttls(server_hostname=host, tls_context=context)
        if user := connection.text("user"):
            await client.login(user, connection.secret("password"))
    except aiosmtplib.SMTPAuthenticationError as error:
        client.close()
        raise AuthFailed(
            f"{host} refuses the user '{connection.text('user')}': {error.message}", hint="Correct the password of the connection."
        ) from None
    except aiosmtplib.SMTPResponseException as error:
        client.close()
        raise _refusal(error) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        client.close()
        raise _unreachable(host, port, error) from None
    return client


def _unreachable(host: str, port: int, error: Exception) -> Unreachable:
    return Unreachable(f"The mail server {host}:{port} cannot be reached: {error}", hint="Correct host, port and tls of the connection.")


def _refusal(error: aiosmtplib.SMTPResponseException) -> Transient | Invalid:
    said = f"The mail server answers {error.code}: {error.message}"
    return Transient(said) if 400 <= error.code < 500 else Invalid(said)


def _mail(ctx: Context, input: JsonObject, to: list[str], cc: list[str]) -> EmailMessage:
    sender = ctx.connection.text("from")
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    if cc:
        mail["Cc"] = ", ".join(cc)
    mail["Subject"] = _line(input, "subject")
    mail["Date"] = format_datetime(ctx.now())
    mail["Message-ID"] = f"<{hashlib.sha256(ctx.key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if answered := _line(input, "in_reply_to"):
        mail["In-Reply-To"] = answered
    mail.set_content(str(input["text"]))
    if html := str(input.get("html") or ""):
        mail.add_alternative(html, subtype="html")
    return mail


def _line(input: JsonObject, key: str) -> str:
    text = str(input.get(key) or "")
    if any(letter in text for letter in "\r\n\0"):
        raise Invalid(f"'{key}' of a mail must be one line.", hint="Take the line breaks out.")
    return text


def _addresses(input: JsonObject, key: str) -> list[str]:
    values = input.get(key)
    return [_address(str(one)) for one in values] if isinstance(values, list) else []


def _address(text: str) -> str:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError):
        address = None
    if address is None or not address.domain or not text.isascii() or any(letter.isspace() for letter in text):
        raise Invalid(f"{text!r} is not a mail address.", hint="Give it as name@domain, without a display name.")
    return text
