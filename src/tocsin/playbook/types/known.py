"""What the inference is told of the place where an expression stands, and how it tells what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from tocsin.playbook.codes.code import Code
from tocsin.playbook.expr.tree import Path
from tocsin.playbook.types.lattice import Type

Ref: TypeAlias = "tuple[str | int, ...]"  # a name and the constant fields and items read from it
Facts: TypeAlias = Mapping[Ref, Type]  # what conditions have answered: what is here is there, and of this type
Report: TypeAlias = Callable[[Code, int, int, str, str], None]  # code, offset and length in the source, message, hint

NO_FACTS: Final[Facts] = {}


@dataclass(frozen=True, slots=True)
class Start:
    """The type of the first part of a path, how many keys belong to it, and whether it is there for certain."""

    type: Type
    taken: int = 0
    is_certain: bool = True


class Known(Protocol):
    """The names of one place."""

    def start(self, path: Path) -> Start:
        """Return the type of a name, or of the result of a step."""

    def is_answer(self, path: Path) -> bool:
        """Say whether a path reads the answer to a question."""


def ref_of(path: Path) -> Ref:
    """Return the whole of a path, numbers too."""
    return (path.root, *path.keys)
