"""Every expression of a plan: what its steps read, and the constants that they compare with."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from tocsin.playbook.expr import Condition, Expression, Template
from tocsin.playbook.plan import Plan


def expressions_of(plan: Plan) -> tuple[Expression, ...]:
    """Return the expressions of triggers, steps and outputs."""
    return tuple(_in(plan))


def _in(value: object) -> Iterator[Expression]:
    match value:
        case Expression():
            yield value
        case Condition():
            yield value.expression
        case Template():
            yield from (expression for _, expression in value.expressions)
        case tuple():
            for one in value:
                yield from _in(one)
        case _ if is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                yield from _in(getattr(value, field.name))
        case _:
            pass
