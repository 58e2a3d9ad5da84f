"""What can be wrong with an expression. Nothing else ever escapes from compiling or evaluating one.

ExprError           the expression, or what it was given, is wrong
├── MissingField    a name, field or item that is not there; `default` and `is defined` forgive it
└── ExprLimit       more than a stated limit
"""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from tocsin.core.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

UNLOCATED = -1


class ExprError(Invalid):
    """An expression, or a value it was given, cannot be used."""

    code = "expression"

    def __init__(self, message: str, *, hint: str = "", offset: int = UNLOCATED) -> None:
        """`offset`: where in the text that was compiled, in characters."""
        super().__init__(message, hint=hint)
        self.offset = offset
        self.pointer = ""  # JSON pointer of the text inside a template

    def located(self, offset: int) -> "ExprError":
        """Say where, unless a closer place is known already."""
        if self.offset == UNLOCATED:
            self.offset = offset
        return self


class MissingField(ExprError):
    """A name, field or item is not there."""

    code = "missing-field"


class ExprLimit(ExprError):
    """More than a stated limit."""

    code = "expression-limit"


def nearest(word: str, known: "Iterable[object]") -> str:
    """Write `Did you mean 'x'?`, or nothing if no known word is near."""
    # difflib is quadratic in the length of what it compares, and field names come from attackers
    words = [name for name in known if isinstance(name, str) and len(name) <= 64][:200]
    # `user-agent` reads as a subtraction: what begins like the word is near too
    near = get_close_matches(word[:64], words, 1) or [name for name in words if word and name.startswith(word)]
    return f"Did you mean '{shown(near[0])}'?" if near else ""


def shown(text: str, most: int = 60) -> str:
    """Shorten a text that a message quotes, and take the sting out of control characters: it may be an attacker's."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return short if short.isprintable() else "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in short)
