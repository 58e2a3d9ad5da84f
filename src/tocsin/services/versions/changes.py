"""What has changed between two versions of a playbook: what it means, and the lines."""

import difflib
from typing import Final

from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.diff import Change, diff
from tocsin.playbook.plan import Plan

_CONTEXT: Final = 3


def changes(before: Plan | None, after: Plan | None, *, catalogue: Catalogue) -> tuple[Change, ...]:
    """Return what a change means; nothing when one of them has errors and so no meaning."""
    return () if before is None or after is None else diff(before, after, catalogue=catalogue)


def unified(before: str, after: str, *, names: tuple[str, str] = ("before", "after")) -> str:
    """Return the changes as lines with a + or a - before them; empty when there are none."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="", n=_CONTEXT)
    return "\n".join(lines)
