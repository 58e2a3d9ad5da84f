"""Mails leave through a real SMTP server, and each refusal says what it was."""

import socket
from collections.abc import Iterator

import pytest

from tocsin.connectors.sdk import AuthFailed, Invalid, Json, JsonObject, OutcomeUnknown, Unreachable
from tocsin.testing.platform import PackRun
from tocsin.testing.smtp import SmtpSink


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as sink:
        yield sink


def run_over(port: int, **more: Json) -> PackRun:
    secrets = {"password": str(more.pop("password"))} if "password" in more else {}
    config: JsonObject = {"host": "127.0.0.1", "port": port, "tls": "none", "from": "tocsin@soc.example", **more}
    return PackRun("email", config=config, secrets=secrets, allow=("127.0.0.1/32",))


async def test_a_mail_arrives_with_its_text_and_recipients(sink: SmtpSink) -> None:
    output = await run_over(sink.port)("send", to=["amira@soc.example"], cc=["boris@soc.example"], subject="Grüße ✓", text="Block it?\n")
    (mail,) = sink.messages
    assert (mail.sender, mail.recipients) == ("tocsin@soc.example", ("amira@soc.example", "boris@soc.example"))
    assert (mail.subject, mail.text.strip()) == ("Grüße ✓", "Block it?")
    assert output == {"message_id": mail.message_id, "accepted": ["amira@soc.example", "boris@soc.example"], "refused": []}


async def test_a_second_sending_of_a_step_is_the_same_mail(sink: SmtpSink) -> None:
    run = run_over(sink.port)
    for _ in range(2):
        await run("send", key="the-same", to=["amira@soc.example"], subject="x", text="y")
    first, second = sink.messages
    assert first.message_id == second.message_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "x\r\nBcc: everybody@soc.example"),
        ("in_reply_to", "<a@b>\nX: y"),
        ("to", ["amira@soc.example\r\nRCPT TO:<x@y.example>"]),
        ("to", ["Amira <amira@soc.example>"]),
        ("to", ["amira"]),
        ("cc", ["a b@soc.example"]),
    ],
)
async def test_a_header_cannot_be_smuggled_in(sink: SmtpSink, field: str, value: Json) -> None:
    with pytest.raises(Invalid):
        await run_over(sink.port)("send", **{"to": ["amira@soc.example"], "subject": "x", "text": "y", field: value})
    assert sink.messages == []


async def test_a_dead_server_is_unreachable_so_nothing_was_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="cannot be reached"):
        await run_over(port)("send", to=["amira@soc.example"], subject="x", text="y")


async def test_a_refused_recipient_is_a_definite_failure_with_the_servers_words() -> None:
    with SmtpSink(refuse="550 no such person") as sink, pytest.raises(Invalid, match="no such person"):
        await run_over(sink.port)("send", to=["amira@soc.example"], subject="x", text="y")


async def test_a_wrong_password_is_an_auth_failure() -> None:
    with SmtpSink(users={"tocsin": "right"}) as sink:
        with pytest.raises(AuthFailed):
            await run_over(sink.port, user="tocsin", password="wrong")("send", to=["a@soc.example"], subject="x", text="y")
        await run_over(sink.port, user="tocsin", password="right")("send", to=["a@soc.example"], subject="x", text="y")
        assert len(sink.messages) == 1


async def test_a_connection_that_breaks_after_the_data_is_unknown() -> None:
    with SmtpSink(drop_after_data=True) as sink, pytest.raises(OutcomeUnknown):
        await run_over(sink.port)("send", to=["amira@soc.example"], subject="x", text="y")
    assert len(sink.messages) == 1


async def test_check_proves_the_connection(sink: SmtpSink) -> None:
    assert await run_over(sink.port)("check") == {"ok": True}
