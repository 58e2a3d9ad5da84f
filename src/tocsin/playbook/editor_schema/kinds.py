"""What each kind of step has: its keys, with what an editor says about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.core.effects import Effect
from tocsin.core.values import JsonObject
from tocsin.playbook.editor_schema.definitions import scalar_or_expression, text_or_expression
from tocsin.playbook.editor_schema.pieces import (
    CONDITION,
    DURATION,
    EXPRESSION,
    FIELDS,
    FIXED,
    STEPS,
    TAGS,
    VALUES,
    any_of,
    closed,
    one_of,
    told,
)
from tocsin.playbook.model import Kind
from tocsin.playbook.parsing.asks import CHANNELS, LATER_CHANNELS, MAX_OPTIONS, MAX_QUORUM
from tocsin.playbook.parsing.code import MAX_SOURCE
from tocsin.playbook.parsing.fields import SNAKE
from tocsin.playbook.parsing.kinds import MAX_ATTEMPTS, MAX_BRANCHES, MAX_CONCURRENCY
from tocsin.playbook.parsing.loops import MAX_ROUNDS
from tocsin.playbook.plan import Awaited, Join, OnDeadline, OnError, Runtime


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of one kind of step, without those that all have."""

    title: str
    properties: dict[str, JsonObject]
    required: tuple[str, ...]


_NAME: Final[JsonObject] = {"type": "string", "pattern": f"^{SNAKE.pattern}$"}
_OUTCOMES: Final = ["succeeded", "failed"]
_GIVEN: Final = any_of(
    VALUES, EXPRESSION, {"type": "null"}, description="The values that are handed over; one expression may stand for all."
)
_RETRY: Final = closed(
    {
        "attempts": {"type": "integer", "minimum": 1, "maximum": MAX_ATTEMPTS, "description": "How often to try in all."},
        "delay": told(DURATION, "How long to wait before the second attempt."),
        "backoff": {"type": "number", "minimum": 1, "maximum": 10, "description": "What each further wait is multiplied by."},
    },
    required=("attempts",),
    description="Try again after a transient failure.",
)

COMMON: Final[dict[str, JsonObject]] = {
    "id": told(_NAME, "The name by which expressions read its result: steps.<id>."),
    "name": told(FIXED, "What people see instead of the id."),
    "if": told(CONDITION, "Do the step only if this is true."),
    "on_error": any_of(
        one_of([word.value for word in (OnError.FAIL, OnError.CONTINUE)], "End the run, or go on."),
        closed({"steps": STEPS}, required=("steps",), description="Steps that handle the error; they read steps.<id>.error."),
        description="What happens when the step fails: fail (default), continue, or steps that handle it.",
    ),
    "tags": TAGS,
}

_BRANCH: Final = closed({"if": told(CONDITION, "The condition of this branch."), "then": STEPS}, required=("if", "then"))
_CASE: Final = closed(
    {"when": {"type": ["string", "number", "boolean", "null"], "description": "The value that is compared with."}, "steps": STEPS},
    required=("when", "steps"),
)
_ONE_PERSON: Final = any_of(EXPRESSION, {"type": "string", "pattern": "^(role|user):", "examples": ["role:responder", "user:amira"]})
_PEOPLE: Final[tuple[JsonObject, ...]] = ({"type": "array", "items": _ONE_PERSON}, {"type": "string"})
_ASK: Final = closed(
    {
        "title": text_or_expression("The question that people see."),
        "to": any_of(*_PEOPLE, description="Whom to ask: role:NAME and user:NAME."),
        "message": text_or_expression("What they should know to answer."),
        "via": {
            "type": "array",
            "items": {"enum": [*CHANNELS, *sorted(LATER_CHANNELS)]},
            "minItems": 1,
            "description": "The channels; the first answer wins.",
        },
        "options": {"type": "array", "items": FIXED, "minItems": 1, "maxItems": MAX_OPTIONS, "description": "The answers to choose from."},
        "form": told(FIELDS, "Questions that are answered with it."),
        "quorum": {"type": "integer", "minimum": 1, "maximum": MAX_QUORUM, "description": "How many people must give the same answer."},
        "deadline": told(DURATION, "How long to wait for an answer."),
        "on_deadline": any_of(
            FIXED,
            closed(
                {
                    "escalate": any_of(*_PEOPLE, description="Who is asked instead."),
                    "deadline": told(DURATION, "How long they have; as long as the others if left out."),
                    "then": told(FIXED, "The answer that counts when they do not answer either."),
                },
                required=("escalate",),
            ),
            description="The answer that counts when nobody has given one in time, or {escalate: [role:lead], deadline: 2h, then: reject}.",
        ),
    },
    required=("title", "to"),
)
_WAIT: Final = any_of(
    DURATION,
    EXPRESSION,
    closed({"for": any_of(DURATION, EXPRESSION, description="How long.")}, required=("for",)),
    closed({"until": text_or_expression("An instant, in RFC 3339.")}, required=("until",)),
    closed(
        {
            "event": one_of([kind.value for kind in Awaited], "What to wait for."),
            "webhook": told(FIXED, "The name of the hook, with event: webhook."),
            "filter": told(CONDITION, "Which event counts; it is read as event."),
            "deadline": told(DURATION, "How long to wait at most."),
            "on_deadline": one_of([word.value for word in OnDeadline], "What happens when none has come in time."),
        },
        required=("event",),
    ),
    description="A duration, {until: …}, or an event: {event: alert, filter: …, deadline: 2d}.",
)
_STOP: Final = any_of(
    one_of([*_OUTCOMES], "The outcome of the run."),
    closed({"outcome": one_of([*_OUTCOMES], "The outcome of the run."), "reason": text_or_expression("Why it ends here.")}),
    {"type": "null"},
    description="End the run here.",
)

SHAPES: Final[Mapping[Kind, Shape]] = {
    Kind.ACTION: Shape(
        "Call an action of a connector.",
        {
            "action": told(FIXED, "The action: pack.action."),
            "with": _GIVEN,
            "connection": told(FIXED, "The connection, if the pack has several."),
            "effect": one_of([effect.value for effect in Effect], "The effect, when it is more than the pack declares."),
            "retry": _RETRY,
            "timeout": told(DURATION, "How long it may take."),
            "repeat_until": told(CONDITION, "Do it again until this is true; it reads the step's own result."),
            "every": told(DURATION, "How long to wait between, with repeat_until."),
            "at_most": told(DURATION, "How long to go on at most, with repeat_until."),
            "undo_after": told(DURATION, "When the inverse action is run."),
        },
        ("action",),
    ),
    Kind.SET: Shape("Name values.", {"set": told(VALUES, "Names and their values, read as steps.<id>.<name>.")}, ("set",)),
    Kind.IF: Shape(
        "Take the first branch whose condition is true.",
        {
            "then": told(STEPS, "What to do if it is true."),
            "elif": {"type": "array", "items": _BRANCH, "description": "Further branches, tried in order."},
            "else": told(STEPS, "What to do if none is true."),
        },
        ("if", "then"),
    ),
    Kind.SWITCH: Shape(
        "Take the case that equals a value.",
        {
            "switch": scalar_or_expression("The value that is compared."),
            "cases": any_of(
                {"type": "object", "minProperties": 1, "additionalProperties": STEPS},
                {"type": "array", "items": _CASE},
                description="A map from values to steps, or a list of {when, steps}.",
            ),
            "default": told(STEPS, "What to do if no case fits."),
        },
        ("switch", "cases"),
    ),
    Kind.FOR_EACH: Shape(
        "Do steps once for each item of a list.",
        {
            "for_each": {"type": "string", "minLength": 1, "description": "An expression that gives a list."},
            "as": told(_NAME, "The name of the item; item by default."),
            "concurrency": {"type": "integer", "minimum": 1, "maximum": MAX_CONCURRENCY, "description": "How many at once."},
            "steps": STEPS,
        },
        ("for_each", "steps"),
    ),
    Kind.WHILE: Shape(
        "Do steps again while a condition is true.",
        {
            "while": told(CONDITION, "Go on while this is true; it reads the results of the round before."),
            "max": {"type": "integer", "minimum": 1, "maximum": MAX_ROUNDS, "description": "How many rounds at most."},
            "steps": STEPS,
        },
        ("while", "max", "steps"),
    ),
    Kind.PARALLEL: Shape(
        "Do several lists of steps at once.",
        {
            "parallel": {"type": "array", "items": STEPS, "minItems": 1, "maxItems": MAX_BRANCHES, "description": "The branches."},
            "join": any_of(
                one_of([word.value for word in Join], "All branches, or any one."),
                {"type": "integer", "minimum": 1, "maximum": MAX_BRANCHES},
                description="How many branches must succeed: all (default), any, or a number.",
            ),
        },
        ("parallel",),
    ),
    Kind.ASK: Shape("Ask people, and wait for an answer.", {"ask": _ASK}, ("ask",)),
    Kind.WAIT: Shape("Wait.", {"wait": _WAIT}, ("wait",)),
    Kind.CALL: Shape(
        "Run another playbook.",
        {
            "call": told(FIXED, "The id of the playbook."),
            "with": _GIVEN,
            "wait": {"type": "boolean", "description": "false: start it and go on."},
            "version": one_of(["pinned", "latest"], "The version that was published at save (default), or the one published then."),
        },
        ("call",),
    ),
    Kind.CODE: Shape(
        "Run Python in a sandbox.",
        {
            "code": told({**FIXED, "maxLength": MAX_SOURCE}, "The body of a Python function; it reads inputs and returns a map."),
            "with": _GIVEN,
            "runtime": one_of([word.value for word in Runtime], "monty: a small safe Python (default); python: CPython in a sandbox."),
            "timeout": told(DURATION, "How long it may run."),
            "returns": told(FIELDS, "The fields of the map that it returns."),
        },
        ("code",),
    ),
    Kind.STOP: Shape("End the run.", {"stop": _STOP}, ("stop",)),
}
