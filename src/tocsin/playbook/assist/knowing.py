"""What is known of a place: the tree with its mark, the playbook that can be made out, and the scope there."""

from dataclasses import dataclass

from tocsin.playbook.assist.inside import compiled
from tocsin.playbook.assist.places import Expression, Spot, Text
from tocsin.playbook.assist.reading import Marked, mark, playbook_of
from tocsin.playbook.assist.rooms import Room, room_of, words_of
from tocsin.playbook.assist.scopes import Visit, World, visit_at, visits_of
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.model import Playbook
from tocsin.playbook.tree import Mapping, Scalar
from tocsin.playbook.types.infer import infer
from tocsin.playbook.types.lattice import ANY, Type


@dataclass(frozen=True, slots=True)
class Known:
    """A place in a text. `room`: of the innermost map; `key`: whose value is written, "" where a key is."""

    text: Text
    spot: Spot
    marked: Marked
    playbook: Playbook | None
    visits: list[Visit]
    room: Room
    key: str

    @property
    def siblings(self) -> list[str]:
        """Return the other keys of the innermost map."""
        around = self.marked.around
        if around is None or self.is_new_map:
            return []
        return [str(one.key.value) for one in around.entries if one.key is not self.marked.scalar]

    @property
    def is_new_map(self) -> bool:
        """Say whether the mark is the first word of a map that is just begun."""
        return not self.marked.is_key and self.marked.is_whole and room_of(self.marked.trail) is not Room.FREE and self.key == ""

    @property
    def step(self) -> Mapping | None:
        """Return the innermost step around, as it is written."""
        for depth in range(len(self.marked.owners), 0, -1):
            owner = self.marked.owners[depth - 1]
            if isinstance(owner, Mapping) and room_of(self.marked.trail[: depth - 1]) is Room.STEP:
                return owner
        return None

    @property
    def scope(self) -> Scope | None:
        """Return what expressions know here; None if nobody can tell."""
        span = self.marked.scalar.span
        visit = visit_at(self.visits, Spot(span.line, span.column))
        return None if visit is None else visit.scope

    @property
    def expression(self) -> Expression | None:
        """Return the expression around the place: in braces, or the bare one of a condition."""
        return self.marked.expression or self._bare()

    def _bare(self) -> Expression | None:
        if self.marked.is_key or not self.key:
            return None
        word = words_of(self.room, self.siblings_of_value).get(self.key)
        if word is None or not word.is_expression:
            return None
        offset = self.text.offset(self.spot)
        line = self.text.starts[self.spot.line - 1]
        start = self.text.source.find(":", self.text.source.find(self.key, line), offset)
        if start < 0:
            return None
        start += 1
        while start < offset and self.text.source[start] in " \"'":
            start += 1
        end = self.text.line_end(self.spot.line)
        return Expression(start, max(end, offset), offset, self.text.source[start : max(end, offset)])

    @property
    def siblings_of_value(self) -> list[str]:
        """Return the keys of the innermost map, that of the value itself too."""
        around = self.marked.around
        return [] if around is None else [str(one.key.value) for one in around.entries]


def known_at(source: str, spot: Spot, known: World) -> Known | None:
    """Return what is known of a place; None if nothing can be made out of the text."""
    text = Text(source)
    spot = text.spot(text.offset(spot))  # one beyond the text is at its end
    marked = mark(source, spot)
    if marked is None:
        return None
    playbook = playbook_of(marked.root)
    visits = [] if playbook is None else visits_of(playbook, known)
    trail = marked.trail
    if marked.is_key:
        room, key = room_of(trail), ""
    else:
        room, key = _value(marked)
    return Known(text, spot, marked, playbook, visits, room, key)


def type_of(source: str, scope: Scope | None) -> Type:
    """Return the type of a part of an expression; ANY if nobody can tell."""
    expression = compiled(source) if source else None
    return ANY if expression is None or scope is None else infer(expression.tree, scope, facts=scope.facts)


def text_of(node: Mapping | None, key: str) -> str:
    """Return the text at a key of a map; empty if there is none."""
    entry = None if node is None else node.get(key)
    return entry.value.value if entry is not None and isinstance(entry.value, Scalar) and isinstance(entry.value.value, str) else ""


def _value(marked: Marked) -> tuple[Room, str]:
    """Say in which room a value stands, and at which key; a bare word where a map belongs is the beginning of a key."""
    trail = marked.trail
    into = room_of(trail)
    if marked.is_whole and marked.expression is None and _begins_map(into, trail):
        return into, ""
    for depth in range(len(trail), 0, -1):  # the value may be one of a list's
        part = trail[depth - 1]
        if isinstance(part, str):
            return room_of(trail[: depth - 1]), part
    return into, ""


def _begins_map(room: Room, trail: tuple[str | int, ...]) -> bool:
    if room is Room.ARGUMENTS:
        return bool(trail) and trail[-1] == "with"
    return room in (Room.PLAYBOOK, Room.TRIGGER, Room.FIELD, Room.STEP, Room.ELIF, Room.CASE, Room.ASK, Room.RETRY, Room.HANDLER)
