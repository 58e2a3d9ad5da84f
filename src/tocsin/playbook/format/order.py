"""The order of the keys of a playbook, and which maps are steps."""

from collections.abc import Iterator, Mapping
from typing import Final

from tocsin.playbook.format.items import Item
from tocsin.playbook.model import Kind

TOP: Final = ("schema", "id", "title", "description", "tags", "triggers", "inputs", "steps", "finally", "outputs")
BEFORE: Final = ("id", "name", "if")
AFTER: Final = ("retry", "timeout", "on_error", "tags")
OWN: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.ACTION: ("action", "with", "connection", "effect", "repeat_until", "every", "at_most", "undo_after"),
    Kind.SET: ("set",),
    Kind.IF: ("then", "elif", "else"),
    Kind.SWITCH: ("switch", "cases", "default"),
    Kind.FOR_EACH: ("for_each", "as", "concurrency", "steps"),
    Kind.WHILE: ("while", "max", "steps"),
    Kind.PARALLEL: ("parallel", "join"),
    Kind.ASK: ("ask",),
    Kind.WAIT: ("wait",),
    Kind.CALL: ("call", "with", "wait", "version"),
    Kind.CODE: ("code", "with", "runtime", "returns"),
    Kind.STOP: ("stop",),
}
_BLOCKS: Final = ("steps", "then", "else", "default")
_UNKNOWN: Final = "…"  # where a key that the language does not have goes: behind those of the kind


def _step_order() -> tuple[str, ...]:
    own = dict.fromkeys(key for keys in OWN.values() for key in (*keys,))
    # `call` has a key that is a kind of its own, and `with` stands behind every kind; one list serves all steps.
    kinds = [kind.value for kind in OWN if kind is not Kind.WAIT]
    others = [key for key in own if key not in kinds and key != "wait"]
    return (*BEFORE, *kinds, "with", "wait", *(key for key in others if key != "with"), _UNKNOWN, *AFTER)


STEP: Final = _step_order()


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
