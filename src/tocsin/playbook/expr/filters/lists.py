"""Filters on lists."""

from collections.abc import Callable
from functools import cmp_to_key
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.expr.filters.fields import field_of, field_path
from tocsin.playbook.expr.filters.kinds import Refusal, boolean, items_of, text, whole
from tocsin.playbook.expr.grammar import WHERE_OPERATORS
from tocsin.playbook.expr.values import ABSENT, as_text, contains, equal, joined, kind_of, ordered

_SLOW_ITEM: Final = 2  # units for an item that is handled in Python rather than by one call over the list


def _where(work: Work, value: Json, field: Json, operator: Json, wanted: Json) -> Json:
    items, path = items_of(value), field_path(field)
    work.spend(_SLOW_ITEM * len(items))
    if operator == "" and wanted is None:
        return [item for place, item in enumerate(items) if _is_true(field_of(item, path, place), field)]
    if operator == "==" and isinstance(wanted, str) and len(path) == 1:  # the common one: a text equals texts only
        name = path[0]
        try:
            return [item for item in items if item[name] == wanted]  # type: ignore[index,call-overload]  # what is no object goes on below
        except (KeyError, TypeError):
            pass
    holds = _OPERATORS.get(text(operator, "operator"))
    if holds is None:
        raise Refusal(f"has no operator '{shown(str(operator))}'.", hint=_operator_hint(operator))
    chosen: list[Json] = []
    for place, item in enumerate(items):
        found = field_of(item, path, place)
        if found is not ABSENT and holds(work, found, wanted):
            chosen.append(item)
    return chosen


def _is_true(found: object, field: Json) -> bool:
    if found is ABSENT or found is None or found is False:
        return False
    if found is True:
        return True
    raise Refusal(f"needs true or false in '{field}'.", hint=f"Compare it: where('{field}', '==', value).")


def _operator_hint(operator: Json) -> str:
    return nearest(str(operator), WHERE_OPERATORS) or f"There are: {', '.join(WHERE_OPERATORS)}."


def check_where(constants: list[Json]) -> None:
    """Refuse a constant operator that does not exist."""
    operator, wanted = constants[1:]
    if operator not in (None, *WHERE_OPERATORS) and (operator, wanted) != ("", None):
        raise Refusal(f"has no operator '{shown(str(operator))}'.", hint=_operator_hint(operator))
    if constants[0] is not None:
        field_path(constants[0])


def check_field(constants: list[Json]) -> None:
    """Refuse a constant field that is no path."""
    if constants[0] is not None:
        field_path(constants[0])


def _in_order(holds: Callable[[int], bool]) -> Callable[[Work, Json, Json], bool]:
    # a null is no number that could be above or below: it is passed over as a missing field is
    return lambda work, found, wanted: found is not None and holds(ordered(found, wanted))


_OPERATORS: Final[dict[str, Callable[[Work, Json, Json], bool]]] = {
    "==": equal,
    "!=": lambda work, found, wanted: not equal(work, found, wanted),
    "<": _in_order(lambda order: order < 0),
    "<=": _in_order(lambda order: order <= 0),
    ">": _in_order(lambda order: order > 0),
    ">=": _in_order(lambda order: order >= 0),
    "in": lambda work, found, wanted: found is not None and contains(work, wanted, found),
    "not in": lambda work, found, wanted: found is None or not contains(work, wanted, found),
    "contains": lambda work, found, wanted: found is not None and contains(work, found, wanted),
}


def _pluck(work: Work, value: Json, field: Json) -> Json:
    items, path = items_of(value), field_path(field)
    work.spend(_SLOW_ITEM * len(items))
    if len(path) == 1:
        name = path[0]
        try:
            return [item[name] for item in items]  # type: ignore[index,call-overload]  # what is no object goes on below
        except (KeyError, TypeError):
            pass
    found = [field_of(item, path, place) for place, item in enumerate(items)]
    return [one for one in found if one is not ABSENT]


def _first(work: Work, value: Json) -> Json:
    items = items_of(value)
    return items[0] if items else None


def _last(work: Work, value: Json) -> Json:
    items = items_of(value)
    return items[-1] if items else None


def _unique(work: Work, value: Json) -> Json:
    items = items_of(value)
    work.spend(len(items))
    if set(map(type, items)) == {str}:
        return list(dict.fromkeys(items))
    seen: set[object] = set()
    kept: list[Json] = []
    for item in items:
        mark = _mark(work, item)
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


def _mark(work: Work, value: Json) -> object:
    """Make what is equal for equal values only: true is not 1, and the order of an object's fields does not count."""
    work.spend(_SLOW_ITEM)
    if isinstance(value, dict | list):
        work.spend(2 * _SLOW_ITEM)
    if isinstance(value, dict):
        return ("object", frozenset((key, _mark(work, one)) for key, one in value.items()))
    if isinstance(value, list):
        return ("list", tuple(_mark(work, one) for one in value))
    return ("boolean", value) if isinstance(value, bool) else value


def _sort(work: Work, value: Json, field: Json, descending: Json) -> Json:
    items, backwards = items_of(value), boolean(descending, "descending")
    work.spend(_SLOW_ITEM * len(items) * max(1, len(items).bit_length() // 2))
    if field is None:
        return _sorted([(item, item) for item in items], backwards=backwards)
    path = field_path(field)
    present: list[tuple[Json, Json]] = []
    without: list[Json] = []
    for place, item in enumerate(items):
        key = field_of(item, path, place)
        if key is ABSENT or key is None:
            without.append(item)
        else:
            present.append((key, item))
    return _sorted(present, backwards=backwards) + without  # last, whichever way the rest is sorted


def _sorted(keyed: list[tuple[Json, Json]], *, backwards: bool) -> list[Json]:
    for (key, _), (after, _) in zip(keyed, keyed[1:] or keyed, strict=False):
        ordered(key, after)  # one kind all through; a list of one is refused like others
    return [item for _, item in sorted(keyed, key=cmp_to_key(_by_key), reverse=backwards)]


def _by_key(left: tuple[Json, Json], right: tuple[Json, Json]) -> int:
    return ordered(left[0], right[0])


def _reverse(work: Work, value: Json) -> Json:
    if isinstance(value, str):
        work.write(len(value))
        return value[::-1]
    items = items_of(value)
    work.spend(len(items) // 4 + 1)
    return items[::-1]


def _join(work: Work, value: Json, separator: Json) -> Json:
    items, between = items_of(value), text(separator, "separator")
    return joined(work, [item if isinstance(item, str) else as_text(work, item) for item in items], between)


def _slice(work: Work, value: Json, start: Json, end: Json) -> Json:
    first, past = whole(start, "start"), None if end is None else whole(end, "end")
    if isinstance(value, str):
        part = value[first:past]
        work.write(len(part))
        return part
    if not isinstance(value, list):
        raise Refusal(f"needs a text or a list, not {kind_of(value)}.")
    items = value[first:past]
    work.spend(len(items) // 4 + 1)
    return items


def _flatten(work: Work, value: Json) -> Json:
    items = items_of(value)
    work.spend(len(items) + sum(len(item) for item in items if isinstance(item, list)) // 2)
    flat: list[Json] = []
    for item in items:
        if isinstance(item, list):
            flat.extend(item)
        else:
            flat.append(item)
    return flat


def _group_by(work: Work, value: Json, field: Json) -> Json:
    groups: dict[str, list[Json]] = {}
    for key, item in _keyed(work, value, field):
        groups.setdefault(key, []).append(item)
    return {**groups}


def _count(work: Work, value: Json, field: Json) -> Json:
    if field is None:
        return len(items_of(value))
    counts: dict[str, int] = {}
    for key, _ in _keyed(work, value, field):
        counts[key] = counts.get(key, 0) + 1
    return {**counts}


def _keyed(work: Work, value: Json, field: Json) -> list[tuple[str, Json]]:
    items, path = items_of(value), field_path(field)
    work.spend(2 * _SLOW_ITEM * len(items))
    keyed: list[tuple[str, Json]] = []
    for place, item in enumerate(items):
        key = field_of(item, path, place)
        if isinstance(key, dict | list):
            raise Refusal(f"needs plain values in '{field}'; item {place} has {kind_of(key)}.")
        keyed.append(("" if key is ABSENT else as_text(work, key), item))
    return keyed


def _zip(work: Work, value: Json, other: Json) -> Json:
    left, right = items_of(value), items_of(other, "other")
    if len(left) != len(right):
        raise Refusal(f"needs two lists of one length, not {len(left)} and {len(right)}.", hint="Cut the longer one with slice.")
    work.spend(2 * _SLOW_ITEM * len(left))
    return [[*pair] for pair in zip(left, right, strict=True)]


FILTERS: Final[dict[str, Callable[..., Json]]] = {
    "where": _where,
    "pluck": _pluck,
    "first": _first,
    "last": _last,
    "unique": _unique,
    "sort": _sort,
    "reverse": _reverse,
    "join": _join,
    "slice": _slice,
    "flatten": _flatten,
    "group_by": _group_by,
    "count": _count,
    "zip": _zip,
}
