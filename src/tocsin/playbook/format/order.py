"""The order of the keys of a playbook, and which maps are steps."""

from collections.abc import Iterator
from typing import Final

from tocsin.playbook.format.items import Item

TOP: Final = ("schema", "id", "title", "description", "tags", "triggers", "inputs", "steps", "finally", "outputs")
_UNKNOWN: Final = "…"  # where a key that the language does not have goes
# One list serves every kind: no step has two of the keys that say what it is, but a `call` may have `wait`.
STEP: Final = (
    "id", "name", "if",
    "action", "set", "switch", "for_each", "while", "parallel", "ask", "call", "code", "stop",
    "with", "wait", "version", "connection", "effect", "repeat_until", "every", "at_most", "undo_after",
    "as", "concurrency", "max", "join", "runtime", "returns",
    "then", "elif", "else", "cases", "default", "steps", _UNKNOWN,
    "retry", "timeout", "on_error", "tags",
)  # fmt: skip
_BLOCKS: Final = ("steps", "then", "else", "default")


def put_in_order(root: Item) -> None:
    """Sort the keys of the playbook and of its steps; everything else stays in the order of its author."""
    _sort(root, (*TOP, _UNKNOWN))
    for item in root.children:
        if item.name in ("steps", "finally"):
            _block(item)


def _block(item: Item) -> None:
    for step in item.children:
        if step.is_map:
            _sort(step, STEP)
            for inner in _blocks(step):
                _block(inner)


def _blocks(step: Item) -> Iterator[Item]:
    for item in step.children:
        match item.name:
            case "elif":
                yield from _sorted_blocks(item.children, ("if", "then", _UNKNOWN))
            case "cases" if item.is_map:
                yield from item.children
            case "cases":
                yield from _sorted_blocks(item.children, ("when", "steps", _UNKNOWN))
            case "parallel":
                yield from item.children
            case "on_error":
                yield from (inner for inner in item.children if inner.name == "steps")
            case name if name in _BLOCKS:
                yield item
            case _:
                pass


def _sorted_blocks(branches: list[Item], order: tuple[str, ...]) -> Iterator[Item]:
    for branch in branches:
        if branch.is_map:
            _sort(branch, order)
            yield from (inner for inner in branch.children if inner.name in _BLOCKS)


def _sort(item: Item, order: tuple[str, ...]) -> None:
    places = {key: place for place, key in enumerate(order)}
    item.children.sort(key=lambda one: places.get(one.name, places[_UNKNOWN]))
    item.is_record = True
