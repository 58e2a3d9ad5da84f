"""The filters on lists: they look into the items, so they know what a field of an item is, and whether there is one."""

from typing import TYPE_CHECKING

from tocsin.playbook.codes import names, typing
from tocsin.playbook.expr.grammar import Kind
from tocsin.playbook.expr.tree import Constant
from tocsin.playbook.types import operators
from tocsin.playbook.types.compare import Equality, equality
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.lattice import (
    ANY,
    NUMBER,
    OBJECT,
    RARELY_NULL,
    SIZE,
    WHOLE,
    Anything,
    Field,
    Found,
    Items,
    NoField,
    Number,
    Object,
    Type,
    kinds_of,
    look,
    members_of,
    union,
    without_null,
)

if TYPE_CHECKING:
    from tocsin.playbook.types.filters import Call

_WHERE_ORDER = ("<", "<=", ">", ">=")


def always(type: Type) -> Field:
    """Return a field that is always there."""
    return Field(type)


def item_of(type: Type) -> Type:
    """Return the type of a list's items."""
    return union(*(one.item for one in members_of(type) if isinstance(one, Items)))


def _field(call: "Call", place: int = 0) -> Type:
    """Return the type of the field of an item that a filter is given, and report one that no item has."""
    path, item = call.constant(place), item_of(call.value)
    if path is None or isinstance(item, Anything):
        return ANY
    kinds = kinds_of(item)
    if kinds is not None and not kinds & {Kind.OBJECT, Kind.NULL}:
        message = f"'{call.node.filter}' looks into maps, and the items of this list are {described(item)}."
        hint = "Use unique, sort, map or 'in' for plain values."
        call.judge.say(typing.WRONG_FILTER_INPUT, call.node, message, hint, length=len(call.node.filter))
        return ANY
    return _walked(call, item, path, place)


def _walked(call: "Call", item: Type, path: str, place: int) -> Type:
    offset = call.node.arguments[place].offset + 1  # after the quote
    parts = path.split(".")
    for number, part in enumerate(parts):
        found = look(item, part)
        if isinstance(found, Found):
            item = found.type
            offset += len(part) + 1
            continue
        if isinstance(found, NoField):
            owner = ".".join(("item", *parts[:number]))
            call.judge.no_part(owner, part, item, found, offset, len(part))
        else:
            what = f"'{'.'.join(parts[:number])}' of an item" if number else "An item"
            message = f"{what} is {described(item)} and has no fields."
            call.judge.say(names.UNKNOWN_FIELD, offset, message, "Read it as it is.", length=len(part))
        return ANY
    return item


def where(call: "Call") -> Type:
    """Items that fulfil a condition."""
    found = _field(call)
    operator, judge = call.constant(1), call.judge
    if judge.report is None or isinstance(found, Anything):
        return call.value if isinstance(call.value, Items) else Items(item_of(call.value))
    node, field = call.node, (call.node.arguments[0], found)
    wanted = node.arguments[2]
    value = (wanted, call.arguments[2])
    if operator == "" and isinstance(wanted, Constant) and wanted.value is None:
        kinds = kinds_of(found)
        if kinds is not None and not kinds & {Kind.BOOLEAN, Kind.NULL}:
            message = f"'where' alone asks for true, and '{call.constant(0)}' is {described(found)}."
            compared = "'!=', null" if kinds <= {Kind.OBJECT, Kind.LIST} else "'==', value"  # of a map people ask whether it is there
            judge.say(typing.WRONG_FILTER_ARGUMENT, node.arguments[0], message, f"Compare it: where('{call.constant(0)}', {compared}).")
    elif operator in ("==", "!="):
        _equal(call, found, value)
    elif operator in _WHERE_ORDER:
        operators.ordered(judge, operator, (field[0], without_null(found)), value)
    elif operator in ("in", "not in"):
        _in(call, found, value)
    elif operator == "contains":
        kinds = kinds_of(found)
        if kinds is not None and not kinds & {Kind.LIST, Kind.TEXT, Kind.OBJECT}:
            message = f"'contains' looks into a list, a map or a text, and '{call.constant(0)}' is {described(found)}."
            judge.say(typing.NOT_A_CONTAINER, node.arguments[0], message, "Compare with '=='.")
    return call.value if isinstance(call.value, Items) else Items(item_of(call.value))


def _equal(call: "Call", found: Type, value: operators.Side) -> None:
    verdict = equality(found, value[1])
    if verdict is Equality.OTHER_KIND:
        message = f"'{call.constant(0)}' is {described(found)}, and this is {described(value[1])}: they are never equal."
        call.judge.say(typing.NEVER_EQUAL, value[0], message, "Change the value.")
    elif verdict is Equality.OTHER_OPTION:
        _option(call, found, value)


def _option(call: "Call", found: Type, value: operators.Side) -> None:
    options, wrong = operators.options_of(found), operators.options_of(value[1])
    if options is not None and len(options) > 1 and wrong is not None and len(wrong) == 1 and wrong[0] not in options:
        operators.say_option(call.judge, typing.NO_SUCH_OPTION, value[0], f"'{call.constant(0)}'", wrong[0], options)


def _in(call: "Call", found: Type, value: operators.Side) -> None:
    kinds = kinds_of(value[1])
    if kinds is not None and not kinds & {Kind.LIST, Kind.TEXT, Kind.OBJECT}:
        message = f"'in' looks into a list, a map or a text, not {described(value[1])}."
        call.judge.say(typing.NOT_A_CONTAINER, value[0], message, "Give a list.")
    elif isinstance(value[1], Items) and equality(found, value[1].item) is Equality.OTHER_KIND:
        message = f"'{call.constant(0)}' is {described(found)}, and the list has {described(value[1].item)} for items."
        call.judge.say(typing.NEVER_EQUAL, value[0], message, "Change the list.")


def pluck(call: "Call") -> Type:
    """One field of each item."""
    return Items(_field(call))


def one_item(call: "Call") -> Type:
    """The first or last item; null if there is none."""
    item = item_of(call.value)
    return ANY if isinstance(item, Anything) else union(item, RARELY_NULL)


def same(call: "Call") -> Type:
    """The same list, with fewer items or in another order."""
    return call.value if isinstance(call.value, Items) else Items(item_of(call.value))


def sort(call: "Call") -> Type:
    """The list in order."""
    node = call.node.arguments[0]
    if isinstance(node, Constant) and node.value is None:
        kinds = kinds_of(item_of(call.value))
        if kinds is not None and not kinds & {Kind.TEXT, Kind.NUMBER}:
            message = f"'sort' needs numbers or texts, and the items are {described(item_of(call.value))}."
            hint = "Name a field: sort('name')." if Kind.OBJECT in kinds else "Take a part of each item first."
            call.judge.say(typing.WRONG_FILTER_INPUT, call.node, message, hint, length=len("sort"))
    else:
        _field(call)
    return same(call)


def flatten(call: "Call") -> Type:
    """One level of lists less."""
    item = item_of(call.value)
    return Items(union(*(one.item if isinstance(one, Items) else one for one in members_of(item))))


def group_by(call: "Call") -> Type:
    """Lists of items by the text of a field."""
    field = _field(call)
    kinds = kinds_of(field)
    if kinds is not None and kinds <= {Kind.LIST, Kind.OBJECT}:
        message = f"'{call.node.filter}' needs plain values, and '{call.constant(0)}' is {described(field)}."
        call.judge.say(typing.WRONG_FILTER_ARGUMENT, call.node.arguments[0], message, "Group by a text or a number.")
    return Object({}, Items(item_of(call.value)))


def count(call: "Call") -> Type:
    """How many items, or how many of each value of a field."""
    node = call.node.arguments[0]
    if isinstance(node, Constant) and node.value is None:
        return SIZE
    if isinstance(node, Constant):
        group_by(call)
        return Object({}, WHOLE)
    return union(SIZE, OBJECT)


def zipped(call: "Call") -> Type:
    """Pairs of two lists."""
    return Items(Items(union(item_of(call.value), item_of(call.arguments[0]))))


def total(call: "Call") -> Type:
    """The sum of numbers."""
    item = item_of(call.value)
    kinds = kinds_of(item)
    if kinds is not None and Kind.NUMBER not in kinds:
        message = f"'sum' adds numbers, and the items are {described(item)}."
        hint = "Use pluck first." if Kind.OBJECT in kinds else "Convert them: … | map('int') | sum."
        call.judge.say(typing.WRONG_FILTER_INPUT, call.node, message, hint, length=len("sum"))
    return WHOLE if isinstance(item, Number) and item.is_whole else NUMBER


def extreme(call: "Call") -> Type:
    """The least or greatest item; null if there is none."""
    item = item_of(call.value)
    kinds = kinds_of(item)
    if kinds is not None and not kinds & {Kind.TEXT, Kind.NUMBER}:
        message = f"'{call.node.filter}' compares numbers or texts, and the items are {described(item)}."
        call.judge.say(typing.WRONG_FILTER_INPUT, call.node, message, "Use pluck first.", length=len(call.node.filter))
        return ANY
    return ANY if isinstance(item, Anything) else union(item, RARELY_NULL)
