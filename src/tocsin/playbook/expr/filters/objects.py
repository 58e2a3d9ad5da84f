"""Filters on objects."""

from collections.abc import Callable
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.filters.kinds import fields_of


def _keys(work: Work, value: Json) -> Json:
    fields = fields_of(value)
    work.spend(len(fields) // 4 + 1)
    return [*fields]


def _values(work: Work, value: Json) -> Json:
    fields = fields_of(value)
    work.spend(len(fields) // 4 + 1)
    return [*fields.values()]


def _items(work: Work, value: Json) -> Json:
    fields = fields_of(value)
    work.spend(2 * len(fields))
    return [{"key": key, "value": one} for key, one in fields.items()]


def _merge(work: Work, value: Json, other: Json) -> Json:
    left, right = fields_of(value), fields_of(other, "other")
    work.spend((len(left) + len(right)) // 2 + 1)
    return {**left, **right}


FILTERS: Final[dict[str, Callable[..., Json]]] = {"keys": _keys, "values": _values, "items": _items, "merge": _merge}
