"""The type that an expression comes out as, and what is certainly wrong with it."""

import re
from typing import Final, assert_never

from tocsin.playbook.codes import branches, clarity, names, typing
from tocsin.playbook.codes.code import Code
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.expr.grammar import Kind
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
from tocsin.playbook.parsing.keys import listed
from tocsin.playbook.types import operators
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.filters import Call, applied, mapped
from tocsin.playbook.types.known import NO_FACTS, Facts, Known, Report, ref_of
from tocsin.playbook.types.lattice import (
    ANY,
    BOOLEAN,
    NUMBER,
    TEXT,
    Anything,
    Boolean,
    Found,
    Items,
    NoField,
    NoObject,
    Number,
    Object,
    Presence,
    Type,
    closed,
    kinds_of,
    literal,
    look,
    nullness,
    union,
    without_null,
)
from tocsin.playbook.types.narrow import narrowed

_WORD: Final = re.compile(r"'[^']*'|\"[^\"]*\"|[\w.]+")
_KEY: Final = re.compile(r"\w+")
_MOST_SHOWN: Final = 8


def infer(
    node: Node, known: Known, *, source: str = "", report: Report | None = None, facts: Facts = NO_FACTS, is_condition: bool = False
) -> Type:
    """Return the type of an expression; `report` is told what is wrong, with offsets in the source."""
    judge = Inference(known, source, report, node)
    return judge.truth(node, facts) if is_condition else judge.type(node, facts)


class Inference:
    """One expression at one place."""

    __slots__ = ("known", "report", "root", "source")

    def __init__(self, known: Known, source: str = "", report: Report | None = None, root: Node | None = None) -> None:
        self.known, self.source, self.report, self.root = known, source, report, root

    def say(self, code: Code, at: Node | int, message: str, hint: str = "", *, length: int = 0) -> None:
        """Tell of a finding."""
        if self.report is None:
            return
        offset = at if isinstance(at, int) else at.offset
        if not length:
            word = _WORD.match(self.source, offset)
            length = len(word.group()) if word else 1
        self.report(code, offset, length, message, hint)

    def words(self, node: Node) -> str:
        """Name what an expression is in a message: a path by itself."""
        if isinstance(node, Path):
            return f"'{shown('.'.join(map(str, ref_of(node))))}'"
        return "This"

    def type(self, node: Node, facts: Facts) -> Type:
        """Return the type of a node where nothing may be missing."""
        match node:
            case Path():
                return self._path(node, facts)[0]
            case Constant():
                return literal(node.value)
            case Compared():
                return operators.compared(self, node, facts)
            case Applied():
                return applied(self._call(node, self.type(node.value, facts), facts))
            case AllOf() | AnyOf():
                return self._chain(node, facts)
            case Not():
                value = self.truth(node.value, facts)
                return Boolean(not value.only) if isinstance(value, Boolean) and value.only is not None else BOOLEAN
            case Fallback():
                return self._fallback(node, facts)
            case Tested():
                self._lenient(node.value, facts) if node.test == "defined" else self.type(node.value, facts)
                return BOOLEAN
            case Choice():
                return self._choice(node, facts)
            case Joined():
                for part in node.parts:
                    self.in_text(part, self.type(part, facts))
                return TEXT
            case MappedOver():
                return mapped(self._call(node, self.type(node.value, facts), facts))
            case Index():
                return self._index(node, facts)[0]
            case ListOf():
                return Items(union(*(self.type(item, facts) for item in node.items)))
            case ObjectOf():
                return closed({key: self.type(value, facts) for key, value in node.entries})
            case Arithmetic():
                return operators.calculated(self, node, facts)
            case Negative():
                return self._negative(node, facts)
            case _:
                assert_never(node)

    def truth(self, node: Node, facts: Facts) -> Type:
        """Return the type of a node that must be true or false."""
        type = self.type(node, facts)
        if self.report is not None:
            kinds = kinds_of(type)
            if kinds is not None and Kind.BOOLEAN not in kinds:
                message = f"A condition must be true or false, and this is {described(type)}."
                at, length = (0, len(self.source)) if node is self.root else (node, 0)
                self.say(names.NOT_A_CONDITION, at, message, _instead(kinds), length=length)
            elif kinds is not None and self.is_null(type):
                self.say(typing.MAY_BE_NULL, node, f"{self.words(node)} may be null, which is neither true nor false.", _DEFAULT_FALSE)
        return type

    def is_null(self, type: Type) -> bool:
        """Say whether a type can be null in more than a rare case."""
        null = nullness(type)
        return null is not None and not null.is_rare

    def in_text(self, node: Node, type: Type) -> None:
        """Report a list or map that becomes part of a text."""
        kinds = kinds_of(type)
        if self.report is not None and kinds is not None and kinds <= {Kind.LIST, Kind.OBJECT}:
            hint = "Write … | join(', ')." if kinds == {Kind.LIST} else "Name the fields that are meant."
            self.say(clarity.LIST_IN_TEXT, node, f"{self.words(node)} is {described(type)}, and a text shows it as JSON.", hint)

    # Paths ------------------------------------------------------------------------------------------------------------

    def path_type(self, node: Path, facts: Facts) -> Type:
        """Return the type of a path without a report."""
        judge = self if self.report is None else Inference(self.known)
        return judge._path(node, facts, lenient=True)[0]

    def _path(self, node: Path, facts: Facts, *, lenient: bool = False) -> tuple[Type, bool]:
        """Return the type of a path, and whether it is there for certain."""
        start, keys, report = self.known.start(node), node.keys, self.report is not None
        type, certain = start.type, start.is_certain
        ref = ref_of(node) if facts else ()
        if facts and ref[: start.taken + 1] in facts:
            type, certain = facts[ref[: start.taken + 1]], True
        for place in range(start.taken, len(keys)):
            if facts:
                answer = facts.get(ref[: place + 2])
                if answer is not None:
                    type = answer
                    continue
            elif isinstance(type, Anything):
                return ANY, False
            found = look(type, keys[place])
            if not isinstance(found, Found):
                self._no_part(node, place, type, found)
                return ANY, False
            if found.presence is not Presence.ALWAYS or found.null is not None:
                certain = False
                if report and not lenient:
                    self._missing(node, place, found)
            if found.deprecated and report:
                self._deprecated(node, place, found)
            type = found.type
        return type, certain

    def _key_at(self, node: Path, place: int) -> tuple[int, int]:
        """Return the offset and length of one key of a path."""
        position = node.offset + len(node.root)
        for key in node.keys[: place + 1]:
            word = str(key)
            position = max(self.source.find(word, position), position)
            end = position + len(word)
            if key is not node.keys[place]:
                position = end
        return position, len(str(node.keys[place]))

    def _owner(self, node: Path, place: int) -> str:
        return ".".join(map(str, (node.root, *node.keys[:place])))

    def _no_part(self, node: Path, place: int, type: Type, found: NoField | NoObject) -> None:
        if self.report is not None:
            offset, length = self._key_at(node, place)
            self.no_part(self._owner(node, place), str(node.keys[place]), type, found, offset, length)

    def no_part(self, owner: str, key: str, type: Type, found: NoField | NoObject, offset: int, length: int) -> None:
        """Report a field that is not there."""
        if isinstance(found, NoObject):
            if isinstance(type, Items):
                hint = "Take one item with [0] or first, or all with pluck or for_each."
            else:
                hint = "Read it as it is."
            message = f"'{shown(owner)}' is {described(type)} and has no fields."
        else:
            near = nearest(key, found.known)
            hint = near or (f"It has {listed(found.known[: _MOST_SHOWN * 3])}." if found.known else "It has no fields.")
            if owner in ("alert", "event") and not near:
                hint = f"What the source sent is in {owner}.raw."
            message = f"'{shown(owner)}' has no field '{shown(key)}'."
        self.say(names.UNKNOWN_FIELD, offset, message, hint, length=length)

    def _missing(self, node: Path, place: int, found: Found) -> None:
        if found.presence is not Presence.MAYBE and found.null is None and not found.by_error:
            return
        owner, key = shown(self._owner(node, place)), shown(str(node.keys[place]))
        whole = shown(".".join(map(str, ref_of(node))))
        if found.by_error:
            offset, length = self._key_at(node, place)
            message = f"When the step fails, '{owner}' is its error and has no '{key}'; then this fails."
            self.say(
                branches.RESULT_MAY_BE_ERROR,
                offset,
                message,
                f"Write {whole} | default(…), or test `{owner}.error is defined` first.",
                length=length,
            )
        elif found.null is not None and not found.null.is_rare:
            offset, length = self._key_at(node, place)
            message = f"'{owner}' may be null, and then has no '{key}'."
            self.say(typing.MAY_BE_NULL, offset, message, f"Write {whole} | default(…).", length=length)
        elif found.presence is Presence.MAYBE:
            offset, length = self._key_at(node, place)
            message = f"'{owner}' does not always have '{key}'; without it, this fails."
            self.say(branches.FIELD_MAY_BE_MISSING, offset, message, f"Write {whole} | default(…).", length=length)

    def _deprecated(self, node: Path, place: int, found: Found) -> None:
        offset, length = self._key_at(node, place)
        self.say(
            clarity.DEPRECATED,
            offset,
            f"The field '{shown(str(node.keys[place]))}' is deprecated.",
            shown(found.deprecated, 200),
            length=length,
        )

    def _index(self, node: Index, facts: Facts, *, lenient: bool = False) -> tuple[Type, bool]:
        type = self._lenient(node.value, facts)[0] if lenient else self.type(node.value, facts)
        key = self.type(node.key, facts)
        if isinstance(node.key, Constant) and isinstance(node.key.value, str | int):
            found = look(type, node.key.value)
            if isinstance(found, Found):
                if not lenient and self.is_null(type):
                    self.say(typing.MAY_BE_NULL, node.value, "This may be null, and then has no fields.", "Put | default(…) after it.")
                return found.type, found.presence is Presence.ALWAYS and found.null is None
            self._no_index(node, node.key.value, type, found)
            return ANY, False
        kinds, given = kinds_of(type), kinds_of(key)
        if self.report is not None and kinds is not None and given is not None:
            wanted = {Kind.NUMBER if one is Kind.LIST else Kind.TEXT for one in kinds & {Kind.LIST, Kind.OBJECT}}
            if not wanted & given:
                message = f"{described(type)[:1].upper()}{described(type)[1:]} is not read by {described(key)}."
                self.say(typing.WRONG_INDEX, node.key, message, "A list is read by a number, a map by a text.")
        if isinstance(type, Items):
            return type.item, False
        if isinstance(type, Object):
            rest = () if type.rest is None else (type.rest,)
            return union(*(one.type for one in type.fields.values()), *rest), False
        return ANY, False

    def _no_index(self, node: Index, key: str | int, type: Type, found: NoField | NoObject) -> None:
        if self.report is None:
            return
        offset = self.source.find(str(key), node.key.offset)
        offset = node.key.offset if offset < 0 else offset
        owner = node.value.filter if isinstance(node.value, Applied) else "the value"
        if isinstance(found, NoField):
            near = nearest(str(key), found.known)
            hint = near or (f"It has {listed(found.known[:_MOST_SHOWN])}." if found.known else "It has no fields.")
            message = (
                f"The result of '{owner}' has no field '{shown(str(key))}'."
                if isinstance(node.value, Applied)
                else (f"This has no field '{shown(str(key))}'.")
            )
        else:
            hint = "Take one item with [0] or first, or all with pluck." if isinstance(type, Items) else "Read it as it is."
            message = f"This is {described(type)} and has no fields."
        self.say(names.UNKNOWN_FIELD, offset, message, hint, length=len(str(key)))

    # What may be missing ----------------------------------------------------------------------------------------------

    def _lenient(self, node: Node, facts: Facts) -> tuple[Type, bool]:
        """Return the type of a node that may be missing, and whether it is there for certain."""
        match node:
            case Path():
                return self._path(node, facts, lenient=True)
            case Index():
                return self._index(node, facts, lenient=True)
            case Applied():
                type, certain = self._lenient(node.value, facts)
                return applied(self._call(node, type if certain else without_null(type), facts)), certain
            case MappedOver():
                type, certain = self._lenient(node.value, facts)
                return mapped(self._call(node, type if certain else without_null(type), facts)), certain
            case _:
                return self.type(node, facts), True

    def _fallback(self, node: Fallback, facts: Facts) -> Type:
        type, certain = self._lenient(node.value, facts)
        otherwise = self.type(node.otherwise, facts)
        if self.report is not None and certain and not isinstance(type, Anything) and nullness(type) is None:
            self.say(
                clarity.NEEDLESS_DEFAULT, node, f"{self.words(node.value)} is always there, so the default is never used.", "Leave it out."
            )
        if isinstance(otherwise, Items) and isinstance(type, Items) and isinstance(otherwise.item, Anything):
            return type  # default([])
        return union(without_null(type), otherwise)

    # The rest ---------------------------------------------------------------------------------------------------------

    def _chain(self, node: AllOf | AnyOf, facts: Facts) -> Type:
        decides = isinstance(node, AnyOf)
        known: list[bool | None] = []
        for term in node.terms:
            type = self.truth(term, facts)
            known.append(type.only if isinstance(type, Boolean) else None)
            facts = narrowed(self, term, not decides, facts)
        if decides in known:
            return Boolean(decides)
        return BOOLEAN if None in known else Boolean(not decides)

    def _choice(self, node: Choice, facts: Facts) -> Type:
        condition = self.truth(node.condition, facts)
        if self.report is not None and _is_flag(node.then, True) and _is_flag(node.otherwise, False):
            self.say(clarity.NEEDLESS_CHOICE, node, "The condition is true or false already.", "Write the condition alone.")
        then = self.type(node.then, narrowed(self, node.condition, True, facts))
        otherwise = self.type(node.otherwise, narrowed(self, node.condition, False, facts))
        if isinstance(condition, Boolean) and condition.only is not None:
            return then if condition.only else otherwise
        return union(then, otherwise)

    def _negative(self, node: Negative, facts: Facts) -> Type:
        type = self.type(node.value, facts)
        operators.needs_number(self, node.value, type, "'-'")
        if isinstance(type, Number):
            return Number(type.is_whole, None if type.high is None else -type.high, None if type.low is None else -type.low)
        return NUMBER

    def _call(self, node: Applied | MappedOver, type: Type, facts: Facts) -> Call:
        return Call(self, node, type, tuple(self.type(argument, facts) for argument in node.arguments))


_DEFAULT_FALSE: Final = "Write … | default(false)."


def _instead(kinds: frozenset[Kind]) -> str:
    if kinds & {Kind.LIST, Kind.OBJECT}:
        return "Ask for its length: … | length > 0."
    return "Compare it: … == 'text'." if Kind.TEXT in kinds else "Compare it: … > 0."


def _is_flag(node: Node, value: bool) -> bool:
    return isinstance(node, Constant) and node.value is value
