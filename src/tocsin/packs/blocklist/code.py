"""Put values on the block lists that Tocsin serves to firewalls, proxies and name servers."""

import ipaddress
import re
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tocsin.connectors.sdk import Context, Invalid, JsonObject, Observable, ObservableType, iso, observe, parse_duration

if TYPE_CHECKING:
    from tldextract import TLDExtract

_LIST_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_HASH_LENGTHS = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
# Not `is_private`: that takes the documentation ranges for private.
_PRIVATE = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")
]


async def block_ip(ctx: Context, input: JsonObject) -> JsonObject:
    """List an address."""
    return await _add(ctx, input, _ip(input))


async def block_domain(ctx: Context, input: JsonObject) -> JsonObject:
    """List a domain; feeds for name servers block its subdomains too."""
    return await _add(ctx, input, _domain(input))


async def block_url(ctx: Context, input: JsonObject) -> JsonObject:
    """List a URL."""
    return await _add(ctx, input, _url(input))


async def block_hash(ctx: Context, input: JsonObject) -> JsonObject:
    """List the hash of a file."""
    return await _add(ctx, input, _hash(input))


async def unblock_ip(ctx: Context, input: JsonObject) -> JsonObject:
    """Take an address off the list."""
    return await _remove(ctx, input, observe(ObservableType.IP, _text(input, "ip")))


async def unblock_domain(ctx: Context, input: JsonObject) -> JsonObject:
    """Take a domain off the list."""
    return await _remove(ctx, input, observe(ObservableType.DOMAIN, _text(input, "domain")))


async def unblock_url(ctx: Context, input: JsonObject) -> JsonObject:
    """Take a URL off the list."""
    return await _remove(ctx, input, observe(ObservableType.URL, _text(input, "url")))


async def unblock_hash(ctx: Context, input: JsonObject) -> JsonObject:
    """Take a hash off the list."""
    return await _remove(ctx, input, observe(ObservableType.HASH, _text(input, "hash")))


async def is_listed(ctx: Context, input: JsonObject) -> JsonObject:
    """Tell whether a value is on the list."""
    observable = observe(_type(input), _text(input, "value"))
    found = await ctx.platform.list_find(_list(input), observable)
    return {
        "list": _list(input),
        **observable.as_json(),
        "listed": found.get("listed") is True,
        "expires_at": found.get("expires_at"),
        "reason": found.get("reason", ""),
    }


async def _add(ctx: Context, input: JsonObject, observable: Observable) -> JsonObject:
    until = _until(ctx, input)
    entry = await ctx.platform.list_add(_list(input), observable, until, _text(input, "reason", ""), key=ctx.key)
    # A repeated call gets the first one's result, and so the first one's end.
    return {"list": _list(input), **observable.as_json(), "expires_at": entry.get("expires_at", iso(until) if until else None)}


async def _remove(ctx: Context, input: JsonObject, observable: Observable) -> JsonObject:
    done = await ctx.platform.list_remove(_list(input), observable, key=ctx.key)
    return {"list": _list(input), **observable.as_json(), "was_listed": done.get("removed") is True}


def _until(ctx: Context, input: JsonObject) -> datetime | None:
    if input.get("permanent") is True:
        return None
    duration = parse_duration(_text(input, "duration", "24h"))
    if duration < timedelta(seconds=1):
        raise Invalid("'duration' must be at least 1s.", hint="Use 'permanent: true' for an entry without an end.")
    return ctx.now() + duration


def _text(input: JsonObject, key: str, default: str | None = None) -> str:
    value = input.get(key, default)
    if not isinstance(value, str):
        raise Invalid(f"'{key}' must be a text.")
    return value


def _list(input: JsonObject) -> str:
    name = _text(input, "list", "default")
    if not _LIST_NAME.fullmatch(name):
        raise Invalid(f"'{name}' cannot be the name of a list.", hint="Use lower-case letters, digits, - and _, at most 63.")
    return name


def _type(input: JsonObject) -> ObservableType:
    type = _text(input, "type")
    if type not in ("ip", "domain", "url", "hash"):
        raise Invalid(f"A block list holds no values of type '{type}'.", hint="Use ip, domain, url or hash.")
    return ObservableType(type)


def _ip(input: JsonObject) -> Observable:
    observable = observe(ObservableType.IP, _text(input, "ip"))
    address = ipaddress.ip_address(observable.value)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise Invalid(f"'{observable.value}' names a network card; give the address alone.")
        address = address.ipv4_mapped or address
    _refuse_harmful(address, private_too=input.get("allow_private") is not True)
    return observe(ObservableType.IP, str(address))


def _refuse_harmful(address: ipaddress.IPv4Address | ipaddress.IPv6Address, *, private_too: bool) -> None:
    if address.is_loopback or address.is_unspecified or address.is_multicast or address == ipaddress.IPv4Address("255.255.255.255"):
        raise Invalid(f"{address} is a loopback, broadcast, multicast or empty address and is never listed.")
    if private_too and any(address in network for network in _PRIVATE):
        raise Invalid(f"{address} is an internal address.", hint="Say 'allow_private: true' if it is meant.")


def _domain(input: JsonObject) -> Observable:
    observable = observe(ObservableType.DOMAIN, _text(input, "domain"))
    name = _ascii(observable.value)
    _refuse_host_that_is_none(name)
    if name.rsplit(".", 1)[-1].isdigit():
        raise Invalid(f"'{name}' is no domain.", hint="Use block_ip for an address.")
    if not _registered(name):
        raise Invalid(f"'{name}' is a suffix under which anybody registers names; listing it would block all of them.")
    return observe(ObservableType.DOMAIN, name)


def _ascii(name: str) -> str:
    try:
        return name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        raise Invalid(f"'{name}' is no domain.") from None


def _refuse_host_that_is_none(name: str) -> None:
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Invalid(f"'{name}' is no domain of two labels or more.")
    if labels[-1] in ("localhost", "local", "arpa"):
        raise Invalid(f"'{name}' is a name of local use and is never listed.")


def _registered(name: str) -> bool:
    """Tell whether the name is more than a public suffix (`co.uk`)."""
    return bool(_suffixes()(name).domain)


@cache
def _suffixes() -> "TLDExtract":
    import tldextract  # reads a list of 300 KB; without addresses it fetches no newer one

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


def _url(input: JsonObject) -> Observable:
    observable = observe(ObservableType.URL, _text(input, "url"))
    try:
        parts = urlsplit(observable.value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid(f"'{observable.value}' is no URL.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Invalid(f"'{observable.value}' is no http or https URL.")
    if re.search(r"[\x00-\x20\x7f]", observable.value) or len(observable.value) > 4000:
        raise Invalid("A URL has at most 4,000 characters, no spaces and no control characters.")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        _refuse_host_that_is_none(_ascii(host.rstrip(".")))
    else:
        _refuse_harmful(address, private_too=input.get("allow_private") is not True)
    return observable


def _hash(input: JsonObject) -> Observable:
    observable = observe(ObservableType.HASH, _text(input, "hash"))
    if len(observable.value) not in _HASH_LENGTHS or not re.fullmatch(r"[0-9a-f]+", observable.value):
        raise Invalid(f"'{observable.value}' is no {', '.join(_HASH_LENGTHS.values())} in hexadecimal digits.")
    return observable
