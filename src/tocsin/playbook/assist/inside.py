"""What is being written inside an expression, as far as it goes: a field, a filter, a name, a word in quotes."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from tocsin.playbook.expr import ExprError, Expression, compile_expression

_TOKEN: Final = re.compile(
    r"""\s*(?P<word>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[0-9]+(?:\.[0-9]+)?|==|!=|<=|>=|.)""", re.VERBOSE | re.DOTALL
)
_WORDS: Final = frozenset({"and", "or", "not", "in", "is", "if", "else"})
_STOPS: Final = frozenset({"==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "~", ",", ":"})
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
_FILTER: Final = re.compile(r"\|\s*([A-Za-z_]\w*)?$")
_TEST: Final = re.compile(r"\bis\s+(?:not\s+)?([A-Za-z_]\w*)?$")
_FIELD: Final = re.compile(r"\.([A-Za-z_]\w*)?$")
_NAME: Final = re.compile(r"([A-Za-z_]\w*)?$")
_ARGUMENT: Final = re.compile(r"\|\s*(?P<filter>[a-z]\w*)\s*\((?P<before>(?:\s*(?:'[^']*'|\"[^\"]*\"|[\w.]+)\s*,)*)\s*$")
_COMPARED: Final = re.compile(r"(==|!=)\s*$")
_LISTED: Final = re.compile(r"\bin\s*\[(?:\s*(?:'[^']*'|\"[^\"]*\")\s*,)*\s*$")
FIELD_FILTERS: Final = frozenset({"where", "pluck", "sort", "group_by", "count"})


class Wanted(Enum):
    """What may come at the cursor."""

    NAME = "name"
    FIELD = "field"  # of `subject`
    FILTER = "filter"
    TEST = "test"
    ITEM_FIELD = "item field"  # in quotes: of the items of `subject`
    FILTER_NAME = "filter name"  # in quotes, after map(
    OPERATOR = "operator"  # in quotes, after where('x',
    VALUE = "value"  # in quotes: one that `subject` can be
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Inside:
    """What is wanted, what has been written of it, and the expression that it is about; `field`: of the items of the subject."""

    wanted: Wanted
    prefix: str = ""
    subject: str = ""
    field: str = ""


def inside(left: str) -> Inside:
    """Say what is being written at the end of the left part of an expression."""
    quote = _open_quote(left)
    if quote is not None:
        return _in_quotes(left[:quote], left[quote + 1 :])
    if found := _TEST.search(left):
        return Inside(Wanted.TEST, found.group(1) or "")
    if found := _FILTER.search(left):
        return Inside(Wanted.FILTER, found.group(1) or "", chain_before(left[: found.start()]))
    if found := _FIELD.search(left):
        subject = chain_before(left[: found.start()])
        return Inside(Wanted.FIELD, found.group(1) or "", subject) if subject and not subject[-1].isdigit() else Inside(Wanted.NOTHING)
    found = _NAME.search(left)
    prefix = (found.group(1) or "") if found else ""
    before = left[: len(left) - len(prefix)]
    if not prefix and before and (before[-1].isalnum() or before[-1] in "_'\")]}"):
        return Inside(Wanted.NOTHING)
    return Inside(Wanted.NAME, prefix)


def chain_before(source: str) -> str:
    """Return the value that stands at the end of a source, with its fields and filters: `x` of `a == x`."""
    depth, start, after = 0, len(source), ""
    for word, place in reversed([(found.group("word"), found.start("word")) for found in _TOKEN.finditer(source.rstrip())]):
        if depth == 0 and _ends_before(word, after):
            break
        depth += (word in _CLOSING) - (word in _OPENING)
        start, after = place, word
    return source[start:].strip()


def _ends_before(word: str, after: str) -> bool:
    """Say whether a value cannot reach back over a word, given the word behind it."""
    if word in _WORDS or word in _STOPS or word in _OPENING:
        return True
    return _is_operand(after) and (_is_operand(word) or word in _CLOSING)


@lru_cache(256)
def compiled(source: str) -> Expression | None:
    """Compile a part of an expression; None if it is none."""
    try:
        return compile_expression(source)
    except ExprError:
        return None


def _is_operand(token: str) -> bool:
    return bool(token) and (token[0].isalnum() or token[0] in "_'\"")


def _open_quote(left: str) -> int | None:
    quote: int | None = None
    escaped = False
    for place, character in enumerate(left):
        if escaped:
            escaped = False
        elif quote is not None and character == "\\":
            escaped = True
        elif character in "'\"" and (quote is None or left[quote] == character):
            quote = place if quote is None else None
    return quote


def _in_quotes(before: str, written: str) -> Inside:
    if found := _ARGUMENT.search(before):
        name, given = found.group("filter"), found.group("before")
        arguments = [one.strip().strip("'\"") for one in given.split(",")[:-1]]
        subject = chain_before(before[: found.start()])
        if name in FIELD_FILTERS and not arguments:
            return Inside(Wanted.ITEM_FIELD, written, subject)
        if name == "map" and not arguments:
            return Inside(Wanted.FILTER_NAME, written, subject)
        if name == "where" and len(arguments) == 1:
            return Inside(Wanted.OPERATOR, written, subject)
        if name == "where" and len(arguments) == 2:
            return Inside(Wanted.VALUE, written, subject, arguments[0])
        return Inside(Wanted.NOTHING)
    if (found := _COMPARED.search(before)) or (found := _LISTED.search(before)):
        return Inside(Wanted.VALUE, written, chain_before(before[: found.start()]))
    return Inside(Wanted.NOTHING)
