"""What the commands print: data on stdout, what is wrong on stderr, and nothing that a terminal would obey."""

import json
import sys

from tocsin.core.errors import ErrorKind, TocsinError
from tocsin.core.values import Json

FAILED, BAD_INPUT = 1, 2
_OUR_FAULT = frozenset({ErrorKind.TRANSIENT, ErrorKind.UNKNOWN, ErrorKind.LOST, ErrorKind.CORRUPT, ErrorKind.AUTH_FAILED})


def shown(text: str) -> str:
    """Return text on one line whose control, format and bidirectional characters are named instead of obeyed."""
    from tocsin.services.inert import shown as named

    return " ".join(named(text).split("\n"))


def as_line(value: Json) -> str:
    """Write JSON on one line; what a terminal could obey is escaped, and the value is the same."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text if text.isprintable() else "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def put(text: str) -> None:
    """Print a line on stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Print a line on stderr."""
    sys.stderr.write(f"{shown(text)}\n")
    sys.stderr.flush()


def complain(error: TocsinError) -> int:
    """Say on stderr what is wrong and what to do; return the exit code."""
    warn(f"tocsin: {error}")
    return FAILED if error.kind in _OUR_FAULT else BAD_INPUT
