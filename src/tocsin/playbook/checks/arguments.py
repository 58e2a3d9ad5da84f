"""Actions are given what they need, nothing that they do not know, and constants of the right type."""

from tocsin.core.values import JsonObject
from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import names
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import ActionNode, TemplateSlot
from tocsin.playbook.parse_keys import listed
from tocsin.playbook.parse_values import OPEN
from tocsin.playbook.schemas import articled, fields_of, is_closed, mismatch, required_of, types_of
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence, Style, kind_of


def check_arguments(context: Context) -> None:
    """Report arguments that are missing, unknown or of the wrong type."""
    for step in context.steps:
        spec = context.spec_of(step) if isinstance(step, ActionNode) else None
        if isinstance(step, ActionNode) and spec is not None:
            _arguments(step, step.arguments, spec.input_schema, context)


def _arguments(step: ActionNode, slot: TemplateSlot | None, schema: JsonObject, context: Context) -> None:
    node = Mapping(step.head.span, ()) if slot is None else slot.node
    if not isinstance(node, Mapping):
        return  # one expression stands for all of them
    given = [str(entry.key.value) for entry in node.entries]
    known = fields_of(schema)
    for name in required_of(schema):
        if name not in given and not any(nearest(one, [name]) for one in given if one not in known):
            hint = f"Add {name}: under with; it takes {articled(types_of(known.get(name, {}))) or 'a value'}."
            context.report(names.MISSING_ARGUMENT, step.action.span, f"'{step.action.text}' needs the argument '{name}'.", hint)
    _fields(node, step.action.text, schema, context)


def _fields(node: Mapping, owner: str, schema: JsonObject, context: Context) -> None:
    known, closed = fields_of(schema), is_closed(schema)
    for entry in node.entries:
        name = str(entry.key.value)
        if name in known:
            _value(entry.value, name, known[name], context)
        elif closed:
            hint = nearest(name, known) or f"It takes {listed(known) if known else 'none'}."
            context.report(names.UNKNOWN_ARGUMENT, entry.key.span, f"'{owner}' has no argument '{shown(name)}'.", hint)


def _value(node: Node, name: str, schema: JsonObject, context: Context) -> None:
    if isinstance(node, Scalar):
        if node.style is Style.REFUSED or (isinstance(node.value, str) and OPEN in node.value):
            return
        problem = mismatch(node.value, schema)
        if problem:
            hint = "Put it in quotes." if "text" in problem and node.value is not None else "Change the value."
            context.report(names.WRONG_ARGUMENT, node.span, f"'{name}' {problem}, not {_shown(node)}.", hint)
        return
    types = types_of(schema)
    if types and ("object" if isinstance(node, Mapping) else "array") not in types:
        context.report(names.WRONG_ARGUMENT, node.head, f"'{name}' must be {articled(types)}, not {kind_of(node)}.", "Change the value.")
    elif isinstance(node, Mapping):
        _fields(node, name, schema, context)
    elif isinstance(node, Sequence):
        items = schema.get("items")
        for item in node.items if isinstance(items, dict) else ():
            _value(item, name, items if isinstance(items, dict) else {}, context)


def _shown(node: Scalar) -> str:
    return f"the text '{shown(node.value)}'" if isinstance(node.value, str) else kind_of(node) + f" ({node.raw[:20]})" * bool(node.raw)
