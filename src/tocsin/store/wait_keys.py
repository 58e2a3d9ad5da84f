"""The texts that tell for which waits an event may be: with them, an alert asks few of ten thousand filters. Pure."""

from collections.abc import Iterator
from functools import lru_cache

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, ExprError, compile_condition
from tocsin.playbook.expr.tree import AllOf, Compared, Constant, ListOf, Node, Path
from tocsin.store.encoding import dump, load

EVENT = "event"
MOST_KEYS = 100  # of one wait; one with more is asked for every event
Keys = tuple[str, frozenset[str]]  # a field of the event, and the texts of which it must have one


@lru_cache(maxsize=4_096)
def condition_of(source: str) -> Condition:
    """Compile a filter, or take the compiled one; raises ExprError."""
    return compile_condition(source)


def keys_of(source: str | None, names: JsonObject) -> Keys | None:
    """Return what an event must have for the filter to hold; None when nothing can be said.

    That is read off a comparison that must hold: `event.x == y`, or `event.x in y`, where y is known already.
    """
    if source is None:
        return None
    try:
        tree = condition_of(source).tree
    except ExprError:
        return None  # whoever asks the filter says what is wrong with it
    found = [(keys, other) for term in _terms(tree) for keys, other in _keyed(term, names)]
    # What the run has found out tells more waits apart than what stands in the playbook.
    return min(found, key=lambda one: (isinstance(one[1], Constant | ListOf), len(one[0][1])))[0] if found else None


def text_at(event: JsonObject, field: str) -> str | None:
    """Return the text that an event has in a field of `keys_of`."""
    value: Json = event
    keys = load(field)
    for key in keys if isinstance(keys, list) else []:
        if not isinstance(value, dict) or not isinstance(key, str):
            return None
        value = value.get(key)
    return value if isinstance(value, str) else None


def _terms(node: Node) -> Iterator[Node]:
    if isinstance(node, AllOf):
        for term in node.terms:
            yield from _terms(term)
    else:
        yield node


def _keyed(term: Node, names: JsonObject) -> Iterator[tuple[Keys, Node]]:
    if not isinstance(term, Compared):
        return
    sides = [(term.left, term.right)]
    if term.operator == "==":
        sides.append((term.right, term.left))
    elif term.operator != "in":
        return
    for one, other in sides:
        field = _field(one)
        texts = _texts(_known(other, names), is_list=term.operator == "in")
        if field is not None and texts is not None:
            yield (field, texts), other


def _field(node: Node) -> str | None:
    if not isinstance(node, Path) or node.root != EVENT or not node.keys or not all(isinstance(key, str) for key in node.keys):
        return None
    return dump([*node.keys])


def _texts(value: Json, *, is_list: bool) -> frozenset[str] | None:
    if not is_list:
        return frozenset({value}) if isinstance(value, str) else None
    if not isinstance(value, list) or len(value) > MOST_KEYS or not all(isinstance(one, str) for one in value):
        return None
    return frozenset(one for one in value if isinstance(one, str))


def _known(node: Node, names: JsonObject) -> Json:
    """Return what a constant or a path comes out as; null when it cannot be told, or when it is of the event."""
    match node:
        case Constant():
            return node.value
        case ListOf():
            return [_known(item, names) for item in node.items]
        case Path() if node.root != EVENT:
            return _walked(names.get(node.root), node.keys)
        case _:
            return None


def _walked(value: Json, keys: tuple[str | int, ...]) -> Json:
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and not isinstance(key, bool) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value
