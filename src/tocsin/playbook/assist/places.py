"""Places in a text that is being written, and the expression around one."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Span

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_KEY_LINE: Final = re.compile(r"\s*(- )*(\"[^\"]*\"|'[^']*'|[\w.-]+):(\s|$)|\s*- ")
_OPEN: Final = "${{"
_CLOSE: Final = "}}"
_FAR: Final = 4_000  # characters that are looked through for the start of an expression


@dataclass(frozen=True, slots=True)
class Spot:
    """A place between two characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Put a text in the place of what stands at a span; the span of an insertion is empty."""

    span: Span
    text: str


class Text:
    """A text with its lines. Offsets count from 0."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.starts = [0, *(found.end() for found in _BREAK.finditer(source))]

    def offset(self, spot: Spot) -> int:
        """Return the offset of a place; one beyond its line is at the line's end."""
        index = min(max(spot.line, 1), len(self.starts)) - 1
        return min(self.starts[index] + max(spot.column, 1) - 1, self.line_end(index + 1))

    def spot(self, offset: int) -> Spot:
        """Return the place of an offset."""
        index = bisect_right(self.starts, offset) - 1
        return Spot(index + 1, offset - self.starts[index] + 1)

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets."""
        first, last = self.spot(start), self.spot(end)
        return Span("", first.line, first.column, last.line, last.column)

    def line(self, number: int) -> str:
        """Return a line without its end."""
        return self.source[self.starts[number - 1] : self.line_end(number)] if 1 <= number <= len(self.starts) else ""

    def line_end(self, number: int) -> int:
        """Return the offset of the end of a line, before its break."""
        end = self.starts[number] if number < len(self.starts) else len(self.source)
        while number < len(self.starts) and end > self.starts[number - 1] and self.source[end - 1] in "\r\n":
            end -= 1
        return end

    def at(self, span: Span) -> str:
        """Return what stands at a span."""
        return self.source[self.offset(Spot(span.line, span.column)) : self.offset(Spot(span.end_line, span.end_column))]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression around a place: where its source starts and ends, and whether its braces are closed."""

    start: int
    end: int
    cursor: int  # of the text, as start and end
    source: str
    is_closed: bool = True

    @property
    def left(self) -> str:
        """Return what stands before the cursor."""
        return self.source[: self.cursor - self.start]


def expression_at(text: Text, spot: Spot) -> Expression | None:
    """Return the `${{ }}` around a place, closed or not."""
    offset = text.offset(spot)
    low = max(0, offset - _FAR)
    opening = text.source.rfind(_OPEN, low, offset)
    if opening < 0 or offset < opening + len(_OPEN):
        return None
    start = opening + len(_OPEN)
    between = text.source[start:offset]
    if _CLOSE in between or any(_KEY_LINE.match(line) for line in _BREAK.split(between)[1:]):
        return None
    limit = text.line_end(spot.line)
    other = text.source.find(_OPEN, offset, limit)
    closing = text.source.find(_CLOSE, offset, limit if other < 0 else other)
    if closing >= 0:
        return Expression(start, closing, offset, text.source[start:closing])
    return Expression(start, offset, offset, between, is_closed=False)


def contains(span: Span, spot: Spot) -> bool:
    """Say whether a place is inside a span or at its end."""
    return (span.line, span.column) <= (spot.line, spot.column) <= (span.end_line, span.end_column)
