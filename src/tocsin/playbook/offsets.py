"""Find where in the source a character of a scalar's value stands: quotes, escapes and folded lines come between."""

import re
from functools import lru_cache
from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.playbook.tree import Scalar, Style

_ESCAPE: Final = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r\n|.)", re.DOTALL)
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_BLANK: Final = frozenset(" \t\r\n")


def locate(scalar: Scalar, start: int, end: int) -> Span:
    """Return the place of the characters `start` to `end` (exclusive) of a scalar's value."""
    if not isinstance(scalar.value, str):
        return scalar.span
    places = _places(scalar.value, scalar.raw, scalar.style)
    first = places[min(start, len(places) - 1)]
    last = places[min(max(end - 1, start), len(places) - 1)] + 1
    line, column = _line_and_column(scalar, first)
    end_line, end_column = _line_and_column(scalar, last)
    return Span(scalar.span.file, line, column, end_line, end_column)


def _line_and_column(scalar: Scalar, index: int) -> tuple[int, int]:
    line, start = scalar.span.line, 1 - scalar.span.column
    for found in _BREAK.finditer(scalar.raw, 0, index):
        line, start = line + 1, found.end()
    return line, index - start + 1


@lru_cache(4)  # a long text with many mistakes is walked once
def _places(value: str, raw: str, style: Style) -> list[int]:
    """Return for each character of the value, and for its end, the index in `raw`.

    Both are walked side by side. A blank that the reader made of a line's end and indentation stays on the spot; any other character
    is looked for behind the blanks.
    """
    position, last = _first(raw, style), max(len(raw) - 1, 0)
    places: list[int] = []
    for character in value:
        if character not in _BLANK:
            position = _after_blanks(raw, position, style)
        places.append(min(position, last))
        position += _width(raw, position, character, style)
    return [*places, min(position, len(raw))]


def _first(raw: str, style: Style) -> int:
    if style in (Style.SINGLE, Style.DOUBLE):
        return 1
    if style in (Style.LITERAL, Style.FOLDED):
        found = _BREAK.search(raw)
        return found.end() if found else len(raw)
    return 0


def _after_blanks(raw: str, position: int, style: Style) -> int:
    while position < len(raw):
        if raw[position] in _BLANK:
            position += 1
        elif style is Style.DOUBLE and raw[position] == "\\" and raw[position + 1 : position + 2] in ("\n", "\r"):
            position += 2  # a line's end that was escaped is no part of the value
        else:
            break
    return position


def _width(raw: str, position: int, character: str, style: Style) -> int:
    """Say how many characters of the source made this one of the value."""
    if style is Style.DOUBLE and raw.startswith("\\", position):
        found = _ESCAPE.match(raw, position)
        return len(found.group()) if found else 1
    if style is Style.SINGLE and character == "'":
        return 2
    return 0 if character in _BLANK and raw[position : position + 1] != character else 1
