"""Raw events in files: NDJSON, one JSON array, or mails."""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path

from tocsin.api.strict_json import read_json
from tocsin.core.errors import Invalid, NotFound
from tocsin.core.values import Json, JsonObject, iso

LARGEST_ARRAY = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RawLine:
    """One event as it stands in a file; `line` counts from 1, and in an array it counts the elements."""

    file: str
    line: int
    text: bytes

    def read(self) -> JsonObject:
        """Return the event; raises Invalid."""
        event = read_json(self.text)
        if not isinstance(event, dict):
            raise Invalid("The line is not a JSON object.")
        return event


def raw_lines(files: list[Path]) -> Iterator[RawLine]:
    """Yield the events of files in their order, without blank lines; `-` is stdin. Raises Invalid or NotFound for a file of no use."""
    for file in files:
        count = 0
        for found in _of(file):
            count += 1
            yield found
        if count == 0:
            raise Invalid(f"There is nothing in {_name(file)}.", hint="Give a file with one JSON object a line.")


def _of(file: Path) -> Iterator[RawLine]:
    name = _name(file)
    try:
        if file.suffix.lower() == ".eml":
            yield RawLine(name, 1, _as_bytes(mail_event(file)))
            return
        with open(sys.stdin.fileno() if str(file) == "-" else file, "rb", closefd=str(file) != "-") as opened:
            first = b""
            for number, line in enumerate(opened, start=1):
                first = first or line.strip()
                if first[:1] == b"[" and not first.endswith(b"]"):
                    yield from _array(name, line + opened.read(LARGEST_ARRAY))
                    return
                if first[:1] == b"[":
                    yield from _array(name, line)
                    first = b""
                elif line.strip():
                    yield RawLine(name, number, line.strip(b"\r\n"))
    except FileNotFoundError:
        raise NotFound(f"There is no file {name}.", hint="Check the path.") from None
    except OSError as error:
        raise Invalid(f"The file {name} cannot be read: {error.strerror}.") from None


def _array(name: str, text: bytes) -> Iterator[RawLine]:
    try:
        events = read_json(text)
    except Invalid:
        # Not an array after all: each line speaks for itself.
        yield from (RawLine(name, number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())
        return
    for number, event in enumerate(events if isinstance(events, list) else [events], start=1):
        yield RawLine(name, number, _as_bytes(event))


def mail_event(file: Path) -> JsonObject:
    """Return the raw event of a mail, as the sources of the pack `email` make it."""
    raw = file.read_bytes()
    head = BytesHeaderParser().parsebytes(raw)
    name, address = parseaddr(_decoded(head.get("from")))
    event: JsonObject = {
        "file": file.name,
        "received_at": iso(datetime.fromtimestamp(file.stat().st_mtime, UTC)),
        "message_id": _decoded(head.get("message-id")).strip("<> "),
        "subject": _decoded(head.get("subject")),
        "from_address": address,
        "from_name": name,
    }
    try:
        event["eml"] = raw.decode("utf-8")
    except UnicodeDecodeError:
        event["eml_base64"] = base64.b64encode(raw).decode()
    return event


def _decoded(value: object) -> str:
    """Return a header's text; what is broken in it stays as it is."""
    written = " ".join(str(value or "").split())
    try:
        return str(make_header(decode_header(written)))
    except (ValueError, LookupError, HeaderParseError):
        return written


def _as_bytes(event: Json) -> bytes:
    return json.dumps(event).encode()


def _name(file: Path) -> str:
    return "stdin" if str(file) == "-" else str(file)
