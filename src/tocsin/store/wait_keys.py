"""What tells for which waits an event may be: with it, an alert asks few of ten thousand filters. Pure.

A *key* is a field of events, perhaps in lower case or trimmed, and the values of which an event must have one there for the filter
to hold. It is read off a comparison that must hold: `event.x == y`, or `event.x in y`, where y is known when the wait begins.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, ExprError, compile_condition
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.closures import strict
from tocsin.playbook.expr.refs import reads
from tocsin.playbook.expr.tree import AllOf, Applied, Compared, Constant, ListOf, Node, Path
from tocsin.store.encoding import dump, load

EVENT = "event"
MOST_KEYS = 100  # values of one wait; one with more is asked for every event
Keys = tuple[str, frozenset[str]]  # the field, and the values as `value_at` writes them
_FORMS: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
}  # filters that may stand behind a field


@lru_cache(maxsize=4_096)
def condition_of(source: str) -> Condition:
    """Compile a filter, or take the compiled one; raises ExprError."""
    return compile_condition(source)


def keys_of(source: str | None, names: JsonObject) -> Keys | None:
    """Return the key of a filter; None when every event may be for it."""
    if source is None:
        return None
    try:
        tree = condition_of(source).tree
    except ExprError:
        return None  # whoever asks the filter says what is wrong with it
    found = sorted((rank, keys[0], keys) for term in _terms(tree) for rank, keys in _keyed(term, names))
    return found[0][2] if found else None


def value_at(event: JsonObject, field: str) -> str | None:
    """Return what an event has in a field of `keys_of`; None for nothing that could be a key."""
    path = load(field)
    if not isinstance(path, list):
        return None
    value: Json = event
    for key in path[0] if isinstance(path[0], list) else []:
        if not isinstance(value, dict) or not isinstance(key, str):
            return None
        value = value.get(key)
    for form in path[1:]:
        if not isinstance(value, str):
            return None
        value = _FORMS[str(form)](value)
    return _written(value)


def _terms(node: Node) -> Iterator[Node]:
    if isinstance(node, AllOf):
        for term in node.terms:
            yield from _terms(term)
    else:
        yield node


def _keyed(term: Node, names: JsonObject) -> Iterator[tuple[tuple[bool, int], Keys]]:
    """Yield the keys of a comparison, each with its rank, the best lowest."""
    if not isinstance(term, Compared):
        return
    sides = [(term.left, term.right)]
    if term.operator == "==":
        sides.append((term.right, term.left))
    elif term.operator != "in":
        return
    for one, other in sides:
        field = _field(one)
        values = None if field is None else _values(other, names, is_list=term.operator == "in")
        if field is not None and values is not None:
            # What the run has found out tells more waits apart than what stands in the playbook.
            yield (isinstance(other, Constant | ListOf), len(values)), (field, values)


def _field(node: Node) -> str | None:
    forms: list[Json] = []
    while isinstance(node, Applied) and node.filter in _FORMS and not node.arguments:
        forms.insert(0, node.filter)
        node = node.value
    if not isinstance(node, Path) or node.root != EVENT or not node.keys or not all(isinstance(key, str) for key in node.keys):
        return None
    return dump([[*node.keys], *forms])


def _values(node: Node, names: JsonObject, *, is_list: bool) -> frozenset[str] | None:
    if any(ref[0] == EVENT for ref in reads(node).all):
        return None
    try:
        value = strict(node)(names, Work(names))
    except ExprError:
        return None
    values = value if is_list else [value]
    if not isinstance(values, list) or len(values) > MOST_KEYS:
        return None
    written = [_written(one) for one in values]
    return None if None in written else frozenset(one for one in written if one is not None)


def _written(value: Json) -> str | None:
    """Write a text or number so that what is equal in the language is the same; None for what is no key."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return dump(int(value) if isinstance(value, float) and value.is_integer() else value)
