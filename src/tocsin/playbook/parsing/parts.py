"""What every kind of step is parsed from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tocsin.core.diagnostics import Span
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import Block, Head, TemplateSlot
from tocsin.playbook.parsing.keys import Keys, duration_of, wrong_type
from tocsin.playbook.parsing.values import OPEN, template_slot
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar, Style

ReadBlock: TypeAlias = Callable[[Entry, str], Block]
ReadSteps: TypeAlias = Callable[[Node, str, Span], Block]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a step is parsed from: its keys, what was read of it already, and how blocks inside it are read."""

    keys: Keys
    head: Head
    findings: Findings
    block: ReadBlock
    steps: ReadSteps

    def required_block(self, key: str) -> Block:
        """Parse a block that must be there."""
        entry = self.keys.entry(key)
        if entry is None:
            self.keys.missing(key, f"Add {key}: with a list of steps.")
            return ()
        return self.block(entry, f"'{key}'")

    def optional_block(self, key: str) -> "Block | None":
        """Parse a block that may be there."""
        entry = self.keys.entry(key)
        return None if entry is None else self.block(entry, f"'{key}'")

    def template(self, key: str) -> TemplateSlot | None:
        """Parse a value that may hold expressions."""
        node = self.keys.node(key)
        return None if node is None else template_slot(node, self.findings)

    def duration(self, entry: Entry) -> float | None:
        """Return the duration at a key that was taken, in seconds."""
        return duration_of(entry.value, self.findings, f"'{entry.key.value}'")

    def nothing(self) -> Scalar:
        """Return a node for something that is missing and was reported."""
        return Scalar(self.head.span, None, Style.REFUSED, "")


def map_slot(parts: Parts, key: str, *, whole: bool = False) -> TemplateSlot | None:
    """Parse a map of values; with `whole` one expression may stand for all of it."""
    node = parts.keys.node(key)
    if isinstance(node, Scalar) and node.style is Style.REFUSED:
        return TemplateSlot(node)
    if node is None or (isinstance(node, Scalar) and node.value is None and node.raw == "" and whole):
        return None
    is_expression = whole and isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip().startswith(OPEN)
    if not isinstance(node, Mapping) and not is_expression:
        wrong_type(node, f"'{key}' must be a map", parts.findings)
        return TemplateSlot(node)
    return template_slot(node, parts.findings)
