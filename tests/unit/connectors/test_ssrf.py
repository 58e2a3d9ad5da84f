"""The egress guard (A8, A9): every spelling of an address that is not public, redirects, rebinding, allow list."""

import httpx
import pytest

from tocsin.connectors.ssrf import Egress, Guard
from tocsin.core.errors import EgressRefused, Invalid, Unreachable

DENIED = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "10.0.0.1", "172.16.0.1", "192.168.1.1",
    "100.64.0.1", "169.254.1.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "[::1]", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a00:1::1", "2001::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "2852039166", "0xa9fea9fe", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fd00:ec2::254",
    "100.100.100.200", "168.63.129.16", "169.254.170.2",
]  # fmt: skip


def resolving(*addresses: str):
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


@pytest.mark.parametrize("host", DENIED)
async def test_address_that_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(EgressRefused) as refused:
        await Guard(Egress()).check(host, 80)
    assert "egress.allow" in str(refused.value)


@pytest.mark.parametrize("host", METADATA)
async def test_metadata_address_is_refused_whatever_is_allowed(host: str) -> None:
    everything = Egress(allow=("0.0.0.0/0", "[::]/0"))
    with pytest.raises(EgressRefused, match="never allowed"):
        await Guard(everything).check(host, 80)


async def test_public_addresses_pass() -> None:
    assert await Guard(Egress(), resolve=resolving("1.1.1.1", "2606:4700::1111")).check("one.example", 443) == "1.1.1.1"


async def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    with pytest.raises(EgressRefused):
        await Guard(Egress(), resolve=resolving("1.1.1.1", "10.0.0.5")).check("mixed.example", 443)


async def test_only_the_listed_network_and_port_pass() -> None:
    guard = Guard(Egress(allow=("10.1.0.0/16:443", "192.168.7.5", "fd12::/16:8443")))
    assert await guard.check("10.1.2.3", 443) == "10.1.2.3"
    assert await guard.check("192.168.7.5", 9) == "192.168.7.5"
    assert await guard.check("fd12::7", 8443) == "fd12::7"
    for host, port in [("10.1.2.3", 80), ("10.2.0.1", 443), ("192.168.7.6", 9), ("fd12::7", 443)]:
        with pytest.raises(EgressRefused):
            await guard.check(host, port)


async def test_mapped_address_is_connected_to_as_what_it_means() -> None:
    assert await Guard(Egress(allow=("10.0.0.0/8",))).check("::ffff:10.0.0.9", 80) == "10.0.0.9"


@pytest.mark.parametrize("rule", ["10.0.0.0/33", "all", "10.0.0.1/8", "10.0.0.0/8:0", "10.0.0.0/8:99999", "", "example.org:80"])
def test_rule_that_cannot_be_read_is_refused(rule: str) -> None:
    with pytest.raises(Invalid, match="egress rule"):
        Guard(Egress(allow=(rule,)))


async def test_name_without_an_address_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        await Guard(Egress(), resolve=resolving()).check("nowhere.example", 80)
    with pytest.raises(Unreachable):
        await Guard(Egress()).check("does-not-exist.invalid", 80)


async def test_refusal_is_the_same_for_open_and_closed_ports() -> None:
    messages = set()
    for port in (1, 22):
        with pytest.raises(EgressRefused) as refused:
            await Guard(Egress()).check("127.0.0.1", port)
        messages.add(str(refused.value).replace(str(port), "PORT", 2))
    assert len({message.replace("PORT", "") for message in messages}) <= 2
    assert all("open" not in message and "closed" not in message for message in messages)


def test_userinfo_is_told_from_the_host() -> None:
    assert httpx.URL("http://api.example.org@127.0.0.1/").host == "127.0.0.1"
