"""Complete what is being written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tocsin.core.access import Role
from tocsin.core.values import JsonObject
from tocsin.playbook.assist.describing import about_action, about_filter, about_type
from tocsin.playbook.assist.inside import Inside, Wanted, inside
from tocsin.playbook.assist.knowing import Known, known_at, text_of, type_of
from tocsin.playbook.assist.places import Spot
from tocsin.playbook.assist.rooms import COMMON, Room, words_of
from tocsin.playbook.assist.scopes import World
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.expr.grammar import CONSTANTS, FILTERS, TESTS, WHERE_OPERATORS
from tocsin.playbook.model import kind_of_step
from tocsin.playbook.schemas import articled, fields_of, required_of, types_of
from tocsin.playbook.tree import Scalar, Sequence
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.lattice import Field, Found, Presence, Text, Type, kinds_of, look_along, members_of, objects_of
from tocsin.playbook.types.listfilters import item_of


class Sort(Enum):
    """What a proposal is."""

    KEY = "key"
    ACTION = "action"
    ARGUMENT = "argument"
    NAME = "name"
    FIELD = "field"
    FILTER = "filter"
    VALUE = "value"
    PLAYBOOK = "playbook"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One word that may stand at the place. `insert` replaces the characters between `start` and `end`, offsets in the text."""

    label: str
    sort: Sort
    insert: str
    start: int
    end: int
    detail: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    label: str
    sort: Sort
    detail: str = ""
    about: str = ""
    insert: str | None = None


_NAMES: Final = {
    "alert": "The alert that started the run.",
    "case": "The case of the run.",
    "inputs": "What the start handed over.",
    "steps": "The results of the steps before.",
    "run": "The run itself.",
    "item": "The item of the loop.",
    "workspace": "What the policies of the workspace name.",
    "now": "The instant at which the step starts.",
    "event": "The event that is waited for.",
}
_ASKED: Final = (Role.RESPONDER, Role.APPROVER, Role.ADMIN)
_LITERALS: Final = ("and", "or", "not", "in", "is", "if", "else")


def complete(source: str, spot: Spot, known: World) -> list[Proposal]:
    """Return what may stand at a place, the best first; what does not begin as what is written is left out."""
    here = known_at(source, spot, known)
    if here is None:
        return []
    expression = here.expression
    if expression is not None:
        want = inside(expression.left)
        return _proposals(_in_expression(want, here.scope), want.prefix, here)
    offset = here.text.offset(spot)
    return _proposals(_in_structure(here, known), source[here.marked.word[0] : offset], here)


def _proposals(words: Iterable[_Word], prefix: str, here: Known) -> list[Proposal]:
    offset = here.text.offset(here.spot)
    end = offset if here.expression is not None else here.marked.word[1]
    found: dict[str, Proposal] = {}
    for one in words:
        if one.label.lower().startswith(prefix.lower()) or (len(prefix) > 1 and prefix.lower() in one.label.lower()):
            insert = one.label if one.insert is None else one.insert
            found.setdefault(one.label, Proposal(one.label, one.sort, insert, offset - len(prefix), end, one.detail, one.about))
    return sorted(found.values(), key=lambda one: not one.label.lower().startswith(prefix.lower()))


# Keys and values ----------------------------------------------------------------------------------------------------------


def _in_structure(here: Known, known: World) -> Iterator[_Word]:
    if here.marked.is_key or not here.key:
        yield from _keys(here, known)
        if here.room is Room.HANDLER and not here.marked.is_key:
            yield from (_Word(one, Sort.VALUE) for one in COMMON["on_error"].values)
    elif here.marked.is_whole or here.marked.scalar.value is None:
        yield from _values(here, known)


def _keys(here: Known, known: World) -> Iterator[_Word]:
    siblings = here.siblings
    if here.room is Room.ARGUMENTS:
        yield from _arguments(here, known, siblings)
        return
    follows = here.text.source[here.marked.word[1] :][:1] == ":"
    for key, word in words_of(here.room, siblings).items():
        if key not in siblings:
            yield _Word(key, Sort.KEY, "", word.about, key if follows else f"{key}:" if word.opens else f"{key}: ")


def _arguments(here: Known, known: World, siblings: list[str]) -> Iterator[_Word]:
    schema = _schema_of_arguments(here, known)
    required = required_of(schema)
    for name, one in sorted(fields_of(schema).items(), key=lambda pair: pair[0] not in required):
        if name not in siblings:
            needed = "needed, " if name in required else ""
            about = str(one.get("description") or one.get("title") or "")
            yield _Word(name, Sort.ARGUMENT, f"{needed}{articled(types_of(one)) or 'a value'}", about, f"{name}: ")


def _schema_of_arguments(here: Known, known: World) -> JsonObject:
    """Return the schema of the map below `with` in which the place is, which may be deeper inside."""
    step, trail = here.step, here.marked.trail
    name, playbook = text_of(step, "action"), text_of(step, "call")
    schema: JsonObject = {}
    if name:
        spec = known.catalogue.spec(name)
        schema = {} if spec is None else spec.input_schema
    elif playbook and known.playbooks is not None:
        schema = known.playbooks.inputs(playbook) or {}
    inner = trail[_after_with(trail) :]
    for part in inner if here.marked.is_key or here.key == "" else inner[:-1]:
        items = schema.get("items")
        schema = (items if isinstance(items, dict) else {}) if isinstance(part, int) else fields_of(schema).get(part, {})
    return schema


def _after_with(trail: tuple[str | int, ...]) -> int:
    return max((place + 1 for place, part in enumerate(trail) if part == "with"), default=len(trail))


def _values(here: Known, known: World) -> Iterator[_Word]:
    key = here.key
    if here.room is Room.STEP and key == "action":
        for name in known.catalogue.names():
            spec = known.catalogue.spec(name)
            if spec is not None:
                yield _Word(name, Sort.ACTION, f"{spec.effect.value}: {spec.title}", about_action(spec))
    elif here.room is Room.STEP and key == "call" and known.playbooks is not None:
        own = "" if here.playbook is None else here.playbook.id.text
        yield from (_Word(id, Sort.PLAYBOOK, "playbook") for id in sorted(known.playbooks.ids()) if id != own)
    elif here.room is Room.ARGUMENTS:
        yield from _argument_values(here, known)
    elif here.room is Room.STEP and key == "undo_after":
        yield from (_Word(one, Sort.VALUE) for one in ("1h", "24h", "7d"))
    elif here.room is Room.ASK and key == "on_deadline":
        yield from (_Word(one, Sort.VALUE) for one in _options(here))
    elif here.room is Room.ASK and key == "to":
        yield from (_Word(one, Sort.VALUE) for one in (*(f"role:{role}" for role in _ASKED), "user:"))
    else:
        word = words_of(here.room, here.siblings_of_value).get(key)
        yield from (_Word(str(one), Sort.VALUE) for one in (word.values if word is not None else ()))


def _argument_values(here: Known, known: World) -> Iterator[_Word]:
    schema = fields_of(_schema_of_arguments(here, known)).get(here.key, {})
    options = schema.get("enum")
    if isinstance(options, list):
        yield from (_Word(str(one), Sort.VALUE, f"for {here.key}") for one in options)
    elif types_of(schema) == {"boolean"}:
        yield from (_Word(one, Sort.VALUE, f"for {here.key}") for one in ("true", "false"))


def _options(here: Known) -> list[str]:
    entry = None if here.marked.around is None else here.marked.around.get("options")
    if entry is None or not isinstance(entry.value, Sequence):
        return ["approve", "reject"]
    return [str(one.value) for one in entry.value.items if isinstance(one, Scalar)]


# Expressions --------------------------------------------------------------------------------------------------------------


def _in_expression(want: Inside, scope: Scope | None) -> Iterator[_Word]:
    match want.wanted:
        case Wanted.NAME:
            yield from _names(scope)
        case Wanted.FIELD:
            yield from _steps(scope) if want.subject == "steps" else _fields(type_of(want.subject, scope))
        case Wanted.ITEM_FIELD:
            yield from _item_fields(want, scope)
        case Wanted.FILTER:
            yield from _filters(type_of(want.subject, scope))
        case Wanted.FILTER_NAME:
            yield from _filters(item_of(type_of(want.subject, scope)))
        case Wanted.TEST:
            yield from (_Word(one, Sort.VALUE) for one in (*TESTS, "not"))
        case Wanted.OPERATOR:
            yield from (_Word(one, Sort.VALUE) for one in WHERE_OPERATORS)
        case Wanted.VALUE:
            yield from (_Word(one, Sort.VALUE) for one in _possible(_subject(want, scope)))
        case Wanted.NOTHING:
            pass


def _names(scope: Scope | None) -> Iterator[_Word]:
    if scope is not None:
        for name, type in scope.names.items():
            yield _Word(name, Sort.NAME, described(type), _NAMES.get(name, "The variable of the loop."))
    yield _Word("steps", Sort.NAME, "", _NAMES["steps"])
    yield from (_Word(one, Sort.VALUE) for one in CONSTANTS)
    yield from (_Word(one, Sort.VALUE) for one in _LITERALS)


def _steps(scope: Scope | None) -> Iterator[_Word]:
    for id, result in {} if scope is None else scope.results.items():
        if result.type is not None and scope is not None:
            doubt = "" if scope.is_there(id) else ", may not have run"
            kind = kind_of_step(result.step).value
            yield _Word(id, Sort.FIELD, f"{kind} in line {result.step.head.line}{doubt}", about_type(result.type))


def _fields(type: Type) -> Iterator[_Word]:
    fields: dict[str, Field] = {}
    for one in objects_of(type):
        fields.update(one.fields)
    for name, field in sorted(fields.items(), key=lambda pair: pair[1].presence is Presence.UNSAID):  # what is surely there comes first
        if name.isidentifier():
            maybe = ", may be missing" if field.presence is Presence.MAYBE else ""
            yield _Word(name, Sort.FIELD, f"{described(field.type)}{maybe}", about_type(field.type))


def _item_fields(want: Inside, scope: Scope | None) -> Iterator[_Word]:
    item = item_of(type_of(want.subject, scope))
    before, dot, _ = want.prefix.rpartition(".")
    found = look_along(item, before.split(".")) if dot else Found(item)
    for word in _fields(found.type) if isinstance(found, Found) else ():
        yield _Word(before + dot + word.label, Sort.FIELD, word.detail, word.about)


def _filters(type: Type) -> Iterator[_Word]:
    kinds = kinds_of(type)
    for name, rule in FILTERS.items():
        if kinds is None or kinds & rule.takes:
            insert = f"{name}('" if rule.arguments and rule.arguments[0].name == "field" and rule.arguments[0].required else None
            yield _Word(name, Sort.FILTER, about_filter(rule).split("\n", 1)[0], about_filter(rule), insert)


def _subject(want: Inside, scope: Scope | None) -> Type:
    type = type_of(want.subject, scope)
    if not want.field:
        return type
    found = look_along(item_of(type), want.field.split("."))
    return found.type if isinstance(found, Found) else type


def _possible(type: Type) -> Iterator[str]:
    for one in members_of(type):
        if isinstance(one, Text) and one.options is not None:
            yield from one.options
