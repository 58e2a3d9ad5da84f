"""Located findings about something that a person wrote: a playbook, a pack, a mapping."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much a diagnostic matters; only errors stop."""

    ERROR = 1
    WARNING = 2
    INFO = 3


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Where: 1-based lines and columns, the end exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One finding; sorts by place."""

    span: Span
    code: str
    level: Level
    message: str
    hint: str = ""
