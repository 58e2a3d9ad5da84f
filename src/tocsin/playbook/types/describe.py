"""Types in words, as messages say them."""

from typing import Final

from tocsin.playbook.expr.errors import shown
from tocsin.playbook.expr.grammar import Kind, Kinds
from tocsin.playbook.types.lattice import Anything, Boolean, Items, Null, Number, Object, Single, Text, Type, Union

_ORDER: Final = ("a text", "an integer", "a number", "a boolean", "a list", "a map", "null")
_KINDS: Final = {
    Kind.TEXT: "a text",
    Kind.NUMBER: "a number",
    Kind.BOOLEAN: "a boolean",
    Kind.LIST: "a list",
    Kind.OBJECT: "a map",
    Kind.NULL: "null",
}
_SEVERAL: Final = {Text: "text", Number: "numbers", Boolean: "booleans", Items: "lists", Object: "maps", Null: "nulls"}


def described(type: Type) -> str:
    """Write a type with its article: `a list of text`, `a text or null`."""
    match type:
        case Anything():
            return "a value"
        case Union():
            words = dict.fromkeys(_one(one) for one in type.members)
            return " or ".join(sorted(words, key=_rank))
        case _:
            return _one(type)


def described_kinds(kinds: Kinds) -> str:
    """Write kinds with their articles: `a text or a list`."""
    return " or ".join(words for kind, words in _KINDS.items() if kind in kinds)


def _rank(words: str) -> int:
    return next((place for place, one in enumerate(_ORDER) if words.startswith(one)), len(_ORDER))


def _one(type: Single) -> str:
    match type:
        case Text():
            return f"the text '{shown(type.options[0])}'" if type.options is not None and len(type.options) == 1 else "a text"
        case Number():
            if type.low is not None and type.low == type.high:
                return f"the number {type.low:g}"
            return "an integer" if type.is_whole else "a number"
        case Boolean():
            return "a boolean"
        case Items():
            return "a list" + _of(type.item)
        case Object():
            return "a map"
        case Null():
            return "null"


def _of(type: Type) -> str:
    if isinstance(type, Anything | Union):
        return ""
    if isinstance(type, Items):
        return f" of lists{_of(type.item)}"
    return f" of {_SEVERAL[type.__class__]}"
