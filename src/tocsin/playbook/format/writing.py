"""Write the tree of items as lines."""

from typing import Final

from tocsin.playbook.format.items import Item
from tocsin.playbook.format.scalars import block_lines, inline, refolded
from tocsin.playbook.tree import Mapping, Node, Scalar

WIDTH: Final = 120
_STEP: Final = 2


class Writer:
    """Write items; `lines` are those of the source, of which what is kept is cut."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def playbook(self, root: Item, head: list[str]) -> str:
        """Write a whole playbook."""
        for item in root.walk():
            _gather(item)
        body = self._top(root)
        parts = [*head, *([""] if head else []), *body]
        return "\n".join(parts) + "\n"

    def _top(self, root: Item) -> list[str]:
        entries = [(item, self._entry(item, 0)) for item in root.children]
        written: list[str] = []
        was_block = False
        for place, (item, lines) in enumerate(entries):
            is_block = len(lines) > 1
            space = place > 0 and (is_block or was_block or item.has_space)
            _add(written, [*[""] * space, *item.above, *lines])
            was_block = is_block
        _add(written, [*[""] * (was_block and root.below[:1] not in ([], [""])), *root.below])
        return written

    def _children(self, item: Item, indent: int) -> list[str]:
        """Write what is in a map or list, as a block."""
        written: list[str] = []
        margin = " " * indent
        is_list = not item.is_map
        was_long = False
        for place, child in enumerate(item.children):
            lines = self._list_item(child, indent) if is_list else self._entry(child, indent)
            is_long = len(lines) > 1
            is_step = is_list and child.is_record
            space = place > 0 and not item.is_record and (child.has_space or (is_step and is_long and was_long))
            _add(written, [*[""] * space, *_indented(child.above, margin), *lines])
            was_long = is_long
        _add(written, _indented(item.below, margin))
        return written

    def _entry(self, item: Item, indent: int) -> list[str]:
        key = "" if item.key is None else inline(item.key, is_key=True)
        return self._valued(item, " " * indent + f"{key}:", indent)

    def _list_item(self, item: Item, indent: int) -> list[str]:
        """Write one item of a list; a block begins behind the dash."""
        if self._is_block(item, indent + _STEP):
            lines = self._children(item, indent + _STEP)
            first = item.children[0].above  # a comment cannot stand behind a dash: it goes above
            lines = lines[len(first) :]
            item.above, item.beside = [*item.above, *item.beside, *first], []
            return [f"{' ' * indent}- {lines[0][indent + _STEP :]}", *lines[1:]]
        return self._valued(item, " " * indent + "-", indent)

    def _valued(self, item: Item, start: str, indent: int) -> list[str]:
        """Write what comes behind a key or a dash."""
        value = item.value
        if isinstance(value, Scalar):
            return self._scalar(item, value, start, indent)
        if self._is_block(item, len(start) + 1):
            return [*_beside(item, start), *self._children(item, indent + _STEP)]
        return _beside(item, f"{start} {self._brackets(item)}")

    def _scalar(self, item: Item, value: Scalar, start: str, indent: int) -> list[str]:
        below = _indented(item.below, " " * (indent + _STEP))
        block = block_lines(value, self.lines, indent + _STEP)
        text = inline(value)
        if block is None and isinstance(value.value, str) and len(start) + 1 + len(text) > WIDTH:
            block = refolded(value, self.lines, indent + _STEP)
        if block is not None:
            return [*_beside(item, f"{start} {block[0]}"), *block[1:], *below]
        return [*_beside(item, f"{start} {text}".rstrip()), *below]

    def _is_block(self, item: Item, column: int) -> bool:
        """Say whether a map or list is written over several lines."""
        if isinstance(item.value, Scalar) or not item.children:
            return False
        if not item.is_flow or item.is_broken:
            return True
        text = self._brackets(item)
        return "\n" in text or column + len(text) > WIDTH

    def _brackets(self, item: Item) -> str:
        span = item.value.span
        if span.line == span.end_line and item.is_flow:
            return self.lines[span.line - 1][span.column - 1 : span.end_column - 1]
        return _joined(item.value)


def _joined(node: Node) -> str:
    """Write a value in brackets on one line; one that has an empty value cannot be, and comes with a line's end in it."""
    if isinstance(node, Scalar):
        if node.value is None and node.raw == "":
            return "\n"
        return inline(node, in_brackets=True)
    if isinstance(node, Mapping):
        return "{" + ", ".join(f"{inline(one.key, is_key=True, in_brackets=True)}: {_joined(one.value)}" for one in node.entries) + "}"
    return "[" + ", ".join(_joined(one) for one in node.items) + "]"


def _gather(item: Item) -> None:
    """Bring comments to where they can be written: inside empty brackets and beside lines of text is no room for them."""
    value = item.value
    if not isinstance(value, Scalar) and not item.children:
        item.above, item.below = [*item.above, *item.below], []
    if isinstance(value, Scalar) and isinstance(value.value, str) and len(item.beside) > 1 and "\n" in value.raw:
        item.above, item.beside = [*item.above, *item.beside[1:]], item.beside[:1]


def _add(written: list[str], lines: list[str]) -> None:
    """Add lines; two empty lines never follow each other, for those at the end of a text that keeps them would become part of it."""
    while lines and lines[0] == "" and written and written[-1] == "":
        lines = lines[1:]
    written += lines


def _beside(item: Item, line: str) -> list[str]:
    if not item.beside:
        return [line]
    margin = " " * (len(line) + 2)
    return [f"{line}  {item.beside[0]}", *(f"{margin}{more}" for more in item.beside[1:])]


def _indented(comments: list[str], margin: str) -> list[str]:
    return [f"{margin}{one}" if one else "" for one in comments]
