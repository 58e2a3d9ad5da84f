"""Read a mail that somebody reported: who, what, which links and files, and what speaks for phishing."""

import base64
import re

from tocsin.connectors.sdk import Context, Invalid, Json, JsonObject, ObservableType, TooLarge, observe
from tocsin.packs.email.sandbox import read_apart
from tocsin.packs.email.score import File, Link, Mail, address_of, host_of, signs_of

LARGEST_MAIL = 25 * 1024 * 1024
_AUTHENTICATION = re.compile(r"\b(spf|dkim|dmarc)\s{0,5}=\s{0,5}([a-z]{1,20})", re.I)
_WEB = re.compile(r"(?:https?|ftp):/*", re.I)
_HOST = re.compile(r"from\s+([\w.-]{1,253})")
_BRACKETED = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F.:]{3,45})\]")
_NAME = re.compile(r"(?=.{1,253}$)([\w-]{1,63}\.)+[\w-]{1,63}")


async def parse(ctx: Context, input: JsonObject) -> JsonObject:
    """Return what is in a mail, its signs of phishing and their score."""
    found = await read_apart(mail_bytes(input))
    received = _received(_texts(found, "received"))
    auth = _authentication(_text(found, "authentication"), _text(found, "received_spf"))
    links = _links(found)
    urls = _urls([link.target for link in links] + [url if url[:1] in "hH" else f"http://{url}" for url in _texts(found, "urls")])
    hosts = [host for url in urls if (host := host_of(url))]
    mail = _mail(found, links, urls, auth)
    signs = signs_of(mail)
    senders = [mail.from_address, mail.reply_to, _text(found, "return_path")]
    return {
        "message_id": _text(found, "message_id"),
        "subject": mail.subject,
        "from": {"address": mail.from_address, "name": mail.from_name},
        "reply_to": mail.reply_to,
        "return_path": _text(found, "return_path"),
        "to": [*_texts(found, "to")],
        "cc": [*_texts(found, "cc")],
        "date": _text(found, "date") or None,
        "received_from": [*received],
        "auth": {**auth},
        "urls": [*urls],
        "domains": [*dict.fromkeys(host for host in hosts if _NAME.fullmatch(host) and not address_of(host))],
        "ips": [*_canonical(ObservableType.IP, [*filter(None, map(address_of, hosts)), *_texts(found, "ips")])],
        "emails": [*_canonical(ObservableType.EMAIL, [*filter(None, senders), *_texts(found, "emails")])],
        "attachments": [{key: each[key] for key in ("name", "content_type", "size", "sha256")} for each in _objects(found, "attachments")],
        "text": mail.text,
        "indicators": [sign.sentence for sign in signs],
        "score": sum(sign.weight for sign in signs),
        "truncated": found.get("truncated") is True,
        "problems": [*_texts(found, "problems")],
    }


def mail_bytes(input: JsonObject) -> bytes:
    """Return the mail that was given as text or as base64; raises Invalid."""
    text, encoded = input.get("eml") or "", input.get("eml_base64") or ""
    if not isinstance(text, str) or not isinstance(encoded, str) or bool(text) == bool(encoded):
        raise Invalid("Exactly one of 'eml' and 'eml_base64' must have a mail in it.", hint="Give the mail's source in one of them.")
    if max(len(text), len(encoded) * 3 // 4) > LARGEST_MAIL:
        raise _too_large()
    if text:
        raw = text.encode("utf-8", "replace")
    else:
        try:
            raw = base64.b64decode("".join(encoded.split()), validate=True)
        except ValueError:
            raise Invalid("'eml_base64' is not base64.", hint="Encode the mail's bytes in base64, with padding.") from None
    if len(raw) > LARGEST_MAIL:
        raise _too_large()
    return raw


def _too_large() -> TooLarge:
    return TooLarge(f"The mail has more than {LARGEST_MAIL // 1024 // 1024} MB.", hint="Take its attachments out and read the rest.")


def _mail(found: JsonObject, links: list[Link], urls: list[str], auth: dict[str, str]) -> Mail:
    sender = found.get("from")
    sender = sender if isinstance(sender, dict) else {}
    files = [
        File(name=_text(each, "name"), macro=each.get("macro") is True, executable=each.get("executable") is True)
        for each in _objects(found, "attachments")
    ]
    return Mail(
        from_address=_text(sender, "address"), from_name=_text(sender, "name"), reply_to=_text(found, "reply_to"),
        to=(*_texts(found, "to"), *_texts(found, "cc")), subject=_text(found, "subject"), text=_text(found, "text"),
        links=tuple(links), urls=tuple(urls), files=tuple(files), spf=auth["spf"], dmarc=auth["dmarc"],
    )  # fmt: skip


def _links(found: JsonObject) -> list[Link]:
    pairs = found.get("links")
    links = []
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and _WEB.match(pair[0]):
            links.append(Link(target=_WEB.sub(lambda scheme: scheme.group().rstrip("/") + "//", pair[0], count=1), shown=str(pair[1])))
    return links


def _urls(candidates: list[str]) -> list[str]:
    urls = _canonical(ObservableType.URL, candidates)
    return [url for url in urls if _WEB.match(url) and host_of(url)]


def _canonical(type: ObservableType, values: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for value in values:
        try:
            found[observe(type, value).value] = None
        except Invalid:
            continue  # what only looked like one, as 1.2.3.400
    return list(found)


def _received(lines: list[str]) -> list[str]:
    """Return who handed the mail over at each hop, the last hop first: the address if the line has one, else the name."""
    found: dict[str, None] = {}
    for line in lines:
        head = line.partition(" by ")[0]
        bracketed, named = _BRACKETED.search(head), _HOST.match(head)
        if bracketed and (address := _canonical(ObservableType.IP, [bracketed.group(1)])):
            found[address[0]] = None
        elif named:
            found[named.group(1).lower()] = None
    return list(found)


def _authentication(results: str, received_spf: str) -> dict[str, str]:
    """Return the verdicts of the last server, whose field stands first; those below may be the attacker's."""
    auth = {"spf": "", "dkim": "", "dmarc": ""}
    for check in _AUTHENTICATION.finditer(results):
        auth[check.group(1).lower()] = auth[check.group(1).lower()] or check.group(2).lower()
    if not auth["spf"] and received_spf:
        auth["spf"] = re.sub(r"[^a-z].*", "", received_spf.lower())
    return {name: verdict or "unknown" for name, verdict in auth.items()}


def _text(found: JsonObject, key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def _texts(found: JsonObject, key: str) -> list[str]:
    value = found.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _objects(found: JsonObject, key: str) -> list[dict[str, Json]]:
    value = found.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
