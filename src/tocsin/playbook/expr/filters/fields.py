"""Dotted paths into the items of a list, as `where`, `pluck`, `sort`, `group_by` and `count` take them."""

from tocsin.core.values import Json
from tocsin.playbook.expr.filters.kinds import Refusal, text
from tocsin.playbook.expr.values import ABSENT, Absent, kind_of


def field_path(value: Json) -> tuple[str, ...]:
    """Cut `rep.malicious` into its names."""
    path = tuple(text(value, "field").split("."))
    if not all(path) or len(path) > 20:
        raise Refusal(f"needs a field as 'name' or 'name.name', not '{value}'.")
    return path


def field_of(item: Json, path: tuple[str, ...], place: int) -> Json | Absent:
    """Read a field of a list's item; ABSENT if any part of the path is not there."""
    if item is not None and not isinstance(item, dict):
        raise Refusal(f"needs a list of objects; item {place} is {kind_of(item)}.", hint="Use unique, sort, map or 'in' for plain values.")
    value: Json = item
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return ABSENT
        value = value[name]
    return value
