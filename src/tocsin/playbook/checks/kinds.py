"""What an expression can come out as, as far as it can be told without running it."""

from typing import Final

from tocsin.playbook.checks.paths import ref_of
from tocsin.playbook.checks.scopes import Scope, schema_at
from tocsin.playbook.expr.grammar import FILTERS, Kind
from tocsin.playbook.expr.tree import (
    AllOf,
    AnyOf,
    Applied,
    Choice,
    Compared,
    Constant,
    Fallback,
    Joined,
    ListOf,
    MappedOver,
    Negative,
    Node,
    Not,
    ObjectOf,
    Path,
    Tested,
)
from tocsin.playbook.schemas import types_of

Types = frozenset[str]
UNKNOWN: Final[Types] = frozenset()
BOOLEAN: Final[Types] = frozenset({"boolean"})
_OF_KIND: Final = {
    Kind.TEXT: "string",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.NULL: "null",
    Kind.LIST: "array",
    Kind.OBJECT: "object",
}


def types_out(node: Node, scope: Scope) -> Types:
    """Return the JSON types that an expression can come out as; UNKNOWN if it cannot be told."""
    match node:
        case Constant():
            return _of_constant(node)
        case Path():
            return types_of(schema_at(ref_of(node), scope)) if all(isinstance(key, str) for key in node.keys) else UNKNOWN
        case AllOf() | AnyOf() | Not() | Compared() | Tested():
            return BOOLEAN
        case ListOf() | MappedOver():
            return frozenset({"array"})
        case ObjectOf():
            return frozenset({"object"})
        case Joined():
            return frozenset({"string"})
        case Negative():
            return frozenset({"number"})
        case Applied():
            gives = FILTERS[node.filter].gives if node.filter in FILTERS else frozenset(Kind)
            return UNKNOWN if gives == frozenset(Kind) else frozenset(_OF_KIND[kind] for kind in gives)
        case Fallback():
            return _either(types_out(node.value, scope), types_out(node.otherwise, scope))
        case Choice():
            return _either(types_out(node.then, scope), types_out(node.otherwise, scope))
        case _:
            return UNKNOWN


def _either(one: Types, other: Types) -> Types:
    return one | other if one and other else UNKNOWN


def _of_constant(node: Constant) -> Types:
    if isinstance(node.value, bool):
        return BOOLEAN
    if node.value is None:
        return frozenset({"null"})
    return frozenset({"string"} if isinstance(node.value, str) else {"number"})
