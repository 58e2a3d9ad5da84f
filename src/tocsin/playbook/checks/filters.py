"""Filters of events can be found by what they compare."""

from collections.abc import Iterator

from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.paths import paths_in
from tocsin.playbook.codes import constructs
from tocsin.playbook.expr.tree import AllOf, Applied, Compared, Node, Path
from tocsin.playbook.model import WaitNode

EVENT = "event"


def check_filters(context: Context) -> None:
    """Report filters that compare no field of the event with a value of the run."""
    for step in context.steps:
        if not isinstance(step, WaitNode) or step.event is None or step.event.filter is None:
            continue
        condition = step.event.filter.condition
        if condition is None or not any(ref[0] == EVENT for ref in condition.refs):
            continue  # nothing, or a filter that looks at no event, which is reported as such
        if not any(_is_key(term) for term in _terms(condition.tree)):
            hint = "Add a comparison such as event.source == alert.source."
            message = "This must be asked for every event, and for each run that waits."
            context.report(constructs.FILTER_FITS_ALL, step.event.filter.node.span, message, hint)


def _terms(node: Node) -> Iterator[Node]:
    if isinstance(node, AllOf):
        for term in node.terms:
            yield from _terms(term)
    else:
        yield node


def _is_key(term: Node) -> bool:
    if not isinstance(term, Compared) or term.operator not in ("==", "in"):
        return False
    sides = [(term.left, term.right), *([(term.right, term.left)] if term.operator == "==" else [])]
    return any(_is_field(one) and _is_known(other) for one, other in sides)


def _is_field(node: Node) -> bool:
    while isinstance(node, Applied) and not node.arguments:
        node = node.value
    return isinstance(node, Path) and node.root == EVENT


def _is_known(node: Node) -> bool:
    return all(path.root != EVENT for path in paths_in(node))
