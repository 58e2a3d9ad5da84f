"""Find where what is read is made: a step, an input, the variable of a loop, another playbook."""

from tocsin.core.diagnostics import Span
from tocsin.playbook.assist.looking import Part, Standing, standing_at
from tocsin.playbook.assist.origins import loop_of
from tocsin.playbook.assist.places import Spot
from tocsin.playbook.assist.rooms import Room
from tocsin.playbook.assist.scopes import World
from tocsin.playbook.model import ForEachNode, Playbook, StepNode, blocks_of, steps_of


def definition(source: str, spot: Spot, known: World) -> Span | str | None:
    """Return where what stands at a place is made: a span of this text, or the id of another playbook."""
    here = standing_at(source, spot, known)
    if here is None or here.playbook is None:
        return None
    if here.expression is not None:
        part = here.part
        return None if part is None else _of_part(part, here, here.playbook)
    value = here.scalar.value
    if not here.is_key and here.room is Room.STEP and here.key == "call" and isinstance(value, str):
        return value
    return None


def _of_part(part: Part, here: Standing, playbook: Playbook) -> Span | None:
    if part.quoted is not None:
        loop = loop_of(part.quoted.subject, here.visit, playbook)
        return None if loop is None else _in_body(part.upto.split(".")[0], loop)
    names = part.upto.split(".")
    if names[0] == "steps" and len(names) > 1:
        return _step(names[1], here, playbook)
    if names[0] == "inputs" and len(names) > 1:
        return next((one.name.span for one in playbook.inputs if one.name.text == names[1]), None)
    return _variable(names[0].split("[")[0], here, playbook)


def _step(id: str, here: Standing, playbook: Playbook) -> Span | None:
    result = None if here.scope is None else here.scope.results.get(id)
    if result is not None:
        return _place_of(result.step)
    every = (*steps_of(playbook.steps), *steps_of(playbook.final))
    return next((_place_of(step) for step in every if step.head.id is not None and step.head.id.text == id), None)


def _in_body(id: str, loop: StepNode) -> Span | None:
    if isinstance(loop, ForEachNode) and id == loop.variable.text:
        return loop.variable.span
    inside = (step for block in blocks_of(loop) for step in steps_of(block))
    return next((_place_of(step) for step in inside if step.head.id is not None and step.head.id.text == id), None)


def _variable(name: str, here: Standing, playbook: Playbook) -> Span | None:
    step = None if here.visit is None else here.visit.step
    loops = [one for block in (playbook.steps, playbook.final) for one in steps_of(block) if isinstance(one, ForEachNode)]
    around = [one for one in loops if any(inner is step for inner in steps_of(one.body)) and name in (one.variable.text, "item")]
    return around[-1].variable.span if around else None


def _place_of(step: StepNode) -> Span:
    return step.head.id.span if step.head.id is not None else step.head.span
