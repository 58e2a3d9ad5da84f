"""Questions go to roles that there are."""

from typing import Final

from tocsin.core.access import Role
from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import constructs
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import AskNode
from tocsin.playbook.parsing.keys import listed
from tocsin.playbook.tree import Node, Scalar, Sequence

_PREFIX: Final = "role:"
_ROLES: Final = tuple(role.value for role in Role if role not in (Role.SENSOR, Role.FEED_READER))  # those are for machines


def check_roles(context: Context) -> None:
    """Report roles in `to` that nobody can have."""
    for step in context.steps:
        if isinstance(step, AskNode):
            asked = (step.to, *(() if step.escalation is None else (step.escalation.to,)))
            for item in (item for slot in asked for item in _items(slot.node)):
                _role(item, context)


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Sequence) else (node,)


def _role(node: Node, context: Context) -> None:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value.startswith(_PREFIX):
        return
    role = node.value.removeprefix(_PREFIX)
    if role not in _ROLES and "${{" not in role:
        hint = nearest(role, _ROLES) or f"There are {listed(_ROLES)}."
        context.report(constructs.UNKNOWN_ROLE, node.span, f"There is no role '{shown(role)}'.", hint)
