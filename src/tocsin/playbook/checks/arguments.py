"""Actions and called playbooks are given what they need, nothing that they do not know, and values of the right type."""

from dataclasses import dataclass

from tocsin.core.diagnostics import Span
from tocsin.core.effects import ActionSpec
from tocsin.core.values import JsonObject
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.reading import Given
from tocsin.playbook.codes import Code, clarity, names, typing
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import ActionNode, CallNode
from tocsin.playbook.parsing.keys import listed
from tocsin.playbook.parsing.values import OPEN
from tocsin.playbook.schemas import articled, fields_of, is_closed, mismatch, required_of, types_of
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence, Style, kind_of
from tocsin.playbook.types.fit import Grade, misfit
from tocsin.playbook.types.lattice import Anything, Type
from tocsin.playbook.types.schema import type_of


@dataclass(frozen=True, slots=True)
class _Taker:
    """Who is given values: its name, where it is named, and what is said of values that it refuses."""

    name: str
    what: str  # argument or input
    span: Span
    missing: Code
    unknown: Code
    wrong: Code


def check_arguments(step: ActionNode, given: Given | None, spec: ActionSpec, context: Context) -> None:
    """Report arguments of an action that are missing, unknown or of the wrong type."""
    codes = (names.MISSING_ARGUMENT, names.UNKNOWN_ARGUMENT, names.WRONG_ARGUMENT)
    _check(given, spec.input_schema, _Taker(step.action.text, "argument", step.action.span, *codes), context)


def check_inputs(step: CallNode, given: Given | None, schema: JsonObject, context: Context) -> None:
    """Report inputs of a call that are missing, unknown or of the wrong type."""
    codes = (typing.CALL_MISSES_INPUT, typing.CALL_UNKNOWN_INPUT, typing.CALL_WRONG_INPUT)
    _check(given, schema, _Taker(step.playbook.text, "input", step.playbook.span, *codes), context)


def _check(given: Given | None, schema: JsonObject, taker: _Taker, context: Context) -> None:
    node = Mapping(taker.span, ()) if given is None else given.slot.node
    if not isinstance(node, Mapping):  # one expression stands for all of them
        if given is not None and isinstance(node, Scalar):
            _typed(node, given.type, "what it is given", type_of(schema), taker, context)
        return
    known = fields_of(schema)
    keys = [str(entry.key.value) for entry in node.entries]
    for name in required_of(schema):
        if name not in keys and not any(nearest(one, [name]) for one in keys if one not in known):
            hint = f"Add {name}: under with; it takes {articled(types_of(known.get(name, {}))) or 'a value'}."
            context.report(taker.missing, taker.span, f"'{taker.name}' needs the {taker.what} '{name}'.", hint)
    _Values(given, taker, context).fields(node, taker.name, schema)


class _Values:
    """The values that one step gives."""

    def __init__(self, given: Given | None, taker: _Taker, context: Context) -> None:
        self.given, self.taker, self.context = given, taker, context

    def fields(self, node: Mapping, owner: str, schema: JsonObject) -> None:
        """Check the fields of a map."""
        known, closed = fields_of(schema), is_closed(schema)
        for entry in node.entries:
            name = str(entry.key.value)
            if name in known:
                _deprecated(entry.key, name, known[name], self.context)
                self.value(entry.value, name, known[name])
            elif closed:
                hint = nearest(name, known) or f"It takes {listed(known) if known else 'none'}."
                message = f"'{owner}' has no {self.taker.what} '{shown(name)}'."
                self.context.report(self.taker.unknown, entry.key.span, message, hint)

    def value(self, node: Node, name: str, schema: JsonObject) -> None:
        """Check one value."""
        if isinstance(node, Scalar):
            self._scalar(node, name, schema)
            return
        types = types_of(schema)
        if types and ("object" if isinstance(node, Mapping) else "array") not in types:
            message = f"'{name}' must be {articled(types)}, not {kind_of(node)}."
            self.context.report(self.taker.wrong, node.head, message, "Change the value.")
        elif isinstance(node, Mapping):
            self.fields(node, name, schema)
        elif isinstance(node, Sequence):
            items = schema.get("items")
            for item in node.items if isinstance(items, dict) else ():
                self.value(item, name, items if isinstance(items, dict) else {})

    def _scalar(self, node: Scalar, name: str, schema: JsonObject) -> None:
        if node.style is Style.REFUSED:
            return
        type = None if self.given is None else self.given.by_scalar.get(id(node))
        if type is not None:
            _typed(node, type, f"'{name}'", type_of(schema), self.taker, self.context)
        elif not (isinstance(node.value, str) and OPEN in node.value):
            problem = mismatch(node.value, schema)
            if problem:
                hint = "Put it in quotes." if "text" in problem and node.value is not None else "Change the value."
                self.context.report(self.taker.wrong, node.span, f"'{name}' {problem}, not {_shown(node)}.", hint)


def _typed(node: Scalar, type: Type, name: str, wanted: Type, taker: _Taker, context: Context) -> None:
    """Check what an expression comes out as."""
    if isinstance(type, Anything) or isinstance(wanted, Anything):
        return
    found = misfit(type, wanted)
    if found is None:
        return
    code = {Grade.NEVER_FITS: taker.wrong, Grade.NULL: typing.ARGUMENT_MAY_BE_NULL, Grade.OPTION: typing.OPTION_MAY_NOT_FIT}[found.grade]
    context.report(code, node.span, f"{name[:1].upper()}{name[1:]} {found.words}", found.hint)


def _deprecated(key: Scalar, name: str, schema: JsonObject, context: Context) -> None:
    if schema.get("deprecated") is True:
        description = schema.get("description")
        hint = shown(description, 200) if isinstance(description, str) else "Its pack says that it will go."
        context.report(clarity.DEPRECATED, key.span, f"'{name}' is deprecated.", hint)


def _shown(node: Scalar) -> str:
    return f"the text '{shown(node.value)}'" if isinstance(node.value, str) else kind_of(node) + f" ({node.raw[:20]})" * bool(node.raw)
