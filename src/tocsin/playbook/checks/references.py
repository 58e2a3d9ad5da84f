"""Every name, step and input that an expression reads exists where it is read."""

from tocsin.playbook.checks.context import NAMES, TRIGGER_NAMES, Context
from tocsin.playbook.checks.paths import span_of
from tocsin.playbook.checks.places import Places, why_not_there
from tocsin.playbook.checks.scopes import Result, Scope
from tocsin.playbook.codes import branches, flow, names
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import AlertTriggerNode, ForEachNode, StepNode, Use, WaitNode, kind_of_step
from tocsin.playbook.parsing.keys import listed

Ref = tuple[str, ...]


def check_triggers(context: Context) -> None:
    """Report names that triggers read and that are not there."""
    for trigger in context.playbook.triggers:
        if isinstance(trigger, AlertTriggerNode):
            for use in trigger.condition.uses:
                for ref in sorted(use.expression.refs):
                    _in_trigger(use, ref, context)


def _in_trigger(use: Use, ref: Ref, context: Context) -> None:
    if ref[0] in NAMES and ref[0] not in TRIGGER_NAMES:
        message = f"A trigger does not know '{ref[0]}': no run exists yet."
        context.report(names.NAME_NOT_HERE, span_of(use, ref, 0), message, f"It knows {listed(TRIGGER_NAMES)}.")
    elif ref[0] not in NAMES:
        hint = nearest(ref[0], TRIGGER_NAMES) or f"A trigger knows {listed(TRIGGER_NAMES)}."
        context.report(names.UNKNOWN_NAME, span_of(use, ref, 0), f"There is no name '{shown(ref[0])}'.", hint)


def check_reference(context: Context, places: Places, use: Use, ref: Ref, step: StepNode | None, scope: Scope) -> None:
    """Report a name, step or input that is not there."""
    root = ref[0]
    if root == "steps":
        _step(context, places, use, ref, step, scope)
    elif root == "inputs":
        _input(context, use, ref, scope)
    elif root not in scope.names:
        _name(context, places, use, ref, scope)
    elif root in scope.rare and root not in places.told:
        _rare(context, places, use, ref, scope)


def _name(context: Context, places: Places, use: Use, ref: Ref, scope: Scope) -> None:
    root, span = ref[0], span_of(use, ref, 0)
    if root == "event" and any(isinstance(step, WaitNode) for step in context.steps):
        hint = "After the wait it is steps.<id of the wait>.event."
        context.report(names.NAME_NOT_HERE, span, "'event' is known only in the filter of a wait.", hint)
        return
    variables = {step.variable.text: step for step in context.steps if isinstance(step, ForEachNode)}
    if root == "item" or root in variables:
        loop = "a loop" if root == "item" else f"the loop of line {variables[root].head.line}"
        hint = "Outside, read the result of the loop: steps.<id of the loop>."
        context.report(names.NAME_NOT_HERE, span, f"'{root}' is known only inside {loop}.", hint)
        return
    known = [*NAMES, *scope.names]
    hint = nearest(root, known) or f"Expressions know {listed(dict.fromkeys(known))}."
    if root in places.steps:
        hint = f"Write steps.{root}."
    elif root == "webhook":
        hint = "Declare inputs: what the webhook sends under their names arrives in them."
    context.report(names.UNKNOWN_NAME, span, f"There is no name '{shown(root)}'.", hint)


def _input(context: Context, use: Use, ref: Ref, scope: Scope) -> None:
    if len(ref) < 2:
        return
    declared = {one.name.text: one for one in context.playbook.inputs}
    input = declared.get(ref[1])
    if input is None:
        hint = nearest(ref[1], declared) or f"Declare it under inputs: {{{shown(ref[1])}: {{type: string}}}}."
        context.report(names.UNKNOWN_INPUT, span_of(use, ref, 1), f"There is no input '{shown(ref[1])}'.", hint)
    elif not input.required and "default" not in input.schema and ref not in use.expression.optional_refs and ref[:2] not in scope.facts:
        message = f"Nobody must give the input '{ref[1]}', and it has no default; without it, this fails."
        hint = f"Write {'.'.join(ref)} | default(…), or give it a default."
        context.report(branches.INPUT_MAY_BE_MISSING, span_of(use, ref, 1), message, hint)


def _rare(context: Context, places: Places, use: Use, ref: Ref, scope: Scope) -> None:
    """Report, once, an alert or case that is read in a playbook which something else starts too."""
    root = ref[0]
    if not context.starts_without(root) or ref in use.expression.optional_refs or any(known[0] == root for known in scope.facts):
        return
    places.told.add(root)
    others = "something else than an alert" if root == "alert" else "something else than a case"
    message = f"A run that {others} starts has no '{root}'; then this fails."
    hint = f"Write {'.'.join(ref)} | default(…), or test `{root} is defined` first."
    context.report(branches.NO_ALERT_THEN if root == "alert" else branches.NO_CASE_THEN, span_of(use, ref, 0), message, hint)


def _step(context: Context, places: Places, use: Use, ref: Ref, step: StepNode | None, scope: Scope) -> None:
    if len(ref) == 1:
        message = "'steps' is read without the id of a step."
        context.report(names.WHOLE_STEPS, span_of(use, ref, 0), message, "Write steps.<id>, with a fixed id.")
        return
    result = scope.results.get(ref[1])
    if result is None:
        _not_there(context, places, use, ref, step, scope)
    elif result.type is None:
        kind = kind_of_step(result.step).value
        message = f"The step '{ref[1]}' ({kind}) has no result."
        context.report(names.NO_RESULT, span_of(use, ref, 1), message, "Read the results of the steps inside or around it.")
    else:
        _doubt(context, use, ref, result, scope)


def _doubt(context: Context, use: Use, ref: Ref, result: Result, scope: Scope) -> None:
    id = ref[1]
    if ref not in use.expression.optional_refs and not scope.is_there(id):
        message = f"The step '{id}' of line {result.step.head.line} may not have run; then this fails."
        hint = f"Write {'.'.join(ref)} | default(…), or test `steps.{id} is defined` first."
        context.report(flow.STEP_MAY_BE_SKIPPED, span_of(use, ref, 1), message, hint)


def _not_there(context: Context, places: Places, use: Use, ref: Ref, step: StepNode | None, scope: Scope) -> None:
    id, span = ref[1], span_of(use, ref, 1)
    if id not in places.steps:
        hint = nearest(id, scope.results) or nearest(id, places.steps)
        if not hint:
            hint = f"Here are known: {listed(scope.results)}." if scope.results else "No step before this one has an id."
        context.report(names.UNKNOWN_STEP, span, f"There is no step '{shown(id)}'.", hint)
        return
    code, message, hint = why_not_there(id, step, places)
    context.report(code, span, message, hint)
