"""What is presented: a file, its text, and what was found in it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_WORDS: Final = {Level.ERROR: ("error", "errors"), Level.WARNING: ("warning", "warnings"), Level.INFO: ("note", "notes")}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One file with its findings; `text` is empty if the file could not be read."""

    file: str
    text: str | bytes
    diagnostics: tuple[Diagnostic, ...]

    @property
    def lines(self) -> list[str]:
        """Return the lines of the text as spans count them."""
        return lines_of(self.text)


def lines_of(text: str | bytes) -> list[str]:
    """Cut a text into the lines that spans count: a byte order mark is no column, and bytes that are not UTF-8 are one each."""
    source = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _BREAK.split(source.removeprefix("\ufeff"))


def severity(level: Level) -> str:
    """Name a level: error, warning or info."""
    return level.name.lower()


def findings_of(reviewed: Iterable[Reviewed]) -> list[Diagnostic]:
    """Return all findings, file by file."""
    return [found for one in reviewed for found in one.diagnostics]


def counted(diagnostics: Sequence[Diagnostic], *, levels: tuple[Level, ...] = ()) -> str:
    """Count findings by level: `2 errors, 1 warning`; levels that are named are counted even if there is none."""
    parts = []
    for level, (one, many) in _WORDS.items():
        count = sum(found.level is level for found in diagnostics)
        if count or level in levels:
            parts.append(f"{count} {one if count == 1 else many}")
    return ", ".join(parts)
