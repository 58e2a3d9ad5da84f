"""Filters on addresses and names of hosts."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from tocsin.core.observables import refang
from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import shown
from tocsin.playbook.expr.filters.kinds import Refusal, text

if TYPE_CHECKING:
    from tldextract import ExtractResult, TLDExtract

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_READING_IP: Final = 20  # units of work for one address or network
_READING_DOMAIN: Final = 100
_LONGEST_IP: Final = 100
_LONGEST_URL: Final = 65_536


def _ip_in(work: Work, value: Json, networks: Json) -> Json:
    address = _address(text(value))
    wanted = networks if isinstance(networks, list) else [networks]
    work.spend(_READING_IP * (len(wanted) + 1))
    return any(address in _network(text(one, "network")) for one in wanted)


def _address(source: str) -> Address:
    try:
        address = ipaddress.ip_address(source.strip() if len(source) <= _LONGEST_IP else "")
    except ValueError:
        hint = "Take addresses only, e.g. with where('type', '==', 'ip')."
        raise Refusal(f"needs an IP address, not '{shown(source)}'.", hint=hint) from None
    # ::ffff:10.0.0.1 is 10.0.0.1, whichever way a log writes it
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network(source: str) -> Network:
    try:
        return ipaddress.ip_network(source.strip() if len(source) <= _LONGEST_IP else "", strict=False)
    except ValueError:
        raise Refusal(f"needs a network such as 10.0.0.0/8, not '{shown(source)}'.") from None


def check_ip_in(constants: list[Json]) -> None:
    """Refuse a constant network that is none."""
    if isinstance(constants[0], str):
        _network(constants[0])


def _domain_of(work: Work, value: Json) -> Json:
    source = text(value)
    if len(source) > _LONGEST_URL:
        raise Refusal(f"takes an address of at most {_LONGEST_URL:,} characters.", hint="Find the addresses first, with regex_find.")
    work.spend(_READING_DOMAIN + len(source) // 4)
    # private suffixes count: of evil.github.io the domain to block is that, not github.io
    parts = _suffixes()(refang(source).strip().lower(), include_psl_private_domains=True)
    return parts.top_domain_under_public_suffix or _under_unlisted(parts) or None


def _under_unlisted(parts: "ExtractResult") -> str:
    """Return the last two labels of a name whose ending is on no list, as of hosts under .local, .corp or .test."""
    if parts.suffix or parts.ipv4 or parts.ipv6 or not parts.subdomain:
        return ""
    return f"{parts.subdomain.rpartition('.')[2]}.{parts.domain}"


@lru_cache(maxsize=1)
def _suffixes() -> "TLDExtract":
    # imported late: it costs 150 ms. The list is the one that comes with it: no network, no files written
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)


FILTERS: Final[dict[str, Callable[..., Json]]] = {"ip_in": _ip_in, "domain_of": _domain_of}
