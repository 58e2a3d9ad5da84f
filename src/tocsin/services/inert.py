"""Make text that somebody else wrote harmless to look at: no live address, no character that hides or reorders others."""

import re
import unicodedata
from collections.abc import Iterable

from tocsin.core.observables import Observable, ObservableType, defang

_URL = re.compile(r"(?:https?|ftp)://[^\s<>\"']+", re.I)
_IPV4 = re.compile(r"(?<![\d.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_EMAIL = re.compile(r"\b([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_ADDRESSES = frozenset({ObservableType.DOMAIN, ObservableType.EMAIL, ObservableType.HOST, ObservableType.IP, ObservableType.URL})


def shown(text: str) -> str:
    """Return text in which control, format and bidirectional characters are named instead of obeyed."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\n" or unicodedata.category(one) == "Zs" else _named(one) for one in text)


def inert(text: str, *, known: Iterable[Observable] = ()) -> str:
    """Return text with its addresses defanged: URLs, IPv4 and mail addresses, and the known observables."""
    text = shown(text)
    values = {seen.value for seen in known if seen.type in _ADDRESSES and "." in seen.value}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, defang(value))
    text = _URL.sub(lambda found: defang(found[0]), text)
    text = _EMAIL.sub(lambda found: defang(found[0]), text)
    return _IPV4.sub(r"\1[.]\2[.]\3[.]\4", text)


def inert_observable(seen: Observable) -> str:
    """Return an observable's value, defanged when it is an address."""
    value = shown(seen.value)
    return defang(value) if seen.type in _ADDRESSES else value


def _named(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩" if character != "\t" else "    "
