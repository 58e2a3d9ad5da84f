"""What the operators do. Only `~` converts; everything else takes the kinds it is made for."""

from collections.abc import Callable
from typing import Final, TypeAlias

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import ExprError
from tocsin.playbook.expr.values import checked_number, contains, equal, is_number, joined, kind_of, ordered

Comparison: TypeAlias = Callable[[Work, Json, Json], bool]
Calculation: TypeAlias = Callable[[Work, Json, Json], Json]

_SIMPLE: Final = frozenset({str, int, float, type(None)})  # equal by Python's own measure if of the same type


def _equals(work: Work, left: Json, right: Json) -> bool:
    if type(left) is type(right) and type(left) in _SIMPLE:
        return left == right
    return equal(work, left, right)


def _differs(work: Work, left: Json, right: Json) -> bool:
    return not _equals(work, left, right)


def _below(work: Work, left: Json, right: Json) -> bool:
    return ordered(left, right) < 0


def _at_most(work: Work, left: Json, right: Json) -> bool:
    return ordered(left, right) <= 0


def _above(work: Work, left: Json, right: Json) -> bool:
    return ordered(left, right) > 0


def _at_least(work: Work, left: Json, right: Json) -> bool:
    return ordered(left, right) >= 0


def _is_in(work: Work, left: Json, right: Json) -> bool:
    return contains(work, right, left)


def _is_not_in(work: Work, left: Json, right: Json) -> bool:
    return not contains(work, right, left)


def _add(work: Work, left: Json, right: Json) -> Json:
    if is_number(left) and is_number(right):
        return checked_number(checked_number(left) + checked_number(right))
    if isinstance(left, str) and isinstance(right, str):
        return joined(work, [left, right])
    if isinstance(left, list) and isinstance(right, list):
        work.spend((len(left) + len(right)) // 2 + 1)
        return left + right
    hint = "Join text with ~." if isinstance(left, str) or isinstance(right, str) else "Convert one, e.g. with | int or | default(0)."
    raise ExprError(f"Cannot add {kind_of(left)} and {kind_of(right)}.", hint=hint)


def _numbers(verb: str, left: Json, right: Json) -> tuple[int | float, int | float]:
    if is_number(left) and is_number(right):
        return checked_number(left), checked_number(right)
    raise ExprError(f"Cannot {verb} {kind_of(left)} and {kind_of(right)}.", hint="Convert one, e.g. with | int or | default(0).")


def _subtract(work: Work, left: Json, right: Json) -> Json:
    one, other = _numbers("subtract", left, right)
    return checked_number(one - other)


def _multiply(work: Work, left: Json, right: Json) -> Json:
    one, other = _numbers("multiply", left, right)
    return checked_number(one * other)


def _divide(work: Work, left: Json, right: Json) -> Json:
    one, other = _numbers("divide", left, right)
    if other == 0:
        raise _by_zero("divide")
    if isinstance(one, int) and isinstance(other, int) and one % other == 0:
        return checked_number(one // other)  # 4 / 2 is 2, as people write it, not 2.0
    return checked_number(one / other)


def _remainder(work: Work, left: Json, right: Json) -> Json:
    one, other = _numbers("take the remainder of", left, right)
    if other == 0:
        raise _by_zero("take the remainder")
    return checked_number(one % other)


def _by_zero(verb: str) -> ExprError:
    return ExprError(f"Cannot {verb} by zero.", hint="Check it first: x / y if y != 0 else 0.")


COMPARISONS: Final[dict[str, Comparison]] = {
    "==": _equals,
    "!=": _differs,
    "<": _below,
    "<=": _at_most,
    ">": _above,
    ">=": _at_least,
    "in": _is_in,
    "not in": _is_not_in,
}
ARITHMETIC: Final[dict[str, Calculation]] = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide, "%": _remainder}
