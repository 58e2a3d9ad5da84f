"""What has changed between two texts of a playbook."""

import difflib
from typing import Final

_CONTEXT: Final = 3


def changes(before: str, after: str) -> tuple[str, ...]:
    """Return the changes in words, a line each."""
    return tuple(line for line in unified(before, after).split("\n") if line[:1] in "+-" and line[:3] not in ("+++", "---") and line)


def unified(before: str, after: str, *, names: tuple[str, str] = ("before", "after")) -> str:
    """Return the changes as lines with a + or a - before them; empty when there are none."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=_CONTEXT)
    return "\n".join(lines)
