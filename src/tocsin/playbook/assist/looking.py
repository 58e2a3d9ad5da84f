"""What stands at a place of a text: a key, a value, or a word of an expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.playbook.assist.inside import Inside, Wanted, inside
from tocsin.playbook.assist.places import Expression, Spot, Text, contains, expression_at
from tocsin.playbook.assist.reading import Trail, playbook_of, tree_of
from tocsin.playbook.assist.rooms import Room, room_of, words_of
from tocsin.playbook.assist.scopes import Visit, World, visit_at, visits_of
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.model import Playbook
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence

_WORD: Final = re.compile(
    r"(?P<quoted>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*)", re.DOTALL
)
_PART: Final = re.compile(r"[A-Za-z_]\w*")
_PIPED: Final = re.compile(r"\|\s*$")


@dataclass(frozen=True, slots=True)
class Part:
    """One word of an expression. `upto`: the path to it, itself included; `span`: where the word alone stands."""

    word: str
    upto: str
    span: Span
    is_filter: bool = False
    quoted: Inside | None = None  # the word stands in quotes, as the argument of a filter


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands at a place; `trail` leads to its value."""

    text: Text
    spot: Spot
    playbook: Playbook | None
    visits: list[Visit]
    trail: Trail
    owners: tuple[Node, ...]
    scalar: Scalar
    is_key: bool

    @property
    def room(self) -> Room:
        """Return the room of the innermost map."""
        return room_of(self.owner_trail)

    @property
    def owner_trail(self) -> Trail:
        """Return the keys that lead to the innermost map."""
        end = max((place for place, part in enumerate(self.trail) if isinstance(part, str)), default=0)
        return self.trail[:end]

    @property
    def key(self) -> str:
        """Return the key at the place, or that of the value there."""
        return next((part for part in reversed(self.trail) if isinstance(part, str)), "")

    @property
    def around(self) -> Mapping | None:
        """Return the innermost map."""
        return next((one for one in reversed(self.owners) if isinstance(one, Mapping)), None)

    @property
    def step(self) -> Mapping | None:
        """Return the innermost step around, as it is written."""
        for depth in range(len(self.owners), 0, -1):
            owner = self.owners[depth - 1]
            if isinstance(owner, Mapping) and room_of(self.trail[: depth - 1]) is Room.STEP:
                return owner
        return None

    @property
    def visit(self) -> Visit | None:
        """Return the slot at the place."""
        return visit_at(self.visits, self.spot)

    @property
    def scope(self) -> Scope | None:
        """Return what expressions know here."""
        visit = self.visit
        return None if visit is None else visit.scope

    @property
    def expression(self) -> Expression | None:
        """Return the expression at the place, in braces or bare."""
        found = expression_at(self.text, self.spot)
        if found is not None or self.is_key or not isinstance(self.scalar.value, str):
            return found
        siblings = [] if self.around is None else [str(one.key.value) for one in self.around.entries]
        word = words_of(self.room, siblings).get(self.key)
        if word is None or not word.is_expression or "${{" in self.scalar.value:
            return None
        span = self.scalar.span
        start, end = self.text.offset(Spot(span.line, span.column)), self.text.offset(Spot(span.end_line, span.end_column))
        return Expression(start, end, self.text.offset(self.spot), self.text.source[start:end])

    @property
    def part(self) -> Part | None:
        """Return the word of the expression at the place."""
        expression = self.expression
        if expression is None:
            return None
        cursor = expression.cursor - expression.start
        for found in _WORD.finditer(expression.source):
            if found.start() <= cursor <= found.end():
                return _quoted(found, expression, self.text) if found.group("quoted") else _path(found, expression, self.text)
        return None


def standing_at(source: str, spot: Spot, known: World, *, file: str = "") -> Standing | None:
    """Return what stands at a place; None if there is nothing, or nothing can be made out of the text."""
    root, text = tree_of(source), Text(source)
    spot = text.spot(text.offset(spot))  # one beyond the text is at its end
    if root is None:
        return None
    found = next((one for one in _nodes(root, (), ()) if contains(one[2].span, spot)), None)
    if found is None:
        return None
    playbook = playbook_of(root, file=file)
    visits = [] if playbook is None else visits_of(playbook, known)
    return Standing(text, spot, playbook, visits, *found)


def _path(found: re.Match[str], expression: Expression, text: Text) -> Part | None:
    cursor = expression.cursor - expression.start
    for part in _PART.finditer(expression.source, found.start(), found.end()):
        if part.start() <= cursor <= part.end():
            span = text.span(expression.start + part.start(), expression.start + part.end())
            upto = expression.source[found.start() : part.end()]
            return Part(part.group(), upto, span, is_filter=bool(_PIPED.search(expression.source[: found.start()])))
    return None


def _quoted(found: re.Match[str], expression: Expression, text: Text) -> Part | None:
    cursor = expression.cursor - expression.start
    for part in _PART.finditer(expression.source, found.start() + 1, found.end() - 1):
        if part.start() <= cursor <= part.end():
            about = inside(expression.source[: part.end()])
            if about.wanted not in (Wanted.ITEM_FIELD, Wanted.FILTER_NAME):
                return None
            span = text.span(expression.start + part.start(), expression.start + part.end())
            is_filter = about.wanted is Wanted.FILTER_NAME
            return Part(part.group(), about.prefix, span, is_filter, None if is_filter else about)
    return None


def _nodes(node: Node, trail: Trail, owners: tuple[Node, ...]) -> Iterator[tuple[Trail, tuple[Node, ...], Scalar, bool]]:
    match node:
        case Scalar():
            yield trail, owners, node, False
        case Mapping():
            for entry in node.entries:
                inner = (*trail, str(entry.key.value))
                yield inner, (*owners, node), entry.key, True
                yield from _nodes(entry.value, inner, (*owners, node))
        case Sequence():
            for place, item in enumerate(node.items):
                yield from _nodes(item, (*trail, place), (*owners, node))
