"""What JSON values are to expressions: kinds, equality without surprises, order, text, size."""

import json
import math
from collections.abc import Collection
from enum import Enum
from itertools import islice
from typing import Final, Literal, TypeAlias, TypeGuard

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import ExprError, ExprLimit, MissingField, nearest, shown
from tocsin.playbook.expr.grammar import MAX_INTEGER, MAX_RESULT, MAX_RESULT_DEPTH, MAX_TEXT, MIN_INTEGER, Kind


class Absence(Enum):
    """The one value that is no value."""

    ABSENT = "absent"


Absent: TypeAlias = Literal[Absence.ABSENT]
ABSENT: Final = Absence.ABSENT

_CELL: Final = 4  # units of work to compare one field or item of two values
_JSON: Final = 5  # units of work for one JSON text, besides its length
_CONTAINER_SIZE: Final = 16
_NUMBER_SIZE: Final = 8
_QUOTES: Final = 3
_ONLY_TEXT: Final = {str}
_KINDS: Final = {
    str: Kind.TEXT,
    bool: Kind.BOOLEAN,  # before int, whose subclass it is
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    type(None): Kind.NULL,
    list: Kind.LIST,
    dict: Kind.OBJECT,
}
_TRUTH_HINTS: Final = {
    Kind.TEXT: "Compare it, e.g. x != ''.",
    Kind.NUMBER: "Compare it, e.g. x > 0.",
    Kind.NULL: "Write x is none, or x | default(false).",
}


def kind_of(value: Json) -> Kind:
    """Name the kind of a value; raises ExprError for what is no JSON."""
    kind = _KINDS.get(type(value)) or next((kind for base, kind in _KINDS.items() if isinstance(value, base)), None)
    if kind is None:
        raise ExprError(f"A value of type '{type(value).__name__}' is not JSON.", hint="Names of an expression hold JSON only.")
    return kind


def is_number(value: Json) -> TypeGuard[int | float]:
    """Say whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def checked_number(value: int | float) -> int | float:
    """Return a number that is small enough to be JSON everywhere."""
    if isinstance(value, int):
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return value
    elif math.isfinite(value):
        return value
    raise ExprLimit("The number is too large.", hint="Whole numbers go from -2^63 to 2^63 - 1.")


def truth(value: Json) -> bool:
    """Return a boolean as it is; nothing else counts as true or false."""
    if value is True or value is False:
        return value
    kind = kind_of(value)
    raise ExprError(f"A condition must be true or false, not {kind}.", hint=_TRUTH_HINTS.get(kind, "Compare it, e.g. x | length > 0."))


def ordered(left: Json, right: Json) -> int:
    """Compare two numbers or two texts: below, equal to or above zero."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if is_number(left) and is_number(right):
        return (left > right) - (left < right)
    raise ExprError(f"Cannot order {kind_of(left)} and {kind_of(right)}.", hint="Convert one, e.g. with | int or | default(0).")


def equal(work: Work, left: Json, right: Json) -> bool:
    """Compare deeply: true is not 1, 1 is 1.0."""
    if isinstance(left, dict):
        if not isinstance(right, dict) or len(left) != len(right):
            return False
        work.spend(_CELL * len(left) + 1)
        return all(key in right and equal(work, value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        work.spend(_CELL * len(left) + 1)
        return all(equal(work, *pair) for pair in zip(left, right, strict=True))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right


def contains(work: Work, whole: Json, part: Json) -> bool:
    """Say whether a list has an item, an object a key, or a text a part."""
    if isinstance(whole, list):
        if isinstance(part, str) or part is None:
            work.spend(len(whole) // 8 + 1)
            return part in whole  # neither equals anything of another kind, so the fast way is the right one
        work.spend(len(whole))
        return any(equal(work, item, part) for item in whole)
    if isinstance(whole, str | dict):
        if not isinstance(part, str):
            where = "a text" if isinstance(whole, str) else "an object"
            raise ExprError(f"'in' {where} needs a text on the left, not {kind_of(part)}.", hint="Convert it with | string.")
        if isinstance(whole, str):
            work.spend(len(whole) // 64 + 1)
        return part in whole
    raise ExprError(f"'in' needs a list, an object or a text on the right, not {kind_of(whole)}.")


def as_text(work: Work, value: Json) -> str:
    """Write a value as text: null is empty, lists and objects are compact JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(checked_number(value))
    return as_json(work, value)


def as_json(work: Work, value: Json) -> str:
    """Write compact JSON."""
    work.spend(_JSON)
    work.write(measured(value, limit=MAX_TEXT))
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    work.write(len(text))
    return text


def joined(work: Work, parts: list[str], separator: str = "") -> str:
    """Join texts, the length checked before they are copied."""
    work.spend(len(parts))
    work.write(sum(map(len, parts)) + len(separator) * max(0, len(parts) - 1))
    return separator.join(parts)


def step(value: Json, key: Json) -> Json | Absent:
    """Take one field or item; ABSENT if it is not there, ExprError if such a value never has it."""
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key, ABSENT)
    if isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else ABSENT
    if value is None:
        return ABSENT
    raise _not_a_part(value, key)


def _not_a_part(value: Json, key: Json) -> ExprError:
    if isinstance(value, list) and isinstance(key, str):
        return ExprError(f"A list has no field '{shown(key)}'.", hint=f"Take an item first, as [0], or use | pluck('{shown(key)}').")
    if isinstance(value, dict):
        return ExprError(f"The fields of an object have texts for names, not {kind_of(key)}.", hint="Use | string, or | values.")
    if isinstance(value, list):
        return ExprError(f"An item of a list is taken by its number, not by {kind_of(key)}.", hint="Use | int.")
    hint = "Use | slice(0, 1)." if isinstance(value, str) and not isinstance(key, str) else ""
    return ExprError(f"Cannot take '{shown(str(key))}' of a {kind_of(value)}.", hint=hint)


def missing(value: Json, key: Json, path: str, offset: int) -> MissingField:
    """Make the error for a field or item that `step` found absent."""
    where = f"'{shown(path)}'"
    if isinstance(value, dict):
        fields = shown(", ".join(islice(value, 8)), 200)
        hint = nearest(str(key), value) or (f"It has: {fields}." if fields else "It is empty.")
        return MissingField(f"{where} has no field '{shown(str(key))}'.", hint=hint, offset=offset)
    if isinstance(value, list):
        return MissingField(f"{where} has {len(value)} items, so there is no [{key!s}].", hint="Add | default(...).", offset=offset)
    hint = "Add | default(...) if that can be."
    return MissingField(f"{where} is null, so it has no '{shown(str(key))}'.", hint=hint, offset=offset)


def measured(value: Json, *, limit: int = MAX_RESULT) -> int:
    """Return the size of a value, checking that all of it is JSON; raises ExprLimit as soon as the limit is passed.

    Goes level by level: a small graph of shared lists can stand for an endless tree, and a deep one would end the stack.
    """
    below: list[dict[str, Json] | list[Json]] = []
    size, depth = _measured_items((value,), below), 0
    while below and size <= limit:
        depth += 1
        if depth > MAX_RESULT_DEPTH:
            raise ExprLimit(f"The value is nested more than {MAX_RESULT_DEPTH} deep.", hint="Take only what is needed.")
        level, below = below, []
        for container in level:
            if isinstance(container, dict):
                size += len("".join(container)) + _QUOTES * len(container)  # joining checks that the keys are texts
                size += _measured_items(container.values(), below)
            else:
                size += _measured_items(container, below)
            if size > limit:
                break
    if size > limit:
        raise ExprLimit(f"The value is larger than {limit:,} characters.", hint="Take only what is needed, e.g. with pluck or slice.")
    return size


def _measured_items(items: Collection[Json], below: list[dict[str, Json] | list[Json]]) -> int:
    if set(map(type, items)) == _ONLY_TEXT:  # most long lists
        return sum(map(len, items)) + _QUOTES * len(items)  # type: ignore[arg-type]  # every item is a text: checked just above
    size = 0
    for item in items:
        if isinstance(item, str):
            size += len(item) + _QUOTES
        elif isinstance(item, dict | list):
            below.append(item)
            size += _CONTAINER_SIZE
        else:
            if is_number(item):
                checked_number(item)
            else:
                kind_of(item)
            size += _NUMBER_SIZE
    return size
