"""When a `wait` is over."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tocsin.core.durations import LONGEST_S, parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.values import Json, iso
from tocsin.engine.events import EventAwaited
from tocsin.engine.names import narrowed
from tocsin.playbook.plan import EventWait, WaitStep


def due_at(step: WaitStep, names: Mapping[str, Json], now: datetime) -> datetime:
    """Return the instant that a `wait` waits for."""
    if step.until is not None:
        return _instant(step.until.render(names))
    if step.duration_s is not None:
        return now + timedelta(seconds=step.duration_s)
    return now + _length(step.duration.render(names) if step.duration is not None else 0)


def await_event(wait: EventWait, *, path: str, names: Mapping[str, Json], now: datetime) -> EventAwaited:
    """Return the event that registers a `wait`: its filter is asked elsewhere, so it takes along what it reads."""
    refs = [] if wait.filter is None else [ref for ref in wait.filter.refs if ref[0] != "event"]
    return EventAwaited(
        at=iso(now),
        path=path,
        kind=wait.kind.value,
        hook=wait.hook,
        filter=None if wait.filter is None else wait.filter.source,
        names=narrowed(names, refs),
        due=None if wait.deadline_s is None else iso(now + timedelta(seconds=wait.deadline_s)),
    )


def _instant(value: Json) -> datetime:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise Invalid(f"'wait: until' needs an RFC 3339 instant, got {value!r}.") from None
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError:
        raise Invalid(f"'wait: until' cannot bring {value!r} to UTC: there is no such year.") from None


def _length(value: Json) -> timedelta:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_S:
        raise Invalid(f"'wait' needs a duration such as 15m or a number of seconds, got {value!r}.")
    return timedelta(seconds=value)
