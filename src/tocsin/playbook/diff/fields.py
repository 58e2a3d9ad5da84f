"""Say what it means that one field of a step has another value."""

from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.diff.change import Change, ChangeKind, Risk
from tocsin.playbook.diff.outline import Outline

_KINDS: Final = {
    "action": ChangeKind.ACTION,
    "with": ChangeKind.ARGUMENT,
    "set": ChangeKind.ARGUMENT,
    "if": ChangeKind.CONDITION,
    "elif": ChangeKind.CONDITION,
    "while": ChangeKind.CONDITION,
    "repeat_until": ChangeKind.CONDITION,
    "switch": ChangeKind.CONDITION,
    "retry": ChangeKind.RETRY,
    "timeout": ChangeKind.TIMEOUT,
    "on_error": ChangeKind.ON_ERROR,
    "concurrency": ChangeKind.CONCURRENCY,
    "ask": ChangeKind.ASK,
}
_HARMLESS: Final = frozenset({"name", "as", "timeout", "retry", "ask/title", "ask/message", "stop/reason", "concurrency"})
_SHORT: Final = 60
_WORDS: Final = {
    "action": "The action",
    "if": "The condition",
    "while": "The condition",
    "switch": "What decides",
    "repeat_until": "The condition that ends the polling",
    "retry/attempts": "The number of attempts",
    "retry/delay": "The delay between attempts",
    "retry/backoff": "The backoff",
    "timeout": "The timeout",
    "on_error": "What an error does",
    "concurrency": "The number at once",
    "max": "The most rounds",
    "join": "How many branches must succeed",
    "for_each": "The list",
    "undo_after": "The time until it is undone",
    "version": "The version that is called",
    "call": "The playbook that is called",
    "ask/to": "Who is asked",
    "ask/via": "The way of asking",
    "ask/options": "The answers to choose from",
    "ask/quorum": "The number of answers that it takes",
    "ask/deadline": "The deadline",
    "ask/on_deadline": "The answer after the deadline",
    "ask/title": "The question",
    "ask/message": "The message",
    "code": "The code",
    "name": "The name",
}
_DEFAULTS: Final[dict[str, str]] = {
    "on_error": "fail",
    "retry/attempts": "1",
    "connection": "the only one",
    "ask/deadline": "none",
    "ask/on_deadline": "none",
    "timeout": "none",
}


def field_change(step: Outline, path: str, before: Json, after: Json) -> Change:
    """Return the change of one field."""
    kind = _KINDS.get(path.partition("/")[0], ChangeKind.SETTING)
    return Change(kind, f"{step.path}/{path}", before, after, _risk(step, path, before, after), _sentence(step, path, before, after))


def _risk(step: Outline, path: str, before: Json, after: Json) -> Risk:
    if path == "ask/quorum" and isinstance(before, int) and isinstance(after, int) and after < before:
        return Risk.DANGER
    if path == "ask/on_deadline" and after is not None and after == _first(step.fields.get("ask/options")):
        return Risk.DANGER  # by convention the first answer lets it happen: nobody's silence should
    if (path == "if" or path.endswith("/if")) and isinstance(after, str) and after.lower() == "true":
        return Risk.DANGER
    return Risk.NONE if path in _HARMLESS or path.partition("/")[0] in _HARMLESS else Risk.NOTICE


def _first(options: Json) -> Json:
    return options[0] if isinstance(options, list) and options else None


def _sentence(step: Outline, path: str, before: Json, after: Json) -> str:
    what = f"{_subject(path)} of {step.label}"
    if path == "code" or _is_long(before) or _is_long(after):
        return f"{what} {'is new' if before is None else 'is gone' if after is None else 'has changed'}."
    if isinstance(before, list) and isinstance(after, list) and path.startswith("ask/"):
        return f"{what}: {_listed(before, after)}."
    if before is None:
        default = _DEFAULTS.get(path)
        return f"{what} is {_shown(after)}{f'; it was {default}' if default else ', and was not set'}."
    if after is None:
        default = _DEFAULTS.get(path)
        return f"{what} is {default} again; it was {_shown(before)}." if default else f"{what} is gone; it was {_shown(before)}."
    return f"{what} is {_shown(after)}; it was {_shown(before)}."


def _subject(path: str) -> str:
    head, _, rest = path.partition("/")
    if head in ("with", "set"):
        return f"The {'argument' if head == 'with' else 'value'} '{rest.replace('/', '.')}'" if rest else "What is handed over"
    if head == "elif":
        return f"The condition of branch {rest.partition('/')[0]}"
    return _WORDS.get(path, f"The setting '{path.replace('/', '.')}'")


def _listed(before: list[Json], after: list[Json]) -> str:
    gone = [str(one) for one in before if one not in after]
    new = [str(one) for one in after if one not in before]
    parts = [f"no longer {', '.join(gone)}"] * bool(gone) + [f"now {', '.join(new)} too"] * bool(new)
    return " and ".join(parts) or "in another order"


def _is_long(value: Json) -> bool:
    return len(_shown(value)) > _SHORT or (isinstance(value, str) and "\n" in value)


def _shown(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(one) for one in value) + "]"
    return f"'{value}'" if isinstance(value, str) else str(value)
