"""Filters that encode, decode and digest."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import shown
from tocsin.playbook.expr.filters.kinds import Refusal, text
from tocsin.playbook.expr.grammar import ENCODINGS
from tocsin.playbook.expr.values import as_json, as_text, joined

_SPACE: Final = re.compile(r"[ \t\r\n]+")
_TO_STANDARD: Final = str.maketrans("-_", "+/")


def _json(work: Work, value: Json) -> Json:
    return as_json(work, value)


def _from_json(work: Work, value: Json) -> Json:
    source = text(value)
    work.spend(len(source) // 8 + 1)
    try:
        decoded: Json = msgspec.json.decode(source)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise Refusal(f"cannot read the text: {shown(str(error))}.", hint="Give it one JSON value.") from None
    return decoded


def _bytes(work: Work, value: Json) -> bytes:
    source = text(value)
    work.write(len(source))
    try:
        return source.encode()
    except UnicodeEncodeError:
        raise Refusal("cannot use the text: it has half a character in it.") from None


def _b64encode(work: Work, value: Json) -> Json:
    return base64.b64encode(_bytes(work, value)).decode("ascii")


def _b64decode(work: Work, value: Json, encoding: Json) -> Json:
    source, charset = text(value), _charset(text(encoding, "encoding"))
    work.write(2 * len(source))
    # as it is found in logs: folded, in the URL alphabet, without padding
    plain = _SPACE.sub("", source).translate(_TO_STANDARD).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode(charset)
    except (binascii.Error, ValueError):
        hint = "For PowerShell's -EncodedCommand use b64decode('utf-16le'); for bytes that are no text use 'latin-1'."
        raise Refusal(f"cannot decode '{shown(source)}' to text in {charset}.", hint=hint) from None


def _charset(name: str) -> str:
    if name in ENCODINGS:
        return name
    raise Refusal(f"does not know the encoding '{shown(name)}'.", hint=f"There are: {', '.join(ENCODINGS)}.")


def check_b64decode(constants: list[Json]) -> None:
    """Refuse a constant encoding that there is not."""
    if isinstance(constants[0], str):
        _charset(constants[0])


def _urlencode(work: Work, value: Json) -> Json:
    if isinstance(value, dict):
        pairs = [f"{_quoted(work, name)}={_quoted(work, as_text(work, one))}" for name, one in value.items()]
        return joined(work, pairs, "&")
    return _quoted(work, text(value))


def _quoted(work: Work, source: str) -> str:
    work.write(3 * len(source))
    try:
        return quote(source, safe="")
    except UnicodeEncodeError:
        raise Refusal("cannot use the text: it has half a character in it.") from None


def _sha256(work: Work, value: Json) -> Json:
    return hashlib.sha256(_bytes(work, value)).hexdigest()


FILTERS: Final[dict[str, Callable[..., Json]]] = {
    "json": _json,
    "from_json": _from_json,
    "b64encode": _b64encode,
    "b64decode": _b64decode,
    "urlencode": _urlencode,
    "sha256": _sha256,
}
