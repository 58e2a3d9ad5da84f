"""Filters with regular expressions: RE2, whose time is linear in the text."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Protocol

import re2  # type: ignore[import-untyped]  # it ships no types; _Pattern below says what is used

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import shown
from tocsin.playbook.expr.filters.kinds import Refusal, text, whole
from tocsin.playbook.expr.grammar import MAX_PATTERN
from tocsin.playbook.expr.values import joined

_MATCH: Final = 20  # units of work for one match
_READ_ON: Final = 1_024  # characters read on for one unit
_SEARCH: Final = 40  # units for one call
_MEMORY: Final = 1 << 20  # bytes for one compiled pattern
_REFERENCE: Final = re.compile(r"\\(.?)", re.DOTALL)


class _Match(Protocol):
    def group(self, index: int) -> str | None: ...
    def start(self) -> int: ...
    def end(self) -> int: ...


class _Pattern(Protocol):
    @property
    def groups(self) -> int: ...
    def search(self, text: str) -> _Match | None: ...
    def finditer(self, text: str) -> Iterator[_Match]: ...


@lru_cache(maxsize=128)
def _compiled(source: str) -> _Pattern:
    if len(source) > MAX_PATTERN:
        raise Refusal(f"takes a pattern of at most {MAX_PATTERN:,} characters.")
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        pattern: _Pattern = re2.compile(source, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else ""
        shown_reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise Refusal(f"cannot use the pattern '{shown(source)}': {shown(shown_reason)}.", hint="Patterns are RE2.") from None
    return pattern


def check_pattern(constants: list[Json]) -> None:
    """Refuse a constant pattern that RE2 does not take."""
    if isinstance(constants[0], str):
        _compiled(constants[0])


def check_replacement(constants: list[Json]) -> None:
    """Refuse a constant pattern, or a constant replacement with a group that is not there."""
    check_pattern(constants)
    if isinstance(constants[0], str) and isinstance(constants[1], str):
        _pieces(constants[1], _compiled(constants[0]).groups)


def _searched(work: Work, value: Json) -> str:
    source = text(value)
    work.spend(len(source) // 16 + _SEARCH)
    try:
        source.encode()
    except UnicodeEncodeError:
        raise Refusal("cannot use the text: it has half a character in it.") from None
    return source


def _matches(work: Work, pattern: _Pattern, source: str) -> Iterator[_Match]:
    for match in pattern.finditer(source):
        # each search may read on to the end of the text, as for `a.*b|a`, so many matches in a long text cost more
        work.spend(_MATCH + (len(source) - match.end()) // _READ_ON)
        yield match


def _regex_test(work: Work, value: Json, pattern: Json) -> Json:
    return _compiled(text(pattern, "pattern")).search(_searched(work, value)) is not None


def _regex_find(work: Work, value: Json, pattern: Json, group: Json) -> Json:
    compiled, wanted = _compiled(text(pattern, "pattern")), whole(group, "group")
    if not 0 <= wanted <= compiled.groups:
        raise Refusal(f"has no group {wanted}: the pattern has {compiled.groups}.")
    found = [match.group(wanted) for match in _matches(work, compiled, _searched(work, value))]
    return [one for one in found if one is not None]


def _regex_replace(work: Work, value: Json, pattern: Json, replacement: Json) -> Json:
    source, compiled = _searched(work, value), _compiled(text(pattern, "pattern"))
    pieces = _pieces(text(replacement, "replacement"), compiled.groups)
    parts: list[str] = []
    position = 0
    for match in _matches(work, compiled, source):
        new = [piece if isinstance(piece, str) else match.group(piece) or "" for piece in pieces]
        work.write(sum(map(len, new)))
        parts += [source[position : match.start()], *new]
        position = match.end()
    return joined(work, [*parts, source[position:]])


def _pieces(replacement: str, groups: int) -> list[str | int]:
    r"""Cut a replacement into texts and the numbers of groups that stand there as \1."""
    pieces: list[str | int] = []
    position = 0
    for found in _REFERENCE.finditer(replacement):
        pieces.append(replacement[position : found.start()])
        code = found.group(1)
        if code == "\\":
            pieces.append("\\")
        elif code in "0123456789" and code and int(code) <= groups:
            pieces.append(int(code))
        else:
            raise Refusal(f"cannot use '\\{code}' in a replacement.", hint=f"There are {groups} groups; a backslash is written twice.")
        position = found.end()
    return [piece for piece in (*pieces, replacement[position:]) if piece != ""]


FILTERS: Final[dict[str, Callable[..., Json]]] = {
    "regex_test": _regex_test,
    "regex_find": _regex_find,
    "regex_replace": _regex_replace,
}
