"""The line that a finding is about, with a caret under what is meant."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Span

WIDEST: Final = 120  # characters of a source line that are shown


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a line. `indent` and `width` are columns of a terminal, in which some characters take two and some none."""

    line: int
    before: str
    marked: str
    after: str
    indent: int
    width: int

    @property
    def text(self) -> str:
        """Return the part of the line as it is shown."""
        return self.before + self.marked + self.after


def excerpt_of(span: Span, lines: Sequence[str]) -> Excerpt | None:
    """Return the line of a span; None if the text does not have it."""
    if not 1 <= span.line <= len(lines):
        return None
    line = lines[span.line - 1]
    start = max(0, span.column - 1 - WIDEST // 2) if span.column > WIDEST else 0
    part = "".join(map(_visible, line[start : start + WIDEST]))
    first = span.column - 1 - start
    last = span.end_column - 1 - start if span.end_line == span.line else len(part)
    last = first + max(1, min(last, max(len(part), first + 1)) - first)
    before, marked = part[:first], part[first:last]
    indent = columns_of(before) + max(0, first - len(part))
    return Excerpt(span.line, before, marked, part[last:], indent, max(1, columns_of(marked)))


def columns_of(text: str) -> int:
    """Say how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _visible(character: str) -> str:
    """Return what is shown for a character: one for one, so that places stay."""
    if character == "\t":
        return " "
    return character if character.isprintable() else "\ufffd"
