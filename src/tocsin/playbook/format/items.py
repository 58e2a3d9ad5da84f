"""The tree that is written: the entries of maps and the items of lists, each with the comments that belong to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence


@dataclass(slots=True)
class Item:
    """One entry of a map (it has a key) or one item of a list. An empty text among the comments is an empty line."""

    key: Scalar | None
    value: Node
    line: int
    column: int
    is_flow: bool = False  # the value is written in brackets
    is_broken: bool = False  # a comment stands inside the brackets, so they cannot be kept
    is_record: bool = False  # the value is a map whose order of keys is ours
    children: "list[Item]" = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)  # behind the last child, indented like it
    has_space: bool = False  # an empty line stands before it

    @property
    def name(self) -> str:
        """Return the text of the key."""
        return self.key.value if self.key is not None and isinstance(self.key.value, str) else ""

    @property
    def is_map(self) -> bool:
        """Say whether the value is a map."""
        return isinstance(self.value, Mapping)

    def walk(self) -> "Iterator[Item]":
        """Yield this item and all below it, in the order of the text."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree_of(node: Node, lines: list[str]) -> Item:
    """Return the root: an item without a key."""
    root = Item(None, node, 0, 0)
    _fill(root, lines)
    return root


def _fill(item: Item, lines: list[str]) -> None:
    node = item.value
    if isinstance(node, Scalar):
        return
    item.is_flow = lines[node.span.line - 1][node.span.column - 1 : node.span.column] in ("{", "[")
    if isinstance(node, Mapping):
        item.children = [Item(one.key, one.value, one.key.span.line, one.key.span.column) for one in node.entries]
    else:
        item.children = [_list_item(one, node) for one in node.items]
    for child in item.children:
        _fill(child, lines)


def _list_item(value: Node, around: Sequence) -> Item:
    return Item(None, value, value.span.line, around.span.column)
