"""Source text to checked tree: Jinja's expression parser, then our allow-list over every node it made."""

from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from tocsin.core.values import Json
from tocsin.playbook.expr.errors import ExprError, ExprLimit, nearest, shown
from tocsin.playbook.expr.filters import check_constants
from tocsin.playbook.expr.grammar import (
    ARITHMETIC,
    COMPARISONS,
    FILTERS,
    MAX_DEPTH,
    MAX_NODES,
    NODES,
    REFUSED,
    TESTS,
    Argument,
    FilterRule,
)
from tocsin.playbook.expr.lexer import tokenize
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
from tocsin.playbook.expr.values import is_number, kind_of

_RESERVED: Final = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_MOVED: Final = {  # filters of Jinja and other tools that have another name here
    "abs": "Write -x if x < 0 else x.",
    "attr": "Write x.field or x['field'].",
    "capitalize": "Use lower or upper.",
    "d": "Did you mean 'default'?",
    "dictsort": "Use items | sort('key').",
    "e": "Text is never escaped here; each action does what its target needs.",
    "escape": "Text is never escaped here; each action does what its target needs.",
    "format": "Join with ~, or write text around ${{ }}.",
    "groupby": "Did you mean 'group_by'?",
    "len": "Did you mean 'length'?",
    "list": "Use split, keys, values or items.",
    "reject": "Use where('field', '!=', value).",
    "rejectattr": "Use where('field', '!=', value).",
    "select": "Use where('field', '==', value).",
    "selectattr": "Use where('field', '==', value).",
    "safe": "Text is never escaped here; each action does what its target needs.",
    "strip": "Did you mean 'trim'?",
    "size": "Did you mean 'length'?",
    "tojson": "Did you mean 'json'?",
    "to_json": "Did you mean 'json'?",
    "fromjson": "Did you mean 'from_json'?",
}


def parse(source: str) -> Node:
    """Read an expression into its tree; raises ExprError and ExprLimit, each with an offset."""
    try:
        parsed = _jinja(source)
        return _Checker().node(parsed, 1)
    except TemplateSyntaxError as error:
        message = error.message or ""
        offset = len(source) if "end of template" in message else min(error.lineno, len(source))
        raise ExprError(f"Syntax: {_reworded(message)}.", offset=offset) from None
    except RecursionError:  # the brackets are counted before; chains of `not` and `-` are not
        raise _too_deep(0) from None


def _jinja(source: str) -> nodes.Expr:
    parser = Parser(_ENVIRONMENT, "")
    parser.stream = TokenStream(tokenize(source), None, None)
    if not parser.stream:
        raise ExprError("The expression is empty.", hint="Write a value between ${{ and }}.", offset=0)
    parsed = parser.parse_expression()
    rest = parser.stream.current
    if rest.type == "eof":
        return parsed
    hint = "Compare with '=='." if rest.type == "assign" else ""
    raise ExprError(f"Unexpected {shown(str(rest.value))!r} after the end of the expression.", hint=hint, offset=rest.lineno)


_ENVIRONMENT: Final = Environment(autoescape=False)  # noqa: S701  nothing is ever rendered with it: the parser asks for one


def _reworded(message: str) -> str:
    # Jinja knows templates only
    for theirs, ours in (("end of template", "the end"), ("end of print statement", "the end"), ("expected token ", "expected ")):
        message = message.replace(theirs, ours)
    return shown(message.rstrip("."))


def _too_deep(offset: int) -> ExprLimit:
    return ExprLimit(f"The expression is nested more than {MAX_DEPTH} deep.", hint="Split it with a set step.", offset=offset)


class _Checker:
    """Turn Jinja's nodes into ours, counting them."""

    def __init__(self) -> None:
        self.count = 0

    def node(self, node: nodes.Node, depth: int) -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            raise ExprLimit(f"The expression has more than {MAX_NODES} parts.", hint="Split it with a set step.", offset=node.lineno)
        if depth > MAX_DEPTH:
            raise _too_deep(node.lineno)
        if type(node).__name__ not in NODES:
            raise _refusal(node)
        match node:
            case nodes.Const():
                return Constant(node.lineno, _constant(node))
            case nodes.Name():
                return Path(node.lineno, _name(node.name, node.lineno), ())
            case nodes.Getattr():
                return self._field(node, Constant(node.lineno, _visible(node.attr, node.lineno)), depth)
            case nodes.Getitem():
                return self._field(node, self.node(node.arg, depth + 1), depth)
            case nodes.List():
                return ListOf(node.lineno, self._all(node.items, depth))
            case nodes.Dict():
                return self._object(node, depth)
            case nodes.And():
                terms = self._chain(node, nodes.And, depth)
                return AllOf(terms[0].offset, terms)
            case nodes.Or():
                terms = self._chain(node, nodes.Or, depth)
                return AnyOf(terms[0].offset, terms)
            case nodes.Not():
                return Not(node.lineno, self.node(node.node, depth + 1))
            case nodes.CondExpr():
                return self._choice(node, depth)
            case nodes.Concat():
                return Joined(node.lineno, self._all(node.nodes, depth))
            case nodes.Compare():
                return self._compared(node, depth)
            case nodes.Neg():
                value = self.node(node.node, depth + 1)
                if isinstance(value, Constant) and is_number(value.value):
                    return Constant(node.lineno, -value.value)
                return Negative(node.lineno, value)
            case nodes.BinExpr():
                left = self.node(node.left, depth + 1)
                return Arithmetic(left.offset, ARITHMETIC[type(node).__name__], left, self.node(node.right, depth + 1))
            case nodes.Filter():
                return self._filter(node, depth)
            case nodes.Test():
                return self._test(node, depth)
        raise _refusal(node)

    def _all(self, parts: list[nodes.Expr], depth: int) -> tuple[Node, ...]:
        return tuple(self.node(part, depth + 1) for part in parts)

    def _chain(self, node: nodes.BinExpr, kind: type[nodes.BinExpr], depth: int) -> tuple[Node, ...]:
        # `a and b and c` is nested to the left; as one flat list it is neither deep nor slow
        terms: list[nodes.Expr] = []
        left: nodes.Expr = node
        while isinstance(left, kind):
            terms.append(left.right)
            left = left.left
        terms.append(left)
        return self._all(terms[::-1], depth)

    def _field(self, node: nodes.Getattr | nodes.Getitem, key: Node, depth: int) -> Node:
        if isinstance(key, Constant) and not (isinstance(key.value, str) or type(key.value) is int):
            raise ExprError("What stands in [ ] must be a text or a whole number.", offset=node.lineno)
        if isinstance(key, Constant) and isinstance(key.value, str) and key.value.startswith("__") and key.value.endswith("__"):
            raise ExprError(f"'{shown(key.value)}' cannot be read.", hint="Expressions read JSON only.", offset=node.lineno)
        value = self.node(node.node, depth + 1)
        if isinstance(value, Constant | ListOf | ObjectOf | Joined):
            raise ExprError("Fields are taken of names, not of values written out.", hint="Write the part itself.", offset=node.lineno)
        if isinstance(value, Path) and isinstance(key, Constant) and (isinstance(key.value, str) or type(key.value) is int):
            return Path(value.offset, value.root, (*value.keys, key.value))
        return Index(node.lineno, value, key)

    def _object(self, node: nodes.Dict, depth: int) -> ObjectOf:
        entries: dict[str, Node] = {}
        for pair in node.items:
            key = pair.key.value if isinstance(pair.key, nodes.Const) else None
            if not isinstance(key, str):
                raise ExprError("The keys of an object are texts in quotes.", hint="Write {'name': value}.", offset=pair.key.lineno)
            if key in entries:
                raise ExprError(f"The key '{shown(key)}' is there twice.", hint="Remove one.", offset=pair.key.lineno)
            entries[key] = self.node(pair.value, depth + 1)
        return ObjectOf(node.lineno, tuple(entries.items()))

    def _choice(self, node: nodes.CondExpr, depth: int) -> Choice:
        if node.expr2 is None:
            raise ExprError("'if' needs an 'else'.", hint="Write x if condition else y.", offset=node.lineno)
        condition = self.node(node.test, depth + 1)
        return Choice(node.lineno, condition, self.node(node.expr1, depth + 1), self.node(node.expr2, depth + 1))

    def _compared(self, node: nodes.Compare, depth: int) -> Compared:
        if len(node.ops) != 1:
            raise ExprError("Comparisons cannot be chained.", hint="Write a < b and b < c.", offset=node.expr.lineno)
        operand, left = node.ops[0], self.node(node.expr, depth + 1)
        # Jinja places an operation where it was done reading it; where it starts is of more use
        return Compared(left.offset, COMPARISONS[operand.op], left, self.node(operand.expr, depth + 1))

    def _test(self, node: nodes.Test, depth: int) -> Tested:
        if node.name not in TESTS:
            hint = nearest(node.name, TESTS) or "There are 'is defined' and 'is none'; for all else compare."
            raise ExprError(f"There is no test '{shown(node.name)}'.", hint=hint, offset=node.lineno)
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            hint = "Put the test in parentheses if more follows it."
            raise ExprError(f"'is {node.name}' takes no argument.", hint=hint, offset=node.lineno)
        return Tested(node.lineno, node.name, self.node(node.node, depth + 1))

    def _filter(self, node: nodes.Filter, depth: int) -> Node:
        rule = _rule(node.name, node.lineno)
        if node.dyn_args or node.dyn_kwargs or node.node is None:
            raise ExprError("'*' and '**' cannot pass arguments.", hint="Write each argument.", offset=node.lineno)
        value = self.node(node.node, depth + 1)
        given = list(self._all(node.args, depth))
        named: dict[str, Node] = {}
        for keyword in node.kwargs:
            name: object = keyword.key  # a text, whatever Jinja's annotations say
            if not isinstance(name, str) or name in named:
                raise ExprError("An argument is there twice.", hint="Remove one.", offset=keyword.lineno)
            named[name] = self.node(keyword.value, depth + 1)
        if rule.name == "map":
            return _mapped(value, given, named, node.lineno)
        arguments = _bound(rule, given, named, node.lineno)
        if rule.name == "default":
            return Fallback(node.lineno, value, arguments[0])
        return Applied(node.lineno, value, rule.name, arguments)


def _refusal(node: nodes.Node) -> ExprError:
    name = type(node).__name__
    message, hint = REFUSED.get(name, (f"'{name}' is not part of the language.", ""))
    return ExprError(message, hint=hint, offset=node.lineno)


def _constant(node: nodes.Const) -> str | int | float | bool | None:
    value: object = node.value
    if value is None or isinstance(value, str | int | float):
        return value
    raise ExprError("Only texts, numbers, true, false and none can stand in an expression.", offset=node.lineno)


def _name(name: str, offset: int) -> str:
    if name in _RESERVED:
        raise ExprError(f"'{name}' stands in the wrong place.", hint="It is a word of the language.", offset=offset)
    return _visible(name, offset)


def _visible(name: str, offset: int) -> str:
    if name.startswith("_"):
        raise ExprError(f"'{shown(name)}' begins with '_'.", hint=f"If a field has that name, write ['{shown(name)}'].", offset=offset)
    return name


def _rule(name: str, offset: int) -> FilterRule:
    rule = FILTERS.get(name)
    if rule is None:
        hint = _MOVED.get(name) or nearest(name, FILTERS) or "The guide lists them all."
        raise ExprError(f"There is no filter '{shown(name)}'.", hint=hint, offset=offset)
    return rule


def _mapped(value: Node, given: list[Node], named: dict[str, Node], offset: int) -> MappedOver:
    first = given[0] if given else None
    if not isinstance(first, Constant) or not isinstance(first.value, str):
        raise ExprError("'map' needs the name of a filter first.", hint="Write map('upper'), or pluck('field').", offset=offset)
    if first.value == "map":
        raise ExprError("'map' cannot apply itself.", hint="Use flatten first.", offset=offset)
    rule = _rule(first.value, first.offset)
    return MappedOver(offset, value, rule.name, _bound(rule, given[1:], named, offset))


def _bound(rule: FilterRule, given: list[Node], named: dict[str, Node], offset: int) -> tuple[Node, ...]:
    """Bring the arguments into the order of the rule; check those that are constants."""
    names = [argument.name for argument in rule.arguments]
    if len(given) > len(names):
        raise ExprError(f"'{rule.name}' takes {_taken(rule)}, not {len(given)}.", offset=offset)
    for name in named:
        if name not in names:
            hint = nearest(name, names) or (f"It has: {', '.join(names)}." if names else "It takes none.")
            raise ExprError(f"'{rule.name}' has no argument '{shown(name)}'.", hint=hint, offset=offset)
        if name in names[: len(given)]:
            raise ExprError(f"'{rule.name}' is given '{name}' twice.", hint="Remove one.", offset=offset)
    if rule.counts and len(given) + len(named) not in rule.counts:
        raise ExprError(f"'{rule.name}' takes {_taken(rule)}, not {len(given) + len(named)}.", offset=offset)
    by_name = {**dict(zip(names, given, strict=False)), **named}
    arguments = tuple(_argument(rule, argument, by_name.get(argument.name), offset) for argument in rule.arguments)
    check_constants(rule.name, [argument.value if isinstance(argument, Constant) else None for argument in arguments], offset)
    return arguments


def _argument(rule: FilterRule, argument: Argument, given: Node | None, offset: int) -> Node:
    if given is None:
        if argument.required:
            hint = f"Write {rule.name}({', '.join(a.name for a in rule.arguments if a.required)})."
            raise ExprError(f"'{rule.name}' needs '{argument.name}'.", hint=hint, offset=offset)
        return Constant(offset, _scalar(argument.default))
    kind = kind_of(given.value) if isinstance(given, Constant) else None
    if kind is not None and kind not in argument.kinds:
        wanted = " or ".join(sorted(argument.kinds))
        raise ExprError(f"'{argument.name}' of '{rule.name}' must be {wanted}, not {kind}.", offset=given.offset)
    return given


def _scalar(value: Json) -> str | int | float | bool | None:
    assert not isinstance(value, dict | list)  # noqa: S101  the grammar's defaults are scalars
    return value


def _taken(rule: FilterRule) -> str:
    if rule.counts:
        return " or ".join(str(count) for count in rule.counts) + " arguments"
    return f"at most {len(rule.arguments)} argument{'s' if len(rule.arguments) > 1 else ''}" if rule.arguments else "no arguments"
