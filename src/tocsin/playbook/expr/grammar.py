"""The whole grammar of expressions: what may be written, and the limits. Everything that is not listed here is refused.

The syntax is read by Jinja's expression parser; `NODES` is the allow-list of what may come out of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tocsin.core.values import Json

MAX_SOURCE: Final = 4_000  # characters of one expression
MAX_NODES: Final = 500
MAX_DEPTH: Final = 40  # of the expression
MAX_WORK: Final = 500_000  # units: one is about one item handled, or 16 characters written
MAX_TEXT: Final = 1_000_000  # characters of a text that an expression makes
MAX_RESULT: Final = 5_000_000  # size of a result: characters of text, 8 a number, 16 a list or object
MAX_RESULT_DEPTH: Final = 200
MAX_INTEGER: Final = 2**63 - 1
MIN_INTEGER: Final = -(2**63)
MAX_TEMPLATE_EXPRESSIONS: Final = 1_000
MAX_TEMPLATE_DEPTH: Final = 64
MAX_PATTERN: Final = 1_000  # characters of a regular expression

NODES: Final = frozenset(
    {"Const", "Name", "Getattr", "Getitem", "List", "Dict", "And", "Or", "Not", "CondExpr", "Concat", "Compare"}
    | {"Add", "Sub", "Mul", "Div", "Mod", "Neg", "Filter", "Test"}
)
REFUSED: Final[Mapping[str, tuple[str, str]]] = {  # nodes that people try, and what to do instead
    "Call": ("An expression cannot call anything.", "Use a filter: write x | upper, not x.upper()."),
    "Pow": ("'**' is not part of the language.", "Multiply instead."),
    "FloorDiv": ("'//' is not part of the language.", "Write (a / b) | int."),
    "Pos": ("A leading '+' is not part of the language.", "Leave it out."),
    "Tuple": ("A list is written in square brackets.", "Write [1, 2]."),
    "Slice": ("'[a:b]' is not part of the language.", "Write x | slice(a, b)."),
}

ARITHMETIC: Final[Mapping[str, str]] = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/", "Mod": "%"}  # `~` is the node Concat
COMPARISONS: Final[Mapping[str, str]] = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not in",
}
LOGIC: Final = ("and", "or", "not", "if else")
WHERE_OPERATORS: Final = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains")
TESTS: Final = ("defined", "none")
CONSTANTS: Final = ("true", "false", "none", "null")
ENCODINGS: Final = ("utf-8", "utf-16le", "latin-1")


class Kind(StrEnum):
    """The kinds of JSON value, as messages call them."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    NULL = "null"
    LIST = "list"
    OBJECT = "object"


Kinds = frozenset[Kind]

TEXT: Final[Kinds] = frozenset({Kind.TEXT})
NUMBER: Final[Kinds] = frozenset({Kind.NUMBER})
BOOLEAN: Final[Kinds] = frozenset({Kind.BOOLEAN})
NULL: Final[Kinds] = frozenset({Kind.NULL})
LIST: Final[Kinds] = frozenset({Kind.LIST})
OBJECT: Final[Kinds] = frozenset({Kind.OBJECT})
SCALAR: Final[Kinds] = TEXT | NUMBER | BOOLEAN
ANY: Final[Kinds] = frozenset(Kind)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a filter, given by place or by name."""

    name: str
    kinds: Kinds
    required: bool = True
    default: Json = None


@dataclass(frozen=True, slots=True)
class FilterRule:
    """What a filter takes and gives; `counts`, if any, are the only numbers of arguments allowed."""

    name: str
    takes: Kinds
    gives: Kinds
    arguments: tuple[Argument, ...] = ()
    counts: tuple[int, ...] = ()


def _optional(name: str, kinds: Kinds, default: Json = None) -> Argument:
    return Argument(name, kinds, required=False, default=default)


_RULES: Final = (
    # any value
    FilterRule("default", ANY, ANY, (Argument("value", ANY),)),
    FilterRule("string", ANY, TEXT),
    FilterRule("bool", SCALAR, BOOLEAN),
    FilterRule("json", ANY, TEXT),
    FilterRule("length", TEXT | LIST | OBJECT, NUMBER),
    # text
    FilterRule("upper", TEXT, TEXT),
    FilterRule("lower", TEXT, TEXT),
    FilterRule("trim", TEXT, TEXT),
    FilterRule("split", TEXT, LIST, (_optional("separator", TEXT | NULL),)),
    FilterRule("replace", TEXT, TEXT, (Argument("old", TEXT), Argument("new", TEXT))),
    FilterRule("defang", TEXT, TEXT),
    FilterRule("refang", TEXT, TEXT),
    # lists
    FilterRule("where", LIST, LIST, (Argument("field", TEXT), _optional("operator", TEXT, ""), _optional("value", ANY)), counts=(1, 3)),
    FilterRule("pluck", LIST, LIST, (Argument("field", TEXT),)),
    FilterRule("map", LIST, LIST, (Argument("filter", TEXT),)),  # and the arguments of that filter
    FilterRule("first", LIST, ANY),
    FilterRule("last", LIST, ANY),
    FilterRule("unique", LIST, LIST),
    FilterRule("sort", LIST, LIST, (_optional("field", TEXT | NULL), _optional("descending", BOOLEAN, False))),
    FilterRule("reverse", TEXT | LIST, TEXT | LIST),
    FilterRule("join", LIST, TEXT, (_optional("separator", TEXT, ", "),)),
    FilterRule("slice", TEXT | LIST, TEXT | LIST, (Argument("start", NUMBER), _optional("end", NUMBER | NULL))),
    FilterRule("flatten", LIST, LIST),
    FilterRule("group_by", LIST, OBJECT, (Argument("field", TEXT),)),
    FilterRule("count", LIST, NUMBER | OBJECT, (_optional("field", TEXT | NULL),)),
    FilterRule("zip", LIST, LIST, (Argument("other", LIST),)),
    # objects
    FilterRule("keys", OBJECT, LIST),
    FilterRule("values", OBJECT, LIST),
    FilterRule("items", OBJECT, LIST),
    FilterRule("merge", OBJECT, OBJECT, (Argument("other", OBJECT),)),
    # numbers
    FilterRule("int", SCALAR, NUMBER),
    FilterRule("float", SCALAR, NUMBER),
    FilterRule("round", NUMBER, NUMBER, (_optional("digits", NUMBER, 0),)),
    FilterRule("sum", LIST, NUMBER),
    FilterRule("min", LIST, TEXT | NUMBER | NULL),
    FilterRule("max", LIST, TEXT | NUMBER | NULL),
    # dates
    FilterRule("date", TEXT | NUMBER, TEXT, (_optional("format", TEXT | NULL),)),
    FilterRule("date_add", TEXT | NUMBER, TEXT, (Argument("duration", TEXT),)),
    FilterRule("ago", TEXT | NUMBER, NUMBER),
    # network
    FilterRule("ip_in", TEXT, BOOLEAN, (Argument("networks", TEXT | LIST),)),
    FilterRule("domain_of", TEXT, TEXT | NULL),
    # encoding
    FilterRule("from_json", TEXT, ANY),
    FilterRule("b64encode", TEXT, TEXT),
    FilterRule("b64decode", TEXT, TEXT, (_optional("encoding", TEXT, "utf-8"),)),
    FilterRule("urlencode", TEXT | OBJECT, TEXT),
    FilterRule("sha256", TEXT, TEXT),
    # regular expressions
    FilterRule("regex_test", TEXT, BOOLEAN, (Argument("pattern", TEXT),)),
    FilterRule("regex_find", TEXT, LIST, (Argument("pattern", TEXT), _optional("group", NUMBER, 0))),
    FilterRule("regex_replace", TEXT, TEXT, (Argument("pattern", TEXT), Argument("replacement", TEXT))),
)
FILTERS: Final[Mapping[str, FilterRule]] = {rule.name: rule for rule in _RULES}
