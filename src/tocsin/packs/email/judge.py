"""Simple facts about a mail that speak for phishing, each with a weight; pure.

The weights are chosen so that 3 and more deserves a look: no single fact that honest mail often shows (a marketing link, an
answer address elsewhere, a word like 'urgent') reaches it alone.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from tocsin.packs.email.names import looks_like, registered
from tocsin.packs.email.signs import EXECUTABLE, FREE_MAIL, MACRO, PAGE, SHORTENERS, WORDS

OWN_DOMAINS = 30
_DOCUMENT = r"pdf|docx?|xlsx?|pptx?|jpe?g|png|txt|zip"
_DOUBLE = re.compile(rf"\.(?:{_DOCUMENT})[ _]{{0,50}}\.([a-z0-9]{{2,4}})\Z", re.I)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_HOST_SHOWN = re.compile(r"\A(?:https?://)?((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63})(?:[/:?#]\S{0,2000})?\Z", re.I)
_SHORT_PATH = re.compile(r"/(?=[a-z]{0,9}\d|[A-Z]{0,9}[a-z])[A-Za-z0-9]{4,10}/?\Z")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One fact that speaks for phishing."""

    id: str
    weight: int
    detail: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail claims to be from, and for whom it was."""

    address: str
    name: str
    reply_to: str
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is known of an attached file."""

    name: str
    content_type: str
    looks_like: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the indicators look at."""

    senders: tuple[Sender, ...]  # of the mail, and of the mails attached to it
    auth: dict[str, str]
    links: tuple[tuple[str, str], ...]  # canonical URL, text shown for it
    attachments: tuple[Attachment, ...]
    subject: str
    text: str
    password_field: bool
    own_domains: frozenset[str] = field(default_factory=frozenset)
    names_to_protect: frozenset[str] = field(default_factory=frozenset)
    shorteners: frozenset[str] = SHORTENERS


def judge(facts: Facts) -> list[Indicator]:
    """Return the indicators of a mail; each kind counts once, with its strongest example."""
    found: dict[str, Indicator] = {}
    for one in _all(facts):
        if one.id not in found or found[one.id].weight < one.weight:
            found[one.id] = one
    return list(found.values())


def _all(facts: Facts) -> Iterator[Indicator]:
    own = _own(facts)
    for sender in facts.senders:
        yield from _about_sender(sender, own, facts.names_to_protect)
    yield from _about_authentication(facts.auth)
    for url, shown in facts.links:
        yield from _about_link(url, shown, facts.shorteners)
    for host in dict.fromkeys(_split(url)[0] for url, _ in facts.links):
        yield from _about_host(host, own, "link")
    for attachment in facts.attachments:
        yield from _about_attachment(attachment)
    if facts.password_field:
        yield Indicator("password_form", 3, "a form in the mail asks for a password")
    yield from _about_words(facts)


def _own(facts: Facts) -> list[str]:
    """Return the domains that a mail may imitate: ours, and those it was sent to."""
    recipients = (registered(_domain(to)) for sender in facts.senders for to in sender.to if _domain(to))
    return list(dict.fromkeys([*sorted(facts.own_domains), *recipients]))[:OWN_DOMAINS]


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower() if "@" in address else ""


def _about_sender(sender: Sender, own: Iterable[str], protected: frozenset[str]) -> Iterator[Indicator]:
    domain, reply = _domain(sender.address), _domain(sender.reply_to)
    if domain and reply and registered(domain) != registered(reply):
        weight = 3 if reply in FREE_MAIL and domain not in FREE_MAIL else 2
        yield Indicator("reply_to_mismatch", weight, f"from {sender.address}, answers go to {sender.reply_to}")
    shown = _EMAIL.search(sender.name)
    if shown and registered(_domain(shown[0])) != registered(domain):
        yield Indicator("display_name_address", 3, f"shows {shown[0]}, is from {sender.address}")
    if domain and sender.name.casefold().strip() in protected and registered(domain) not in own:
        yield Indicator("protected_name", 3, f"the name of one of us, {sender.name}, from {domain}")
    yield from _about_host(domain, own, "sender")


def _about_host(host: str, own: Iterable[str], where: str) -> Iterator[Indicator]:
    imitated = next((known for known in own if looks_like(host, known)), None) if host else None
    if imitated:
        yield Indicator(f"lookalike_{where}", 3, f"{host} looks like {imitated}")
    elif any(label.startswith("xn--") for label in host.split(".")):
        yield Indicator(f"punycode_{where}", 2, f"{host} hides letters of another script")


def _about_authentication(auth: dict[str, str]) -> Iterator[Indicator]:
    if auth.get("dmarc") == "fail":
        yield Indicator("dmarc_fail", 2, "DMARC failed: the sender's domain disowns the mail")
    elif auth.get("spf") == "fail" or auth.get("dkim") == "fail":
        yield Indicator("spf_or_dkim_fail", 1, f"SPF {auth.get('spf') or 'none'}, DKIM {auth.get('dkim') or 'none'}")


def _about_link(url: str, shown: str, shorteners: frozenset[str]) -> Iterator[Indicator]:
    scheme = url.partition(":")[0].lower()
    if scheme in {"javascript", "vbscript", "data"}:
        yield Indicator("script_link", 3, f"a link of the kind {scheme}:")
    host, user, path = _split(url)
    if not host:
        return
    if _is_address(host):
        yield Indicator("address_link", 2, f"links to the bare address {host}")
    if user:
        yield Indicator("user_in_link", 2, f"{host} is hidden behind '{user[:80]}@'")
    target = _HOST_SHOWN.match(shown.strip())
    if target and registered(target[1]) != registered(host):
        yield Indicator("link_text_mismatch", 2, f"shows {target[1]}, leads to {host}")
    if host in shorteners:
        yield Indicator("shortened_link", 2, f"{host} hides where it leads")
    elif len(registered(host).partition(".")[0]) <= 6 and _SHORT_PATH.match(path):
        yield Indicator("short_link", 1, f"{host}{path} looks like a shortened link")


def _split(url: str) -> tuple[str, str, str]:
    """Return host, user part and path; empty where it is no web link."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https", "ftp"} or not parts.hostname:
            return "", "", ""
        return parts.hostname, unquote(parts.netloc.rpartition("@")[0]), parts.path if not parts.query else ""
    except ValueError:
        return "", "", ""


def _is_address(host: str) -> bool:
    if host.isdigit() or host.startswith("0x"):
        return True  # a browser takes these for addresses
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _about_attachment(attachment: Attachment) -> Iterator[Indicator]:
    name = attachment.name.lower()
    kind = name.rpartition(".")[2] if "." in name else ""
    double = _DOUBLE.search(name)
    if kind in EXECUTABLE or attachment.looks_like == "program":
        disguised = " disguised as a document" if double or kind not in EXECUTABLE else ""
        yield Indicator("executable_attachment", 5 if disguised else 4, f"{attachment.name} is a program{disguised}")
    elif kind in MACRO or attachment.looks_like == "office-macro":
        yield Indicator("macro_attachment", 3, f"{attachment.name} holds macros")
    elif kind in PAGE or attachment.looks_like == "html":
        yield Indicator("page_attachment", 2, f"{attachment.name} opens in the browser")
    if "\u202e" in attachment.name:
        yield Indicator("reversed_name", 3, "a file name is written backwards to hide its kind")


def _about_words(facts: Facts) -> Iterator[Indicator]:
    said = {kind: match[0] for kind, words in WORDS.items() if (match := words.search(facts.subject) or words.search(facts.text))}
    if said:
        quotes = ", ".join(f"{kind}: “{text[:60]}”" for kind, text in said.items())
        yield Indicator("pressing_words", min(len(said), 2), quotes)
