"""Schedules: cron lines of five fields, in UTC."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError


def problem_of(cron: str) -> str:
    """Say what is wrong with a cron line; nothing if it is right."""
    if len(cron.split()) != 5:
        return f"'{cron[:60]}' has {len(cron.split())} fields; a schedule has five."
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        return f"'{cron[:60]}' is no schedule: {error}."
    return ""


def next_after(cron: str, instant: datetime) -> datetime | None:
    """Return the first instant of the schedule after another; None if it never comes."""
    return next(CronSim(cron, instant), None)
