"""Find observables in free text, by ioc-finder."""

from collections.abc import Iterable, Mapping

from tocsin.core.errors import Invalid
from tocsin.core.observables import Observable, ObservableType, observe, refang

MAX_TEXT = 100_000  # ioc-finder needs a second for 40 mails; the start of a text holds what matters
MAX_FOUND = 200

_KINDS: Mapping[str, ObservableType] = {
    "ipv4s": ObservableType.IP,
    "ipv6s": ObservableType.IP,
    "domains": ObservableType.DOMAIN,
    "urls": ObservableType.URL,
    "email_addresses": ObservableType.EMAIL,
    "md5s": ObservableType.HASH,
    "sha1s": ObservableType.HASH,
    "sha256s": ObservableType.HASH,
    "sha512s": ObservableType.HASH,
    "cves": ObservableType.CVE,
    "mac_addresses": ObservableType.MAC,
}


def extract(text: str) -> list[Observable]:
    """Return the observables of a text, refanged, each once, in a stable order."""
    if not text.strip():
        return []
    # 0.4 s and 20 MB: only when somebody asks
    from ioc_finder import find_iocs  # type: ignore[import-untyped]  # the library carries no py.typed

    found = find_iocs(refang(text[:MAX_TEXT]), included_ioc_types=list(_KINDS))
    seen: dict[Observable, None] = {}
    for kind, type in _KINDS.items():
        for observable in _observables(type, found.get(kind, [])):
            seen.setdefault(observable)
    return list(seen)[:MAX_FOUND]


def _observables(type: ObservableType, values: Iterable[str]) -> Iterable[Observable]:
    for value in sorted(values):
        try:
            yield observe(type, value)
        except Invalid:  # ioc-finder is generous; what is not of its type is no observable
            continue
