"""Observables: typed values that were seen, in one canonical spelling."""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.errors import Invalid
from tocsin.core.values import JsonObject


class ObservableType(StrEnum):
    """What a value is."""

    IP = "ip"
    DOMAIN = "domain"
    URL = "url"
    HASH = "hash"
    EMAIL = "email"
    HOST = "host"
    USER = "user"
    FILE = "file"
    PROCESS = "process"
    MAC = "mac"
    CVE = "cve"
    JA3 = "ja3"
    ASN = "asn"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Observable:
    """One typed value in its canonical spelling; make it with `observe`."""

    type: ObservableType
    value: str

    def as_json(self) -> JsonObject:
        """Return `{type, value}`."""
        return {"type": self.type.value, "value": self.value}


_REFANG = [
    (re.compile(r"\bh(?:xx|tt)p(s?)(?::|\[:\])(?://|\[//\])", re.I), r"http\1://"),
    (re.compile(r"\[:\]"), ":"),
    (re.compile(r"[\[({]\s*(?:\.|dot)\s*[\])}]", re.I), "."),
    (re.compile(r"[\[({]\s*(?:@|at)\s*[\])}]", re.I), "@"),
]


def refang(text: str) -> str:
    """Undo the usual defanging: hxxp, [.], (dot), [at], [:]."""
    for pattern, plain in _REFANG:
        text = pattern.sub(plain, text)
    return text


def defang(text: str) -> str:
    """Make an address that nobody opens by accident: hxxp and [.] in the host."""
    text = re.sub(r"^http", "hxxp", text, flags=re.I)
    head, sep, rest = text.partition("://")
    host, slash, path = (rest if sep else head).partition("/")
    host = host.replace(".", "[.]").replace("@", "[@]")
    return f"{head}{sep}{host}{slash}{path}" if sep else f"{host}{slash}{path}"


def observe(type: ObservableType, value: str) -> Observable:
    """Make the canonical observable; raises Invalid when the value is not of the type."""
    value = value.strip()
    if not value:
        raise Invalid(f"An observable of type {type} needs a value.")
    return Observable(type, _canonical(type, value))


def _canonical(type: ObservableType, value: str) -> str:
    match type:
        case ObservableType.IP:
            try:
                return str(ipaddress.ip_address(refang(value)))
            except ValueError:
                raise Invalid(f"'{value}' is not an IP address.") from None
        case ObservableType.DOMAIN | ObservableType.HOST:
            return refang(value).rstrip(".").lower()
        case ObservableType.EMAIL | ObservableType.MAC | ObservableType.HASH | ObservableType.JA3:
            return refang(value).lower()
        case ObservableType.CVE:
            return value.upper()
        case ObservableType.URL:
            return _canonical_url(refang(value))
        case _:
            return value


def _canonical_url(url: str) -> str:
    scheme, sep, rest = url.partition("://")
    if not sep:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}"
