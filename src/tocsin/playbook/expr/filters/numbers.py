"""Filters on numbers."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import shown
from tocsin.playbook.expr.filters.kinds import Refusal, items_of, number, whole
from tocsin.playbook.expr.values import checked_number, is_number, kind_of, ordered

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?")
_MOST_DIGITS: Final = 15
_LONGEST: Final = 100  # characters of a number


def _int(work: Work, value: Json) -> Json:
    if isinstance(value, str):
        plain = value.strip() if len(value) <= _LONGEST else ""
        if not _WHOLE.fullmatch(plain):
            raise Refusal(f"cannot read '{shown(value)}' as a whole number.", hint="Write | float | int for one with a fraction.")
        return checked_number(int(plain))
    if isinstance(value, int | float):
        return checked_number(int(checked_number(value)))
    raise Refusal(f"needs a text or a number, not {kind_of(value)}.", hint="Put | default(0) before it.")


def _float(work: Work, value: Json) -> Json:
    if isinstance(value, str):
        plain = value.strip() if len(value) <= _LONGEST else ""
        if not _DECIMAL.fullmatch(plain):
            raise Refusal(f"cannot read '{shown(value)}' as a number.")
        return checked_number(float(plain))
    if isinstance(value, int | float):
        return float(checked_number(value))
    raise Refusal(f"needs a text or a number, not {kind_of(value)}.", hint="Put | default(0) before it.")


def _round(work: Work, value: Json, digits: Json) -> Json:
    source, places = checked_number(number(value)), whole(digits, "digits")
    if not 0 <= places <= _MOST_DIGITS:
        raise Refusal(f"takes 0 to {_MOST_DIGITS} digits, not {places}.")
    if isinstance(source, int) or abs(source) >= 2**53:  # whole numbers already
        return int(source) if places == 0 else source
    # halves go away from zero, as people round; Python's round() makes 2 of 2.5
    rounded = Decimal(repr(source)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return int(rounded) if places == 0 else float(rounded)


def _sum(work: Work, value: Json) -> Json:
    items = items_of(value)
    work.spend(len(items))
    total: int | float = 0
    for place, item in enumerate(items):
        if not is_number(item):
            raise Refusal(f"needs a list of numbers; item {place} is {kind_of(item)}.", hint="Use pluck first, or | map('int').")
        total = checked_number(total + checked_number(item))
    return total


def _extreme(sign: int) -> Callable[[Work, Json], Json]:
    def extreme(work: Work, value: Json) -> Json:
        items = items_of(value)
        work.spend(len(items))
        if not items:
            return None
        best = items[0]
        for item in items:
            if sign * ordered(item, best) > 0:
                best = item
        return best

    return extreme


FILTERS: Final[dict[str, Callable[..., Json]]] = {
    "int": _int,
    "float": _float,
    "round": _round,
    "sum": _sum,
    "min": _extreme(-1),
    "max": _extreme(1),
}
