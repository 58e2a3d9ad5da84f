"""The egress guard: resolve a name once, check every address it gave, connect to a checked one. Sits at the socket, below redirects.

`ipaddress.is_global` is not enough: Python 3.11 calls NAT64, 6to4 and IPv4-compatible addresses global, so the list is our own.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import httpcore

from tocsin.core.errors import EgressRefused, Invalid, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

_DENIED_V4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")  # everything else is special: compatible, NAT64, unique local, link local, multicast
_DENIED_V6 = [ipaddress.IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254", "169.254.169.253", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "192.0.0.192",
        "fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::23", "fd20:ce::254",
    )
)  # fmt: skip
_EMBEDS_LAST_32 = [ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48")]
_ALLOW = re.compile(r"(?P<v6>\[[0-9a-fA-F:.]+\](?:/\d+)?|(?P<plain>[0-9a-fA-F:.]+/\d+|\d+\.\d+\.\d+\.\d+))(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the allow list."""

    network: Network
    port: int | None

    def covers(self, address: Address, port: int) -> bool:
        """Tell whether the entry lets this address and port through."""
        return address.version == self.network.version and address in self.network and self.port in (None, port)


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be reached beyond the public internet; each entry is `CIDR` or `CIDR:port`, as `10.1.0.0/16:443` or `[fd00::]/8:443`."""

    allow: tuple[str, ...] = ()

    def parsed(self) -> tuple[Allowed, ...]:
        """Read the entries; raises Invalid."""
        return tuple(_allowed(text) for text in self.allow)


def _allowed(text: str) -> Allowed:
    match = _ALLOW.fullmatch(text.strip())
    wrong = Invalid(f"'{text}' is not an egress rule.", hint="Write CIDR or CIDR:port, as 10.1.0.0/16:443, 192.168.7.5 or [fd00::]/8:443.")
    if match is None:
        raise wrong
    port = match["port"]
    try:
        network = ipaddress.ip_network(match["v6"].replace("[", "").replace("]", ""))
    except ValueError:
        raise wrong from None
    if port is not None and not 0 < int(port) < 65536:
        raise wrong
    return Allowed(network, None if port is None else int(port))


class Guard:
    """Decide which addresses may be connected to."""

    def __init__(self, egress: Egress, *, resolve: Resolve | None = None) -> None:
        self._allow = egress.parsed()
        self._resolve = resolve or resolve_with_system

    async def check(self, host: str, port: int) -> str:
        """Return the address to connect to; raises EgressRefused, or Unreachable when the name leads nowhere."""
        if not host or len(host) > 255 or not host.isprintable():
            raise EgressRefused("An address without a readable host was refused.", hint="Correct the host name.")
        addresses = [_parse(text) for text in await self._resolve(host.strip("[]"), port)]
        if not addresses:
            raise Unreachable(f"The host '{host}' has no address.", hint="Check the name and the resolver.")
        for address in addresses:
            self._check_address(address, host, port)
        return str(addresses[0])

    def _check_address(self, address: Address, host: str, port: int) -> None:
        if any(inner in _METADATA for inner in _meanings(address)):
            raise EgressRefused(f"The host '{host}' was refused: it leads to a cloud metadata address.", hint="These are never allowed.")
        if is_public(address) or any(entry.covers(address, port) for entry in self._allow):
            return
        raise EgressRefused(
            f"The host '{host}' was refused: it leads to an address that is not on the public internet.",
            hint=f"If Tocsin is meant to reach it, add its address as 'CIDR:{port}' to egress.allow in tocsin.yaml.",
        )


def is_public(address: Address) -> bool:
    """Tell whether an address is an ordinary one on the public internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _DENIED_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _DENIED_V6)


def _parse(text: str) -> Address:
    address = ipaddress.ip_address(text.partition("%")[0])
    # what the kernel would connect to is the IPv4 address, so that is what the rules are asked about
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _meanings(address: Address) -> Iterable[Address]:
    """Yield the address and the IPv4 addresses that a translator would make of it."""
    yield address
    if not isinstance(address, ipaddress.IPv6Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if any(address in network for network in _EMBEDS_LAST_32):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


async def resolve_with_system(host: str, port: int) -> list[str]:
    """Ask the system's resolver for every address of a name."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"The host '{host}' has no address.", hint="Check the name and the resolver.") from None
    return list(dict.fromkeys(str(sockaddr[0]) for _, _, _, _, sockaddr in found))


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Open TCP connections to checked addresses only."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Check, then connect to the checked address."""
        address = await self._guard.check(host, port)
        return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse."""
        raise EgressRefused("A unix socket was refused.", hint="Use an http or https address.")

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)
