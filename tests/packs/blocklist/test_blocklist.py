"""Block lists: values are listed once, in one spelling, and what would hurt is refused."""

import pytest

from tocsin.connectors.sdk import Invalid, JsonObject, Observable, ObservableType
from tocsin.testing.platform import PackRun

UNTIL_TOMORROW = "2026-01-03T03:04:05.000000Z"


@pytest.fixture
def run() -> PackRun:
    return PackRun("blocklist")


@pytest.mark.parametrize(
    ("action", "input", "type", "value"),
    [
        ("block_ip", {"ip": "203.0.113.66"}, "ip", "203.0.113.66"),
        ("block_ip", {"ip": "2001:DB8::0:1"}, "ip", "2001:db8::1"),
        ("block_ip", {"ip": "::ffff:203.0.113.66"}, "ip", "203.0.113.66"),
        ("block_ip", {"ip": "10.0.0.7", "allow_private": True}, "ip", "10.0.0.7"),
        ("block_domain", {"domain": "Bad[.]Example."}, "domain", "bad.example"),
        ("block_domain", {"domain": "bücher.example"}, "domain", "xn--bcher-kva.example"),
        ("block_domain", {"domain": "bad.co.uk"}, "domain", "bad.co.uk"),
        ("block_url", {"url": "hxxps://Bad.Example/Path?q=1"}, "url", "https://bad.example/Path?q=1"),
        ("block_url", {"url": "http://203.0.113.66:8080/x"}, "url", "http://203.0.113.66:8080/x"),
        ("block_hash", {"hash": "D41D8CD98F00B204E9800998ECF8427E"}, "hash", "d41d8cd98f00b204e9800998ecf8427e"),
    ],
)
async def test_value_is_listed_in_its_canonical_spelling(run: PackRun, action: str, input: JsonObject, type: str, value: str) -> None:
    output = await run(action, **input, reason="demo")
    assert output == {"list": "default", "type": type, "value": value, "expires_at": UNTIL_TOMORROW}
    assert run.platform.lists["default", Observable(ObservableType(type), value)]["reason"] == "demo"
    listed = await run("is_listed", type=type, value=value)
    assert listed["listed"] is True
    assert listed["expires_at"] == UNTIL_TOMORROW


@pytest.mark.parametrize(
    "ip",
    ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "ff02::1", "10.0.0.7", "192.168.1.1", "172.31.0.1",
     "100.64.0.1", "169.254.169.254", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.7"],
)  # fmt: skip
async def test_address_that_would_hurt_is_refused(run: PackRun, ip: str) -> None:
    with pytest.raises(Invalid):
        await run("block_ip", ip=ip)
    assert run.platform.lists == {}


async def test_loopback_is_refused_even_where_internal_addresses_are_allowed(run: PackRun) -> None:
    with pytest.raises(Invalid, match="never listed"):
        await run("block_ip", ip="127.0.0.1", allow_private=True)


@pytest.mark.parametrize(
    "ip", ["0.0.0.0/0", "203.0.113.0/24", "203.0.113.66/32", "bad.example", "", "203.0.113.66\n", "fe80::1%eth0", "1.2.3"]
)
async def test_what_is_no_single_address_is_refused(run: PackRun, ip: str) -> None:
    with pytest.raises(Invalid):
        await run("block_ip", ip=ip, allow_private=True)


@pytest.mark.parametrize(
    "domain",
    ["com", "co.uk", "github.io", "localhost", "printer.local", "4.3.2.1.in-addr.arpa", "192.0.2.1", "a..example", "a b.example",
     "x" * 64 + ".example", "-a.example", "bad.example/path", "*.example.com", "bad.example\n*"],
)  # fmt: skip
async def test_domain_that_would_hurt_or_is_none_is_refused(run: PackRun, domain: str) -> None:
    with pytest.raises(Invalid):
        await run("block_domain", domain=domain)
    assert run.platform.lists == {}


@pytest.mark.parametrize(
    "url",
    ["ftp://bad.example/", "javascript:alert(1)", "bad.example/x", "http://", "http://127.0.0.1/", "http://[::1]/", "http://10.1.1.1/",
     "http://localhost/x", "http://bad.example/a\nhttp://good.example/", "http://bad.example:x/", "http://[bad/", "http://bad.example/a b"],
)  # fmt: skip
async def test_url_that_would_hurt_or_is_none_is_refused(run: PackRun, url: str) -> None:
    with pytest.raises(Invalid):
        await run("block_url", url=url)
    assert run.platform.lists == {}


@pytest.mark.parametrize("hash", ["abc", "z" * 32, "d41d8cd98f00b204e9800998ecf8427", ""])
async def test_what_is_no_hash_is_refused(run: PackRun, hash: str) -> None:
    with pytest.raises(Invalid):
        await run("block_hash", hash=hash)


@pytest.mark.parametrize("input", [{"list": "../x"}, {"list": "A"}, {"list": ""}, {"duration": "soon"}, {"duration": "0s"}, {"lst": "x"}])
async def test_wrong_list_duration_or_argument_is_refused(run: PackRun, input: JsonObject) -> None:
    with pytest.raises(Invalid):
        await run("block_ip", ip="203.0.113.66", **input)


async def test_permanent_entry_has_no_end(run: PackRun) -> None:
    assert (await run("block_ip", ip="203.0.113.66", permanent=True))["expires_at"] is None


async def test_lists_are_apart_and_unblocking_tells_whether_it_was_there(run: PackRun) -> None:
    await run("block_domain", domain="bad.example", list="dns")
    assert (await run("is_listed", type="domain", value="bad.example"))["listed"] is False
    assert (await run("unblock_domain", key="2", domain="Bad.Example", list="dns"))["was_listed"] is True
    assert (await run("unblock_domain", key="3", domain="bad.example", list="dns"))["was_listed"] is False
    assert (await run("is_listed", type="domain", value="bad.example", list="dns"))["listed"] is False


async def test_every_block_has_an_undo_that_takes_the_same_value_off(run: PackRun) -> None:
    for number, (type, value) in enumerate(
        {"ip": "203.0.113.9", "domain": "b.example", "url": "http://b.example/x", "hash": "0" * 64}.items()
    ):
        await run(f"block_{type}", key=f"b{number}", **{type: value})
        assert (await run(f"unblock_{type}", key=f"u{number}", **{type: value}))["was_listed"] is True
    assert run.platform.lists == {}


async def test_second_call_with_one_key_keeps_the_first_end(run: PackRun) -> None:
    await run("block_ip", ip="203.0.113.66", duration="1h")
    again = await run("block_ip", ip="203.0.113.66", duration="2h")
    assert again["expires_at"] == "2026-01-02T04:04:05.000000Z"
