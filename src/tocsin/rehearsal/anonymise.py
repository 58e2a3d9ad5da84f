"""Swap what tells who and where: addresses, mails, hosts and names, each consistently by another one."""

import ipaddress
import re
from collections.abc import Callable
from typing import Final

from tocsin.core.values import Json, JsonObject

NAME_KEYS: Final = frozenset(
    {"name", "full_name", "display_name", "username", "user_name", "login", "owner", "by", "hostname", "host", "computer", "email_name"}
)
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24}")
_IP4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.|\[\.\])){3}\d{1,3}(?![\w.]*\w)")
_IP6: Final = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_HOST: Final = re.compile(
    r"(?<![\w@./-])(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])|(?<=://)[A-Za-z0-9.-]+\.[A-Za-z]{2,24}"
)
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "org"})
# What ends like a name of a host and is none.
_NO_HOST: Final = frozenset(
    {"py", "js", "exe", "dll", "txt", "log", "json", "yaml", "yml", "html", "htm", "pdf", "doc", "docx", "zip", "eml", "php", "png"}
)
_RESERVED: Final = ("example", "test", "invalid", "localhost")


class Anonymiser:
    """Gives each value that it meets one other value, for as long as it lives."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}

    def object(self, value: JsonObject) -> JsonObject:
        """Return the object with everything swapped; its keys stay."""
        self._learn(value)
        found = self._json(value)
        return found if isinstance(found, dict) else {}

    def text(self, text: str) -> str:
        """Return the text with everything swapped."""
        for pattern, swap in ((_MAIL, self._mail), (_IP6, self._address), (_IP4, self._address), (_HOST, self._host)):
            text = pattern.sub(lambda found, swap=swap: swap(found.group()), text)  # type: ignore[misc]  # a default binds it now
        for name in sorted(self._names, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self._names[name], text)
        return text

    def _json(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._json(one) for one in value]
        return {key: self._json(one) for key, one in value.items()} if isinstance(value, dict) else value

    def _learn(self, value: Json) -> None:
        """Learn the names of people and hosts, to find them in other texts too."""
        if isinstance(value, list):
            for one in value:
                self._learn(one)
        elif isinstance(value, dict):
            for key, one in value.items():
                if key in NAME_KEYS and isinstance(one, str) and self._is_name(one):
                    self._names.setdefault(one, f"name-{len(self._names) + 1}")
                self._learn(one)

    def _is_name(self, text: str) -> bool:
        return len(text) >= 3 and not any(pattern.search(text) for pattern in (_MAIL, _IP4, _IP6, _HOST)) and not text.startswith("name-")

    def _mail(self, mail: str) -> str:
        local, _, domain = mail.rpartition("@")
        return f"{self._once('mail', local.lower(), lambda number: f'user{number}')}@{self._host(domain)}"

    def _address(self, text: str) -> str:
        defanged = "[.]" in text
        try:
            address = ipaddress.ip_address(text.replace("[.]", "."))
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified or address.is_multicast:
            return text
        kind = f"ip{address.version}{'private' if _is_inside(address) else ''}"
        other = self._once(kind, str(address), lambda number: _other(address.version, _is_inside(address), number))
        return other.replace(".", "[.]") if defanged else other

    def _host(self, host: str) -> str:
        labels = host.lower().split(".")
        if labels[-1] in _NO_HOST or labels[-1] in _RESERVED or labels[-2:] in (["example", one] for one in ("com", "org", "net")):
            return host
        own = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
        domain = self._once("domain", ".".join(labels[-own:]), lambda number: f"org{number}.example")
        inner = [self._once("label", label, lambda number: f"host{number}") for label in labels[:-own]]
        return ".".join([*inner, domain])

    def _once(self, kind: str, value: str, make: Callable[[int], str]) -> str:
        if (kind, value) not in self._given:
            self._given[kind, value] = make(1 + sum(one == kind for one, _ in self._given))
        return self._given[kind, value]


def _is_inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_private and not any(address in net for net in _DOCUMENTATION if net.version == address.version)


_DOCUMENTATION: Final = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))


def _other(version: int, inside: bool, number: int) -> str:
    if version == 6:
        return f"fd00::{number:x}" if inside else f"2001:db8::{number:x}"
    if inside:
        return f"10.0.{number // 256}.{number % 256}"
    nets = ("203.0.113", "198.51.100", "192.0.2")
    return f"{nets[min((number - 1) // 254, 2)]}.{(number - 1) % 254 + 1}"
