"""Every name, step, input and field that an expression reads exists where it is read."""

from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import ALERT_SCHEMA, WORKSPACE_SCHEMA
from tocsin.playbook.checks.context import NAMES, TRIGGER_NAMES, Context
from tocsin.playbook.checks.paths import span_of
from tocsin.playbook.checks.places import Places, why_not_there
from tocsin.playbook.checks.scopes import Result, Scope, Visit
from tocsin.playbook.codes import flow, names
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import AlertTriggerNode, ForEachNode, StepNode, Use, kind_of_step
from tocsin.playbook.parse_keys import listed
from tocsin.playbook.schemas import NoField, NoObject, walk

Ref = tuple[str, ...]


def check_triggers(context: Context) -> None:
    """Report what triggers read and what is not there."""
    for trigger in context.playbook.triggers:
        if isinstance(trigger, AlertTriggerNode):
            for use in trigger.condition.uses:
                for ref in sorted(use.expression.refs):
                    _in_trigger(use, ref, context)


def check_reading(visit: Visit, places: Places, context: Context) -> None:
    """Report what the expressions of a slot read and what is not there."""
    for use in visit.slot.uses:
        for ref in use.expression.refs:
            _Reading(context, places, use, ref, visit.step, visit.scope).check()


def _in_trigger(use: Use, ref: Ref, context: Context) -> None:
    if ref[0] == "alert":
        _fields(use, ref, 1, ALERT_SCHEMA, context)
    elif ref[0] == "workspace":
        _fields(use, ref, 1, WORKSPACE_SCHEMA, context)
    elif ref[0] in NAMES and ref[0] not in TRIGGER_NAMES:
        message = f"A trigger does not know '{ref[0]}': no run exists yet."
        context.report(names.NAME_NOT_HERE, span_of(use, ref, 0), message, f"It knows {listed(TRIGGER_NAMES)}.")
    elif ref[0] not in NAMES:
        hint = nearest(ref[0], TRIGGER_NAMES) or f"A trigger knows {listed(TRIGGER_NAMES)}."
        context.report(names.UNKNOWN_NAME, span_of(use, ref, 0), f"There is no name '{shown(ref[0])}'.", hint)


class _Reading:
    """One path that an expression reads."""

    def __init__(self, context: Context, places: Places, use: Use, ref: Ref, step: StepNode | None, scope: Scope) -> None:
        self.context, self.places, self.use, self.ref, self.step, self.scope = context, places, use, ref, step, scope

    def check(self) -> None:
        root = self.ref[0]
        if root == "steps":
            self._steps()
        elif root == "inputs":
            self._inputs()
        elif root in self.scope.names:
            _fields(self.use, self.ref, 1, self.scope.names[root], self.context)
        else:
            self._name(root)

    def _name(self, root: str) -> None:
        variables = {step.variable.text: step for step in self.context.steps if isinstance(step, ForEachNode)}
        span = span_of(self.use, self.ref, 0)
        if root == "item" or root in variables:
            loop = "a loop" if root == "item" else f"the loop of line {variables[root].head.line}"
            message = f"'{root}' is known only inside {loop}."
            self.context.report(names.NAME_NOT_HERE, span, message, "Outside, read the result of the loop: steps.<id of the loop>.")
            return
        known = [*NAMES, *self.scope.names]
        hint = nearest(root, known) or f"Expressions know {listed(dict.fromkeys(known))}."
        if root in self.places.steps:
            hint = f"Write steps.{root}."
        self.context.report(names.UNKNOWN_NAME, span, f"There is no name '{shown(root)}'.", hint)

    def _inputs(self) -> None:
        declared = [one.name.text for one in self.context.playbook.inputs]
        if len(self.ref) > 1 and self.ref[1] not in declared:
            hint = nearest(self.ref[1], declared) or f"Declare it under inputs: {{{self.ref[1]}: {{type: string}}}}."
            message = f"There is no input '{shown(self.ref[1])}'."
            self.context.report(names.UNKNOWN_INPUT, span_of(self.use, self.ref, 1), message, hint)
        else:
            _fields(self.use, self.ref, 1, self.scope.names["inputs"], self.context)

    def _steps(self) -> None:
        if len(self.ref) == 1:
            message = "'steps' is read without the id of a step."
            self.context.report(names.WHOLE_STEPS, span_of(self.use, self.ref, 0), message, "Write steps.<id>, with a fixed id.")
            return
        result = self.scope.results.get(self.ref[1])
        if result is None:
            self._not_there(self.ref[1])
        elif result.schema is None:
            kind = kind_of_step(result.step).value
            message = f"The step '{self.ref[1]}' ({kind}) has no result."
            self.context.report(
                names.NO_RESULT, span_of(self.use, self.ref, 1), message, "Read the results of the steps inside or around it."
            )
        else:
            self._doubt(result)
            _fields(self.use, self.ref, 2, result.schema, self.context)

    def _doubt(self, result: Result) -> None:
        id = self.ref[1]
        if not self.scope.is_there(id) and self.ref not in self.use.expression.optional_refs:
            message = f"The step '{id}' of line {result.step.head.line} may not have run; then this fails."
            hint = f"Write {'.'.join(self.ref)} | default(…), or test `steps.{id} is defined` first."
            self.context.report(flow.STEP_MAY_BE_SKIPPED, span_of(self.use, self.ref, 1), message, hint)

    def _not_there(self, id: str) -> None:
        span = span_of(self.use, self.ref, 1)
        if id not in self.places.steps:
            hint = nearest(id, self.scope.results) or nearest(id, self.places.steps)
            if not hint:
                hint = f"Here are known: {listed(self.scope.results)}." if self.scope.results else "No step before this one has an id."
            self.context.report(names.UNKNOWN_STEP, span, f"There is no step '{shown(id)}'.", hint)
            return
        code, message, hint = why_not_there(id, self.step, self.places)
        self.context.report(code, span, message, hint)


def _fields(use: Use, ref: Ref, start: int, schema: JsonObject, context: Context) -> None:
    """Follow the fields of a path from one of its parts on."""
    found = walk(schema, ref[start:])
    if not isinstance(found, NoField | NoObject):
        return
    part = start + found.depth
    owner = ".".join(ref[:part])
    if isinstance(found, NoField):
        hint = nearest(ref[part], found.known) or (f"It has {listed(found.known)}." if found.known else "It has no fields.")
        if owner == "alert" and not nearest(ref[part], found.known):
            hint = "What the source sent is in alert.raw."
        context.report(names.UNKNOWN_FIELD, span_of(use, ref, part), f"'{owner}' has no field '{shown(ref[part])}'.", hint)
    else:
        hint = "Take one item with [0] or first, or all with pluck or for_each." if "list" in found.type else "Read it as it is."
        context.report(names.UNKNOWN_FIELD, span_of(use, ref, part), f"'{owner}' is {found.type} and has no fields.", hint)
