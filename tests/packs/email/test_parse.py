"""Reading a mail: what is in it, whatever way it was written, and what speaks for phishing."""

import base64

import pytest

from tocsin.connectors.sdk import Invalid, Json, JsonObject
from tocsin.packs.email.headers import summary
from tocsin.packs.email.score import address_of, organisation
from tocsin.testing.platform import PackRun

RUN = PackRun("email", config={"host": "mail.test", "from": "tocsin@own.example"})


async def parsed(text: str | bytes) -> JsonObject:
    if isinstance(text, str):
        return await RUN("parse", eml=text)
    return await RUN("parse", eml_base64=base64.b64encode(text).decode())


async def signs(*, head: str = "", body: str = "hello\n", sender: str = "a@sender.example") -> list[str]:
    mail = await parsed(f"Message-ID: <1@x.example>\nFrom: {sender}\nTo: me@own.example\n{head}\n{body}")
    found = mail["indicators"]
    assert isinstance(found, list)
    return [str(sign) for sign in found]


def html(body: str) -> dict[str, str]:
    return {"head": "Content-Type: text/html\n", "body": body}


# --- headers


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?utf-8?b?Y2Fmw6k=?=", "café"),
        ("=?iso-8859-1?q?caf=E9_noir?= today", "café noir today"),
        ("=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café"),
        ("a =?utf-8?q?b?=  =?utf-8?q?c?= d", "a bc d"),
        ("=?x-nobody?q?caf=E9?=", "café"),
        ("=?utf-8?b?!!!?=", ""),
        ("=?utf-8?q?unfinished", "=?utf-8?q?unfinished"),
        ("two\n lines\n\tfolded", "two lines folded"),
        ("=?utf-8?q?line=0D=0ABcc:_x=00?=", "line Bcc: x"),
        ("=?utf-16?b?AA==?=", "\x00".strip("\x00")),
    ],
)
async def test_subject_is_decoded(written: str, subject: str) -> None:
    text = f"Subject: {written}\nFrom: a@b.example\n\nx"
    assert (await parsed(text))["subject"] == subject
    assert summary(text.encode())["subject"] == subject


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
async def test_header_of_raw_bytes_is_read(charset: str) -> None:
    assert (await parsed("Subject: Grüße\n\nx".encode(charset)))["subject"] == "Grüße"


async def test_who_wrote_to_whom() -> None:
    mail = await parsed(
        'From: "Doe, Jane" <Jane@Sender.example>\nReply-To: <desk@sender.example>\nReturn-Path: <bounce@sender.example>\n'
        'To: A <a@own.example>, "B, C" <b@own.example>\nTo: a@own.example\nCc: undisclosed-recipients:;\n'
        "Date: Tue, 10 Mar 2026 08:41:07 -0500\n\nwrite to c@d.example"
    )
    assert mail["from"] == {"address": "jane@sender.example", "name": "Doe, Jane"}
    assert (mail["reply_to"], mail["return_path"]) == ("desk@sender.example", "bounce@sender.example")
    assert (mail["to"], mail["cc"]) == (["a@own.example", "b@own.example"], [])
    assert mail["date"] == "2026-03-10T13:41:07Z"
    assert mail["emails"] == ["jane@sender.example", "desk@sender.example", "bounce@sender.example", "c@d.example"]


@pytest.mark.parametrize("date", ["yesterday", "", "Tue, 99 Mar 2026 08:41:07 +0100", "Tue, 10 Mar 99999999999 08:41:07 +0100"])
async def test_date_that_cannot_be_read_is_null(date: str) -> None:
    assert (await parsed(f"From: a@b.example\nDate: {date}\n\nx"))["date"] is None


async def test_hops_come_as_addresses_and_names_the_last_first() -> None:
    mail = await parsed(
        "Received: from a.example (a.example [192.0.2.1]) by b.example; x\nReceived: from inner.example by a.example; x\n"
        "Received: from [IPv6:2001:DB8::1] by inner.example\nReceived: (qmail 1 invoked by uid 2)\n\nx"
    )
    assert mail["received_from"] == ["192.0.2.1", "inner.example", "2001:db8::1"]


async def test_only_the_last_servers_verdicts_count() -> None:
    mail = await parsed(
        "Authentication-Results: mx.own.example; spf=fail smtp.mailfrom=x; dkim=none;\n dmarc=fail (p=reject) header.from=x\n"
        "Authentication-Results: evil.example; spf=pass; dkim=pass; dmarc=pass\n\nx"
    )
    assert mail["auth"] == {"spf": "fail", "dkim": "none", "dmarc": "fail"}
    assert (await parsed("Received-SPF: SoftFail (x)\n\nx"))["auth"] == {"spf": "softfail", "dkim": "unknown", "dmarc": "unknown"}


# --- bodies


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", "Grüße".encode()),
        ("Content-Type: text/plain; charset=iso-8859-1\n", "Grüße".encode("latin-1")),
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", base64.b64encode("Grüße".encode())),
        ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: Quoted-Printable\n", b"Gr=C3=BC=\n=C3=9Fe"),
        ("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n", base64.b64encode("Grüße".encode("utf-16"))),
        ("Content-Type: text/html; charset=utf-8\n", b"<p>Gr&uuml;&#223;e<style>p {}</style><!-- no --><script>no</script>"),
        ("Content-Type: nonsense\n", "Grüße".encode()),
        ('Content-Type: multipart/mixed; boundary="b b"\n', "no part\n--b b\n\nGrüße\n--b b--\nno part".encode()),
        ("Content-Type: multipart/mixed; boundary=b\n", "--b\n\nGrüße".encode()),
        ("Content-Type: multipart/mixed; boundary=b\n", "--b\r\nContent-Type: text/plain\r\n\r\nGrüße\r\n--b--\r\n".encode()),
        ("Content-Type: multipart/mixed\n", "Grüße".encode()),
    ],
)
async def test_text_is_read(head: str, body: bytes) -> None:
    assert str((await parsed(f"From: a@b.example\n{head}\n".encode() + body))["text"]).strip() == "Grüße"


async def test_windows_line_ends_make_no_difference() -> None:
    text = "From: a@b.example\nSubject: x\n y\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n"
    assert await parsed(text) == await parsed(text.replace("\n", "\r\n"))


async def test_long_text_is_cut_and_that_is_told() -> None:
    mail = await parsed("From: a@b.example\n\n" + "x" * 70_000)
    assert (len(str(mail["text"])), mail["truncated"], mail["problems"]) == (65_536, True, ["The text has more than 64 KB and was cut."])


async def test_attachments_have_name_size_and_digest() -> None:
    mail = await parsed(
        "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n"
        "--b\nContent-Type: image/png; name==?utf-8?q?Stra=C3=9Fe.png?=\nContent-Transfer-Encoding: base64\n\nQUJD\n"
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename*0*=utf-8''na%C3%AF; filename*1=ve.txt\n\nABC\n--b--\n"
    )
    digest = "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78"
    assert mail["attachments"] == [
        {"name": "Straße.png", "content_type": "image/png", "size": 3, "sha256": digest},
        {"name": "naïve.txt", "content_type": "text/plain", "size": 3, "sha256": digest},
    ]
    assert str(mail["text"]).strip() == "hello"


async def test_attached_mail_is_an_attachment_and_its_links_are_found() -> None:
    mail = await parsed(
        "From: me@own.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nis this real?\n"
        "--b\nContent-Type: message/rfc822\n\nFrom: x@y.example\nContent-Type: text/html\n\n<a href='http://bad.example/x'>go</a>\n--b--\n"
    )
    assert mail["urls"] == ["http://bad.example/x"]
    assert isinstance(mail["attachments"], list)
    assert len(mail["attachments"]) == 1


# --- links


@pytest.mark.parametrize(
    ("body", "urls"),
    [
        ("see http://A.example/Path.", ["http://a.example/Path"]),
        ("(http://a.example/x_(y)) and <https://a.example/?q=1>,", ["http://a.example/x_(y)", "https://a.example/?q=1"]),
        ("hxxps://a[.]example/x www.b.example/y", ["https://a.example/x", "http://www.b.example/y"]),
        ("http[:]//a[.]example", ["http://a.example"]),
        ("http://a.example http://a.example HTTP://A.EXAMPLE", ["http://a.example"]),
        ("javascript:alert(1) data:text/html,x http://", []),
        ("http://[2001:db8::1]:8080/x", ["http://[2001:db8::1]:8080/x"]),
        ("http://[not an address/x", []),
    ],
)
async def test_links_in_a_text(body: str, urls: list[str]) -> None:
    assert (await parsed(f"From: a@b.example\n\n{body}\n"))["urls"] == urls


@pytest.mark.parametrize(
    ("body", "urls"),
    [
        ('<a href="http://a.example/?x=1&amp;y=2">x</a>', ["http://a.example/?x=1&y=2"]),
        ("<A HREF = 'http://a.example/'>x</A>", ["http://a.example/"]),
        ("<a\nclass=b href=http://a.example/ >x</a>", ["http://a.example/"]),
        ('<a title="1 > 0" href="http://a.example/">x</a>', ["http://a.example/"]),
        ('<a href="http:&#47;&#47;a.example/">x</a>', ["http://a.example/"]),
        ('<a href="ht\ntp://a.example/">x</a>', ["http://a.example/"]),
        ('<a href="http:/a.example/">x</a>', ["http://a.example/"]),
        (
            '<form action="https://a.example/post"><input></form><area href="http://b.example/">',
            ["https://a.example/post", "http://b.example/"],
        ),
        ('<!-- <a href="http://no.example/">x</a> --><a href="http://a.example/">x', ["http://a.example/"]),
        ('<img src="http://pixel.example/1.gif"><a href="mailto:x@y.example">x</a>', []),
        ('<a href="javascript:alert(1)">x</a><a name=x>y</a><a href>z</a>', []),
    ],
)
async def test_links_in_html(body: str, urls: list[str]) -> None:
    assert (await parsed(f"From: a@b.example\nContent-Type: text/html\n\n{body}"))["urls"] == urls


async def test_domains_and_addresses_are_of_the_links_not_of_the_sender() -> None:
    mail = await parsed(
        "From: a@sender.example\n\nhttp://a.example/x http://192.0.2.9/ http://0xC0000207/ ping 198.51.100.4, not 1.2.3.400 or 1.2.3.4.5\n"
    )
    assert mail["domains"] == ["a.example"]
    assert mail["ips"] == ["192.0.2.9", "192.0.2.7", "198.51.100.4"]


# --- signs


async def test_answers_to_another_domain() -> None:
    assert await signs(head="Reply-To: x@other.example\n") == ["Answers go to x@other.example, not to the sender's domain sender.example."]
    assert await signs(head="Reply-To: x@mail.sender.example\n") == []


async def test_name_that_shows_another_address() -> None:
    assert len(await signs(sender='"boss@own.example" <x@sender.example>')) == 1
    assert await signs(sender='"x@sender.example" <x@sender.example>') == []


@pytest.mark.parametrize(
    ("shown", "is_sign"),
    [
        ("https://bank.example/login", True),
        ("www.bank.example", True),
        ("bank.example", True),
        ("<b>https://bank.example</b>", True),
        ("https://www.sender.example/x", False),
        ("Click here", False),
        ("report.pdf", False),
        ("", False),
    ],
)
async def test_link_that_shows_another_host(shown: str, is_sign: bool) -> None:
    found = await signs(**html(f'<a href="http://click.sender.example/1">{shown}</a>'))
    assert any("A link shows" in sign for sign in found) is is_sign


@pytest.mark.parametrize(
    ("host", "model"),
    [
        ("paypa1.test", "paypal.com"),
        ("login.micros0ft.test", "microsoft.com"),
        ("rnicrosoft.test", "microsoft.com"),
        ("secure-g00gle.test", "google.com"),
        ("paypal.com.login.test", "paypal.com"),
        ("xn--pypal-4ve.test", "paypal.com"),
        ("0wn-company.example", "own-company.example"),
        ("www.paypal.com", ""),
        ("pay.example", ""),
        ("own-company.example", ""),
        ("portal.own-company.example", ""),
    ],
)
async def test_lookalike_of_a_brand_or_of_the_recipients_domain(host: str, model: str) -> None:
    mail = await parsed(f"From: a@sender.example\nTo: me@own-company.example\n\nhttp://{host}/x\n")
    assert isinstance(mail["indicators"], list)
    found = [str(sign) for sign in mail["indicators"] if "looks like" in str(sign)]
    assert found == ([f"A link's host {host} looks like {model}."] if model else [])


async def test_other_alphabets_bare_addresses_and_shorteners() -> None:
    assert await signs(body="http://xn--bcher-kva.example/") == ["A link's host xn--bcher-kva.example has letters of other alphabets."]
    assert await signs(body="http://3221225991/") == ["A link opens the bare address 3221225991."]
    assert await signs(body="https://bit.ly/abc") == ["A link hides its target behind the shortener bit.ly."]


async def test_haste_alone_says_nothing() -> None:
    assert await signs(body="This is urgent!") == []
    assert "It presses for haste: 'urgent'." in await signs(body="This is urgent! http://192.0.2.1/")


async def test_credentials_count_with_a_link_to_a_foreign_domain_only() -> None:
    assert await signs(body="Your password expires: https://sender.example/x") == []
    assert await signs(body="Your password expires: https://portal.own.example/x") == []
    assert await signs(body="Your password expires, call us.") == []
    assert len(await signs(body="Your password expires: https://third.example/x")) == 1


@pytest.mark.parametrize(
    ("name", "content", "sign"),
    [
        ("setup.exe", b"x", "is a program"),
        ("invoice.pdf.js", b"x", "is a program"),
        ("harmless.txt", b"MZ\x90", "is a program"),
        ("a.xlsm", b"x", "can have macros"),
        ("a.doc", b"\xd0\xcf\x11\xe0" + "_VBA_PROJECT".encode("utf-16-le"), "can have macros"),
        ("a.docx", b"PK\x03\x04 word/vbaProject.bin", "can have macros"),
        ("login.html", b"x", "opens in a browser"),
        ("a.docx", b"PK\x03\x04", ""),
        ("a.pdf", b"%PDF", ""),
        ("com", b"x", ""),
    ],
)
async def test_attachments_that_act(name: str, content: bytes, sign: str) -> None:
    head = f'Content-Type: application/octet-stream; name="{name}"\nContent-Transfer-Encoding: base64\n'
    found = await signs(head=head, body=base64.b64encode(content).decode())
    assert len(found) == (1 if sign else 0)
    assert sign in "".join(found)


@pytest.mark.parametrize(
    ("verdict", "count"), [("spf=fail", 1), ("dmarc=fail", 1), ("spf=softfail", 0), ("dmarc=none", 0), ("spf=pass", 0)]
)
async def test_failed_checks_of_the_sender(verdict: str, count: int) -> None:
    assert len(await signs(head=f"Authentication-Results: mx.own.example; {verdict}\n")) == count


@pytest.mark.parametrize(
    ("host", "registered"),
    [("a.b.shop.example", "shop.example"), ("shop.example", "shop.example"), ("www.shop.co.uk", "shop.co.uk"), ("localhost", "localhost")],
)
def test_organisation_of_a_host(host: str, registered: str) -> None:
    assert organisation(host) == registered


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("3221225985", "192.0.2.1"),
        ("0xc0000201", "192.0.2.1"),
        ("a.example", ""),
        ("99999999999", ""),
    ],
)
def test_hosts_that_are_addresses(host: str, address: str) -> None:
    assert address_of(host) == address


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "Exactly one of"),
        ({"eml": "", "eml_base64": ""}, "Exactly one of"),
        ({"eml": "A: b", "eml_base64": "QTogYg=="}, "Exactly one of"),
        ({"eml_base64": "not base64!"}, "is not base64"),
        ({"eml": "no header here"}, "no header field"),
        ({"eml": "\n\n\n"}, "no header field"),
        ({"eml_base64": base64.b64encode(bytes(range(256)) * 100).decode()}, "no header field"),
    ],
)
async def test_what_is_no_mail_is_refused_with_the_reason(arguments: dict[str, Json], reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refused:
        await RUN("parse", **arguments)
    assert refused.value.hint


@pytest.mark.parametrize("text", ["A: b", "A: b\n", "A: b\r\n\r\n", "From x@y Tue\nA: b\n\nx", "A:\n\n", "Subject: \ud800\n\n\ud800"])
async def test_smallest_mails_are_read(text: str) -> None:
    mail = await parsed(text)
    assert mail["problems"] == []


@pytest.mark.parametrize("raw", [b"", b"\n", b"\xff" * 1000, b"From", b":", b"From: \xff\xfe <\xff@x>", b"Subject: =?\xff?q?x?="])
def test_summary_of_anything_is_a_summary(raw: bytes) -> None:
    assert set(summary(raw)) == {"message_id", "subject", "from_address", "from_name"}
