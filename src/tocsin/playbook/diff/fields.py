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
    "action": "the action",
    "if": "the condition",
    "while": "the condition",
    "switch": "the value that decides",
    "repeat_until": "the condition that ends the polling",
    "retry": "the retry",
    "timeout": "the timeout",
    "on_error": "the effect of an error",
    "concurrency": "the number at once",
    "max": "the most rounds",
    "join": "the number of branches that must succeed",
    "for_each": "the list",
    "undo_after": "the time until it is undone",
    "version": "the version that is called",
    "call": "the playbook that is called",
    "ask/to": "those who are asked",
    "ask/via": "the ways of asking",
    "ask/options": "the answers to choose from",
    "ask/quorum": "the number of equal answers that it takes",
    "ask/deadline": "the deadline",
    "ask/on_deadline": "the answer after the deadline",
    "ask/on_deadline/escalate": "those who are asked after the deadline",
    "ask/on_deadline/deadline": "the deadline after the escalation",
    "ask/on_deadline/then": "the answer after the escalation",
    "ask/title": "the question",
    "ask/message": "the message",
    "code": "the code",
    "name": "the name",
}
_DEFAULTS: Final[dict[str, str]] = {
    "on_error": "fail",
    "retry": "none",
    "effect": "as the pack declares",
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
    if path in ("ask/on_deadline", "ask/on_deadline/then") and after is not None and after == _first(step.fields.get("ask/options")):
        return Risk.DANGER  # by convention the first answer lets it happen: nobody's silence should
    if (path == "if" or path.endswith("/if")) and isinstance(after, str) and after.lower() == "true":
        return Risk.DANGER
    return Risk.NONE if path in _HARMLESS or path.partition("/")[0] in _HARMLESS else Risk.NOTICE


def _first(options: Json) -> Json:
    return options[0] if isinstance(options, list) and options else None


def _sentence(step: Outline, path: str, before: Json, after: Json) -> str:
    what = f"{step.place[:1].upper()}{step.place[1:]}: {_subject(path)}"
    if path == "code" or _is_long(before) or _is_long(after):
        return f"{what} {'is new' if before is None else 'is gone' if after is None else 'has changed'}."
    if isinstance(before, list) and isinstance(after, list) and path.startswith("ask/"):
        return f"{what} are {_listed(before, after)}."
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
        return f"the {'argument' if head == 'with' else 'value'} '{rest.replace('/', '.')}'" if rest else "what is handed over"
    if head == "elif":
        return f"the condition of branch {rest.partition('/')[0]}"
    return _WORDS.get(path, f"the setting '{path.replace('/', '.')}'")


def _listed(before: list[Json], after: list[Json]) -> str:
    gone = [str(one) for one in before if one not in after]
    new = [str(one) for one in after if one not in before]
    parts = [f"no longer {', '.join(gone)}"] * bool(gone) + [f"now also {', '.join(new)}"] * bool(new)
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
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return f"`{value}`" if isinstance(value, str) else str(value)
