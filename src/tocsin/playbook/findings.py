"""Collect what is wrong with a text, all of it, each with its place."""

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.playbook.codes import Code


class Findings:
    """The diagnostics of one text, as they are found."""

    def __init__(self) -> None:
        self._found: set[Diagnostic] = set()

    def add(self, code: Code, span: Span, message: str, hint: str = "") -> None:
        """Note one finding; the same one twice counts once."""
        self._found.add(Diagnostic(span, code.id, code.level, message, hint))

    @property
    def has_errors(self) -> bool:
        """Say whether anything found so far stops the playbook."""
        return any(found.level is Level.ERROR for found in self._found)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """Return the findings by place."""
        return tuple(sorted(self._found))
