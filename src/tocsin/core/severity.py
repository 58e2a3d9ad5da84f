"""Severity as OCSF names and numbers it."""

from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is; `severity_id` is the OCSF number."""

    UNKNOWN = "unknown"
    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"
    FATAL = "fatal"

    @property
    def severity_id(self) -> int:
        """Return OCSF's `severity_id`, 0 to 6."""
        return _ORDER.index(self)


_ORDER = list(Severity)


def worst(first: Severity, second: Severity) -> Severity:
    """Return the graver of two."""
    return first if first.severity_id >= second.severity_id else second
