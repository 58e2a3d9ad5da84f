"""Durations as people write them: `90s`, `15m`, `4h`, `1d12h`."""

import re
from datetime import timedelta

from tocsin.core.errors import Invalid

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
LONGEST_S = 3660 * 86400.0


def parse_duration(text: str) -> timedelta:
    """Read a duration; raises Invalid."""
    if not _WHOLE.fullmatch(text) or len(text) > 40:
        raise Invalid(f"'{text}' is not a duration.", hint="Write it as 90s, 15m, 4h, 2d or 1h30m.")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if seconds > LONGEST_S:
        raise Invalid(f"'{text}' is longer than ten years.")
    return timedelta(seconds=seconds)
