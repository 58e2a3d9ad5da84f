"""Take a mail apart: its bytes on stdin, JSON on stdout.

Runs as a process of its own and by its path, so it imports only the standard library, and little of that.
Everything is bounded before it is parsed: header fields on the bytes, parts by number and depth, texts by length.
"""

import binascii
import hashlib
import html
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

MOST_FIELDS = 500
FIELD_BYTES = 16 * 1024
HEADER_BYTES = 1024 * 1024
MOST_PARTS = 200
DEEPEST = 20
MOST_FALSE_BOUNDARIES = 10_000
PARAMETER_CHARS = 4096
MOST_ADDRESSES = 200
MOST_LINKS = 500
MOST_PROBLEMS = 50
TEXT_CHARS = 64 * 1024
SCANNED_CHARS = 1024 * 1024  # of all texts, in which links and addresses are looked for
URL_CHARS = 2048

_BLANK = re.compile(rb"\n\r?\n")
_LINE = re.compile(rb"[^\n]*\n?")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]{0,2000})\?=")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_URL = re.compile(r"(?<![a-z0-9])(?:h(?:tt|xx)ps?(?:://|\[:\]//|\[://\])|www(?:\.|\[\.\]))[^\s<>\"'`{}|\\^]{1,2048}", re.I)
_ADDRESS = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_TAG = re.compile(r"[a-z][a-z0-9:-]{0,40}", re.I)
_SPACE = re.compile(r"[\s/]*")
_ATTRIBUTE = re.compile(r"([^\s\"'>/=]{1,100})\s{0,50}(=?)\s{0,50}")
_BARE_VALUE = re.compile(r"[^\s>]*")
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "blockquote"})
_ADDRESSED = {"a": "href", "area": "href", "form": "action", "base": "href"}
_VBA = "_VBA_PROJECT".encode("utf-16-le")


class Problems:
    """What was odd about a mail, each once; `cut` when something was left out."""

    __slots__ = ("cut", "notes")  # no dataclass: importing them would double the time that the child takes to start

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.cut = False

    def note(self, text: str, *, cut: bool = False) -> None:
        """Keep a note."""
        self.cut = self.cut or cut
        if text not in self.notes and len(self.notes) < MOST_PROBLEMS:
            self.notes.append(text)


class Found:
    """What was collected from a mail's parts."""

    __slots__ = ("attachments", "links", "plain", "rich", "scanned")

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.rich: list[str] = []
        self.links: list[tuple[str, str]] = []  # target, the text that is shown
        self.attachments: list[dict[str, object]] = []
        self.scanned = 0


Fields = list[tuple[str, bytes]]


def header_fields(raw: bytes, problems: Problems, start: int = 0, end: int | None = None) -> tuple[Fields, int]:
    """Return the fields at the head of a mail or part, names in lower case, and where its body begins."""
    end = len(raw) if end is None else end
    if raw.startswith((b"\n", b"\r\n"), start):
        return [], min(end, raw.index(b"\n", start) + 1)
    blank = _BLANK.search(raw, start, end)
    stop, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    if stop - start > HEADER_BYTES:
        problems.note(f"The header has more than {HEADER_BYTES // 1024} KB and was cut.", cut=True)
        stop = start + HEADER_BYTES
    fields: list[tuple[str, bytearray]] = []
    at = start
    while at < stop:
        matched = _LINE.match(raw, at, stop)
        line = matched.group() if matched else b""
        if not line:
            break
        if not _take_line(line.rstrip(b"\r\n"), fields, problems, first=at == start):
            break
        at += len(line)
    return [(name, bytes(value)) for name, value in fields], body


def _take_line(line: bytes, fields: list[tuple[str, bytearray]], problems: Problems, *, first: bool) -> bool:
    if line[:1] in (b" ", b"\t"):
        if fields:
            _extend(fields[-1], b" " + line.lstrip(b" \t"), problems)
        return True
    matched = _FIELD.match(line)
    if not matched:
        if not (first and line.startswith(b"From ")):
            problems.note("A header line is no header field and was left out.")
        return True
    if len(fields) >= MOST_FIELDS:
        problems.note(f"The header has more than {MOST_FIELDS} fields; the rest was left out.", cut=True)
        return False
    fields.append((matched.group(1).decode("ascii").lower(), bytearray()))
    _extend(fields[-1], line[matched.end() :].strip(b" \t"), problems)
    return True


def _extend(entry: tuple[str, bytearray], more: bytes, problems: Problems) -> None:
    room = FIELD_BYTES - len(entry[1])
    if len(more) > room:
        problems.note(f"The header field '{entry[0]}' has more than {FIELD_BYTES // 1024} KB and was cut.", cut=True)
    entry[1].extend(more[:room])


def first(fields: Fields, name: str) -> str:
    """Return the text of a field's first occurrence, not decoded."""
    return next((as_text(value) for key, value in fields if key == name), "")


def as_text(value: bytes, charset: str = "utf-8") -> str:
    """Read bytes in a charset; what does not fit is read as Latin-1."""
    try:
        return value.decode(charset)
    except (LookupError, ValueError):
        return value.decode("latin-1")


def decoded(text: str) -> str:
    """Decode RFC 2047 words; neighbours in one charset are joined first, as a character may be split between them."""
    out: list[str] = []
    run, charset, at = b"", "", 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        if run and (between.strip() or word.group(1).lower() != charset):
            out.append(as_text(run, charset))
            run = b""
        if between.strip() or (between and at == 0):
            out.append(between)
        charset, at = word.group(1).lower(), word.end()
        run += _word_bytes(word.group(2), word.group(3))
    if run:
        out.append(as_text(run, charset))
    return clean("".join([*out, text[at:]]))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    return _base64(data)


def _base64(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        pass
    try:
        return binascii.a2b_base64(data + b"==")
    except binascii.Error:
        return data


def clean(text: str) -> str:
    """Return a text on one line without control characters."""
    return " ".join(_CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).split())


def addresses(text: str) -> list[tuple[str, str]]:
    """Return (name, address) of each address in a field."""
    try:
        pairs = getaddresses([text])
    except (RecursionError, ValueError, IndexError):
        return []
    return [(decoded(name), clean(address).lower()) for name, address in pairs if "@" in address]


def _all_addresses(fields: Fields, name: str, problems: Problems) -> list[str]:
    found: list[str] = []
    for key, value in fields:
        if key == name and len(found) <= MOST_ADDRESSES:
            found.extend(address for _, address in addresses(as_text(value)))
    if len(found) > MOST_ADDRESSES:
        problems.note(f"The field '{name}' has more than {MOST_ADDRESSES} addresses; the rest was left out.", cut=True)
    return list(dict.fromkeys(found[:MOST_ADDRESSES]))


def date_of(text: str) -> str:
    """Return a field's date in UTC as RFC 3339, or nothing."""
    try:
        moment = parsedate_to_datetime(text[:200])
        return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def walk(raw: bytes, fields: Fields, body: int, problems: Problems) -> Found:
    """Collect texts, links and attachments of all parts; no recursion, so no depth can break it."""
    found, parts = Found(), 0
    waiting: list[tuple[Fields, int, int, int]] = [(fields, body, len(raw), 0)]
    while waiting:
        head, start, end, depth = waiting.pop()
        parts += 1
        if parts > MOST_PARTS:
            problems.note(f"The mail has more than {MOST_PARTS} parts; the rest was left out.", cut=True)
            break
        kind, boundary, charset, name, attached = _kind(head)
        inner: list[tuple[int, int]] = []
        if kind.startswith("multipart/"):
            inner = _split(raw, start, end, boundary, problems)
            if not inner:
                problems.note("A multipart has no parts; it was read as text.")
                _leaf(raw[start:end], head, ("text/plain", charset, "", False), found, problems)
        else:
            _leaf(raw[start:end], head, (kind, charset, name, attached), found, problems)
            if kind == "message/rfc822" and first(head, "content-transfer-encoding").strip().lower() in ("", "7bit", "8bit", "binary"):
                inner = [(start, end)]
        if inner and depth >= DEEPEST:
            problems.note(f"The mail is nested more than {DEEPEST} deep; what is deeper was left out.", cut=True)
            continue
        for begin, stop in reversed(inner):
            part_fields, part_body = header_fields(raw, problems, begin, stop)
            waiting.append((part_fields, part_body, stop, depth + 1))
    return found


def _kind(fields: Fields) -> tuple[str, bytes, str, str, bool]:
    """Return content type, boundary, charset, file name and whether the part is an attachment."""
    part = Message()
    for name in ("content-type", "content-disposition"):
        if text := first(fields, name):
            part[name] = clean(text[:PARAMETER_CHARS])
    try:
        kind = part.get_content_type()
        boundary = str(part.get_boundary("")).strip()[:200].encode("utf-8", "replace")
        charset = clean(str(part.get_content_charset("utf-8")))[:40]
        name = decoded(str(part.get_filename("")))[:255]
        return kind, boundary, charset, name, part.get_content_disposition() == "attachment"
    except (ValueError, LookupError, RecursionError, TypeError, AttributeError):
        return "application/octet-stream", b"", "utf-8", "", True


def _split(raw: bytes, start: int, end: int, boundary: bytes, problems: Problems) -> list[tuple[int, int]]:
    if not boundary:
        return []
    mark, open_at, at, false = b"\n--" + boundary, -1, max(start - 1, 0), 0
    parts: list[tuple[int, int]] = []
    while (at := raw.find(mark, at, end)) >= 0 and len(parts) <= MOST_PARTS:
        after = at + len(mark)
        line_end = raw.find(b"\n", after, min(end, after + 200))
        rest = raw[after : line_end if line_end >= 0 else min(end, after + 200)].strip()
        if rest not in (b"", b"--"):
            at, false = after, false + 1
            if false > MOST_FALSE_BOUNDARIES:
                problems.note("A multipart has too many lines that only look like boundaries; the rest of it is one part.", cut=True)
                break
            continue
        if open_at >= 0:
            parts.append((open_at, max(open_at, at - 1 if raw[at - 1 : at] == b"\r" else at)))
        if rest:
            return parts
        open_at = at = line_end + 1 if line_end >= 0 else end
        at = max(at - 1, after)
    if open_at >= 0:
        parts.append((open_at, end))
    return parts


def _leaf(data: bytes, fields: Fields, kind: tuple[str, str, str, bool], found: Found, problems: Problems) -> None:
    content_type, charset, name, attached = kind
    data = _unpacked(data, first(fields, "content-transfer-encoding").strip().lower(), problems)
    is_text = content_type in ("text/plain", "text/html")
    if attached or name or not is_text:
        found.attachments.append(_attachment(data, content_type, name))
        if content_type != "text/html" and not name.lower().endswith((".htm", ".html", ".shtml")):
            return
        content_type = "attached html"
    room = SCANNED_CHARS - found.scanned
    if len(data) > 4 * room or room <= 0:
        problems.note("The mail has more than 1 MB of text; the rest was not looked through.", cut=True)
    text = _read(data[: 4 * max(room, 0)], charset, problems)[: max(room, 0)]
    found.scanned += len(text)
    if content_type == "text/plain":
        found.plain.append(text)
        return
    shown = html_text(text, found.links)
    if content_type == "text/html":
        found.rich.append(shown)


def _unpacked(data: bytes, encoding: str, problems: Problems) -> bytes:
    if encoding == "base64":
        return _base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding not in ("", "7bit", "8bit", "binary"):
        problems.note(f"A part has the unknown encoding '{clean(encoding)[:40]}'; it was taken as it is.")
    return data


def _read(data: bytes, charset: str, problems: Problems) -> str:
    try:
        return data.decode(charset)
    except LookupError:
        problems.note(f"A text has the unknown charset '{charset}'; it was read as UTF-8 or Latin-1.")
    except ValueError:
        problems.note(f"A text does not fit its charset '{charset}'; it was read as UTF-8 or Latin-1.")
    return as_text(data)


def _attachment(data: bytes, content_type: str, name: str) -> dict[str, object]:
    macro = (data[:2] == b"PK" and b"vbaProject.bin" in data) or (data[:4] == b"\xd0\xcf\x11\xe0" and _VBA in data)
    executable = data[:2] == b"MZ" or data[:4] == b"\x7fELF"
    digest = hashlib.sha256(data).hexdigest()
    return {"name": name, "content_type": content_type[:100], "size": len(data), "sha256": digest, "macro": macro, "executable": executable}


def html_text(source: str, links: list[tuple[str, str]]) -> str:
    """Return the text a reader of HTML sees, and add its links with the texts they show. Reads each character once."""
    out: list[str] = []
    target, since, hidden = "", 0, ""
    for tag, attributes, text in _tags(source):
        if not hidden:
            out.append(html.unescape(text))
        if tag in ("script", "style", "/script", "/style"):
            hidden = tag if tag[0] != "/" else ""
        if target and tag in ("a", "/a", ""):
            _add_link(links, target, "".join(out[since:]))
            target = ""
        if tag in _ADDRESSED and (address := attributes.get(_ADDRESSED[tag], "").strip()):
            if tag == "a":
                target, since = address, len(out)
            else:
                _add_link(links, address, "")
        if tag.lstrip("/") in _BREAKS:
            out.append("\n")
    return "".join(out)


def _add_link(links: list[tuple[str, str]], target: str, shown: str) -> None:
    if len(links) < MOST_LINKS:
        links.append((_CONTROL.sub("", target.replace("\n", "").replace("\t", ""))[:URL_CHARS], clean(shown[:4000])[:500]))


def _tags(source: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield each tag's name, its attributes and the text before it; at the end no name and the rest."""
    at = text_from = 0
    while (at := source.find("<", at)) >= 0:
        if source.startswith("<!--", at):
            stop = source.find("-->", at + 4)
            yield "!", {}, source[text_from:at]
            at = text_from = stop + 3 if stop >= 0 else len(source)
            continue
        closing = source.startswith("/", at + 1)
        name = _TAG.match(source, at + 1 + closing)
        if not name:
            at += 1
            continue
        before = source[text_from:at]
        attributes, at = _attributes(source, name.end())
        text_from = at
        yield ("/" if closing else "") + name.group().lower(), attributes, before
    yield "", {}, source[text_from:]


def _attributes(source: str, at: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    while (at := _end_of(_SPACE, source, at)) < len(source):
        if source[at] == ">":
            return found, at + 1
        matched = _ATTRIBUTE.match(source, at)
        if not matched:
            at += 1
            continue
        name, at = matched.group(1).lower(), matched.end()
        value = ""
        if matched.group(2) and at < len(source):
            quote = source[at]
            if quote in "\"'":
                stop = source.find(quote, at + 1)
                stop = stop if stop >= 0 else len(source)
                value, at = source[at + 1 : stop], stop + 1
            else:
                stop = _end_of(_BARE_VALUE, source, at)
                value, at = source[at:stop], stop
        found.setdefault(name, html.unescape(value[: 2 * URL_CHARS]))
    return found, len(source)


def _end_of(pattern: re.Pattern[str], source: str, at: int) -> int:
    matched = pattern.match(source, at)
    return matched.end() if matched else at


def _matches(pattern: re.Pattern[str], texts: list[str], most: int, problems: Problems, what: str) -> list[str]:
    found: dict[str, None] = {}
    for text in texts:
        for matched in pattern.finditer(text):
            found[matched.group()] = None
            if len(found) > most:
                problems.note(f"The mail has more than {most} {what}; the rest was left out.", cut=True)
                return list(found)[:most]
    return list(found)


def _trimmed(url: str) -> str:
    url = url.rstrip(".,;:!?*_")
    for left, right in ("()", "[]"):
        while url.endswith(right) and url.count(left) < url.count(right):
            url = url[:-1].rstrip(".,;:!?*_")
    return url


def read_mail(raw: bytes) -> dict[str, object]:
    """Return what is in a mail; `error` when it cannot be read."""
    problems = Problems()
    fields, body = header_fields(raw, problems)
    if not fields:
        return {"error": "It has no header field, so it is no mail."}
    found = walk(raw, fields, body, problems)
    texts = [*found.plain, *found.rich]
    shown = "\n".join(found.plain if any(text.strip() for text in found.plain) else found.rich)
    shown = shown.replace("\r\n", "\n").encode("utf-8", "replace").decode("utf-8")
    if len(shown) > TEXT_CHARS:
        problems.note("The text has more than 64 KB and was cut.", cut=True)
    if len(found.links) >= MOST_LINKS:
        problems.note(f"The mail has more than {MOST_LINKS} links; the rest was left out.", cut=True)
    name, address = next(iter(addresses(first(fields, "from"))), (decoded(first(fields, "from")), ""))
    return {
        "message_id": clean(first(fields, "message-id")).strip("<> "),
        "subject": decoded(first(fields, "subject"))[:2000],
        "from": {"name": name[:500], "address": address[:320]},
        "reply_to": next(iter(_all_addresses(fields, "reply-to", problems)), ""),
        "return_path": next(iter(_all_addresses(fields, "return-path", problems)), ""),
        "to": _all_addresses(fields, "to", problems),
        "cc": _all_addresses(fields, "cc", problems),
        "date": date_of(first(fields, "date")),
        "received": [clean(as_text(value[:1000])) for name, value in fields if name == "received"][:50],
        "authentication": clean(first(fields, "authentication-results"))[:4000],
        "received_spf": clean(first(fields, "received-spf"))[:200],
        "links": found.links,
        "urls": [_trimmed(url) for url in _matches(_URL, texts, MOST_LINKS, problems, "addresses of pages")],
        "emails": _matches(_ADDRESS, texts, MOST_ADDRESSES, problems, "mail addresses"),
        "ips": _matches(_IPV4, texts, MOST_ADDRESSES, problems, "IP addresses"),
        "attachments": found.attachments,
        "text": shown[:TEXT_CHARS],
        "truncated": problems.cut,
        "problems": problems.notes,
    }


def _limit_this_process() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
    resource.setrlimit(resource.RLIMIT_AS, (256 * 1024 * 1024, 256 * 1024 * 1024))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))


def main() -> None:
    """Read a mail from stdin and write what is in it to stdout."""
    _limit_this_process()
    try:
        answer = read_mail(sys.stdin.buffer.read())
    except MemoryError:
        answer = {"error": "It needs more memory than a mail may take."}
    except RecursionError:
        answer = {"error": "It is nested too deeply."}
    sys.stdout.buffer.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
