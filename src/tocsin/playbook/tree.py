"""The located tree: YAML as JSON values that know where they stand in the text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from tocsin.core.diagnostics import Span

Plain: TypeAlias = str | int | float | bool | None


class Style(StrEnum):
    """How a scalar is written. REFUSED stands for what was reported already and has no value: an alias, a number out of range."""

    PLAIN = "plain"
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"
    REFUSED = "*"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text, number, boolean or null; `raw` is what stands in the source, from `span` on."""

    span: Span
    value: Plain
    style: Style
    raw: str = field(repr=False)

    @property
    def head(self) -> Span:
        """Return the place to point at."""
        return self.span


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a map with its value."""

    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map in the order of its text; keys are unique."""

    span: Span
    entries: tuple[Entry, ...]

    @property
    def head(self) -> Span:
        """Return the place to point at: the first key."""
        return self.entries[0].key.span if self.entries else self.span

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((entry for entry in self.entries if entry.key.value == key), None)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    span: Span
    items: tuple["Node", ...]

    @property
    def head(self) -> Span:
        """Return the place to point at: the first item's."""
        return self.items[0].head if self.items else self.span


Node: TypeAlias = Scalar | Mapping | Sequence


def kind_of(node: Node) -> str:
    """Name the type of a node as messages call it."""
    match node:
        case Mapping():
            return "a map"
        case Sequence():
            return "a list"
        case Scalar(value=bool()):
            return "a boolean"
        case Scalar(value=int() | float()):
            return "a number"
        case Scalar(value=None):
            return "nothing"
        case Scalar():
            return "a text"


def scalars(node: Node) -> Iterator[Scalar]:
    """Yield every scalar below a node that is a value, not a key."""
    match node:
        case Scalar():
            yield node
        case Mapping():
            for entry in node.entries:
                yield from scalars(entry.value)
        case Sequence():
            for item in node.items:
                yield from scalars(item)
