"""Write texts and numbers: plain where YAML allows it, in quotes where it does not, in blocks where the author did."""

import json
import re
from functools import lru_cache
from typing import Final

from tocsin.playbook.findings import Findings
from tocsin.playbook.source import load
from tocsin.playbook.tree import Mapping, Scalar, Style

# Texts to us, by YAML 1.2, and something else to the many readers of YAML 1.1: the quotes stay, or come.
_OTHERWISE_READ: Final = re.compile(
    r"y|n|yes|no|on|off|=|<<|[-+]?[0-9][0-9_]*(\.[0-9_]*)?|0b[01_]+|0x[0-9a-f_]+|0o[0-7_]+"
    r"|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t \t].*)?",
    re.IGNORECASE,
)
_WORDS: Final = {True: "true", False: "false", None: "null"}
_UNESCAPED: Final = re.compile(r"[\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")


def inline(scalar: Scalar, *, is_key: bool = False, in_brackets: bool = False) -> str:
    """Write a scalar on one line."""
    if not isinstance(scalar.value, str):
        return _WORDS[scalar.value] if scalar.raw and (scalar.value is None or isinstance(scalar.value, bool)) else scalar.raw
    if _may_be_plain(scalar.value, is_key, in_brackets):
        return scalar.value
    return quoted(scalar.value)


def quoted(text: str) -> str:
    """Write a text in quotes: double ones, and single ones around text that is full of what they would escape."""
    if ('"' in text or "\\" in text) and "'" not in text and _UNESCAPED.fullmatch(text):
        return f"'{text}'"
    return "".join(one if _UNESCAPED.fullmatch(one) else json.dumps(one)[1:-1] for one in json.dumps(text, ensure_ascii=False))


@lru_cache(4096)
def _may_be_plain(text: str, is_key: bool, in_brackets: bool) -> bool:
    """Say whether a text without quotes is read as itself, here and by other readers."""
    if not text or text != text.strip() or not _UNESCAPED.fullmatch(text) or _OTHERWISE_READ.fullmatch(text):
        return False
    if is_key and (text.startswith("?") or len(text) > 1000):
        return False
    written = f"{text}: x" if is_key else f"k: {text}"
    written = f"{{{written}}}" if in_brackets else written
    node = load(written, file="", findings=Findings())
    if not isinstance(node, Mapping) or len(node.entries) != 1:
        return False
    read = node.entries[0].key if is_key else node.entries[0].value
    return isinstance(read, Scalar) and read.value == text and read.style is Style.PLAIN and read.raw == text


def block_lines(scalar: Scalar, lines: list[str], indent: int) -> list[str] | None:
    """Write a text as a block, its mark first; None if it was not written so and has no need of it."""
    if not isinstance(scalar.value, str):
        return None
    if scalar.style is Style.LITERAL:
        return _literal(scalar.value, indent)
    if scalar.style is Style.FOLDED:
        return _folded(scalar, lines, indent) or _literal(scalar.value, indent)
    return None


def refolded(scalar: Scalar, lines: list[str], indent: int) -> list[str] | None:
    """Write a text that was written over several lines without a mark as a folded block; None if that reads otherwise."""
    span = scalar.span
    if not isinstance(scalar.value, str) or span.line == span.end_line:
        return None
    body = [line.strip() for line in scalar.raw.splitlines()]
    if scalar.style is not Style.PLAIN:
        body[0], body[-1] = body[0][1:], body[-1][:-1]
    return _as_read(">-", body, scalar.value, indent)


def _literal(text: str, indent: int) -> list[str] | None:
    if not text.strip("\n") or not _UNESCAPED.fullmatch(text.replace("\n", "").replace("\t", "")):
        return None
    return _as_read("|", text.rstrip("\n").split("\n"), text, indent)


def _folded(scalar: Scalar, lines: list[str], indent: int) -> list[str] | None:
    body = lines[scalar.span.line : scalar.span.end_line]
    mark = re.search(r"[1-9]", scalar.raw.split("#")[0].split("\n")[0])
    depth = min((len(line) - len(line.lstrip(" ")) for line in body if line.strip()), default=0)
    first = next((len(line) - len(line.lstrip(" ")) for line in body if line.strip()), 0)
    cut = depth if mark else first
    return _as_read(">", [line[cut:] for line in body], str(scalar.value), indent)


def _as_read(mark: str, body: list[str], text: str, indent: int) -> list[str] | None:
    """Return the lines of a block if they are read as the text."""
    ends = len(text) - len(text.rstrip("\n"))
    chomp = "-" if ends == 0 else "+" if ends > 1 else ""
    start = next((line for line in body if line), "")
    deeper = "2" if start[:1] in (" ", "\t") else ""
    body = [*body, *[""] * (ends - 1)]
    written = [f"{mark[0]}{deeper}{chomp}", *(" " * indent + line if line else "" for line in body)]
    around = ["  " * level + "k:" for level in range(max(indent // 2, 1))]
    node = load("\n".join([*around[:-1], f"{around[-1]} {written[0]}", *written[1:], ""]), file="", findings=Findings())
    while isinstance(node, Mapping) and node.entries:
        node = node.entries[0].value
    return written if isinstance(node, Scalar) and node.value == text else None
