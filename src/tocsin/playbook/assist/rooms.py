"""Where in a playbook a place is, and which keys and words may stand there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tocsin.core.cases import CaseHappening
from tocsin.core.effects import Effect
from tocsin.playbook.plan import Awaited, Join, OnDeadline, Runtime


class Room(StrEnum):
    """The kinds of map, list and value in a playbook."""

    PLAYBOOK = "playbook"
    TRIGGERS = "triggers"
    TRIGGER = "trigger"
    FIELDS = "fields"  # names that the author chooses, each with a FIELD
    FIELD = "field"
    BLOCK = "block"
    STEP = "step"
    BRANCHES = "branches"
    ELIFS = "elifs"
    ELIF = "elif"
    CASES = "cases"
    CASE = "case"
    ASK = "ask"
    WAIT = "wait"
    RETRY = "retry"
    STOP = "stop"
    HANDLER = "handler"
    ARGUMENTS = "arguments"  # below `with`
    FREE = "free"  # names and values that the author chooses


@dataclass(frozen=True, slots=True)
class Word:
    """One key: what it is for, the words that its value can be, and whether the value is an expression even without braces."""

    about: str
    values: tuple[str, ...] = ()
    is_expression: bool = False
    opens: bool = False  # its value is a map or a list on the lines below


_BOOLEANS: Final = ("true", "false")
_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object")
COMMON: Final[Mapping[str, Word]] = {
    "id": Word("How other steps read the result: steps.<id>. In snake_case."),
    "name": Word("What the step is called on screen."),
    "if": Word("The step runs only when this is true.", is_expression=True),
    "on_error": Word("fail ends the run, continue goes on; a map with steps says what to do then.", ("fail", "continue")),
    "tags": Word("Words to find the step by."),
}
KINDS: Final[Mapping[str, Word]] = {
    "action": Word("Call one action of a connector, as pack.action."),
    "set": Word("Name values, read as steps.<id>.<name>.", opens=True),
    "if": Word("Take a branch when the condition holds.", is_expression=True),
    "switch": Word("Take the case that equals a value.", is_expression=True),
    "for_each": Word("Run steps once for each item of a list.", is_expression=True),
    "while": Word("Run steps again while a condition holds.", is_expression=True),
    "parallel": Word("Run branches at the same time, each a list of steps.", opens=True),
    "ask": Word("Ask people, and wait for the answer.", opens=True),
    "wait": Word("Wait for a while, until an instant, or for an event."),
    "call": Word("Run another playbook."),
    "code": Word("Run Python in a sandbox; what stands under with arrives as inputs."),
    "stop": Word("End the run.", ("succeeded", "failed")),
}
OF_KIND: Final[Mapping[str, Mapping[str, Word]]] = {
    "action": {
        "with": Word("The arguments of the action.", opens=True),
        "connection": Word("Which connection of the pack; the default one if left out."),
        "retry": Word("Try again when the call fails: attempts, delay, backoff.", opens=True),
        "timeout": Word("How long one attempt may take, such as 20s."),
        "effect": Word("Treat the action as more dangerous than its pack says.", tuple(Effect)),
        "repeat_until": Word("Call again until this is true; it reads the action's own result.", is_expression=True),
        "every": Word("How long to wait between two calls of repeat_until, such as 30s."),
        "at_most": Word("How long repeat_until goes on at most, such as 2h."),
        "undo_after": Word("Start the inverse action after this time, such as 24h."),
    },
    "set": {},
    "if": {
        "then": Word("What to do when the condition holds.", opens=True),
        "elif": Word("Further branches, each with if and then.", opens=True),
        "else": Word("What to do when no condition holds.", opens=True),
    },
    "switch": {
        "cases": Word("The steps of each value.", opens=True),
        "default": Word("What to do when no case equals the value.", opens=True),
    },
    "for_each": {
        "as": Word("The name of the item in the loop; item if left out."),
        "concurrency": Word("How many items are handled at once; 1 if left out."),
        "steps": Word("What to do with each item.", opens=True),
    },
    "while": {
        "max": Word("After how many rounds the step fails."),
        "steps": Word("What to do in each round.", opens=True),
    },
    "parallel": {"join": Word("Go on when all, any or so many branches have succeeded.", tuple(Join))},
    "ask": {},
    "wait": {},
    "call": {
        "with": Word("The inputs of the playbook.", opens=True),
        "wait": Word("false starts it and goes on; the result is then {run: id}.", _BOOLEANS),
        "version": Word("pinned: as it is when this is saved; latest: as published when the step runs.", ("pinned", "latest")),
    },
    "code": {
        "with": Word("The values that arrive as inputs.", opens=True),
        "runtime": Word("monty: a small safe Python; python: CPython in a sandbox of the operating system.", tuple(Runtime)),
        "timeout": Word("How long the code may run, such as 10s."),
        "returns": Word("The fields of the map that the code returns, as under inputs.", opens=True),
    },
    "stop": {},
}
_ROOMS: Final[Mapping[Room, Mapping[str, Word]]] = {
    Room.PLAYBOOK: {
        "schema": Word("The version of the language.", ("tocsin/playbook@1",)),
        "id": Word("The name of the file without .yaml, in kebab-case."),
        "title": Word("What the playbook does, in a few words."),
        "description": Word("What the playbook does, at length."),
        "tags": Word("Words to find the playbook by."),
        "triggers": Word("What starts the playbook.", opens=True),
        "inputs": Word("What a manual start or another playbook must hand over.", opens=True),
        "steps": Word("What to do, in order.", opens=True),
        "outputs": Word("What the playbook gives to who called it.", opens=True),
        "finally": Word("Steps that run whatever happened; they see run.outcome and run.error.", opens=True),
    },
    Room.TRIGGER: {
        "alert": Word("Start for each alert for which this is true.", is_expression=True),
        "webhook": Word("Start for each call of the hook of this name."),
        "schedule": Word("Start at each instant of a cron line, such as '*/15 * * * *'."),
        "case": Word("Start when this happens to a case.", tuple(CaseHappening)),
    },
    Room.FIELD: {
        "type": Word("The type of the value.", _TYPES),
        "title": Word("What people see."),
        "description": Word("What it is for, at length."),
        "default": Word("The value when none is given."),
        "required": Word("Whether it must be given; true unless there is a default.", _BOOLEANS),
        "enum": Word("All that the value can be."),
        "items": Word("The JSON Schema of a list's items."),
    },
    Room.ELIF: {
        "if": Word("Take the branch when no earlier one was taken and this holds.", is_expression=True),
        "then": Word("What to do then.", opens=True),
    },
    Room.CASE: {"when": Word("The value of this case."), "steps": Word("What to do then.", opens=True)},
    Room.ASK: {
        "title": Word("The question."),
        "message": Word("What people need to know to answer."),
        "to": Word("Who is asked: [role:responder, user:amira]."),
        "via": Word("Where they are asked; the first answer wins.", ("web", "email")),
        "options": Word("The answers; [approve, reject] if left out."),
        "form": Word("Typed questions beside the answer.", opens=True),
        "quorum": Word("How many people must answer alike."),
        "deadline": Word("Until when, such as 4h."),
        "on_deadline": Word("The answer that counts after the deadline, or {escalate: [...]}: whom to ask then."),
    },
    Room.WAIT: {
        "for": Word("How long to wait, such as 4h."),
        "until": Word("The instant to wait for."),
        "event": Word("What to wait for.", tuple(Awaited)),
        "webhook": Word("The name of the hook that is waited for."),
        "filter": Word("Which event counts; it is read as event.", is_expression=True),
        "deadline": Word("Until when, such as 2d."),
        "on_deadline": Word("What to do when none came.", tuple(OnDeadline)),
    },
    Room.RETRY: {
        "attempts": Word("How often to try in all."),
        "delay": Word("How long to wait before the second attempt, such as 2s."),
        "backoff": Word("By what each further wait is longer."),
    },
    Room.STOP: {"outcome": Word("How the run ends.", ("succeeded", "failed")), "reason": Word("Why, for people.")},
    Room.HANDLER: {"steps": Word("What to do when the step failed; steps.<id>.error says how.", opens=True)},
}
_INTO: Final[Mapping[Room, Mapping[str, Room]]] = {
    Room.PLAYBOOK: {
        "triggers": Room.TRIGGERS,
        "inputs": Room.FIELDS,
        "steps": Room.BLOCK,
        "finally": Room.BLOCK,
        "outputs": Room.FREE,
    },
    Room.STEP: {
        **dict.fromkeys(("then", "else", "steps", "default"), Room.BLOCK),
        "parallel": Room.BRANCHES,
        "elif": Room.ELIFS,
        "cases": Room.CASES,
        "ask": Room.ASK,
        "wait": Room.WAIT,
        "retry": Room.RETRY,
        "stop": Room.STOP,
        "on_error": Room.HANDLER,
        "with": Room.ARGUMENTS,
        "set": Room.FREE,
        "returns": Room.FIELDS,
    },
    Room.ELIF: {"then": Room.BLOCK},
    Room.CASE: {"steps": Room.BLOCK},
    Room.HANDLER: {"steps": Room.BLOCK},
    Room.ASK: {"form": Room.FIELDS},
}
_ITEMS: Final = {
    Room.TRIGGERS: Room.TRIGGER,
    Room.BLOCK: Room.STEP,
    Room.BRANCHES: Room.BLOCK,
    Room.ELIFS: Room.ELIF,
    Room.CASES: Room.CASE,
}
MAPS: Final = frozenset(
    {Room.PLAYBOOK, Room.TRIGGER, Room.FIELD, Room.STEP, Room.ELIF, Room.CASE, Room.ASK, Room.RETRY, Room.HANDLER, Room.ARGUMENTS}
)  # where a bare word is the beginning of a key; `wait`, `stop` take values as well


def room_of(trail: Iterable[str | int]) -> Room:
    """Return where a trail of keys leads to."""
    room = Room.PLAYBOOK
    for part in trail:
        if isinstance(part, int):
            room = _ITEMS.get(room, Room.ARGUMENTS if room is Room.ARGUMENTS else Room.FREE)
        elif room is Room.FIELDS:
            room = Room.FIELD
        elif room is Room.CASES:
            room = Room.BLOCK
        else:
            room = _INTO.get(room, {}).get(part, Room.ARGUMENTS if room is Room.ARGUMENTS else Room.FREE)
    return room


def words_of(room: Room, siblings: Iterable[str] = ()) -> Mapping[str, Word]:
    """Return the keys of a map, given those that it has."""
    if room is not Room.STEP:
        return _ROOMS.get(room, {})
    there = set(siblings)
    kind = kind_among(there)
    if kind is None:
        return {**COMMON, **KINDS, "then": OF_KIND["if"]["then"]} if "if" in there else {**COMMON, **KINDS}
    return {**KINDS, **COMMON, **OF_KIND[kind]}


def kind_among(keys: Iterable[str]) -> str | None:
    """Return the kind of a step with these keys; None if it does not say."""
    there = set(keys)
    if "call" in there:
        return "call"
    found = next((kind for kind in KINDS if kind in there and kind != "if"), None)
    return found or ("if" if there & {"then", "else", "elif"} else None)
