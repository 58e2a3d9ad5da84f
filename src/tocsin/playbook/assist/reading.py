"""Read a text that is broken where it is being written: with a mark at the cursor, and with lines left out that cannot be read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from tocsin.playbook.assist.places import Expression, Spot, Text, expression_at
from tocsin.playbook.findings import Enough, Findings
from tocsin.playbook.model import Playbook
from tocsin.playbook.parsing.playbook import parse
from tocsin.playbook.source import MAX_BYTES, load
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar, Sequence, Style

MARK: Final = "tocsin_mark"  # a name, so that it can stand in an expression too
_LEFT_OUT: Final = 8  # lines that are left out at most
_BEFORE: Final = re.compile(r"(?:\b(?:role|user):)?[\w.@/-]*$")  # who is asked has a colon inside
_AFTER: Final = re.compile(r"[\w.@/-]*")
_NEAR: Final = 20
_KEYED: Final = re.compile(r":(\s|$)")
_PAIRS: Final = {"{": "}", "[": "]"}

Trail: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True, slots=True)
class Marked:
    """The mark in the tree. `trail`: keys and places in lists that lead to it; `owners`: the maps and lists on the way."""

    root: Node
    trail: Trail
    owners: tuple[Node, ...]
    scalar: Scalar
    is_key: bool
    word: tuple[int, int]  # offsets in the text of what is being written
    expression: Expression | None

    @property
    def is_whole(self) -> bool:
        """Say whether the mark is all of its scalar."""
        return self.scalar.value == MARK

    @property
    def around(self) -> Mapping | None:
        """Return the innermost map around the mark."""
        return next((one for one in reversed(self.owners) if isinstance(one, Mapping)), None)


def tree_of(source: str) -> Node | None:
    """Read a text; lines that cannot be read are left out, a few at most."""
    if len(source) > MAX_BYTES:
        return None
    return _healed(source, keep=0)


def playbook_of(root: Node | None, *, file: str = "") -> Playbook | None:
    """Return what can be made out of a tree."""
    try:
        return None if root is None else parse(root, file=file, findings=Findings())
    except Enough:
        return None


def mark(source: str, spot: Spot) -> Marked | None:
    """Put a mark at a place, and find it in the tree; None if nothing can be made out of the text."""
    if len(source) > MAX_BYTES:
        return None
    text = Text(source)
    offset = text.offset(spot)
    spot = text.spot(offset)  # one beyond the text is at its end
    expression = expression_at(text, spot)
    word = _word(source, offset, text.line_end(spot.line))
    candidates = _in_place(text, spot, word) if expression is None else _in_expression(text, spot, expression)
    for candidate in candidates:
        root = _healed(candidate, keep=spot.line)
        if root is None:
            continue
        for found in _marks(root, (), ()):
            marked = Marked(root, found[0], found[1], found[2], found[3], word, expression)
            if _is_here(marked, spot):
                return marked
    return None


def _is_here(marked: Marked, spot: Spot) -> bool:
    """Refuse a mark that became part of a scalar that begins in a line before: there it stands by accident."""
    if marked.is_whole or marked.expression is not None:
        return True
    return marked.scalar.style is not Style.PLAIN or marked.scalar.span.line == spot.line


def _word(source: str, offset: int, limit: int) -> tuple[int, int]:
    line_start = source.rfind("\n", 0, offset) + 1
    before = _BEFORE.search(source[line_start:offset])
    after = _AFTER.match(source, offset, limit)
    return offset - (len(before.group()) if before else 0), after.end() if after else offset


def _in_expression(text: Text, spot: Spot, expression: Expression) -> Iterator[str]:
    source, limit = text.source, text.line_end(spot.line)
    head = f"{source[: expression.start]} {MARK} }}}}"
    rest, below = source[expression.end + (2 if expression.is_closed else 0) : limit], source[limit:]
    yield head + rest + below
    before = text.source[text.starts[spot.line - 1] : expression.start - 3]
    yield head + _closing(before) + below
    if not expression.is_closed:
        tail = re.search(r"[\"'\]}]+\s*$", rest)
        if tail is not None:
            yield head + tail.group() + below


def _in_place(text: Text, spot: Spot, word: tuple[int, int]) -> Iterator[str]:
    source, limit = text.source, text.line_end(spot.line)
    head, rest, below = source[: word[0]], source[word[1] : limit], source[limit:]
    closing = _closing(source[text.starts[spot.line - 1] : word[0]])
    tails = list(dict.fromkeys((rest, closing, "")))
    for tail in tails:
        yield head + MARK + tail + below
    for tail in tails:
        if not tail.startswith(":"):
            yield f"{head}{MARK}: {tail}{below}"
    spaced = head if head.endswith((" ", "\n", "[", "{", '"', "'", ",")) or not head else f"{head} "
    if spaced != head:
        yield spaced + MARK + rest + below


def _closing(line: str) -> str:
    """Return the quotes and brackets that would close what a line opens."""
    open_brackets: list[str] = []
    quote, before = "", " "
    for character in line:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and before in " [{,:":
            quote = character
        elif character in _PAIRS and before != "$" and (open_brackets or before in " [{,"):
            open_brackets.append(_PAIRS[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
        before = character
    return quote + "".join(reversed(open_brackets))


def _healed(source: str, *, keep: int) -> Node | None:
    """Read a text; the lines at which the reader gives up are left out one after another, but not the one to keep."""
    lines = source.split("\n")
    for _ in range(_LEFT_OUT):
        findings = Findings()
        root = load("\n".join(lines), file="", findings=findings)
        if root is not None or not findings.has_errors:
            return root
        line = next((found.span.line for found in findings.sorted() if found.code == "PB101"), 0)
        while line > 0 and (line > len(lines) or not lines[line - 1].strip()):
            line -= 1
        if line < 1 or line == keep:
            line = _suspect(lines, max(line, 1), keep)
        if line < 1:
            return None
        lines[line - 1] = ""
    return None


def _suspect(lines: list[str], line: int, keep: int) -> int:
    """The reader gives up at the line that must stay: find one near it that opens what it does not close, or is no line of YAML."""
    near = [*range(line - 1, max(line - _NEAR, 0), -1), *range(line + 1, min(line + _NEAR, len(lines)) + 1)]
    strange = (one for one in near if one != keep and _is_strange(lines[one - 1]))
    below = (one for one in (line + 1,) if one <= len(lines) and one != keep and lines[one - 1].strip())
    return next(strange, next(below, 0))


def _is_strange(line: str) -> bool:
    text = line.strip()
    if not text or text.startswith("#"):
        return False
    return bool(_closing(line)) or not (text.startswith("- ") or _KEYED.search(text) or text[-1] in "]},")


def _marks(node: Node, trail: Trail, owners: tuple[Node, ...]) -> Iterator[tuple[Trail, tuple[Node, ...], Scalar, bool]]:
    match node:
        case Scalar():
            if isinstance(node.value, str) and MARK in node.value:
                yield trail, owners, node, False
        case Mapping():
            for entry in node.entries:
                yield from _marks_of_entry(entry, trail, (*owners, node))
        case Sequence():
            for place, item in enumerate(node.items):
                yield from _marks(item, (*trail, place), (*owners, node))


def _marks_of_entry(entry: Entry, trail: Trail, owners: tuple[Node, ...]) -> Iterator[tuple[Trail, tuple[Node, ...], Scalar, bool]]:
    if isinstance(entry.key.value, str) and MARK in entry.key.value:
        yield trail, owners, entry.key, True
    yield from _marks(entry.value, (*trail, str(entry.key.value)), owners)
