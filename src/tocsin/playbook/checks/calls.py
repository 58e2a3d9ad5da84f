"""Playbooks that are called exist and do not call back."""

from collections.abc import Collection, Mapping

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import flow, names
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.model import CallNode


def check_calls(context: Context) -> None:
    """Report calls of playbooks that do not exist, and circles."""
    own = context.playbook.id.text
    for step in context.steps:
        if not isinstance(step, CallNode):
            continue
        name = step.playbook
        known = None if context.playbooks is None else context.playbooks.ids()
        if known is not None and name.text != own and name.text not in known:
            hint = nearest(name.text, known) or "Publish it first, or correct the name."
            context.report(names.UNKNOWN_PLAYBOOK, name.span, f"There is no playbook '{shown(name.text)}'.", hint)
        way = way_back(name.text, own, context.calls())
        if way:
            message = f"The playbook calls itself: {' calls '.join([own, *way])}."
            context.report(flow.CALL_CYCLE, name.span, message, "Use for_each, or move what they share into a third playbook.")


def way_back(start: str, goal: str, calls: Mapping[str, Collection[str]]) -> list[str]:
    """Return the shortest chain of calls from one playbook to another, both included; empty if there is none."""
    before: dict[str, str] = {start: ""}
    queue = [start]
    for one in queue:
        if one == goal:
            return _chain(one, before)
        for called in sorted(calls.get(one, ())):
            if called not in before:
                before[called] = one
                queue.append(called)
    return []


def _chain(end: str, before: Mapping[str, str]) -> list[str]:
    way = [end]
    while before[way[-1]]:
        way.append(before[way[-1]])
    return way[::-1]
