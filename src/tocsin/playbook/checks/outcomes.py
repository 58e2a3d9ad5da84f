"""The types of the names at the start, and of what each kind of step leaves behind."""

from tocsin.core.values import JsonObject
from tocsin.playbook.checks.context import Context
from tocsin.playbook.model import ActionNode, AskNode, CallNode, CodeNode, EventNode
from tocsin.playbook.plan import Awaited, OnDeadline
from tocsin.playbook.types import world
from tocsin.playbook.types.lattice import (
    ANY,
    NULL,
    OBJECT,
    SIZE,
    TEXT,
    Anything,
    Field,
    Items,
    Object,
    Presence,
    Text,
    Type,
    closed,
    union,
)
from tocsin.playbook.types.schema import type_of


def names_of(context: Context) -> dict[str, Type]:
    """Return the types of the names that every step sees."""
    inputs = {
        one.name.text: Field(type_of(one.schema), Presence.ALWAYS if one.required or "default" in one.schema else Presence.UNSAID)
        for one in context.playbook.inputs
    }
    return {
        "alert": world.ALERT,
        "case": world.CASE,
        "inputs": Object(inputs),
        "run": world.RUN,
        "workspace": world.WORKSPACE,
        "now": TEXT,
    }


def perhaps_failed(type: Type | None) -> Type:
    """Return what is left when a step may have failed and the run went on."""
    return world.PERHAPS_FAILED if type is None else union(type, world.FAILED)


def perhaps_stopped(outputs: Type) -> Type:
    """Return what a playbook gives that may stop before its end, and then perhaps gives nothing."""
    if not isinstance(outputs, Object):
        return outputs
    return Object({name: Field(field.type, Presence.UNSAID) for name, field in outputs.fields.items()}, outputs.rest)


def of_action(step: ActionNode, context: Context) -> Type:
    """Return what an action gives."""
    spec = context.spec_of(step)
    return ANY if spec is None else type_of(spec.output_schema)


def of_ask(step: AskNode) -> Type:
    """Return what people answer; the form is empty after a deadline."""
    by = union(TEXT, NULL)
    answer = Text(tuple(dict.fromkeys(option.text for option in step.options))) if step.options else TEXT
    return closed({"answer": answer, "form": _form(step.form), "by": by, "at": TEXT, "reason": TEXT})


def _form(form: JsonObject | None) -> Type:
    if not form:
        return OBJECT
    return Object({name: Field(type_of(one) if isinstance(one, dict) else ANY, Presence.UNSAID) for name, one in form.items()})


def of_call(step: CallNode, context: Context) -> Type:
    """Return what a called playbook gives."""
    if not step.waits:
        return closed({"run": TEXT})
    return ANY if context.playbooks is None else context.playbooks.outputs(step.playbook.text)


def of_code(step: CodeNode) -> Type:
    """Return what code returns, as far as it says so."""
    return OBJECT if step.returns is None else type_of(step.returns)


def event_of(event: EventNode) -> Type:
    """Return what is waited for."""
    match event.kind:
        case Awaited.ALERT:
            return world.ALERT
        case Awaited.CASE:
            return world.CASE
        case Awaited.WEBHOOK:
            return world.HOOK_EVENT


def of_wait(event: EventNode) -> Type:
    """Return what a wait for an event leaves; after the deadline there is no event."""
    type = event_of(event)
    if event.on_deadline is OnDeadline.CONTINUE and not isinstance(type, Anything):
        type = union(type, NULL)
    return closed({"event": type, "at": TEXT})


def of_loop(variable: str, item: Type, made: dict[str, Field]) -> Type:
    """Return the list that a loop leaves."""
    return Items(Object({variable: Field(item), **made}))


def of_rounds(made: dict[str, Field]) -> Type:
    """Return what the rounds of a loop leave; without a round there is no last one."""
    last = Object({id: Field(field.type, Presence.UNSAID) for id, field in made.items()})
    return closed({"iterations": SIZE, "last": last})
