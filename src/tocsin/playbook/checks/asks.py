"""Questions can be answered, end in time, and their answers count."""

import re
from typing import Final

from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.used import used_steps
from tocsin.playbook.codes import hazards, names, safety
from tocsin.playbook.model import AskNode
from tocsin.playbook.parsing.keys import listed
from tocsin.playbook.parsing.values import OPEN
from tocsin.playbook.plan import OnError
from tocsin.playbook.tree import Mapping, Scalar, Sequence, Style, kind_of

_MANY: Final = frozenset(map(str, range(100)))  # a role, or an expression: as many as anybody could want
_SHORTEST: Final = 60  # seconds
_RECIPIENT: Final = re.compile(r"(role|user):[A-Za-z0-9][A-Za-z0-9._@+-]*")


def check_asks(context: Context) -> None:
    """Report questions that nobody can answer, that never end, or whose answer changes nothing."""
    used = used_steps(context)
    for step in context.steps:
        if isinstance(step, AskNode):
            _options(step, context)
            _deadline(step, context)
            _too_short(step, context)
            _recipients(step, context)
            if len(step.options) > 1 and id(step) not in used:
                test = f"est steps.{step.head.id.text if step.head.id else '<id>'}.answer in an if."
                hint = f"T{test}" if step.head.id else f"Give it an id, and t{test}"
                context.report(safety.ANSWER_IGNORED, step.head.span, "Nothing reads the answer to this question.", hint)


def _options(step: AskNode, context: Context) -> None:
    seen: set[str] = set()
    for option in step.options:
        if option.text in seen:
            context.report(safety.DUPLICATE_OPTION, option.span, f"The option '{option.text}' stands twice.", "Remove one.")
        seen.add(option.text)
    if step.on_deadline is not None and step.on_deadline.text not in seen:
        message = f"'{step.on_deadline.text}' is not one of the options."
        context.report(safety.NOT_AN_OPTION, step.on_deadline.span, message, f"Write one of {listed([one.text for one in step.options])}.")


def _deadline(step: AskNode, context: Context) -> None:
    if step.deadline_s is None and step.on_deadline is None:
        hint = "Add deadline: 4h and on_deadline: with the answer that then counts."
        context.report(safety.ASK_WITHOUT_DEADLINE, step.head.span, "The question waits for ever.", hint)
    elif step.deadline_s is None and step.on_deadline is not None:
        message = "'on_deadline' has no effect without 'deadline'."
        context.report(safety.ON_DEADLINE_ALONE, step.on_deadline.span, message, "Add deadline: 4h.")
    elif step.on_deadline is None and step.head.on_error is OnError.FAIL:
        key = "on_deadline" if step.escalation is None else "then"
        hint = f"Add {key}: with the answer that then counts, or on_error: continue."
        context.report(safety.DEADLINE_FAILS, step.head.span, "When nobody answers in time, the run fails.", hint)


def _too_short(step: AskNode, context: Context) -> None:
    if step.deadline_s is not None and step.deadline_s < _SHORTEST:
        message = f"Nobody answers within {step.deadline_s:g} s."
        context.report(hazards.DEADLINE_TOO_SHORT, step.head.span, message, "Give people time: deadline: 4h.")


def _recipients(step: AskNode, context: Context) -> None:
    node = step.to.node
    if isinstance(node, Mapping):
        return  # missing, or reported already
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items:
        context.report(names.BAD_RECIPIENT, node.head, "Nobody is asked.", "Write [role:responder].")
    people: set[str] = set()
    for item in items:
        if isinstance(item, Scalar) and isinstance(item.value, str) and OPEN in item.value:
            people |= _MANY  # how many it names shows only in the run
        elif isinstance(item, Scalar) and isinstance(item.value, str) and _RECIPIENT.fullmatch(item.value):
            people |= {item.value} if item.value.startswith("user:") else _MANY
        elif not (isinstance(item, Scalar) and item.style is Style.REFUSED):
            what = f"'{item.value}'" if isinstance(item, Scalar) and isinstance(item.value, str) else kind_of(item)
            context.report(names.BAD_RECIPIENT, item.head, f"{what} is nobody who can be asked.", "Write role:NAME or user:NAME.")
            return
    if step.quorum_span is not None and step.quorum > len(people) > 0:
        message = f"{step.quorum} people must answer, and {len(people)} are asked."
        context.report(safety.QUORUM_OUT_OF_REACH, step.quorum_span, message, "Ask more people, or lower the quorum.")
