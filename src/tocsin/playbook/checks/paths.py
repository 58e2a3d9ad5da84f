"""Find the paths in an expression and where they stand."""

from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.playbook.expr.tree import Node, Path
from tocsin.playbook.model import Use
from tocsin.playbook.offsets import locate

_NOT_NODES: Final = (str, int, float, bool, type(None))


def paths_in(node: Node) -> Iterator[Path]:
    """Yield every path of an expression."""
    if isinstance(node, Path):
        yield node
        return
    for one in fields(node):
        yield from _paths(getattr(node, one.name))


def _paths(value: object) -> Iterator[Path]:
    if isinstance(value, tuple):
        for item in value:
            yield from _paths(item)
    elif not isinstance(value, _NOT_NODES):
        yield from paths_in(value)  # type: ignore[arg-type]  # the fields of nodes are nodes, tuples of them, and plain values


@lru_cache(4096)
def ref_of(path: Path) -> tuple[str, ...]:
    """Return the constant fields of a path, as `Expression.refs` gives them."""
    parts = [path.root]
    for key in path.keys:
        if not isinstance(key, str):
            break
        parts.append(key)
    return tuple(parts)


def span_of(use: Use, ref: tuple[str, ...], part: int) -> Span:
    """Return the place of one part of a path in the source; the whole expression if it cannot be found."""
    expression = use.expression
    for path in paths_in(expression.tree):
        if ref_of(path) == ref:
            offset = _offset_of_part(expression.source, path.offset, ref, part)
            start = expression.start + offset
            return locate(use.scalar, start, start + len(ref[part]))
    return locate(use.scalar, expression.start, expression.start + max(len(expression.source), 1))


def _offset_of_part(source: str, offset: int, ref: tuple[str, ...], part: int) -> int:
    position = offset
    for word in ref[:part]:
        position = max(source.find(word, position), position) + len(word)
    return max(source.find(ref[part], position), position if part == 0 else offset)
