"""Filters on instants: texts in ISO 8601, or seconds since 1970."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.values import Instant, Json, iso
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.errors import MissingField, shown
from tocsin.playbook.expr.filters.kinds import Refusal, text
from tocsin.playbook.expr.values import checked_number, is_number, kind_of

_READING: Final = 20  # units of work for one instant
_MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds this were the year 5138; products write milliseconds
_DIRECTIVE: Final = re.compile("%(.?)", re.DOTALL)
_DIRECTIVES: Final = frozenset("YmdHMSfjyaAbB")
_MOST_FORMAT: Final = 100
_LONGEST: Final = 64  # characters of an instant


def _date(work: Work, value: Json, format: Json) -> Json:
    at = _instant(work, value)
    if format is None:
        return iso(at)
    pattern = text(format, "format")
    _check_pattern(pattern)
    return _DIRECTIVE.sub(lambda found: "%" if found.group(1) == "%" else at.strftime(found.group()), pattern)


def _check_pattern(pattern: str) -> None:
    if len(pattern) > _MOST_FORMAT:
        raise Refusal(f"takes a format of at most {_MOST_FORMAT} characters.")
    for letter in _DIRECTIVE.findall(pattern):
        if letter != "%" and letter not in _DIRECTIVES:
            known = " ".join(f"%{one}" for one in sorted(_DIRECTIVES))
            raise Refusal(f"does not know '%{letter}'.", hint=f"It knows {known} and %%; times are UTC.")


def check_date(constants: list[Json]) -> None:
    """Refuse a constant format that cannot be used."""
    if isinstance(constants[0], str):
        _check_pattern(constants[0])


def _date_add(work: Work, value: Json, duration: Json) -> Json:
    at, span = _instant(work, value), _span(text(duration, "duration"))
    try:
        return iso(at + span)
    except OverflowError:
        raise Refusal("goes past the last year there is, or before the first.") from None


def _span(source: str) -> timedelta:
    plain = source.strip()
    try:
        return -parse_duration(plain[1:]) if plain.startswith("-") else parse_duration(plain)
    except Invalid as error:
        raise Refusal(f"cannot use its duration: {error.message}", hint=error.hint) from None


def check_date_add(constants: list[Json]) -> None:
    """Refuse a constant duration that cannot be used."""
    if isinstance(constants[0], str):
        _span(constants[0])


def _ago(work: Work, value: Json) -> Json:
    now = work.names.get("now")
    if now is None:
        raise MissingField("'ago' reads the name 'now', which is not there.", hint="Use it where 'now' is a name.")
    seconds = (_instant(work, now) - _instant(work, value)).total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _instant(work: Work, value: Json) -> Instant:
    work.spend(_READING)
    if is_number(value):
        seconds = checked_number(value)
        return _since_1970(seconds / 1000 if abs(seconds) >= _MILLISECONDS_FROM else seconds)
    if not isinstance(value, str):
        raise Refusal(f"needs a text or a number, not {kind_of(value)}.", hint="Put | default(now) before it.")
    try:
        at = datetime.fromisoformat(value.strip() if len(value) <= _LONGEST else "")
    except ValueError:
        hint = "Write it as 2026-01-31T12:00:00Z, or give seconds since 1970 as a number."
        raise Refusal(f"cannot read '{shown(value)}' as an instant.", hint=hint) from None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)  # without an offset it is UTC, as in most logs
    except OverflowError:
        raise Refusal(f"cannot bring '{shown(value)}' to UTC.") from None


def _since_1970(seconds: int | float) -> Instant:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        raise Refusal(f"cannot read {seconds} as an instant: no such year.") from None


FILTERS: Final[dict[str, Callable[..., Json]]] = {"date": _date, "date_add": _date_add, "ago": _ago}
