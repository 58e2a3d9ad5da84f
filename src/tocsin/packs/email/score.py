"""Signs of phishing in a mail, each a sentence and a weight; the score is their sum."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Link:
    """A link and the text it is shown with."""

    target: str
    shown: str


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; `macro` and `executable` tell what its bytes show."""

    name: str
    macro: bool
    executable: bool


@dataclass(frozen=True, slots=True)
class Mail:
    """What the signs are looked for in."""

    from_address: str
    from_name: str
    reply_to: str
    to: tuple[str, ...]
    subject: str
    text: str
    links: tuple[Link, ...]
    urls: tuple[str, ...]
    files: tuple[File, ...]
    spf: str
    dmarc: str


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign."""

    sentence: str
    weight: int


# The domains that a brand writes from; a name that only looks like it, or has it in front of another domain, is a sign.
BRANDS = {
    "paypal": ("paypal.com",), "microsoft": ("microsoft.com",), "office365": ("office365.com",), "google": ("google.com",),
    "amazon": ("amazon.com",), "apple": ("apple.com",), "icloud": ("icloud.com",), "netflix": ("netflix.com",),
    "facebook": ("facebook.com",), "linkedin": ("linkedin.com",), "dropbox": ("dropbox.com",), "docusign": ("docusign.com", "docusign.net"),
    "outlook": ("outlook.com",), "instagram": ("instagram.com",), "whatsapp": ("whatsapp.com",), "github": ("github.com",),
}  # fmt: skip
SHORTENERS = frozenset({
    "bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "ow.ly", "buff.ly", "rebrand.ly", "cutt.ly", "t.ly", "v.gd", "rb.gy", "s.id",
    "shorturl.at", "tiny.cc", "lnkd.in", "bitly.com",
})  # fmt: skip
EXECUTABLE = frozenset({
    "exe", "scr", "com", "pif", "bat", "cmd", "ps1", "psm1", "vbs", "vbe", "js", "jse", "wsf", "wsh", "hta", "lnk", "msi", "msix", "jar",
    "iso", "img", "vhd", "vhdx", "cpl", "dll", "reg", "scf", "url", "apk", "app", "dmg",
})  # fmt: skip
MACRO = frozenset({"docm", "dotm", "xlsm", "xltm", "xlam", "xlsb", "pptm", "potm", "ppam", "ppsm", "sldm"})
ACTIVE = frozenset({"htm", "html", "shtml", "svg", "xht", "xhtml", "mht", "mhtml", "one", "chm"})
_HARMLESS = {
    "pdf",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "ppt",
    "pptx",
    "txt",
    "csv",
    "zip",
    "rar",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "ics",
    "eml",
    "md",
}
_NO_DOMAIN = (EXECUTABLE | MACRO | ACTIVE | _HARMLESS) - {"com", "app"}  # "report.pdf" in a link's text is a file, not a host
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "gov", "edu", "or", "ne"})
_URGENT = re.compile(
    r"\b(urgent(ly)?|immediate(ly)?|within \d{1,3} hours|right away|as soon as possible|asap|final (notice|reminder|warning)|overdue|"
    r"act now|suspended|will be (closed|locked|deleted|disabled|returned)|last chance|expires? today|confidential|"
    r"dringend|sofort|umgehend|gesperrt|letzte mahnung)\b",
    re.I,
)
_CREDENTIALS = re.compile(
    r"\b(passwords?|passcode|log ?in|log on|sign in|signin|credentials?|(verify|confirm|validate|update) your|"
    r"bank details|card (number|details)|passwort|kennwort|anmelden|zugangsdaten|kontodaten)\b",
    re.I,
)
_MAIL = re.compile(r"[\w.%+-]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63})+)")
_SHOWN_HOST = re.compile(r"(https?://|www\.)?([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})\.?(?::\d+)?(?:[/?#]\S*)?", re.I)
_LOOKS = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g"})
_HOMOGLYPHS = str.maketrans("аеорсухіјѕһԁԛԝɡıŀοανκ", "aeopcyxijshdqwgiloavk")


def host_of(url: str) -> str:
    """Return the host of an address, in lower case; nothing when there is none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def address_of(host: str) -> str:
    """Return the IP address that a host is, also when it is written as one number; nothing for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not re.fullmatch(r"0x[0-9a-f]{1,8}|\d{1,10}", host):
        return ""
    number = int(host, 16 if host.startswith("0x") else 10)
    return str(ipaddress.IPv4Address(number)) if 0 < number < 2**32 else ""


def organisation(host: str) -> str:
    """Return the part of a name that somebody registers: shop.example for mail.shop.example."""
    labels = host.rstrip(".").lower().split(".")
    size = 3 if len(labels) > 2 and labels[-2] in _SECOND_LEVEL and len(labels[-1]) == 2 else 2
    return ".".join(labels[-size:])


def signs_of(mail: Mail) -> list[Sign]:
    """Return the signs of phishing, the heaviest first."""
    signs = [*_sender_signs(mail), *_link_signs(mail), *_file_signs(mail)]
    credentials = _CREDENTIALS.search(f"{mail.subject}\n{mail.text}")
    foreign = _foreign_host(mail)
    if credentials and foreign:
        asks = f"It asks for '{credentials.group().lower()}' and links to {foreign}, which is neither the sender's nor the recipient's."
        signs.append(Sign(asks, 2))
    urgent = _URGENT.search(f"{mail.subject}\n{mail.text}")
    if urgent and signs:  # many honest mails are urgent: alone it says nothing
        signs.append(Sign(f"It presses for haste: '{urgent.group().lower()}'.", 1))
    return sorted(dict.fromkeys(signs), key=lambda sign: -sign.weight)


def _sender_signs(mail: Mail) -> Iterator[Sign]:
    sender = _domain(mail.from_address)
    if mail.reply_to and sender and organisation(_domain(mail.reply_to)) != organisation(sender):
        yield Sign(f"Answers go to {mail.reply_to}, not to the sender's domain {sender}.", 2)
    named = _MAIL.search(mail.from_name)
    if named and organisation(named.group(1).lower()) != organisation(sender):
        yield Sign(f"The sender's name shows {named.group().lower()}, the mail comes from {mail.from_address}.", 3)
    if sender:
        yield from _host_signs(sender, mail, "The sender's domain")
    if mail.dmarc == "fail":
        yield Sign("The sender's domain does not vouch for it: DMARC failed.", 3)
    if mail.spf == "fail":
        yield Sign("It came from a server that may not send for the sender: SPF failed.", 2)


def _link_signs(mail: Mail) -> Iterator[Sign]:
    for link in mail.links:
        shown, target = _SHOWN_HOST.fullmatch(link.shown), host_of(link.target)
        if not shown or not target:
            continue
        name = shown.group(2).lower()
        is_host = bool(shown.group(1)) or (name.rpartition(".")[2].isalpha() and name.rpartition(".")[2] not in _NO_DOMAIN)
        if is_host and organisation(name) != organisation(target):
            yield Sign(f"A link shows {name} and opens {target}.", 3)
            break
    hosts = list(dict.fromkeys(host for url in mail.urls if (host := host_of(url))))
    if raw := next((host for host in hosts if address_of(host)), ""):
        yield Sign(f"A link opens the bare address {raw}.", 3)
    if short := next((host for host in hosts if host in SHORTENERS), ""):
        yield Sign(f"A link hides its target behind the shortener {short}.", 2)
    for host in hosts:
        if found := list(_host_signs(host, mail, "A link's host")):
            yield from found
            break


def _host_signs(host: str, mail: Mail, what: str) -> Iterator[Sign]:
    if any(label.startswith("xn--") for label in host.split(".")) or not host.isascii():
        yield Sign(f"{what} {host} has letters of other alphabets.", 2)
    if model := _lookalike(host, mail):
        yield Sign(f"{what} {host} looks like {model}.", 4)


def _lookalike(host: str, mail: Mail) -> str:
    models = dict(BRANDS)
    own = {organisation(_domain(address)) for address in mail.to if "@" in address}
    models |= {domain.split(".")[0]: (domain,) for domain in own if len(domain.split(".")[0]) >= 4}
    trusted = [*own, *(domain for domains in BRANDS.values() for domain in domains)]
    if any(host == domain or host.endswith(f".{domain}") for domain in trusted):
        return ""
    words = [word for label in _unicode(host).split(".")[:-1] for word in [label, *label.split("-")]]
    for name, domains in models.items():
        if any(word != name and _skeleton(word) == _skeleton(name) for word in words):
            return domains[0]
        if any(f".{domain}." in f".{host}" for domain in domains):
            return domains[0]
    return ""


def _unicode(host: str) -> str:
    labels = []
    for label in host.split("."):
        try:
            labels.append(label[4:].encode("ascii").decode("punycode") if label.startswith("xn--") else label)
        except ValueError:
            labels.append(label)
    return ".".join(labels)


def _skeleton(word: str) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(letter))
    return plain.translate(_HOMOGLYPHS).replace("rn", "m").replace("vv", "w").translate(_LOOKS)


def _file_signs(mail: Mail) -> Iterator[Sign]:
    for file in mail.files:
        ending = file.name.lower().rstrip(" .").rpartition(".")[2] if "." in file.name else ""
        if file.executable or ending in EXECUTABLE:
            yield Sign(f"The attachment '{file.name}' is a program.", 4)
        elif file.macro or ending in MACRO:
            yield Sign(f"The attachment '{file.name}' can have macros.", 3)
        elif ending in ACTIVE:
            yield Sign(f"The attachment '{file.name}' opens in a browser and can imitate a login page.", 2)


def _foreign_host(mail: Mail) -> str:
    known = {organisation(_domain(address)) for address in (mail.from_address, *mail.to) if "@" in address}
    return next((host for url in mail.urls if (host := host_of(url)) and organisation(host) not in known), "")


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
