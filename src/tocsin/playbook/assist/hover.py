"""Say what stands at a place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tocsin.core.diagnostics import Diagnostic, Span
from tocsin.playbook.assist.describing import about_action, about_code, about_filter, about_type
from tocsin.playbook.assist.knowing import text_of, type_of
from tocsin.playbook.assist.looking import Part, Standing, standing_at
from tocsin.playbook.assist.places import Spot, contains
from tocsin.playbook.assist.rooms import Room, words_of
from tocsin.playbook.assist.scopes import World
from tocsin.playbook.codes import Code
from tocsin.playbook.expr.grammar import FILTERS
from tocsin.playbook.model import StepNode, kind_of_step
from tocsin.playbook.schemas import articled, fields_of, types_of
from tocsin.playbook.types.lattice import Found, look_along
from tocsin.playbook.types.listfilters import item_of


@dataclass(frozen=True, slots=True)
class Hover:
    """What is said, in Markdown, and about what."""

    about: str
    span: Span


def hover(
    source: str, spot: Spot, known: World, *, diagnostics: Iterable[Diagnostic] = (), codes: Mapping[str, Code] | None = None
) -> Hover | None:
    """Say what stands at a place, and what the codes of the diagnostics there mean."""
    found = [one for one in diagnostics if contains(one.span, spot)]
    said = [about_code(codes[one.code]) for one in found if codes and one.code in codes]
    standing = standing_at(source, spot, known)
    about = None if standing is None else _about(standing, known)
    if about is not None:
        said.insert(0, about.about)
    if not said:
        return None
    return Hover("\n\n---\n\n".join(dict.fromkeys(said)), about.span if about is not None else found[0].span)


def _about(here: Standing, known: World) -> Hover | None:
    if here.expression is not None:
        part = here.part
        said = "" if part is None else _part(part, here)
        return None if part is None or not said else Hover(said, part.span)
    said = _key(here, known) if here.is_key else _value(here, known)
    return Hover(said, here.scalar.span) if said else None


def _part(part: Part, here: Standing) -> str:
    if part.is_filter:
        return about_filter(FILTERS[part.word]) if part.word in FILTERS else ""
    if part.quoted is not None:
        item = look_along(item_of(type_of(part.quoted.subject, here.scope)), part.upto.split("."))
        return f"`{part.upto}` of each item: {about_type(item.type)}" if isinstance(item, Found) else ""
    scope = here.scope
    names = part.upto.split(".")
    if scope is None:
        return ""
    if names[0] == "steps":
        result = scope.results.get(names[1]) if len(names) > 1 else None
        if result is None or (len(names) == 2 and result.type is None):
            return ""
        step = f"{_step(result.step)}\n\n" if len(names) == 2 else ""
        return f"{step}`{part.upto}`: {about_type(type_of(part.upto, scope))}"
    return f"`{part.upto}`: {about_type(type_of(part.upto, scope))}" if names[0].split("[")[0] in scope.names else ""


def _step(step: StepNode) -> str:
    name = f": {step.head.name}" if step.head.name else ""
    return f"**{step.head.id.text if step.head.id else 'step'}** ({kind_of_step(step).value}, line {step.head.line}){name}"


def _key(here: Standing, known: World) -> str:
    if here.room is Room.ARGUMENTS:
        return _argument(here, known)
    siblings = [] if here.around is None else [str(one.key.value) for one in here.around.entries]
    word = words_of(here.room, siblings).get(here.key)
    if word is None:
        return ""
    values = f"\n\nOne of {', '.join(f'`{one}`' for one in word.values)}." if word.values else ""
    return f"**{here.key}**: {word.about}{values}"


def _argument(here: Standing, known: World) -> str:
    spec = known.catalogue.spec(text_of(here.step, "action"))
    if spec is not None:
        schema = spec.input_schema
    else:
        called = text_of(here.step, "call")
        schema = (known.playbooks.inputs(called) if called and known.playbooks is not None else None) or {}
    one = fields_of(schema).get(here.key)
    if one is None:
        return ""
    said = one.get("description") or one.get("title")
    return f"**{here.key}**: {articled(types_of(one)) or 'a value'}" + (f"\n\n{said}" if isinstance(said, str) else "")


def _value(here: Standing, known: World) -> str:
    value = here.scalar.value
    if here.room is Room.STEP and here.key == "action" and isinstance(value, str):
        spec = known.catalogue.spec(value)
        return "" if spec is None else about_action(spec)
    if here.room is Room.STEP and here.key == "call" and isinstance(value, str) and known.playbooks is not None:
        schema = known.playbooks.inputs(value)
        takes = ", ".join(f"`{name}`" for name in fields_of(schema)) if schema else ""
        return f"**{value}**: a playbook{f' that takes {takes}' if takes else ''}" if value in known.playbooks.ids() else ""
    return ""
