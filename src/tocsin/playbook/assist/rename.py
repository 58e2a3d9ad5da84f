"""Rename a step everywhere its result is read, or say why that cannot be."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from tocsin.core.diagnostics import Level, Span
from tocsin.core.errors import Invalid
from tocsin.playbook.assist.inside import FIELD_FILTERS
from tocsin.playbook.assist.looking import Standing, standing_at
from tocsin.playbook.assist.origins import Tracer, loop_of
from tocsin.playbook.assist.places import Edit, Spot, Text, contains
from tocsin.playbook.assist.rooms import Room
from tocsin.playbook.assist.scopes import Visit, World
from tocsin.playbook.checks.paths import paths_in
from tocsin.playbook.compile import check
from tocsin.playbook.expr.tree import Applied, Constant, Index, Node, Path
from tocsin.playbook.model import Playbook, StepNode, Use, blocks_of, steps_of
from tocsin.playbook.offsets import locate
from tocsin.playbook.parsing.fields import SNAKE

_NOT_NODES: Final = (str, int, float, bool, type(None))
_RESERVED: Final = frozenset({"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "null"})


def renamed_at(source: str, spot: Spot, known: World) -> Span | None:
    """Return the span of the id of a step at a place, where it is given or read; None if there is none."""
    here = standing_at(source, spot, known)
    found = None if here is None else _target(here)
    return None if found is None else found[1]


def rename(source: str, spot: Spot, name: str, known: World) -> list[Edit]:
    """Return the edits that rename the step at a place; raises Invalid if there is none, or the name cannot be."""
    here = standing_at(source, spot, known)
    found = None if here is None else _target(here)
    if here is None or found is None or here.playbook is None:
        raise Invalid("No step's id stands here.", hint="Put the cursor on the id of a step, or where it is read.")
    step = found[0]
    _check_name(name, step, here.playbook)
    edits = [Edit(span, name) for span in dict.fromkeys(_places(step, here))]
    _check_outcome(source, edits, known)
    return edits


def applied(source: str, edits: list[Edit]) -> str:
    """Return a text with edits made."""
    text = Text(source)
    places = [(text.offset(Spot(e.span.line, e.span.column)), text.offset(Spot(e.span.end_line, e.span.end_column)), e.text) for e in edits]
    for start, end, new in sorted(places, reverse=True):
        source = source[:start] + new + source[end:]
    return source


def _target(here: Standing) -> tuple[StepNode, Span] | None:
    if here.playbook is None:
        return None
    every = (*steps_of(here.playbook.steps), *steps_of(here.playbook.final))
    if not here.is_key and here.key == "id" and here.room is Room.STEP:
        step = next((one for one in every if one.head.id is not None and contains(one.head.id.span, here.spot)), None)
        return None if step is None or step.head.id is None else (step, here.scalar.span)
    part = here.part if here.expression is not None else None
    if part is None or part.is_filter:
        return None
    if part.quoted is not None:
        loop = loop_of(part.quoted.subject, here.visit, here.playbook) if "." not in part.upto else None
        step = None if loop is None else _in_body(part.word, loop)
        return None if step is None else (step, part.span)
    names = part.upto.split(".")
    result = None if here.scope is None else here.scope.results.get(names[1]) if names[0] == "steps" and len(names) == 2 else None
    return None if result is None else (result.step, part.span)


def _in_body(id: str, loop: StepNode) -> StepNode | None:
    inside = (step for block in blocks_of(loop) for step in steps_of(block))
    return next((step for step in inside if step.head.id is not None and step.head.id.text == id), None)


def _check_name(name: str, step: StepNode, playbook: Playbook) -> None:
    if not SNAKE.fullmatch(name) or name in _RESERVED:
        raise Invalid(f"'{name[:60]}' cannot be the id of a step.", hint="Use lower-case letters, digits and _, with a letter first.")
    for other in (*steps_of(playbook.steps), *steps_of(playbook.final)):
        if other is not step and other.head.id is not None and other.head.id.text == name:
            raise Invalid(f"The step of line {other.head.line} is called '{name}' already.", hint="Choose another name.")


def _check_outcome(source: str, edits: list[Edit], known: World) -> None:
    """Refuse a renaming that leaves something behind: the text must be as right after it as before."""
    before, after = (
        check(one, file="", catalogue=known.catalogue, playbooks=known.playbooks).diagnostics for one in (source, applied(source, edits))
    )
    errors_before, errors_after = (sum(one.level is Level.ERROR for one in found) for found in (before, after))
    if errors_after > errors_before:
        first = next(one for one in after if one.level is Level.ERROR)
        hint = f"Line {first.span.line}: {first.message}"
        raise Invalid("The id is read in a way that cannot be renamed for certain.", hint=hint)


# Where a step's id stands -------------------------------------------------------------------------------------------------


def _places(step: StepNode, here: Standing) -> Iterator[Span]:
    if step.head.id is None or here.playbook is None:
        return
    yield _unquoted(step.head.id.span, here.text)
    tracer = Tracer(here.playbook)
    loops = [one for one in (*steps_of(here.playbook.steps), *steps_of(here.playbook.final)) if _in_body(step.head.id.text, one) is step]
    for visit in here.visits:
        for use in visit.slot.uses:
            yield from _in_use(use, visit, step, step.head.id.text, loops, tracer)


def _unquoted(span: Span, text: Text) -> Span:
    written = text.at(span)
    quotes = 1 if written[:1] in ("'", '"') else 0
    return Span(span.file, span.line, span.column + quotes, span.end_line, span.end_column - quotes)


def _in_use(use: Use, visit: Visit, step: StepNode, id: str, loops: list[StepNode], tracer: Tracer) -> Iterator[Span]:
    source = use.expression.source
    for path in paths_in(use.expression.tree):
        result = visit.scope.results.get(id)
        if path.root == "steps" and path.keys[:1] == (id,) and result is not None and result.step is step:
            yield from _word(use, source, id, _past(source, path.offset, 0, path))
            continue
        found = tracer.along(path, visit.scope, visit.step)
        if found is not None and found[0].is_item and found[1] < len(path.keys) and path.keys[found[1]] == id and found[0].loop in loops:
            yield from _word(use, source, id, _past(source, path.offset, found[1], path))
    for node in _all(use.expression.tree):
        yield from _in_filter(node, use, visit, id, loops, tracer)


def _in_filter(node: Node, use: Use, visit: Visit, id: str, loops: list[StepNode], tracer: Tracer) -> Iterator[Span]:
    match node:
        case Applied(arguments=(Constant(value=str() as field) as argument, *_)) if node.filter in FIELD_FILTERS:
            origin = tracer.origin(node.value, visit.scope, visit.step)
            if field.split(".")[0] == id and origin is not None and not origin.is_item and origin.loop in loops:
                yield from _word(use, use.expression.source, id, argument.offset)
        case Index(key=Constant(value=str() as key)):
            origin = tracer.origin(node.value, visit.scope, visit.step)
            if key == id and origin is not None and origin.is_item and origin.loop in loops:
                yield from _word(use, use.expression.source, id, node.key.offset)
        case _:
            pass


def _past(source: str, offset: int, keys: int, path: Path) -> int:
    """Return an offset behind the root of a path and so many of its keys."""
    position = offset + len(path.root)
    for key in path.keys[:keys]:
        found = source.find(str(key), position)
        position = found + len(str(key)) if found >= 0 else position
    return position


def _word(use: Use, source: str, id: str, offset: int) -> Iterator[Span]:
    found = source.find(id, offset)
    if found >= 0:
        start = use.expression.start + found
        yield locate(use.scalar, start, start + len(id))


def _all(value: object) -> Iterator[Node]:
    if isinstance(value, tuple):
        for item in value:
            yield from _all(item)
    elif not isinstance(value, _NOT_NODES):
        yield value  # type: ignore[misc]  # the fields of nodes are nodes, tuples of them, and plain values
        for one in fields(value):  # type: ignore[arg-type]  # as above
            yield from _all(getattr(value, one.name))
