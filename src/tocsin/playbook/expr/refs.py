"""Which paths an expression reads, for the checker and for finding what may run at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from tocsin.playbook.expr.tree import (
    AllOf,
    AnyOf,
    Applied,
    Arithmetic,
    Choice,
    Compared,
    Constant,
    Fallback,
    Index,
    Joined,
    ListOf,
    MappedOver,
    Negative,
    Node,
    Not,
    ObjectOf,
    Path,
    Tested,
)

Ref: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """The paths read, as far as they are constant; `optional` are those that may be missing wherever they are read."""

    all: frozenset[Ref]
    optional: frozenset[Ref]


def reads(node: Node) -> Reads:
    """Collect what an expression reads."""
    found = list(_found(node, frozenset()))
    needed = {ref for ref, optional in found if not optional}
    return Reads(frozenset(ref for ref, _ in found), frozenset(ref for ref, _ in found if ref not in needed))


Found: TypeAlias = Iterator[tuple[Ref, bool]]


def _found(node: Node, guarded: frozenset[Ref], *, optional: bool = False) -> Found:
    """Yield (path, may be missing); `guarded` are paths that `is defined` has answered for."""
    match node:
        case Path():
            ref = _ref(node)
            yield ref, optional or any(ref[: len(guard)] == guard for guard in guarded)
        case Index():
            yield from _found(node.value, guarded, optional=optional)
            yield from _found(node.key, guarded)
        case Applied() | MappedOver():
            yield from _found(node.value, guarded, optional=optional)
            yield from _each(node.arguments, guarded)
            if node.filter == "ago":
                yield ("now",), False
        case Fallback():
            yield from _found(node.value, guarded, optional=True)
            yield from _found(node.otherwise, guarded)
        case Tested():
            yield from _found(node.value, guarded, optional=node.test == "defined")
        case AllOf():
            for term in node.terms:  # `x is defined and x > 3`: the second x is answered for
                yield from _found(term, guarded)
                guarded = guarded | _guards(term)
        case Choice():
            yield from _found(node.condition, guarded)
            yield from _found(node.then, guarded | _guards(node.condition))
            yield from _found(node.otherwise, guarded)
        case Compared() | Arithmetic():
            yield from _each((node.left, node.right), guarded)
        case Not() | Negative():
            yield from _found(node.value, guarded)
        case AnyOf():
            yield from _each(node.terms, guarded)
        case Joined():
            yield from _each(node.parts, guarded)
        case ListOf():
            yield from _each(node.items, guarded)
        case ObjectOf():
            yield from _each(tuple(value for _, value in node.entries), guarded)
        case Constant():
            pass
        case _:
            assert_never(node)


def _each(nodes: tuple[Node, ...], guarded: frozenset[Ref]) -> Found:
    for node in nodes:
        yield from _found(node, guarded)


def _guards(condition: Node) -> frozenset[Ref]:
    if isinstance(condition, Tested) and condition.test == "defined" and isinstance(condition.value, Path):
        return frozenset({_ref(condition.value)})
    if isinstance(condition, AllOf):
        return frozenset[Ref]().union(*map(_guards, condition.terms))
    return frozenset()


def _ref(path: Path) -> Ref:
    ref = [path.root]
    for key in path.keys:
        if not isinstance(key, str):
            break
        ref.append(key)
    return tuple(ref)
