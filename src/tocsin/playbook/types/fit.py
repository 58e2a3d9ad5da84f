"""Whether a value of one type can be given where another is wanted."""

from dataclasses import dataclass
from enum import Enum

from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.expr.grammar import Kind
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.lattice import (
    Items,
    Number,
    Object,
    Presence,
    Text,
    Type,
    kinds_of,
    members_of,
    nullness,
    objects_of,
)


class Grade(Enum):
    """How sure it is that the value is refused."""

    NEVER_FITS = "never"
    NULL = "when it is null"
    OPTION = "when it is one of some words"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a value does not fit: the end of a sentence that begins with the name of what is given, and a hint."""

    grade: Grade
    words: str
    hint: str = ""


def misfit(given: Type, wanted: Type) -> Misfit | None:
    """Say why a value is refused; None if it fits, or nobody can tell."""
    ours, theirs = kinds_of(given), kinds_of(wanted)
    if ours is None or theirs is None:
        return None
    if not ours & theirs:
        return Misfit(Grade.NEVER_FITS, f"must be {described(wanted)}, not {described(given)}.", _convert(given, wanted))
    common = ours & theirs
    if len(common) == 1:
        inner = _same_kind(given, wanted, *common)
        if inner is not None and (inner.grade is not Grade.NEVER_FITS or len(ours) == 1):
            return inner
    null = nullness(given)
    if null is not None and not null.is_rare and Kind.NULL not in theirs:
        return Misfit(Grade.NULL, f"may be null, and must be {described(wanted)}.", "Add | default(…).")
    return None


def _convert(given: Type, wanted: Type) -> str:
    ours, theirs = kinds_of(given) or frozenset(), kinds_of(wanted) or frozenset()
    if Kind.LIST in theirs and len(ours) == 1:
        return "Put it in a list: [ … ]."
    if Kind.LIST in ours:
        return "Take one item with | first, or join them with | join(', ')."
    if Kind.TEXT in theirs:
        return "Convert it with | string."
    return "Convert it with | int." if Kind.NUMBER in theirs and Kind.TEXT in ours else "Give another value."


def _same_kind(given: Type, wanted: Type, kind: Kind) -> Misfit | None:
    match kind:
        case Kind.TEXT:
            return _text(_one(given, Text), _one(wanted, Text))
        case Kind.NUMBER:
            return _number(_one(given, Number), _one(wanted, Number))
        case Kind.LIST:
            return _list(_one(given, Items), _one(wanted, Items))
        case Kind.OBJECT:
            return _object([*objects_of(given)], [*objects_of(wanted)])
        case _:
            return None


def _one(type: Type, cls: "type[Text | Number | Items]") -> Type:
    return next((one for one in members_of(type) if isinstance(one, cls)), type)


def _text(given: Type, wanted: Type) -> Misfit | None:
    if not isinstance(given, Text) or not isinstance(wanted, Text) or given.options is None or wanted.options is None:
        return None
    allowed = wanted.options
    wrong = [one for one in given.options if one not in allowed]
    if not wrong:
        return None
    which = ", ".join(allowed[:12])
    if len(wrong) == len(given.options):
        return Misfit(
            Grade.NEVER_FITS, f"must be one of {which}, not the text '{shown(wrong[0])}'.", nearest(wrong[0], allowed) or "Change it."
        )
    return Misfit(Grade.OPTION, f"may be '{shown(wrong[0])}', and must be one of {which}.", "Choose another word for it: x if … else y.")


def _number(given: Type, wanted: Type) -> Misfit | None:
    if not isinstance(given, Number) or not isinstance(wanted, Number):
        return None
    if given.low is not None and wanted.high is not None and given.low > wanted.high:
        return Misfit(Grade.NEVER_FITS, f"must be {wanted.high:g} or less.", "Change it.")
    if given.high is not None and wanted.low is not None and given.high < wanted.low:
        return Misfit(Grade.NEVER_FITS, f"must be {wanted.low:g} or more.", "Change it.")
    return None


def _list(given: Type, wanted: Type) -> Misfit | None:
    if not isinstance(given, Items) or not isinstance(wanted, Items):
        return None
    inner = misfit(given.item, wanted.item)
    return None if inner is None else Misfit(inner.grade, f"has an item that {inner.words}", inner.hint)


def _object(given: list[Object], wanted: list[Object]) -> Misfit | None:
    if len(given) != 1 or len(wanted) != 1:
        return None
    one, other = given[0], wanted[0]
    for name, field in other.fields.items():
        has = one.fields.get(name)
        if has is None:
            if field.presence is Presence.ALWAYS and one.rest is None:
                return Misfit(Grade.NEVER_FITS, f"has no '{shown(name)}', which is needed.", f"Add '{shown(name)}'.")
            continue
        inner = misfit(has.type, field.type)
        if inner is not None:
            return Misfit(inner.grade, f"has a '{shown(name)}' that {inner.words}", inner.hint)
    for name in one.fields if other.rest is None else ():
        if name not in other.fields:
            return Misfit(Grade.NEVER_FITS, f"has a '{shown(name)}', which is not known.", nearest(name, other.fields) or "Leave it out.")
    return None
