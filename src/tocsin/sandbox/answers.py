"""Check what a child sent: nothing in it is believed, whatever the child did to itself."""

import json
import math
from typing import Final

from tocsin.core.values import Json
from tocsin.sandbox.call import PRINT_LIMIT, CodeAnswer, CodeCall
from tocsin.sandbox.errors import CodeFailed, CodeOutOfMemory, CodeResultInvalid, CodeTimeout, CodeTooLarge, shortened

HEAD_LIMIT: Final = 8 * PRINT_LIMIT  # a head holds what was printed, and JSON writes a character as up to six
_DEEPEST = 64
_LARGEST_INTEGER = 2**53
_BROKEN = "The code ended without an answer that can be read."
_BROKEN_HINT = "It must return a value and leave the pipes of its process alone."


def read_answer(call: CodeCall, head: bytes, value: bytes | None) -> CodeAnswer:
    """Return the answer; raises what the head tells of."""
    told = _told(head)
    printed = _text(told, "printed")[:PRINT_LIMIT]
    if told.get("kind") == "value" and value is not None:
        return CodeAnswer(checked(value), printed)
    raise _error(call, told, printed)


def is_value(head: bytes) -> bool:
    """Say whether a value follows this head."""
    return _told(head).get("kind") == "value"


def checked(text: bytes) -> Json:
    """Parse a result and check it; raises CodeResultInvalid."""
    try:
        value: Json = json.loads(text.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):  # ValueError: also bad UTF-8, and integers of more than 4,300 digits
        raise _not_json("it cannot be read, or is nested too deeply") from None
    level: list[Json] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > _DEEPEST + 1:
            raise _not_json(f"it is nested deeper than {_DEEPEST} levels")
        level = [part for one in level for part in _parts(one)]
    return value


def timed_out(call: CodeCall) -> CodeTimeout:
    """Make the error for a call that took too long."""
    return CodeTimeout(f"The code did not finish within {call.timeout_s:g} s.", hint="Let it do less, or give the step a longer timeout.")


def out_of_memory(call: CodeCall) -> CodeOutOfMemory:
    """Make the error for a call that wanted too much memory."""
    return CodeOutOfMemory(f"The code wanted more than its {call.memory_mb} MB of memory.", hint="Let it hold less at once.")


def too_large(call: CodeCall) -> CodeTooLarge:
    """Make the error for a result that is too long."""
    return CodeTooLarge(f"The code returned more than {call.output_bytes:,} bytes of JSON.", hint="Return only what the next steps need.")


def ended_itself(status: int | None, printed: str) -> CodeFailed:
    """Make the error for a process that ended with no answer."""
    how = "" if status is None else f" (exit status {status})"
    return CodeFailed(f"The code ended its process without an answer{how}.", hint="Use `return` to end it.", printed=printed)


def _told(head: bytes) -> dict[str, Json]:
    try:
        told: Json = json.loads(head)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _error(call: CodeCall, told: dict[str, Json], printed: str) -> Exception:
    match told.get("kind"):
        case "timeout":
            return timed_out(call)
        case "memory":
            return out_of_memory(call)
        case "too-large":
            return too_large(call)
        case "not-json":
            return _not_json(_text(told, "message"))
        case "raised":
            return _raised(told, printed)
        case _:
            return CodeFailed(_BROKEN, hint=_BROKEN_HINT, printed=printed)


def _raised(told: dict[str, Json], printed: str) -> CodeFailed:
    line, name, text = told.get("line"), shortened(_text(told, "error")), shortened(_text(told, "message"))
    number = line if isinstance(line, int) and not isinstance(line, bool) and 0 < line < 2**31 else None
    where = "The code raised" if number is None else f"Line {number} of the code raised"
    message = f"{where} {name or 'an error'}{': ' if text else ''}{text.rstrip('.')}."
    return CodeFailed(message, hint="Change the code, or what it is given.", line=number, error=name, printed=printed)


def _text(told: dict[str, Json], key: str) -> str:
    """Return a text that can be stored: a forged head may hold half a surrogate pair."""
    value = told.get(key)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _parts(one: Json) -> list[Json]:
    if isinstance(one, dict):
        return [*one, *one.values()]
    if isinstance(one, list):
        return one
    if isinstance(one, float) and not math.isfinite(one):
        raise _not_json("a number in it is not finite")
    if isinstance(one, int) and abs(one) > _LARGEST_INTEGER:
        raise _not_json("a whole number in it is beyond 2**53; return it as a text")
    if isinstance(one, str) and not one.isascii() and any("\ud800" <= character <= "\udfff" for character in one):
        raise _not_json("a text in it has half of a surrogate pair; encode it first")
    return []


def _no_constant(name: str) -> Json:
    raise _not_json(f"it holds {name}")


def _not_json(why: str) -> CodeResultInvalid:
    return CodeResultInvalid(f"The code's result is not JSON: {shortened(why)}.", hint="Return JSON.")
