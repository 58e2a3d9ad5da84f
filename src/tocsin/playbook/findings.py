"""Collect what is wrong with a text, all of it, each with its place."""

from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.core.errors import TooLarge
from tocsin.playbook.codes import Code

MOST: Final = 500


class Enough(TooLarge):
    """So much is wrong that nobody reads on; what was found so far stands."""

    code = "too-many-findings"


class Findings:
    """The diagnostics of one text, as they are found."""

    def __init__(self) -> None:
        self._found: set[Diagnostic] = set()

    def add(self, code: Code, span: Span, message: str, hint: str = "") -> None:
        """Note one finding; the same one twice counts once. Raises Enough after the first 500."""
        self._found.add(Diagnostic(span, code.id, code.level, message, hint))
        if len(self._found) >= MOST:
            stop = f"There are more than {MOST} findings; the rest of the text was not checked."
            self._found.add(Diagnostic(span, code.id, Level.ERROR, stop, "Correct these first."))
            raise Enough(stop)

    @property
    def has_errors(self) -> bool:
        """Say whether anything found so far stops the playbook."""
        return any(found.level is Level.ERROR for found in self._found)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return the findings by place."""
        return tuple(sorted(self._found))
