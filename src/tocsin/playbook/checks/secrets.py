"""No secret stands in the text."""

import re
from typing import Final

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import constructs, hazards, safety
from tocsin.playbook.model import ActionNode, CallNode, CodeNode, SetNode
from tocsin.playbook.parsing.values import OPEN
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence

_NAME: Final = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|api_?key|private_?key|(?:api|access|auth|bearer)_?token)$", re.IGNORECASE
)
_IN_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/@:${]+:[^\s/@${]+@")


def check_secrets(context: Context) -> None:
    """Report constants whose names say that they are secrets."""
    for step in context.steps:
        match step:
            case ActionNode(arguments=slot) | CallNode(inputs=slot) | CodeNode(inputs=slot) | SetNode(values=slot):
                if slot is not None:
                    _node(slot.node, context)
            case _:
                pass


def _node(node: Node, context: Context) -> None:
    if isinstance(node, Scalar):
        if isinstance(node.value, str) and "://" in node.value and _IN_URL.search(node.value):
            hint = "Put them into a connection, and write connection: NAME at the action."
            context.report(hazards.CREDENTIALS_IN_URL, node.span, "A user and a password stand in an address.", hint)
    elif isinstance(node, Sequence):
        for item in node.items:
            _node(item, context)
    elif isinstance(node, Mapping):
        for entry in node.entries:
            name, value = str(entry.key.value), entry.value
            if (
                _NAME.search(name)
                and isinstance(value, Scalar)
                and isinstance(value.value, str)
                and value.value
                and OPEN not in value.value
            ):
                message = f"'{name}' looks like a secret, and stands in the text."
                hint = "Put it into the connection of the pack, and write connection: NAME at the action."
                context.report(safety.SECRET_IN_TEXT, value.span, message, hint)
            elif _is_authorization(name) and isinstance(value, Scalar) and isinstance(value.value, str) and OPEN not in value.value:
                message = f"The header '{name}' holds a credential, and stands in the text."
                hint = "Put it into a connection, and write connection: NAME at the action."
                context.report(constructs.AUTHORIZATION_IN_TEXT, value.span, message, hint)
            _node(value, context)


def _is_authorization(name: str) -> bool:
    return name.lower() in ("authorization", "proxy-authorization", "x-api-key", "cookie")
