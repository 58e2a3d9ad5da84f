"""Find the `${{ … }}` in a text."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from tocsin.playbook.expr.errors import ExprError
from tocsin.playbook.expr.grammar import MAX_SOURCE
from tocsin.playbook.expr.lexer import STRING

OPEN: Final = "${{"
_CLOSE: Final = "}}"
_MARK: Final = re.compile(rf"{STRING}|[{{}}]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Slot:
    """One expression in a text: what stands between the braces, and where that starts."""

    source: str
    start: int


Piece: TypeAlias = str | Slot


def pieces_of(text: str) -> list[Piece]:
    """Cut a text into literal parts and slots; `$${{` is a literal `${{`. Raises ExprError for a slot that is not closed."""
    pieces: list[Piece] = []
    literal, position = "", 0
    while (opening := text.find(OPEN, position)) >= 0:
        literal += text[position:opening]
        if opening > 0 and text[opening - 1] == "$" and opening > position:
            literal, position = literal[:-1] + OPEN, opening + len(OPEN)
            continue
        start = opening + len(OPEN)
        end = _closing(text, start)
        pieces += [literal, Slot(text[start:end], start)] if literal else [Slot(text[start:end], start)]
        literal, position = "", end + len(_CLOSE)
    literal += text[position:]
    return [*pieces, literal] if literal else pieces


def _closing(text: str, start: int) -> int:
    """Find the end of a slot: quotes hide braces, and an object literal has some of its own."""
    depth, position, limit = 0, start, start + MAX_SOURCE + len(_CLOSE)
    while (found := _MARK.search(text, position, limit)) is not None:
        mark, position = found.group(), found.end()
        if mark == "{":
            depth += 1
        elif mark == "}":
            if depth == 0 and text.startswith("}", position):
                return found.start()
            depth = max(0, depth - 1)
    if len(text) > limit and _CLOSE in text[limit:]:
        hint = f"Close it with }}}}; an expression has at most {MAX_SOURCE:,} characters."
    else:
        hint = "Close it with }}, or write $${{ for the characters themselves."
    raise ExprError("A ${{ is not closed.", hint=hint, offset=start - len(OPEN))
