"""The types that a value can have: immutable, made for saying what is certainly wrong and nothing else.

ANY is a value of which nothing is known; whatever is done with it is right.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeAlias

from tocsin.playbook.expr.grammar import Kind, Kinds
from tocsin.playbook.expr.tree import Scalar

_MOST_OPTIONS: Final = 64
_MOST_OBJECTS: Final = 6


class Presence(Enum):
    """Whether an object has a field. UNSAID: its schema does not tell, so nobody is warned."""

    ALWAYS = "always"
    MAYBE = "maybe"
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class Anything:
    """A value of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Null:
    """Null. `is_rare`: it comes up in a corner (the first of an empty list), which is no reason to warn."""

    is_rare: bool = False


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false; `only` if it can be but one of them."""

    only: bool | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A number between two bounds, both included; None: no bound is known."""

    is_whole: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `options`, if any, are all that it can be."""

    options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values of one type."""

    item: "Type"


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of one field of an object; `deprecated` says what to use instead, "" if it is not."""

    type: "Type"
    presence: Presence = Presence.ALWAYS
    deprecated: str = ""


@dataclass(frozen=True, slots=True)
class Object:
    """An object with its known fields; `rest` is the type of all others, None if there are none."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    rest: "Type | None" = None
    is_error: bool = False  # what stands in the place of the result of a step that failed


@dataclass(frozen=True, slots=True)
class Union:
    """One of several types: none of them a union or ANY, and at most one of each kind but objects."""

    members: tuple["Single", ...]


Single: TypeAlias = Null | Boolean | Number | Text | Items | Object
Type: TypeAlias = Anything | Single | Union

ANY: Final = Anything()
NULL: Final = Null()
RARELY_NULL: Final = Null(is_rare=True)
BOOLEAN: Final = Boolean()
NUMBER: Final = Number()
WHOLE: Final = Number(is_whole=True)
SIZE: Final = Number(is_whole=True, low=0)
TEXT: Final = Text()
LIST: Final = Items(ANY)
OBJECT: Final = Object(rest=ANY)

_KIND: Final[Mapping[type, Kind]] = {
    Null: Kind.NULL,
    Boolean: Kind.BOOLEAN,
    Number: Kind.NUMBER,
    Text: Kind.TEXT,
    Items: Kind.LIST,
    Object: Kind.OBJECT,
}


_KINDS: Final[Mapping[type, Kinds]] = {cls: frozenset({kind}) for cls, kind in _KIND.items()}


def closed(fields: Mapping[str, Type], *, presence: Presence = Presence.ALWAYS) -> Object:
    """Return an object that has these fields and no others."""
    return Object({name: Field(one, presence) for name, one in fields.items()})


def literal(value: Scalar) -> Type:
    """Return the type that has one value only."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return Boolean(value)
    if isinstance(value, str):
        return Text((value,))
    return Number(float(value).is_integer() if abs(value) < 2**53 else isinstance(value, int), value, value)


def members_of(type: Type) -> tuple[Single, ...]:
    """Return the types of which a value has one; none if nothing is known."""
    if isinstance(type, Union):
        return type.members
    return () if isinstance(type, Anything) else (type,)


def kind_of(type: Single) -> Kind:
    """Name the kind of a type that is no union."""
    return _KIND[type.__class__]


def kinds_of(type: Type) -> Kinds | None:
    """Return the kinds that a value can be of; None if nothing is known."""
    known = _KINDS.get(type.__class__)
    if known is not None:
        return known
    return frozenset(_KIND[one.__class__] for one in type.members) if isinstance(type, Union) else None


def only(type: Type, kinds: Kinds) -> Type:
    """Return the part of a type that is of some kinds; ANY if nothing is left or known."""
    return union(*(one for one in members_of(type) if kind_of(one) in kinds))


def union(*types: Type) -> Type:
    """Return the type of a value that has one of several types; ANY of none."""
    if len(types) == 1:
        return types[0]
    merged: list[Single] = []
    for one in types:
        if isinstance(one, Anything):
            return ANY
        for member in members_of(one):
            if not _merge(merged, member):
                return ANY
    if not merged:
        return ANY
    return merged[0] if len(merged) == 1 else Union(tuple(merged))


def _merge(merged: list[Single], new: Single) -> bool:
    """Add a member; False if the union grows too large to be of use."""
    if new in merged:
        return True
    if isinstance(new, Object):
        merged.append(new)
        return sum(isinstance(one, Object) for one in merged) <= _MOST_OBJECTS
    for place, old in enumerate(merged):
        if old.__class__ is new.__class__:
            merged[place] = _joined(old, new)
            return True
    merged.append(new)
    return True


def _joined(old: Single, new: Single) -> Single:
    match old, new:
        case Null(), Null():
            return Null(old.is_rare and new.is_rare)
        case Boolean(), Boolean():
            return BOOLEAN
        case Number(), Number():
            low = None if old.low is None or new.low is None else min(old.low, new.low)
            high = None if old.high is None or new.high is None else max(old.high, new.high)
            return Number(old.is_whole and new.is_whole, low, high)
        case Text(), Text():
            if old.options is None or new.options is None:
                return TEXT
            options = tuple(dict.fromkeys((*old.options, *new.options)))
            return Text(options) if len(options) <= _MOST_OPTIONS else TEXT
        case Items(), Items():
            return Items(union(old.item, new.item))
        case _:
            return old


def without_null(type: Type) -> Type:
    """Return a type without its null; ANY if nothing else is left."""
    if not isinstance(type, Union):
        return ANY if isinstance(type, Null) else type
    return union(*(one for one in type.members if not isinstance(one, Null)))


def nullness(type: Type) -> Null | None:
    """Return the null that a type can be."""
    return next((one for one in members_of(type) if isinstance(one, Null)), None)


def widened(type: Type) -> Type:
    """Return a type without what is known of single values: texts and numbers in place of this text and that number."""
    match type:
        case Text():
            return TEXT
        case Number():
            return Number(type.is_whole)
        case Boolean():
            return BOOLEAN
        case Union():
            return union(*map(widened, type.members))
        case _:
            return type


def objects_of(type: Type) -> Iterator[Object]:
    """Yield the objects that a value can be."""
    return (one for one in members_of(type) if isinstance(one, Object))


def with_field(type: Object, name: str, value: Field) -> Object:
    """Return an object with one more field, or another one."""
    return replace(type, fields={**type.fields, name: value})


# Looking into values --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A field or item that can be there. `null`: what it is taken of may be null; `by_error`: a failed step may have left none."""

    type: Type
    presence: Presence = Presence.ALWAYS
    null: Null | None = None
    by_error: bool = False
    deprecated: str = ""


@dataclass(frozen=True, slots=True)
class NoField:
    """No such value has the field; these it has."""

    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoObject:
    """No such value has fields, or no items that are taken so."""

    type: Type


Look: TypeAlias = Found | NoField | NoObject
_UNKNOWN: Final = Found(ANY, Presence.UNSAID)


def look(type: Type, key: str | int) -> Look:
    """Take a field or an item of a type."""
    if isinstance(type, Object):  # most are
        return _field(type, key)
    if isinstance(type, Anything):
        return _UNKNOWN
    if isinstance(type, Union):
        return _look_each(type, key)
    return _part(type, key)


def _look_each(type: Union, key: str | int) -> Look:
    looked = [(one, _part(one, key)) for one in type.members if not isinstance(one, Null)]
    found = [one for _, one in looked if isinstance(one, Found)]
    if not found:
        bad = [one for _, one in looked]
        if bad and all(isinstance(one, NoField) for one in bad):
            return NoField(tuple(dict.fromkeys(name for one in bad if isinstance(one, NoField) for name in one.known)))
        return NoObject(type) if bad else _UNKNOWN
    presence = found[0].presence if len({one.presence for one in found}) == 1 else Presence.UNSAID
    by_error = any(isinstance(one, Object) and one.is_error and not isinstance(seen, Found) for one, seen in looked)
    if len(found) < len(looked):
        presence = Presence.MAYBE if by_error else Presence.UNSAID
    deprecated = next((one.deprecated for one in found if one.deprecated), "")
    return Found(union(*(one.type for one in found)), presence, nullness(type), by_error, deprecated)


def _part(type: Single, key: str | int) -> Look:
    match type:
        case Object():
            return _field(type, key)
        case Items() if isinstance(key, int):
            return Found(type.item, Presence.UNSAID)
        case Null():
            return Found(ANY, Presence.UNSAID, type)
        case _:
            return NoObject(type)


def _field(type: Object, key: str | int) -> Look:
    if not isinstance(key, str):
        return NoObject(type)
    known = type.fields.get(key)
    if known is not None:
        return Found(known.type, known.presence, deprecated=known.deprecated)
    return NoField(tuple(type.fields)) if type.rest is None else Found(type.rest, Presence.UNSAID)


def look_along(type: Type, path: Iterable[str]) -> Look:
    """Follow several fields, as the filters on lists do; what they do not find there is passed over."""
    found: Look = Found(type)
    for name in path:
        if not isinstance(found, Found):
            return found
        found = look(found.type, name)
    return found
