"""What a filter says when it is given something else, and the narrowing of values to one kind."""

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr.errors import ExprError
from tocsin.playbook.expr.grammar import Kind
from tocsin.playbook.expr.values import is_number, kind_of


class Refusal(ExprError):
    """A filter cannot use a value; the evaluator puts the filter's name in front."""


def _needs(wanted: str, value: Json, what: str) -> Refusal:
    hint = "Put | default(...) before it." if kind_of(value) is Kind.NULL else ""
    return Refusal(f"needs {wanted}{what and f' as {what}'}, not {kind_of(value)}.", hint=hint)


def text(value: Json, what: str = "") -> str:
    """Return a text."""
    if isinstance(value, str):
        return value
    raise _needs("a text", value, what)


def items_of(value: Json, what: str = "") -> list[Json]:
    """Return a list."""
    if isinstance(value, list):
        return value
    raise _needs("a list", value, what)


def fields_of(value: Json, what: str = "") -> JsonObject:
    """Return an object."""
    if isinstance(value, dict):
        return value
    raise _needs("an object", value, what)


def number(value: Json, what: str = "") -> int | float:
    """Return a number."""
    if is_number(value):
        return value
    raise _needs("a number", value, what)


def whole(value: Json, what: str = "") -> int:
    """Return a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _needs("a whole number", value, what)


def boolean(value: Json, what: str = "") -> bool:
    """Return a boolean."""
    if isinstance(value, bool):
        return value
    raise _needs("true or false", value, what)
