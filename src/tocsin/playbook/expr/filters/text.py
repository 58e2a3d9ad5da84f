"""Filters on text, and those that make text of any value."""

from collections.abc import Callable
from typing import Final

from tocsin.core import observables
from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.filters.kinds import Refusal, text
from tocsin.playbook.expr.values import as_text, is_number, kind_of

_YES: Final = frozenset({"true", "yes", "on", "1"})
_LONGEST: Final = 20  # characters of a yes or no
_NO: Final = frozenset({"false", "no", "off", "0"})


def _upper(work: Work, value: Json) -> Json:
    source = text(value)
    work.write(len(source))
    changed = source.upper()  # can be three times as long: ΐ
    work.write(len(changed))
    return changed


def _lower(work: Work, value: Json) -> Json:
    source = text(value)
    work.write(len(source))
    return source.lower()


def _trim(work: Work, value: Json) -> Json:
    source = text(value)
    work.write(len(source))
    return source.strip()


def _split(work: Work, value: Json, separator: Json) -> Json:
    source = text(value)
    work.write(len(source))
    if separator is None:
        work.spend(len(source) // 2)
        return [*source.split()]
    between = text(separator, "separator")
    if not between:
        raise Refusal("cannot split at an empty text.", hint="Give a separator, or none for white space.")
    work.spend(source.count(between))
    return [*source.split(between)]


def _replace(work: Work, value: Json, old: Json, new: Json) -> Json:
    source, before, after = text(value), text(old, "old"), text(new, "new")
    if not before:
        raise Refusal("cannot replace an empty text.", hint="Give the text to look for.")
    work.write(len(source) + source.count(before) * max(0, len(after) - len(before)))
    return source.replace(before, after)


def _string(work: Work, value: Json) -> Json:
    return as_text(work, value)


def _bool(work: Work, value: Json) -> Json:
    if isinstance(value, bool):
        return value
    if is_number(value) and value in (0, 1):
        return value == 1
    word = value.strip().lower() if isinstance(value, str) and len(value) <= _LONGEST else ""
    if word in _YES or word in _NO:
        return word in _YES
    raise Refusal(f"cannot make true or false of this {kind_of(value)}.", hint="It takes true, false, yes, no, on, off, 1 and 0.")


def _length(work: Work, value: Json) -> Json:
    if isinstance(value, str | list | dict):
        return len(value)
    raise Refusal(f"needs a text, a list or an object, not {kind_of(value)}.", hint="Put | default([]) before it.")


def _defang(work: Work, value: Json) -> Json:
    source = text(value)
    work.write(3 * len(source))
    return observables.defang(source)


def _refang(work: Work, value: Json) -> Json:
    source = text(value)
    work.write(len(source))
    work.spend(len(source) // 4)
    return observables.refang(source)


FILTERS: Final[dict[str, Callable[..., Json]]] = {
    "upper": _upper,
    "lower": _lower,
    "trim": _trim,
    "split": _split,
    "replace": _replace,
    "string": _string,
    "bool": _bool,
    "length": _length,
    "defang": _defang,
    "refang": _refang,
}
