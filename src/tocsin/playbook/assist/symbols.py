"""The outline of a playbook: its triggers, inputs and steps."""

from dataclasses import dataclass
from enum import Enum

from tocsin.core.diagnostics import Span
from tocsin.playbook.assist.reading import playbook_of, tree_of
from tocsin.playbook.model import ActionNode, Block, CallNode, StepNode, blocks_of, kind_of_step
from tocsin.playbook.tree import Mapping, Node, Sequence


class Shape(Enum):
    """What a symbol is."""

    INPUT = "input"
    STEP = "step"
    BLOCK = "block"  # a step with steps inside


@dataclass(frozen=True, slots=True)
class Symbol:
    """One line of the outline. `span` is all of it, `name_span` what to jump to."""

    name: str
    detail: str
    shape: Shape
    span: Span
    name_span: Span
    inside: tuple["Symbol", ...] = ()


def symbols(source: str) -> tuple[Symbol, ...]:
    """Return the outline; of a text that cannot be read in full what can be read of it."""
    root = tree_of(source)
    playbook = playbook_of(root)
    if root is None or playbook is None:
        return ()
    spans = {entry.key.span: node.span for node in _maps(root) for entry in node.entries}
    inputs = tuple(Symbol(one.name.text, "input", Shape.INPUT, one.name.span, one.name.span) for one in playbook.inputs)
    return (*inputs, *_steps(playbook.steps, spans), *_steps(playbook.final, spans))


def _steps(block: Block, spans: dict[Span, Span]) -> tuple[Symbol, ...]:
    return tuple(_step(step, spans) for step in block)


def _step(step: StepNode, spans: dict[Span, Span]) -> Symbol:
    head, kind = step.head, kind_of_step(step).value
    what = step.action.text if isinstance(step, ActionNode) else step.playbook.text if isinstance(step, CallNode) else ""
    inside = tuple(symbol for block in blocks_of(step) for symbol in _steps(block, spans))
    name = head.id.text if head.id is not None else head.name or what or kind
    at = head.id.span if head.id is not None else head.span
    whole = spans.get(head.span, head.span)
    return Symbol(name, f"{kind} {what}".rstrip(), Shape.BLOCK if inside else Shape.STEP, whole, at if _holds(whole, at) else whole, inside)


def _holds(outer: Span, inner: Span) -> bool:
    starts = (outer.line, outer.column) <= (inner.line, inner.column)
    return starts and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)


def _maps(node: Node) -> list[Mapping]:
    match node:
        case Mapping():
            return [node, *(inner for entry in node.entries for inner in _maps(entry.value))]
        case Sequence():
            return [inner for item in node.items for inner in _maps(item)]
        case _:
            return []
