"""Screen observables against MISP's warning lists: a public resolver or a top site is no indicator of compromise.

The lists are read straight from the JSON files of pymispwarninglists, only those that matter, into arrays and sets: its own
loader takes 100 MB and more (the two lists of a million sites alone are 47 MB of text).
"""

import importlib.util
import ipaddress
import json
import threading
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.core.observables import Observable, ObservableType
from tocsin.core.values import Json

# Not the lists of special-purpose ranges and names (rfc5735, rfc3849, rfc6761): they call documentation addresses harmless, which no
# real alert has and every exercise uses; loopback and private addresses are refused where it matters, by the actions that block.
DEFAULT_LISTS = (
    "public-dns-v4", "public-dns-v6", "public-dns-hostname", "rfc1918", "rfc6598", "multicast",
    "ipv6-linklocal", "tranco10k", "cisco_top10k", "google", "microsoft", "microsoft-office365", "microsoft-office365-ip", "cloudflare",
    "crl-hostname", "crl-ip", "captive-portals", "whats-my-ip", "wikimedia", "empty-hashes", "common-ioc-false-positive",
    "common-contact-emails", "url-shortener", "sinkholes",
)  # fmt: skip

_BITS = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class _Addresses:
    """Networks by version and prefix length, each a sorted array of their first bits."""

    v4: Mapping[int, "array[int]"]
    v6: Mapping[int, Sequence[int]]

    def has(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        tables: Mapping[int, Sequence[int]] = self.v4 if address.version == 4 else self.v6
        for length, firsts in tables.items():
            shift = _BITS[address.version] - length
            wanted = int(address) >> shift << shift
            place = bisect_left(firsts, wanted)
            if place < len(firsts) and firsts[place] == wanted:
                return True
        return False


@dataclass(frozen=True, slots=True)
class _List:
    name: str
    kind: str  # cidr | hostname | string | substring
    addresses: _Addresses
    texts: frozenset[str]

    def has(self, observable: Observable) -> bool:
        match observable.type:
            case ObservableType.IP:
                return self.addresses.has(ipaddress.ip_address(observable.value)) or observable.value in self.texts
            case ObservableType.DOMAIN | ObservableType.HOST:
                return self._has_name(observable.value)
            case ObservableType.URL:
                return observable.value in self.texts or (self.kind == "hostname" and self._has_name(_host(observable.value)))
            case _:
                return observable.value.lower() in self.texts

    def _has_name(self, name: str) -> bool:
        if self.kind != "hostname":
            return name in self.texts
        # a hostname entry covers the names below it too
        labels = name.split(".")
        return any(".".join(labels[start:]) in self.texts for start in range(len(labels)))


class WarningLists:
    """Name the warning lists that an observable stands on; the files are read at the first question."""

    def __init__(self, names: Iterable[str] = DEFAULT_LISTS) -> None:
        self._names = tuple(names)
        self._lists: tuple[_List, ...] | None = None
        self._reading = threading.Lock()

    def hits(self, observable: Observable) -> list[str]:
        """Return the names of the lists, in the order in which they were asked for."""
        with self._reading:
            if self._lists is None:
                self._lists = tuple(_load(self._names))
        return [one.name for one in self._lists if one.has(observable)]


def _load(names: Iterable[str]) -> Iterable[_List]:
    # found without an import: importing the package reads every list
    spec = importlib.util.find_spec("pymispwarninglists")
    if spec is None or not spec.submodule_search_locations:
        return
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "misp-warninglists" / "lists"
    for name in names:
        path = folder / name / "list.json"
        if path.is_file():
            yield _read(path)


def _read(path: Path) -> _List:
    content: Json = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        content = {}
    entries = content.get("list", [])
    kind = str(content.get("type", "string"))
    v4: dict[int, list[int]] = {}
    v6: dict[int, list[int]] = {}
    texts: set[str] = set()
    for entry in entries if isinstance(entries, list) else []:
        text = str(entry).strip().lower()
        network = _network(text)
        if network is None:
            texts.add(text.strip(".") if kind == "hostname" else text)
            continue
        table = v4 if network.version == 4 else v6
        table.setdefault(network.prefixlen, []).append(int(network.network_address))
    addresses = _Addresses(
        v4={length: array("I", sorted(firsts)) for length, firsts in v4.items()},
        v6={length: tuple(sorted(firsts)) for length, firsts in v6.items()},
    )
    return _List(str(content.get("name", path.parent.name)), kind, addresses, frozenset(texts))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if not (text[:1].isdigit() or ":" in text):  # most entries are names, and a refusal by `ipaddress` is slow
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _host(url: str) -> str:
    rest = url.partition("://")[2]
    return rest.partition("/")[0].rpartition("@")[2].partition(":")[0]
