"""What one evaluation may use up."""

from collections.abc import Mapping
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.expr.errors import ExprLimit
from tocsin.playbook.expr.grammar import MAX_TEXT, MAX_WORK

TEXT_PER_UNIT: Final = 16  # characters written for one unit of work


class Work:
    """Count down the work of one evaluation; lives as long as the evaluation and belongs to one thread."""

    __slots__ = ("left", "names")

    def __init__(self, names: Mapping[str, Json]) -> None:
        self.left = MAX_WORK
        self.names = names

    def spend(self, units: int) -> None:
        """Use up some units; one is about the handling of one item."""
        self.left -= units
        if self.left < 0:
            raise ExprLimit(
                f"The expression needs more than its {MAX_WORK:,} units of work.", hint="Handle fewer items at once, or split the step."
            )

    def write(self, length: int) -> None:
        """Use up what writing a text of `length` characters costs; call it before the text is made."""
        if length > MAX_TEXT:
            raise ExprLimit(f"The expression makes a text longer than {MAX_TEXT:,} characters.", hint="Shorten it with slice.")
        self.spend(length // TEXT_PER_UNIT + 1)
