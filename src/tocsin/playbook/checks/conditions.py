"""Conditions are true or false and do change; loops run over lists."""

import re

from tocsin.core.diagnostics import Span
from tocsin.playbook.catalogue import ALERT_SCHEMA
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.kinds import types_out
from tocsin.playbook.checks.paths import paths_in
from tocsin.playbook.checks.scopes import Scope, Visit
from tocsin.playbook.codes import flow, names
from tocsin.playbook.expr.tree import AllOf, AnyOf, Node, Not
from tocsin.playbook.model import AlertTriggerNode, ConditionSlot, ExpressionSlot, ForEachNode, Use
from tocsin.playbook.offsets import locate
from tocsin.playbook.schemas import articled


def check_trigger_conditions(context: Context) -> None:
    """Report conditions of triggers that are no booleans."""
    in_trigger = Scope({"alert": ALERT_SCHEMA}, {})
    for trigger in context.playbook.triggers:
        if isinstance(trigger, AlertTriggerNode):
            _boolean(trigger.condition, in_trigger, context)


def check_kinds(visit: Visit, context: Context) -> None:
    """Report a condition that is no boolean or never changes, and a loop over what is no list."""
    if isinstance(visit.slot, ConditionSlot):
        _boolean(visit.slot, visit.scope, context)
        _changes(visit.slot, context)
    elif isinstance(visit.slot, ExpressionSlot) and isinstance(visit.step, ForEachNode):
        _list(visit.slot, visit.scope, context)


def _boolean(slot: ConditionSlot, scope: Scope, context: Context) -> None:
    for use in slot.uses:
        _term(use.expression.tree, use, scope, context)


def _term(node: Node, use: Use, scope: Scope, context: Context) -> None:
    match node:
        case AllOf() | AnyOf():
            for term in node.terms:
                _term(term, use, scope, context)
        case Not():
            _term(node.value, use, scope, context)
        case _:
            types = types_out(node, scope)
            if types and "boolean" not in types:
                span = _span(node, use)
                message = f"A condition must be true or false, and this is {articled(types)}."
                context.report(names.NOT_A_CONDITION, span, message, _compare(types))


def _span(node: Node, use: Use) -> Span:
    start, source = use.expression.start, use.expression.source
    if node is use.expression.tree:
        return locate(use.scalar, start, start + len(source))
    word = re.match(r"[\w.]+", source[node.offset :])
    return locate(use.scalar, start + node.offset, start + node.offset + (len(word.group()) if word else 1))


def _compare(types: frozenset[str]) -> str:
    if types & {"array", "object"}:
        return "Ask for its length: … | length > 0."
    return "Compare it: … == 'text'." if "string" in types else "Compare it: … > 0."


def _changes(slot: ConditionSlot, context: Context) -> None:
    if slot.condition is not None and next(paths_in(slot.condition.tree), None) is None:
        message = f"The condition is always the same: {slot.condition.source}."
        context.report(flow.CONSTANT_CONDITION, slot.node.span, message, "Compare something that changes, or leave the condition out.")


def _list(slot: ExpressionSlot, scope: Scope, context: Context) -> None:
    types = frozenset() if slot.expression is None else types_out(slot.expression.tree, scope)
    if types and "array" not in types:
        hint = "Write … | items to run over the keys and values of a map." if "object" in types else "Put it in a list: [ … ]."
        context.report(names.NOT_A_LIST, slot.node.span, f"for_each runs over a list, and this is {articled(types)}.", hint)
