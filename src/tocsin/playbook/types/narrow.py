"""What is known where a condition holds, or does not hold."""

from typing import TYPE_CHECKING

from tocsin.playbook.expr.grammar import Kind
from tocsin.playbook.expr.tree import AllOf, AnyOf, Compared, Constant, ListOf, Node, Not, Path, Scalar, Tested
from tocsin.playbook.types.known import Facts, Ref, ref_of
from tocsin.playbook.types.lattice import (
    ANY,
    NULL,
    Anything,
    Boolean,
    Found,
    Null,
    Number,
    Presence,
    Text,
    Type,
    kinds_of,
    literal,
    look,
    members_of,
    union,
    without_null,
)

if TYPE_CHECKING:
    from tocsin.playbook.types.infer import Inference

_NULL_OR_NUMBER = frozenset({Kind.NULL, Kind.NUMBER})
_REVERSED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def narrowed(judge: "Inference", node: Node, holds: bool, facts: Facts) -> Facts:
    """Return the facts, and what a condition adds to them when it holds or does not."""
    match node:
        case Not():
            return narrowed(judge, node.value, not holds, facts)
        case AllOf() | AnyOf():
            if holds is isinstance(node, AllOf):
                for term in node.terms:
                    facts = narrowed(judge, term, holds, facts)
                return facts
            return _either(facts, [narrowed(judge, term, holds, facts) for term in node.terms])
        case Tested():
            return _tested(judge, node, node.value, holds, facts) if isinstance(node.value, Path) else facts
        case Path():
            type = judge.path_type(node, facts)
            return {**facts, ref_of(node): Boolean(holds)} if type == Boolean() else facts
        case Compared():
            return _compared(judge, node, holds, facts)
        case _:
            return facts


def _either(before: Facts, ways: list[Facts]) -> Facts:
    """Return what is known when one of several holds."""
    shared = set(ways[0]).intersection(*ways[1:])
    changed = {
        ref: union(*(way[ref] for way in ways)) for ref in shared if ref not in before or any(way[ref] != before[ref] for way in ways)
    }
    return {**before, **changed} if changed else before


def _tested(judge: "Inference", node: Tested, path: Path, holds: bool, facts: Facts) -> Facts:
    ref = ref_of(path)
    if node.test == "none":
        type = judge.path_type(path, facts)
        return {**facts, ref: NULL if holds else without_null(type)}
    owner = {} if len(ref) < 2 else _owner(judge, path, holds, facts)
    if not holds:
        return {**facts, **owner}
    return {**facts, **owner, ref: judge.path_type(path, {**facts, **owner})}


def _owner(judge: "Inference", path: Path, is_there: bool, facts: Facts) -> dict[Ref, Type]:
    """Return which of the objects that may stand there have the field that was asked for."""
    if path.root == "steps" and len(path.keys) < 2:
        return {}
    owner = Path(path.offset, path.root, path.keys[:-1])
    type = judge.path_type(owner, facts)
    members = members_of(type)
    if len(members) < 2:
        return {}
    kept = [one for one in members if _can(look(one, path.keys[-1]), is_there)]
    return {ref_of(owner): union(*kept)} if kept and len(kept) < len(members) else {}


def _can(found: object, is_there: bool) -> bool:
    if not isinstance(found, Found):
        return not is_there
    return is_there or found.presence is not Presence.ALWAYS


def _compared(judge: "Inference", node: Compared, holds: bool, facts: Facts) -> Facts:
    if node.operator in ("in", "not in"):
        return _contained(judge, node, holds is (node.operator == "in"), facts)
    operator = node.operator
    left, right = node.left, node.right
    if isinstance(left, Constant):
        left, right, operator = right, left, _REVERSED[operator]
    if not isinstance(left, Path) or not isinstance(right, Constant):
        return facts
    type = judge.path_type(left, facts)
    if operator in ("==", "!="):
        return {**facts, ref_of(left): _with(type, [right.value]) if holds is (operator == "==") else _without(type, [right.value])}
    if isinstance(right.value, bool) or not isinstance(right.value, int | float):
        return facts
    wanted = operator if holds else _OPPOSITE[operator]
    return {**facts, ref_of(left): _bounded(type, wanted, right.value)}


def _contained(judge: "Inference", node: Compared, is_in: bool, facts: Facts) -> Facts:
    if not isinstance(node.left, Path) or not isinstance(node.right, ListOf):
        return facts
    values = [item.value for item in node.right.items if isinstance(item, Constant)]
    if not values or len(values) < len(node.right.items):
        return facts
    type = judge.path_type(node.left, facts)
    return {**facts, ref_of(node.left): _with(type, values) if is_in else _without(type, values)}


def _with(type: Type, values: list[Scalar]) -> Type:
    """Return the type of a value that is one of these."""
    kinds = kinds_of(type)
    wanted = union(*(literal(one) for one in values))
    if kinds is None:
        return wanted
    options = [one.options for one in members_of(type) if isinstance(one, Text)]
    if options and options[0] is not None:
        kept = [one for one in values if not isinstance(one, str) or one in options[0]]
        return union(*(literal(one) for one in kept)) if kept else wanted
    return wanted


def _without(type: Type, values: list[Scalar]) -> Type:
    """Return the type of a value that is none of these."""
    if isinstance(type, Anything):
        return ANY
    kept: list[Type] = []
    for one in members_of(type):
        if isinstance(one, Null) and None in values:
            continue
        if isinstance(one, Text) and one.options is not None:
            options = tuple(option for option in one.options if option not in values)
            if options:
                kept.append(Text(options))
            continue
        if isinstance(one, Boolean) and one.only is None:
            gone = [value for value in values if isinstance(value, bool)]
            kept.append(Boolean(not gone[0]) if len(set(gone)) == 1 else one)
            continue
        kept.append(one)
    return union(*kept)


def _bounded(type: Type, operator: str, bound: float) -> Type:
    if isinstance(type, Anything) or kinds_of(type) == _NULL_OR_NUMBER:
        type = next((one for one in members_of(type) if isinstance(one, Number)), Number())
    if not isinstance(type, Number):
        return type
    step = 1 if type.is_whole and float(bound).is_integer() else 0
    low, high = type.low, type.high
    match operator:
        case "<" | "<=":
            new = bound - step if operator == "<" else bound
            high = new if high is None else min(high, new)
        case ">" | ">=":
            new = bound + step if operator == ">" else bound
            low = new if low is None else max(low, new)
    return Number(type.is_whole, low, high)
