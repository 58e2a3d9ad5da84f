"""The JSON Schema of rehearsal files, for editors. What it allows, `read` decides; a test holds the two together."""

from typing import Final

from tocsin.core.effects import Probe
from tocsin.core.errors import ErrorKind
from tocsin.core.values import Json, JsonObject
from tocsin.engine.events import Outcome
from tocsin.rehearsal.model import Defaults, Waits

_TEXT: Final[JsonObject] = {"type": "string"}
_FLAG: Final[JsonObject] = {"type": "boolean"}
_COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
_ANY_MAP: Final[JsonObject] = {"type": "object"}
_TEXTS: Final[JsonObject] = {"type": "array", "items": _TEXT}
_DURATION: Final[JsonObject] = {"type": ["string", "integer"], "description": "90s, 15m, 4h, 2d or 1h30m"}
_CLOCK: Final[JsonObject] = {"type": "string", "description": "When it starts, as 2026-03-02T09:00:00Z"}
_KINDS: Final = [kind.value for kind in ErrorKind if kind not in (ErrorKind.LOST, ErrorKind.CORRUPT, ErrorKind.UNKNOWN)]


def rehearsal_schema() -> JsonObject:
    """Return the schema (draft 2020-12)."""
    answers = _by_name(_answer(), "What actions answer, by step or action")
    common: JsonObject = {"defaults": _defaults(), "clock": _CLOCK, "answers": answers}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tocsin rehearsal",
        **_map(
            {
                "schema": {"const": "tocsin/rehearsal@1"},
                "playbook": {**_TEXT, "description": "Its id, when the file's name does not say it"},
                **common,
                "cases": {"type": "array", "minItems": 1, "items": _case(common)},
            },
            "schema",
            "cases",
        ),
    }


def _case(common: JsonObject) -> JsonObject:
    return _map(
        {
            "name": {**_TEXT, "description": "What the case shows"},
            "alert": _ANY_MAP,
            "case": _ANY_MAP,
            "webhook": _map({"name": _TEXT, "payload": _ANY_MAP}, "name"),
            "inputs": _ANY_MAP,
            **common,
            "people": _by_name(_person(), "What people answer, by ask step"),
            "events": _by_name({"anyOf": [{"const": "nothing"}, _map({"event": _ANY_MAP, "after": _DURATION}, "event")]}, "By wait step"),
            "calls": _by_name(_child(), "How a called playbook ends, by step or playbook"),
            "interruptions": {"type": "array", "items": _map(_INTERRUPTION)},
            "expect": _expect(),
        },
        "name",
        "expect",
    )


_INTERRUPTION: Final[JsonObject] = {"cancel": _FLAG, "pause": _FLAG, "resume": _FLAG, "after": _DURATION, "by": _TEXT}


def _answer() -> JsonObject:
    words: JsonObject = {
        "returns": {"description": "The output; `${{ input }}` is what the action was given"},
        "error": _map({"kind": {"enum": [*_KINDS]}, "message": _TEXT, "code": _TEXT, "retry_after": _DURATION}),
        "unknown": {**_TEXT, "description": "Nobody knows whether it happened, and why"},
        "http": _map({"status": {"type": "integer", "minimum": 100, "maximum": 599}, "body": {}, "headers": _ANY_MAP}),
        "real": _FLAG,
    }
    one: list[Json] = [{"required": [word]} for word in words]
    more: JsonObject = {"probe": {"enum": [probe.value for probe in Probe]}, "with": _ANY_MAP, "after": _DURATION}
    return {**_map(words | more), "oneOf": one}


def _person() -> JsonObject:
    whole = _map({"answer": _TEXT, "by": _TEXT, "reason": _TEXT, "form": _ANY_MAP, "after": _DURATION}, "answer")
    return {"anyOf": [{**_TEXT, "description": "One of the ask's options, or silence"}, whole]}


def _child() -> JsonObject:
    return _map({"outcome": {"enum": [outcome.value for outcome in Outcome]}, "reason": _TEXT, "outputs": _ANY_MAP, "after": _DURATION})


def _expect() -> JsonObject:
    call = _map({"step": _TEXT, "action": _TEXT, "with": _ANY_MAP, "exactly": _FLAG, "times": _COUNT})
    ask = _map({"step": _TEXT, "title": _TEXT, "message": _TEXT, "to": _TEXTS}, "step")
    return _map(
        {
            "starts": {**_FLAG, "description": "false: the trigger does not accept it"},
            "outcome": {"enum": [*(outcome.value for outcome in Outcome), Waits.WAITING.value]},
            "reason": _TEXT,
            "path": {"anyOf": [_TEXTS, _map({"exactly": _TEXTS}, "exactly")]},
            "actions": {"type": "array", "items": {"anyOf": [_TEXT, call]}},
            "not_called": _TEXTS,
            "effects": _COUNT,
            "outputs": _ANY_MAP,
            "asks": {"type": "array", "items": {"anyOf": [_TEXT, ask]}},
            "error": _map({"step": _TEXT, "code": _TEXT, "message": _TEXT}),
        }
    )


def _defaults() -> JsonObject:
    return {"enum": [word.value for word in Defaults], "description": "What a call gets that nothing answers"}


def _by_name(one: JsonObject, description: str) -> JsonObject:
    """Return the schema of a map from names to one answer, or to a list of them."""
    return {"type": "object", "description": description, "additionalProperties": {"anyOf": [one, {"type": "array", "items": one}]}}


def _map(properties: JsonObject, *required: str) -> JsonObject:
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}
