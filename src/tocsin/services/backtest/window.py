"""The time from and to which alerts are taken, as people write it."""

from datetime import UTC, datetime, timedelta

from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid


def instant_of(text: str, *, now: datetime) -> datetime:
    """Return the instant that `30d`, a date or an RFC 3339 instant means; raises Invalid."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return now - _ago(text)
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise Invalid(f"'{text}' is no time in UTC: there is no such year.", hint="Write it with the offset Z.") from None


def _ago(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except Invalid:
        raise Invalid(f"'{text}' is no time.", hint="Write 30d or 12h for how far back, or a date such as 2026-03-02.") from None
