"""Write block lists in the formats that devices fetch. Values may be hostile: none can add a line or a record of its own."""

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tocsin.core.errors import Invalid
from tocsin.core.observables import ObservableType
from tocsin.core.values import Instant, Json, iso

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_UNSAFE = re.compile(r"[^\x21-\x7e]")
_TTL_S = 60  # name servers ask again after this long, so an unblocked name works soon
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One value on a list."""

    type: ObservableType
    value: str
    expires_at: Instant | None
    reason: str
    added_at: Instant


def as_text(entries: Iterable[FeedEntry]) -> str:
    """Write one value a line, sorted, each once; what cannot stand on a line is counted in a last comment."""
    lines: set[str] = set()
    left_out = 0
    for entry in entries:
        line = _line(entry)
        if line:
            lines.add(line)
        else:
            left_out += 1
    note = [_left_out(left_out, "#", "on a line")] if left_out else []
    return "".join(f"{line}\n" for line in [*sorted(lines), *note])


def as_rpz(entries: Iterable[FeedEntry], *, zone: str, serial: int) -> str:
    """Write a response policy zone: a listed domain and all below it do not exist, nor do names that lead to a listed address.

    URLs and other types cannot be said in a zone and are counted in a comment.
    """
    origin = _zone_name(zone)
    if not 0 <= serial < 2**32:
        raise Invalid(f"{serial} is no serial number of a zone.", hint="It must fit in 32 bits.")
    records: set[str] = set()
    left_out = 0
    for entry in entries:
        owners = list(_owners(entry, room=_LONGEST_NAME - len(origin) - 1))
        left_out += not owners
        records.update(f"{owner} CNAME ." for owner in owners)
    head = [f"$ORIGIN {origin}.", f"$TTL {_TTL_S}", f"@ SOA localhost. nobody.invalid. {serial} 60 60 86400 60", "@ NS localhost."]
    note = [_left_out(left_out, ";", "in a zone")] if left_out else []
    return "".join(f"{line}\n" for line in [*head, *sorted(records), *note])


def as_json(entries: Iterable[FeedEntry]) -> str:
    """Write a list of objects in ASCII, sorted by type and value."""
    listed: list[Json] = [
        {
            "type": entry.type.value,
            "value": entry.value,
            "expires_at": iso(entry.expires_at) if entry.expires_at else None,
            "reason": entry.reason,
            "added_at": iso(entry.added_at),
        }
        for entry in sorted(entries, key=lambda entry: (entry.type, entry.value))
    ]
    return json.dumps(listed, indent=1) + "\n"


def _left_out(count: int, mark: str, where: str) -> str:
    return f"{mark} {count} {'entry' if count == 1 else 'entries'} left out: cannot be said {where}"


def _line(entry: FeedEntry) -> str:
    value = entry.value
    if entry.type is ObservableType.URL:
        # In a URL every byte has a spelling of its own.
        return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), value).lstrip("#;")
    return "" if _UNSAFE.search(value) or value.startswith(("#", ";")) else value


def _zone_name(zone: str) -> str:
    name = zone.rstrip(".").lower()
    if len(name) > 100 or not _is_name(name):
        raise Invalid(f"'{zone}' cannot be the name of a zone.", hint="Write it like rpz.tocsin.example.")
    return name


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))


def _owners(entry: FeedEntry, *, room: int) -> Iterator[str]:
    if entry.type is ObservableType.IP:
        owner = _rpz_ip(entry.value)
        if owner:
            yield owner
    elif entry.type in (ObservableType.DOMAIN, ObservableType.HOST):
        name = entry.value.lower().rstrip(".")
        # A name that ends in a trigger word would be read as that trigger, not as a name.
        reserved = name.rsplit(".", 1)[-1] in ("rpz-ip", "rpz-client-ip", "rpz-nsdname", "rpz-nsip")
        if _is_name(name) and len(name) + 2 <= room and not reserved:
            yield name
            yield f"*.{name}"


def _rpz_ip(value: str) -> str:
    """Return `32.7.2.0.192.rpz-ip`, and for IPv6 the words from the last to the first with `zz` for the longest run of zeros."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped  # newer Pythons spell these with dots, which are no words
    if isinstance(address, ipaddress.IPv4Address):
        return f"32.{'.'.join(reversed(str(address).split('.')))}.rpz-ip"
    words = ["zz" if word == "" else word for word in _collapsed(address)]
    return f"128.{'.'.join(reversed(words))}.rpz-ip"


def _collapsed(address: ipaddress.IPv6Address) -> list[str]:
    """Return the words of an address as `ipaddress` shortens it, one empty word for `::`."""
    head, gap, tail = ipaddress.IPv6Address(int(address)).compressed.partition("::")
    if not gap:
        return head.split(":")
    return [*(head.split(":") if head else []), "", *(tail.split(":") if tail else [])]
