"""Find the comments of a text, and give each to the key or item that it is about.

A comment beside something belongs to it. One on a line of its own belongs to what follows, unless it is indented deeper than that:
then it ends the block that it stands in. What belongs to a key moves with it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tocsin.playbook.format.items import Item
from tocsin.playbook.tree import Scalar, Style

_MODELINE: Final = re.compile(r"#\s*yaml-language-server:|#\s*-\*-|#!")
_BLOCK_STYLES: Final = (Style.LITERAL, Style.FOLDED)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: its 1-based place, whether it has its line for itself, and whether the line above is empty."""

    text: str
    line: int
    column: int
    is_alone: bool
    has_space: bool


def comments_of(root: Item, lines: list[str]) -> list[Comment]:
    """Return the comments in the order of the text."""
    covered = _covered(root)
    found = []
    for number, line in enumerate(lines, 1):
        start = _start(line, covered.get(number, []))
        if start is not None:
            alone = not line[:start].strip()
            space = number > 1 and not lines[number - 2].strip()
            found.append(Comment(line[start:].rstrip(), number, start + 1, alone, space))
    return found


def _covered(root: Item) -> dict[int, list[tuple[int, int]]]:
    """Return for each line the columns (0-based, the end exclusive) that belong to scalars, in which a # is no comment."""
    covered: dict[int, list[tuple[int, int]]] = {}
    for item in root.walk():
        for scalar in (item.key, item.value):
            if isinstance(scalar, Scalar):
                _cover(scalar, covered)
    return covered


def _cover(scalar: Scalar, covered: dict[int, list[tuple[int, int]]]) -> None:
    span, endless = scalar.span, 1 << 30
    is_block = scalar.style in _BLOCK_STYLES
    for number in range(span.line, span.end_line + 1):
        if is_block:  # its first line holds the mark only, and may have a comment
            part = (span.column - 1, span.column) if number == span.line else (0, endless)
        else:
            part = (span.column - 1 if number == span.line else 0, span.end_column - 1 if number == span.end_line else endless)
        covered.setdefault(number, []).append(part)


def _start(line: str, covered: list[tuple[int, int]]) -> int | None:
    at = line.find("#")
    while at >= 0:
        is_apart = at == 0 or line[at - 1] in " \t"
        if is_apart and not any(first <= at < end for first, end in covered):
            return at
        at = line.find("#", at + 1)
    return None


def attach(root: Item, lines: list[str]) -> list[str]:
    """Give every comment to its item, and return those that head the file."""
    comments = comments_of(root, lines)
    items = [item for item in root.walk() if item is not root]
    head, rest = _headed(comments, items, lines)
    _Attaching(root, items).run(rest)
    for item in items:
        if lines[item.line - 2].strip() == "" and item.line > 1:
            if item.above:
                item.above.append("")
            else:
                item.has_space = True
    if root.children:
        root.children[0].has_space = False  # the space is that of the file's head, and stays there
    return head


def _headed(comments: list[Comment], items: list[Item], lines: list[str]) -> tuple[list[str], list[Comment]]:
    """Split off what stands at the top, up to the last empty line before the first key; a line for editors goes there too."""
    first = min((item.line for item in items), default=len(lines) + 1)
    top = [one for one in comments if one.line < first and one.is_alone]
    spaces = [number for number in range(1, first) if not lines[number - 1].strip()]
    count = sum(1 for one in top if spaces and one.line < spaces[-1])
    while count < len(top) and _MODELINE.match(top[count].text):
        count += 1
    head: list[str] = []
    for one in top[:count]:
        head += [""] * (one.has_space and bool(head)) + [one.text]
    headed = set(top[:count])
    return head, [one for one in comments if one not in headed]


class _Attaching:
    """Give comments to items, by their places."""

    def __init__(self, root: Item, items: list[Item]) -> None:
        self.root, self.items = root, items
        self.lines = [item.line for item in items]
        self.parents = dict(_parents(root))
        self.bracketed = [item for item in (root, *items) if item.is_flow]
        anchors = sorted(_anchors(items), key=lambda one: one[:2])
        self.places = [(line, column) for line, column, _ in anchors]
        self.anchored = [item for _, _, item in anchors]
        self.block: tuple[Item, Item | None] | None = None  # what the last comment ended, and what follows it

    def run(self, comments: list[Comment]) -> None:
        last: tuple[Comment, Item] | None = None  # the comment beside something, in the line before
        for one in comments:
            flow = self._brackets(one)
            for item in flow:
                item.is_broken = True
            if not one.is_alone:
                beside = self._beside(one)
                last = None if beside is None else (one, beside)
            elif last is not None and last[0].line + 1 == one.line and last[0].column == one.column:
                last[1].beside.append(one.text)  # goes on below, in the same column
                last = one, last[1]
            else:
                self._alone(one, flow[-1] if flow else None)
                last = None

    def _brackets(self, one: Comment) -> list[Item]:
        """Return the values in brackets that a comment stands in, the innermost last."""
        place = (one.line, one.column)
        around = []
        for item in self.bracketed:
            span = item.value.span
            if (span.line, span.column) < place < (span.end_line, span.end_column):
                around.append(item)
        return around

    def _beside(self, one: Comment) -> Item | None:
        at = bisect_right(self.places, (one.line, one.column)) - 1
        if at >= 0 and self.places[at][0] == one.line and not self.anchored[at].beside:
            self.anchored[at].beside.append(one.text)
            return self.anchored[at]
        self._before(one, self._next(one.line - 1 if at < 0 or self.places[at][0] != one.line else one.line))
        return None

    def _alone(self, one: Comment, brackets: Item | None) -> None:
        following = self._next(one.line)
        if brackets is not None:
            inside = following is not None and any(following is item for item in brackets.walk())
            self._before(one, following) if inside else _below(one, brackets)
        elif following is not None and (following.above or one.column <= following.column):
            self._before(one, following)
        else:
            ended = self._ended(one, following)
            if ended is None:
                self._before(one, following)
            else:
                self.block = ended, following
                _below(one, ended)

    def _next(self, line: int) -> Item | None:
        """Return the first item that starts below a line, the outermost of those that start there."""
        at = bisect_right(self.lines, line)
        return self.items[at] if at < len(self.items) else None

    def _before(self, one: Comment, item: Item | None) -> None:
        if item is None:
            _below(one, self.root)
        elif not item.above:
            item.has_space = item.has_space or one.has_space
            item.above.append(one.text)
        else:
            item.above += [""] * one.has_space + [one.text]

    def _ended(self, one: Comment, following: Item | None) -> Item | None:
        """Return the block that ends between the last item and the next one and is indented like the comment."""
        at = bisect_right(self.lines, one.line) - 1
        if at < 0:
            return None
        last = self.items[at]
        if self.block is not None and self.block[1] is following:
            last = self.block[0]  # comments that follow each other stay in their order, so none goes deeper than the one before
        around = [last, *self._above(last)]
        stay = set() if following is None else {id(item) for item in self._above(following)}
        for item in around:  # the innermost first
            if id(item) in stay and following is not None:
                return None
            if one.column >= _inner_column(item):
                return item
        return None

    def _above(self, item: Item) -> Iterator[Item]:
        while (parent := self.parents.get(id(item))) is not None:
            yield parent
            item = parent


def _parents(item: Item) -> Iterator[tuple[int, Item]]:
    for child in item.children:
        yield id(child), item
        yield from _parents(child)


def _anchors(items: list[Item]) -> Iterator[tuple[int, int, Item]]:
    """Yield the places behind which a comment stands beside an item: its key, its text, its closing bracket."""
    for item in items:
        if item.key is not None:
            yield item.key.span.end_line, item.key.span.end_column, item
        value = item.value
        if isinstance(value, Scalar) and value.style in _BLOCK_STYLES:
            yield value.span.line, value.span.column, item
        elif isinstance(value, Scalar) or item.is_flow:
            yield value.span.end_line, value.span.end_column, item


def _inner_column(item: Item) -> int:
    """Return the column from which on a comment counts as inside an item."""
    if item.children and not item.is_flow:
        return item.children[0].column
    is_empty = isinstance(item.value, Scalar) and item.value.raw == ""
    return item.column + 1 if is_empty else 1 << 30


def _below(one: Comment, item: Item) -> None:
    item.below += [""] * (one.has_space and bool(item.below or item.children)) + [one.text]
