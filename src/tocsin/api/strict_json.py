"""Read JSON that an attacker may have written: every doubt is an error, and limits hold before anything is built on it.

The standard library's scanner is used because msgspec keeps the last of two equal keys without a word.
"""

import json
import math
import re

from tocsin.core.errors import Invalid
from tocsin.core.values import Json

DEEPEST = 64
MOST_NODES = 50_000
LARGEST_INTEGER = 2**53
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(body: bytes | str) -> Json:
    """Return the value; raises Invalid.

    Integers beyond 2**53 come back as text, exact in every language; lone surrogates come back as U+FFFD.
    """
    try:
        text = body if isinstance(body, str) else body.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"The text is not UTF-8: {error.reason} at byte {error.start}.", hint="Send UTF-8.") from None
    if text.startswith("\ufeff"):
        raise Invalid("The text starts with a byte order mark.", hint="Send UTF-8 without one.")
    try:
        value: Json = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise Invalid(f"It is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.", hint="Correct it there.") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value)
    return _mended(value) if _SURROGATE.search(text) else value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise Invalid(f"The key '{twice}' stands twice in one object.", hint="Send it once.")
    return found


def _no_constant(name: str) -> Json:
    raise Invalid(f"{name} is not JSON.", hint="Send a number, a text or null.")


def _integer(digits: str) -> Json:
    if len(digits) < 16:
        return int(digits)
    if len(digits) > 400:
        raise Invalid("A number has more than 400 digits.", hint="Send it as a text.")
    number = int(digits)
    return number if -LARGEST_INTEGER <= number <= LARGEST_INTEGER else digits


def _check(value: Json) -> None:
    """Count levels and nodes without recursion."""
    level: list[Json] = [value]
    nodes = depth = 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > DEEPEST + 1:
            raise _too_deep()
        if nodes > MOST_NODES:
            raise TooMany()
        below: list[Json] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
            elif isinstance(one, float) and not math.isfinite(one):
                raise Invalid("A number is too large.", hint="Send it as a text.")
        level = below


class TooMany(Invalid):
    """More values than anything sensible has. Not a TooLarge: the body's length is allowed, its shape is not."""

    def __init__(self) -> None:
        super().__init__(f"There are more than {MOST_NODES} values in it.", hint="Send several smaller ones, or NDJSON.")


def _too_deep() -> Invalid:
    return Invalid(f"It is nested deeper than {DEEPEST} levels.", hint="Send something flatter.")


def _mended(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {str(_mended(key)): _mended(one) for key, one in value.items()}
    return value
