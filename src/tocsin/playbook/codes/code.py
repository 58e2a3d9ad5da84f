"""What is known of one diagnostic code: the data behind its message, its page and its tests."""

from dataclasses import dataclass
from textwrap import dedent, indent

from tocsin.core.diagnostics import Level

FRAME = "schema: tocsin/playbook@1\nid: example\ntitle: An example\nsteps:\n"


@dataclass(frozen=True, slots=True)
class Code:
    """A code is for ever: its id and meaning never change, and an id is never used again.

    `bad` and `good` are whole playbooks, or lists of steps that `playbook_of` makes whole. A test checks both.
    """

    id: str
    slug: str
    level: Level
    title: str
    reason: str
    bad: str
    good: str


def playbook_of(example: str) -> str:
    """Return an example as a whole playbook."""
    text = dedent(example).strip("\n") + "\n"
    return FRAME + indent(text, "  ") if text.startswith("- ") else text
