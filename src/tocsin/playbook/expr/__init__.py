"""Expressions: `${{ … }}` over JSON values, strict, budgeted, pure."""

from tocsin.playbook.expr.compile import Condition, Expression, Template, compile_condition, compile_expression, compile_template
from tocsin.playbook.expr.errors import ExprError, MissingField

__all__ = [
    "Condition",
    "ExprError",
    "Expression",
    "MissingField",
    "Template",
    "compile_condition",
    "compile_expression",
    "compile_template",
]
