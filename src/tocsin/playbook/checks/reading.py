"""Read each expression once where it stands: what it reads is there, and what it comes out as."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.paths import paths_in
from tocsin.playbook.checks.places import Places
from tocsin.playbook.checks.references import check_reference
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.codes import Code, branches, clarity, flow
from tocsin.playbook.expr.errors import shown
from tocsin.playbook.expr.grammar import Kind
from tocsin.playbook.expr.scan import OPEN
from tocsin.playbook.model import ConditionSlot, ExpressionSlot, StepNode, TemplateSlot, Use
from tocsin.playbook.offsets import locate
from tocsin.playbook.tree import Mapping as MapNode
from tocsin.playbook.tree import Node, Scalar, Sequence, Style
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.infer import infer
from tocsin.playbook.types.lattice import ANY, BOOLEAN, TEXT, Boolean, Items, Type, closed, kinds_of, literal, union

_NO_TYPES: Final[Mapping[int, Type]] = MappingProxyType({})
_CONTAINERS: Final = frozenset({Kind.LIST, Kind.OBJECT})
_CHANGING: Final = ("now",)


@dataclass(frozen=True, slots=True)
class Given:
    """What a slot comes out as: each text with expressions by the identity of its scalar."""

    slot: TemplateSlot
    by_scalar: Mapping[int, Type]

    @property
    def type(self) -> Type:
        """Return the type of the whole."""
        return type_of_node(self.slot.node, self.by_scalar)


class Reader:
    """Reads the slots of one playbook. While it is quiet it reports nothing, and only says types."""

    def __init__(self, context: Context, places: Places) -> None:
        self.context, self.places = context, places
        self.is_quiet = False

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Report nothing for a while."""
        before, self.is_quiet = self.is_quiet, True
        try:
            yield
        finally:
            self.is_quiet = before

    def template(self, slot: TemplateSlot, step: StepNode | None, scope: Scope) -> Given:
        """Read a value that may hold expressions."""
        if not slot.uses:
            return Given(slot, _NO_TYPES)
        types: dict[int, Type] = {}
        for use in slot.uses:
            type, _ = self._use(use, step, scope)
            if is_whole(use):
                types[id(use.scalar)] = type
            else:
                types[id(use.scalar)] = TEXT
                self._in_text(use, type)
        return Given(slot, types)

    def expression(self, slot: ExpressionSlot, step: StepNode | None, scope: Scope) -> Type:
        """Read one expression."""
        return self._use(slot.uses[0], step, scope)[0] if slot.uses else ANY

    def condition(self, slot: ConditionSlot, step: StepNode | None, scope: Scope) -> Type:
        """Read a condition, and report one that always comes out the same."""
        if slot.condition is None:
            return ANY
        type, is_clean = self._use(slot.uses[0], step, scope, is_condition=True) if slot.uses else (literal_of(slot.node), True)
        if self.is_quiet or not is_clean:
            return type
        source = shown(slot.condition.source)
        if next(paths_in(slot.condition.tree), None) is None:
            message = f"The condition is always the same: {source}."
            self._report(flow.CONSTANT_CONDITION, slot, message, "Compare something that changes, or leave the condition out.")
        elif isinstance(type, Boolean) and type.only is not None:
            self._constant(slot, type.only)
        elif slot.condition.source in scope.holds and not scope.changing and not self._reads_time(slot):
            message = "The condition holds here already: it was tested around this."
            self._report(branches.ALWAYS_TRUE, slot, message, "Leave it out, or test what was meant.")
        return type

    def _constant(self, slot: ConditionSlot, value: bool) -> None:
        if value:
            hint = "If `or` joins comparisons with !=, `and` was meant."
            self._report(branches.ALWAYS_TRUE, slot, "This is always true.", hint)
        else:
            hint = "It contradicts itself, a condition around it, or what the value can be."
            self._report(branches.NEVER_TRUE, slot, "This is never true, so what stands behind it never runs.", hint)

    def _report(self, code: Code, slot: ConditionSlot, message: str, hint: str) -> None:
        self.context.report(code, slot.node.head, message, hint)

    def _reads_time(self, slot: ConditionSlot) -> bool:
        return slot.condition is not None and any(ref[0] in _CHANGING for ref in slot.condition.refs)

    def _use(self, use: Use, step: StepNode | None, scope: Scope, *, is_condition: bool = False) -> tuple[Type, bool]:
        """Return what an expression comes out as, and whether nothing is wrong with it."""
        expression = use.expression
        if self.is_quiet:
            return infer(expression.tree, scope, facts=scope.facts), True
        for ref in expression.refs:
            check_reference(self.context, self.places, use, ref, step, scope)
        told: list[Code] = []

        def report(code: Code, offset: int, length: int, message: str, hint: str) -> None:
            start = expression.start + offset
            self.context.report(code, locate(use.scalar, start, start + length), message, hint)
            told.append(code)

        type = infer(expression.tree, scope, source=expression.source, report=report, facts=scope.facts, is_condition=is_condition)
        return type, not told

    def _in_text(self, use: Use, type: Type) -> None:
        kinds = kinds_of(type)
        if not self.is_quiet and kinds is not None and kinds <= _CONTAINERS:
            expression = use.expression
            span = locate(use.scalar, expression.start, expression.start + max(len(expression.source), 1))
            hint = "Write … | join(', ')." if kinds == {Kind.LIST} else "Name the fields that are meant."
            self.context.report(clarity.LIST_IN_TEXT, span, f"This is {described(type)}, and a text shows it as JSON.", hint)


def is_whole(use: Use) -> bool:
    """Say whether a text is one expression and nothing else, so that it keeps its type."""
    text = use.scalar.value
    return isinstance(text, str) and text.startswith(OPEN) and text.endswith("}}") and text.count(OPEN) == 1


def literal_of(node: Node) -> Type:
    """Return the type of a condition that is written as true or false."""
    return literal(node.value) if isinstance(node, Scalar) and isinstance(node.value, bool) else BOOLEAN


def type_of_node(node: Node, types: Mapping[int, Type]) -> Type:
    """Return the type of what a node renders to."""
    match node:
        case Scalar():
            known = types.get(id(node))
            if known is not None:
                return known
            if node.style is Style.REFUSED:
                return ANY
            return TEXT if isinstance(node.value, str) and OPEN in node.value else literal(node.value)
        case MapNode():
            return closed({str(entry.key.value): type_of_node(entry.value, types) for entry in node.entries})
        case Sequence():
            return Items(union(*(type_of_node(item, types) for item in node.items)))
