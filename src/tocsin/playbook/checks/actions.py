"""Actions exist, and are not declared more harmless than they are."""

from typing import Final

from tocsin.core.effects import Effect
from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import names, safety
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import ActionNode
from tocsin.playbook.parsing.keys import listed

_ORDER: Final = list(Effect)


def check_actions(context: Context) -> None:
    """Report actions and packs that do not exist, and effects that were loosened."""
    for step in context.steps:
        if isinstance(step, ActionNode):
            spec = context.spec_of(step)
            if spec is None:
                _unknown(step, context)
            elif step.effect is not None and _ORDER.index(step.effect[0]) < _ORDER.index(spec.effect):
                message = f"'{spec.name}' is {spec.effect.value}, and a playbook cannot make it '{step.effect[0].value}'."
                context.report(safety.EFFECT_LOOSENED, step.effect[1], message, f"Leave the key out, or write {spec.effect.value}.")


def _unknown(step: ActionNode, context: Context) -> None:
    name, span = step.action.text, step.action.span
    pack, dot, _ = name.partition(".")
    packs = sorted(context.catalogue.packs())
    if dot and pack in packs:
        actions = sorted(one for one in context.catalogue.names() if one.startswith(f"{pack}."))
        own = [one.partition(".")[2] for one in actions]
        near = nearest(name.partition(".")[2], own)
        hint = near.replace("'", f"'{pack}.", 1) or f"It has {listed(own)}."
        context.report(names.UNKNOWN_ACTION, span, f"The pack '{pack}' has no action '{shown(name)}'.", hint)
    elif dot:
        near = nearest(pack, packs)
        hint = near or f"Install the pack '{shown(pack)}', or choose an action of another."
        context.report(names.UNKNOWN_PACK, span, f"There is no pack '{shown(pack)}' here.", hint)
    else:
        same = sorted(one for one in context.catalogue.names() if one.partition(".")[2] == name)
        hint = f"Did you mean {listed(same, 'or')}?" if same else "Write it as pack.action."
        context.report(names.UNKNOWN_ACTION, span, f"'{shown(name)}' is not an action; its pack is missing.", hint)
