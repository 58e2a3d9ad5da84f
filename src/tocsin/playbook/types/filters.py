"""What filters take and give: what every filter is checked for, and a rule for each that knows more than its kinds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from tocsin.playbook.codes import clarity, typing
from tocsin.playbook.expr.grammar import ANY as ANY_KIND
from tocsin.playbook.expr.grammar import FILTERS, FilterRule, Kind
from tocsin.playbook.expr.tree import Applied, Constant, MappedOver
from tocsin.playbook.types import listfilters
from tocsin.playbook.types.describe import described, described_kinds
from tocsin.playbook.types.lattice import (
    ANY,
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    OBJECT,
    RARELY_NULL,
    SIZE,
    TEXT,
    WHOLE,
    Boolean,
    Items,
    Number,
    Object,
    Text,
    Type,
    kinds_of,
    members_of,
    union,
    without_null,
)

if TYPE_CHECKING:
    from tocsin.playbook.types.infer import Inference


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a filter: on what, with what."""

    judge: "Inference"
    node: Applied | MappedOver
    value: Type
    arguments: tuple[Type, ...]

    def constant(self, place: int) -> str | None:
        """Return an argument that is a text written out."""
        argument = self.node.arguments[place]
        return argument.value if isinstance(argument, Constant) and isinstance(argument.value, str) else None


Rule: TypeAlias = Callable[[Call], Type]
_OF_KIND: Final[Mapping[Kind, Type]] = {
    Kind.TEXT: TEXT,
    Kind.NUMBER: NUMBER,
    Kind.BOOLEAN: BOOLEAN,
    Kind.NULL: NULL,
    Kind.LIST: LIST,
    Kind.OBJECT: OBJECT,
}


def applied(call: Call) -> Type:
    """Check a filter and return the type that it gives."""
    rule = FILTERS[call.node.filter]
    if call.judge.report is not None:
        if not _takes(call, rule):
            return _given(rule)
        _arguments(call, rule)
    return RULES[rule.name](call)


def mapped(call: Call) -> Type:
    """Check `map` and return the list that it gives."""
    if call.judge.report is not None and not _takes(call, FILTERS["map"]):
        return LIST
    item = listfilters.item_of(call.value)
    if call.node.filter == "default":
        return Items(union(without_null(item), call.arguments[0]))
    name = max(call.judge.source.find(call.node.filter, call.node.offset), call.node.offset)
    inner = Call(call.judge, Applied(name, call.node.value, call.node.filter, call.node.arguments), item, call.arguments)
    return Items(applied(inner))


def _given(rule: FilterRule) -> Type:
    return ANY if rule.gives == ANY_KIND else union(*(_OF_KIND[kind] for kind in rule.gives))


def _takes(call: Call, rule: FilterRule) -> bool:
    """Report a value that the filter refuses; False if it refuses it for certain."""
    kinds = kinds_of(call.value)
    if kinds is None or kinds <= rule.takes:
        return True
    judge = call.judge
    subject = judge.words(call.node.value) if not isinstance(call.node.value, Applied | MappedOver) else "This"
    if not kinds & rule.takes:
        what = subject.replace("This", "this")
        message = f"'{rule.name}' takes {described_kinds(rule.takes)}, and {what} is {described(call.value)}."
        judge.say(typing.WRONG_FILTER_INPUT, call.node, message, _hint(rule, call.value), length=len(rule.name))
        return False
    for one in members_of(call.value):
        if isinstance(one, Object) and one.is_error and Kind.OBJECT not in rule.takes:
            message = f"When the step fails, its result is an error, which '{rule.name}' does not take; then this fails."
            judge.say(typing.MAY_BE_ERROR, call.node.value, message, "Test `steps.<id>.error is defined` first.")
            return True
    if Kind.NULL not in rule.takes and judge.is_null(call.value):
        message = f"{subject} may be null, which '{rule.name}' does not take."
        judge.say(typing.MAY_BE_NULL, call.node.value, message, f"Put | default(…) before | {rule.name}.")
    return True


def _hint(rule: FilterRule, given: Type) -> str:
    if isinstance(given, Items) and Kind.TEXT in rule.takes:
        return f"Write … | map('{rule.name}') for each item of the list."
    if isinstance(given, Object) and Kind.LIST in rule.takes:
        return "Write … | items or | values first."
    if Kind.LIST in rule.takes:
        return "It is for lists."
    return "Convert it with | string." if Kind.TEXT in rule.takes and Kind.NUMBER in (kinds_of(given) or ()) else "Take a part of it first."


def _arguments(call: Call, rule: FilterRule) -> None:
    for argument, node, type in zip(rule.arguments, call.node.arguments, call.arguments, strict=False):
        kinds = kinds_of(type)
        if kinds is None or isinstance(node, Constant) or kinds & argument.kinds:
            continue  # constants are checked when the expression is read
        message = f"'{argument.name}' of '{rule.name}' must be {described_kinds(argument.kinds)}, not {described(type)}."
        call.judge.say(typing.WRONG_FILTER_ARGUMENT, node, message, "Change the argument.")


# Rules ----------------------------------------------------------------------------------------------------------------


def _gives(type: Type) -> Rule:
    return lambda call: type


def _is_that_already(call: Call, what: str) -> None:
    call.judge.say(clarity.NEEDLESS_FILTER, call.node, f"This is {what} already, so '{call.node.filter}' changes nothing.", "Leave it out.")


def _text_by(change: Callable[[str], str]) -> Rule:
    def text(call: Call) -> Type:
        if isinstance(call.value, Text) and call.value.options is not None:
            return Text(tuple(dict.fromkeys(map(change, call.value.options))))
        return TEXT

    return text


def _string(call: Call) -> Type:
    if isinstance(call.value, Text):
        _is_that_already(call, "a text")
        return call.value
    return TEXT


def _bool(call: Call) -> Type:
    if isinstance(call.value, Boolean):
        _is_that_already(call, "a boolean")
    return BOOLEAN


def _int(call: Call) -> Type:
    if isinstance(call.value, Number) and call.value.is_whole:
        _is_that_already(call, "an integer")
        return call.value
    return WHOLE


def _round(call: Call) -> Type:
    node = call.node.arguments[0]
    return WHOLE if isinstance(node, Constant) and node.value == 0 else NUMBER


def _length(call: Call) -> Type:
    return SIZE


def _merge(call: Call) -> Type:
    other = call.arguments[0]
    if not isinstance(call.value, Object) or not isinstance(other, Object):
        return OBJECT
    rest = call.value.rest if other.rest is None else other.rest
    if other.rest is not None:  # what is not named may replace what is
        return Object({**call.value.fields, **other.fields}, ANY)
    return Object({**call.value.fields, **other.fields}, rest)


def _values(call: Call) -> Type:
    return Items(_any_field(call.value))


def _any_field(type: Type) -> Type:
    if not isinstance(type, Object):
        return ANY
    rest = () if type.rest is None else (type.rest,)
    return union(*(one.type for one in type.fields.values()), *rest)


def _items(call: Call) -> Type:
    return Items(Object({"key": listfilters.always(TEXT), "value": listfilters.always(_any_field(call.value))}))


def _same_container(call: Call) -> Type:
    if isinstance(call.value, Text):
        return TEXT
    return call.value if isinstance(call.value, Items) else ANY


def _reverse(call: Call) -> Type:
    return _same_container(call)


def _slice(call: Call) -> Type:
    return _same_container(call)


def _from_schemaless(call: Call) -> Type:
    return ANY


RULES: Final[Mapping[str, Rule]] = {
    "default": lambda call: union(without_null(call.value), call.arguments[0]),
    "string": _string,
    "bool": _bool,
    "json": _gives(TEXT),
    "length": _length,
    "upper": _text_by(str.upper),
    "lower": _text_by(str.lower),
    "trim": _text_by(str.strip),
    "split": _gives(Items(TEXT)),
    "replace": _gives(TEXT),
    "defang": _gives(TEXT),
    "refang": _gives(TEXT),
    "where": listfilters.where,
    "pluck": listfilters.pluck,
    "map": _gives(LIST),  # never applied: it is a node of its own
    "first": listfilters.one_item,
    "last": listfilters.one_item,
    "unique": listfilters.same,
    "sort": listfilters.sort,
    "reverse": _reverse,
    "join": _gives(TEXT),
    "slice": _slice,
    "flatten": listfilters.flatten,
    "group_by": listfilters.group_by,
    "count": listfilters.count,
    "zip": listfilters.zipped,
    "keys": _gives(Items(TEXT)),
    "values": _values,
    "items": _items,
    "merge": _merge,
    "int": _int,
    "float": _gives(NUMBER),
    "round": _round,
    "sum": listfilters.total,
    "min": listfilters.extreme,
    "max": listfilters.extreme,
    "date": _gives(TEXT),
    "date_add": _gives(TEXT),
    "ago": _gives(NUMBER),
    "ip_in": _gives(BOOLEAN),
    "domain_of": _gives(union(TEXT, RARELY_NULL)),  # of an address it is null
    "from_json": _from_schemaless,
    "b64encode": _gives(TEXT),
    "b64decode": _gives(TEXT),
    "urlencode": _gives(TEXT),
    "sha256": _gives(TEXT),
    "regex_test": _gives(BOOLEAN),
    "regex_find": _gives(LIST),
    "regex_replace": _gives(TEXT),
}
