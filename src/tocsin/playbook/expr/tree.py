"""The tree of a checked expression: immutable, every node with its offset in the source."""

from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A text, number, boolean or null that stands in the source."""

    offset: int
    value: Scalar


@dataclass(frozen=True, slots=True)
class Path:
    """A name and the constant fields and items read from it: `alert.user`, `steps.mail.urls[0]`."""

    offset: int
    root: str
    keys: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """A field or item of a value that is no plain path, or that is computed: `x[y]`, `(x | first).url`."""

    offset: int
    value: "Node"
    key: "Node"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list literal."""

    offset: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object literal; keys are always constant."""

    offset: int
    entries: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """`a and b and ...`."""

    offset: int
    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`a or b or ...`."""

    offset: int
    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`not a`."""

    offset: int
    value: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """`a if condition else b`."""

    offset: int
    condition: "Node"
    then: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Joined:
    """`a ~ b ~ ...`, always a text."""

    offset: int
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """`a < b` and its like; the operator as `grammar.COMPARISONS` writes it."""

    offset: int
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`a + b` and its like; the operator as `grammar.ARITHMETIC` writes it."""

    offset: int
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Negative:
    """`-a`."""

    offset: int
    value: "Node"


@dataclass(frozen=True, slots=True)
class Fallback:
    """`a | default(b)`: b if a is missing or null."""

    offset: int
    value: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Applied:
    """`a | filter(...)`: the arguments complete and in the order of the filter's rule."""

    offset: int
    value: "Node"
    filter: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MappedOver:
    """`a | map('filter', ...)`: the filter applied to every item of a list."""

    offset: int
    value: "Node"
    filter: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Tested:
    """`a is defined`, `a is none`."""

    offset: int
    test: str
    value: "Node"


Node: TypeAlias = (
    Constant
    | Path
    | Index
    | ListOf
    | ObjectOf
    | AllOf
    | AnyOf
    | Not
    | Choice
    | Joined
    | Compared
    | Arithmetic
    | Negative
    | Fallback
    | Applied
    | MappedOver
    | Tested
)
