"""What the hint of a diagnostic says can be done, done."""

import re
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Diagnostic, Span
from tocsin.playbook.assist.places import Edit, Text

_MEANT: Final = re.compile(r"^Did you mean '([^'\s]{1,80})'\?")
_WRITE: Final = re.compile(r"^Write ((?:id: )?[A-Za-z_][\w.-]*)(?:\.$|, or )")
_WORD: Final = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Fix:
    """One change that a diagnostic proposes."""

    title: str
    edit: Edit


def fix_of(found: Diagnostic, source: str) -> Fix | None:
    """Return the change that a diagnostic proposes; None if only a person can know."""
    text = Text(source)
    written = text.at(found.span)
    hint = _MEANT.match(found.hint) or _WRITE.match(found.hint)
    if hint is None or not written or "\n" in written:
        return None
    better = hint.group(1).removeprefix("id: ")
    span, bare = _inner(found.span, written)
    if not _WORD.fullmatch(bare) or bare == better:
        return None
    return Fix(f"Replace '{bare}' by '{better}'", Edit(span, better))


def _inner(span: Span, written: str) -> tuple[Span, str]:
    """Leave quotes where they are."""
    if len(written) > 1 and written[0] in "'\"" and written[-1] == written[0]:
        return Span(span.file, span.line, span.column + 1, span.end_line, span.end_column - 1), written[1:-1]
    return span, written
