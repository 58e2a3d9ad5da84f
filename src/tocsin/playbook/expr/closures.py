"""A checked tree to nested Python closures: the fastest evaluation that needs no generated code.

Two compilations of a node: `strict` reads, and a missing field is an error; `lenient` is what stands under `default` and
`is defined`: a path, and filters after it, of which a missing field makes ABSENT.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias, assert_never

from tocsin.core.values import Json
from tocsin.playbook.expr import operators
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import ExprError, MissingField, nearest, shown
from tocsin.playbook.expr.filters import FUNCTIONS, refused
from tocsin.playbook.expr.filters.kinds import Refusal, items_of
from tocsin.playbook.expr.tree import (
    AllOf,
    AnyOf,
    Applied,
    Arithmetic,
    Choice,
    Compared,
    Constant,
    Fallback,
    Index,
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
from tocsin.playbook.expr.values import ABSENT, Absent, as_text, is_number, joined, kind_of, missing, step, truth

Names: TypeAlias = Mapping[str, Json]
Run: TypeAlias = Callable[[Names, Work], Json]
LenientRun: TypeAlias = Callable[[Names, Work], Json | Absent]


def strict(node: Node) -> Run:
    """Compile a node so that anything missing is an error."""
    match node:
        case Constant():
            return _constant(node.value)
        case Path():
            return _path(node)
        case Index():
            return _index(node)
        case ListOf():
            return _list([strict(item) for item in node.items])
        case ObjectOf():
            return _object([(key, strict(value)) for key, value in node.entries])
        case AllOf() | AnyOf():
            return _chain(node)
        case Not():
            return _not(node)
        case Choice():
            return _choice(node)
        case Joined():
            return _joined([strict(part) for part in node.parts])
        case Compared():
            return _compared(node)
        case Arithmetic():
            return _arithmetic(node)
        case Negative():
            return _negative(node)
        case Fallback():
            return _fallback(node)
        case Applied():
            return _applied(node)
        case MappedOver():
            return _mapped(node)
        case Tested():
            return _tested(node)
        case _:
            assert_never(node)


def lenient(node: Node) -> LenientRun:
    """Compile a node so that a missing field makes ABSENT; ABSENT goes through filters as it is."""
    match node:
        case Path():
            return lambda names, work: _walked(node, names)
        case Index():
            return _lenient_index(node)
        case Applied():
            return _lenient_filter(lenient(node.value), _call(node))
        case MappedOver():
            return _lenient_filter(lenient(node.value), _call_each(node))
        case _:
            return strict(node)


def _constant(value: Json) -> Run:
    return lambda names, work: value


def _path(node: Path) -> Run:
    """Read the common short paths without a loop; anything unexpected is read again, slowly, to say what is wrong."""
    root, keys = node.root, node.keys
    texts = tuple(key for key in keys if isinstance(key, str))
    if len(texts) != len(keys) or len(keys) > 3:
        return lambda names, work: _read(node, names)
    if not texts:

        def read_name(names: Names, work: Work) -> Json:
            try:
                return names[root]
            except KeyError:
                return _read(node, names)

        return read_name
    if len(texts) == 1:
        (only,) = texts

        def read_one(names: Names, work: Work) -> Json:
            try:
                value = names[root]
                return value[only] if isinstance(value, dict) else _read(node, names)
            except KeyError:
                return _read(node, names)

        return read_one

    *before, last = texts

    def read_more(names: Names, work: Work) -> Json:
        try:
            value = names[root]
            for key in before:
                if not isinstance(value, dict):
                    return _read(node, names)
                value = value[key]
            return value[last] if isinstance(value, dict) else _read(node, names)
        except KeyError:
            return _read(node, names)

    return read_more


def _read(node: Path, names: Names) -> Json:
    value = _named(node, names)
    for place, key in enumerate(node.keys):
        found = _step(value, key, node.offset)
        if found is ABSENT:
            raise missing(value, key, written(node, place), node.offset)
        value = found
    return value


def _walked(node: Path, names: Names) -> Json | Absent:
    if node.root not in names:
        return ABSENT
    value = names[node.root]
    for key in node.keys:
        found = _step(value, key, node.offset)
        if found is ABSENT:
            return ABSENT
        value = found
    return value


def _named(node: Path, names: Names) -> Json:
    try:
        return names[node.root]
    except KeyError:
        hint = nearest(node.root, names) or f"There are: {shown(', '.join(sorted(names)[:12]), 200)}."
        raise MissingField(f"There is no name '{shown(node.root)}'.", hint=hint, offset=node.offset) from None


def _step(value: Json, key: Json, offset: int) -> Json | Absent:
    try:
        return step(value, key)
    except ExprError as error:
        raise error.located(offset) from None


def written(node: Node, length: int | None = None) -> str:
    """Write a path as in the source, or its first part."""
    if isinstance(node, Index):
        return f"{written(node.value)}[...]"
    if not isinstance(node, Path):
        return "(...)"
    return node.root + "".join(f".{key}" if isinstance(key, str) else f"[{key}]" for key in node.keys[:length])


def _index(node: Index) -> Run:
    base, key, offset = strict(node.value), strict(node.key), node.offset

    def index(names: Names, work: Work) -> Json:
        value, wanted = base(names, work), key(names, work)
        found = _step(value, wanted, offset)
        if found is ABSENT:
            raise missing(value, wanted, written(node.value), offset)
        return found

    return index


def _lenient_index(node: Index) -> LenientRun:
    base, key, offset = lenient(node.value), strict(node.key), node.offset

    def index(names: Names, work: Work) -> Json | Absent:
        value = base(names, work)
        return ABSENT if value is ABSENT else _step(value, key(names, work), offset)

    return index


def _list(items: list[Run]) -> Run:
    return lambda names, work: [item(names, work) for item in items]


def _object(entries: list[tuple[str, Run]]) -> Run:
    return lambda names, work: {key: value(names, work) for key, value in entries}


def _truth(node: Node) -> Callable[[Names, Work], bool]:
    run, offset = strict(node), node.offset

    def holds(names: Names, work: Work) -> bool:
        value = run(names, work)
        if value is True or value is False:
            return value
        try:
            return truth(value)
        except ExprError as error:
            raise error.located(offset) from None

    return holds


def _chain(node: AllOf | AnyOf) -> Run:
    terms, decides = [_truth(term) for term in node.terms], isinstance(node, AnyOf)

    def chain(names: Names, work: Work) -> Json:
        for holds in terms:
            if holds(names, work) is decides:
                return decides
        return not decides

    return chain


def _not(node: Not) -> Run:
    holds = _truth(node.value)
    return lambda names, work: not holds(names, work)


def _choice(node: Choice) -> Run:
    holds, then, otherwise = _truth(node.condition), strict(node.then), strict(node.otherwise)
    return lambda names, work: then(names, work) if holds(names, work) else otherwise(names, work)


def _joined(parts: list[Run]) -> Run:
    return lambda names, work: joined(work, [as_text(work, part(names, work)) for part in parts])


def _compared(node: Compared) -> Run:
    compare, left, right, offset = operators.COMPARISONS[node.operator], strict(node.left), strict(node.right), node.offset

    def compared(names: Names, work: Work) -> Json:
        try:
            return compare(work, left(names, work), right(names, work))
        except ExprError as error:
            raise error.located(offset) from None

    return compared


def _arithmetic(node: Arithmetic) -> Run:
    calculate, left, right, offset = operators.ARITHMETIC[node.operator], strict(node.left), strict(node.right), node.offset

    def calculated(names: Names, work: Work) -> Json:
        try:
            return calculate(work, left(names, work), right(names, work))
        except ExprError as error:
            raise error.located(offset) from None

    return calculated


def _negative(node: Negative) -> Run:
    run, offset = strict(node.value), node.offset

    def negative(names: Names, work: Work) -> Json:
        value = run(names, work)
        if is_number(value):
            return -value
        raise ExprError(f"'-' needs a number, not {kind_of(value)}.", hint="Convert it with | int.", offset=offset)

    return negative


def _fallback(node: Fallback) -> Run:
    run, otherwise = lenient(node.value), strict(node.otherwise)

    def fallback(names: Names, work: Work) -> Json:
        value = run(names, work)
        return otherwise(names, work) if value is ABSENT or value is None else value

    return fallback


def _tested(node: Tested) -> Run:
    if node.test == "none":
        run = strict(node.value)
        return lambda names, work: run(names, work) is None
    found = lenient(node.value)
    return lambda names, work: found(names, work) is not ABSENT


# Filters -------------------------------------------------------------------------------------------------------------

Call: TypeAlias = Callable[[Names, Work, Json], Json]


def _applied(node: Applied) -> Run:
    run, call = strict(node.value), _call(node)
    return lambda names, work: call(names, work, run(names, work))


def _mapped(node: MappedOver) -> Run:
    run, call = strict(node.value), _call_each(node)
    return lambda names, work: call(names, work, run(names, work))


def _lenient_filter(run: LenientRun, call: Call) -> LenientRun:
    def filtered(names: Names, work: Work) -> Json | Absent:
        value = run(names, work)
        return ABSENT if value is ABSENT else call(names, work, value)

    return filtered


def _call(node: Applied | MappedOver) -> Call:
    name, offset, arguments = node.filter, node.offset, [strict(argument) for argument in node.arguments]
    function = FUNCTIONS[name]

    def call(names: Names, work: Work, value: Json) -> Json:
        work.spend(1)
        try:
            return function(work, value, *[argument(names, work) for argument in arguments])
        except Refusal as refusal:
            raise refused(name, refusal, offset) from None
        except ExprError as error:
            raise error.located(offset) from None

    return call


def _call_each(node: MappedOver) -> Call:
    arguments, offset = [strict(argument) for argument in node.arguments], node.offset
    function = _default if node.filter == "default" else FUNCTIONS[node.filter]

    def call_each(names: Names, work: Work, value: Json) -> Json:
        given = [argument(names, work) for argument in arguments]
        place = -1
        try:
            items = items_of(value)
            work.spend(2 * len(items))
            mapped: list[Json] = []
            for place, item in enumerate(items):  # noqa: B007  read when an item is refused
                mapped.append(function(work, item, *given))
            return mapped
        except Refusal as refusal:
            raise _refused_item(node.filter, refusal, place, offset) from None
        except ExprError as error:
            raise error.located(offset) from None

    return call_each


def _default(work: Work, value: Json, otherwise: Json) -> Json:
    return otherwise if value is None else value


def _refused_item(name: str, refusal: Refusal, place: int, offset: int) -> ExprError:
    if place < 0:
        return refused("map", refusal, offset)
    return ExprError(f"Item {place}: '{name}' {refusal.message}", hint=refusal.hint, offset=offset)
