"""A plan as it is compared: steps as trees of named fields, without lines, compiled expressions and places."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never

from tocsin.core.effects import Effect
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, Template
from tocsin.playbook.model import Kind
from tocsin.playbook.plan import (
    ActionStep,
    AlertTrigger,
    AskStep,
    Block,
    CallStep,
    CaseTrigger,
    CodeStep,
    ForEachStep,
    IfStep,
    OnError,
    ParallelStep,
    ScheduleTrigger,
    SetStep,
    Step,
    StopStep,
    SwitchStep,
    Trigger,
    WaitStep,
    WebhookTrigger,
    WhileStep,
)

_UNITS: Final = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
Fields = dict[str, Json]


@dataclass(slots=True, eq=False)
class Outline:
    """One step. `fields` are what it says of itself, `blocks` the steps inside, by what leads to them; compared by identity."""

    kind: Kind
    id: str | None
    key: str
    fields: Fields
    blocks: "dict[str, list[Outline]]"
    action: str = ""
    effect: Effect | None = None
    parent: "Outline | None" = None
    block: str = ""  # the name of the block that it stands in
    around: "list[Outline]" = field(default_factory=list)  # that block

    @property
    def path(self) -> str:
        """Return where it stands."""
        before = f"{self.parent.path}/{self.block}" if self.parent is not None else self.block
        return f"{before}/{self.key}"

    @property
    def label(self) -> str:
        """Name the step in a sentence."""
        if self.id:
            return f"'{self.id}'"
        words: dict[Kind, str] = {
            Kind.ACTION: f"the action {self.action}",
            Kind.ASK: f"the question '{self.fields.get('ask/title')}'",
            Kind.IF: f"the branch on `{self.fields.get('if')}`",
            Kind.SWITCH: f"the switch on `{self.fields.get('switch')}`",
            Kind.FOR_EACH: f"the loop over `{self.fields.get('for_each')}`",
            Kind.WHILE: f"the loop while `{self.fields.get('while')}`",
            Kind.CALL: f"the call of '{self.fields.get('call')}'",
            Kind.STOP: f"the stop ({self.fields.get('stop/outcome')})",
        }
        return words.get(self.kind, f"the step {self.key}")

    @property
    def place(self) -> str:
        """Name the step in a sentence about what its label tells: of a branch, its condition."""
        nouns = {
            Kind.IF: "branch",
            Kind.SWITCH: "switch",
            Kind.FOR_EACH: "loop",
            Kind.WHILE: "loop",
            Kind.ASK: "question",
            Kind.CALL: "call",
        }
        return self.label if self.id or self.kind not in nouns else f"the {nouns[self.kind]} {self.key}"

    def walk(self) -> "Iterator[Outline]":
        """Yield the step and all inside it, in the order of the text."""
        yield self
        for block in self.blocks.values():
            for step in block:
                yield from step.walk()


def outlines(block: Block, name: str) -> list[Outline]:
    """Return the steps of a block of the playbook."""
    return _placed([_outline(step) for step in block], name, None)


def trigger_text(trigger: Trigger) -> str:
    """Write a trigger as it is written in a playbook."""
    match trigger:
        case AlertTrigger():
            return f"alert: {expression(trigger.condition)}"
        case WebhookTrigger():
            return f"webhook: {trigger.name}"
        case ScheduleTrigger():
            return f"schedule: {trigger.cron}"
        case CaseTrigger():
            return f"case: {trigger.happening}"
        case _:
            assert_never(trigger)


def expression(condition: Condition) -> str:
    """Return the source of a condition on one line."""
    return " ".join(condition.source.split())


def flat(value: Json, path: str) -> Fields:
    """Return the leaves of nested maps by their paths; a list is one leaf."""
    if isinstance(value, dict) and value:
        return {key: one for name, inner in value.items() for key, one in flat(inner, f"{path}/{name}").items()}
    return {path: value} if value != {} else {}


def duration(seconds: float) -> str:
    """Write a duration as people do."""
    if seconds != int(seconds) or seconds <= 0:
        return f"{seconds:g}s"
    rest, text = int(seconds), ""
    for unit, size in _UNITS[1:]:
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text


def _placed(steps: list[Outline], name: str, parent: Outline | None) -> list[Outline]:
    for step in steps:
        step.parent, step.block, step.around = parent, name, steps
    return steps


def _outline(step: Step) -> Outline:
    common = step.common
    fields, blocks = _common(step), _blocks(step)
    if common.on_error is OnError.HANDLE:
        blocks["on_error"] = common.handler
    kind = _kind(step)
    made = Outline(kind, common.id, common.key, {**fields, **_own(step)}, {})
    if isinstance(step, ActionStep):
        made.action, made.effect = step.action, step.effect
    made.blocks = {name: _placed([_outline(one) for one in block], name, made) for name, block in blocks.items()}
    return made


def _common(step: Step) -> Fields:
    common = step.common
    fields: Fields = {"name": common.name} if common.name else {}
    if common.condition is not None:
        fields["if"] = expression(common.condition)
    if common.on_error is not OnError.FAIL:
        fields["on_error"] = "steps" if common.on_error is OnError.HANDLE else common.on_error.value
    return fields


def _kind(step: Step) -> Kind:
    match step:
        case ActionStep():
            return Kind.ACTION
        case SetStep():
            return Kind.SET
        case IfStep():
            return Kind.IF
        case SwitchStep():
            return Kind.SWITCH
        case ForEachStep():
            return Kind.FOR_EACH
        case WhileStep():
            return Kind.WHILE
        case ParallelStep():
            return Kind.PARALLEL
        case AskStep():
            return Kind.ASK
        case WaitStep():
            return Kind.WAIT
        case CallStep():
            return Kind.CALL
        case CodeStep():
            return Kind.CODE
        case StopStep():
            return Kind.STOP
        case _:
            assert_never(step)


def _blocks(step: Step) -> dict[str, Block]:
    match step:
        case IfStep():
            named = {"then" if place == 0 else f"elif/{place}": block for place, (_, block) in enumerate(step.branches)}
            return {**named, **({"else": step.otherwise} if step.otherwise else {})}
        case SwitchStep():
            named = {f"cases/{value}": block for value, block in step.cases}
            return {**named, **({"default": step.default} if step.default else {})}
        case ForEachStep() | WhileStep():
            return {"steps": step.body}
        case ParallelStep():
            return {f"parallel/{place}": block for place, block in enumerate(step.branches, 1)}
        case _:
            return {}


def _own(step: Step) -> Fields:
    match step:
        case ActionStep():
            return _action(step)
        case SetStep():
            return flat(step.values.value, "set")
        case IfStep():
            return {"if" if place == 0 else f"elif/{place}/if": expression(one) for place, (one, _) in enumerate(step.branches)}
        case SwitchStep():
            return {"switch": step.subject.source}
        case ForEachStep():
            return {"for_each": step.items.source, "as": step.variable, "concurrency": step.concurrency}
        case WhileStep():
            return {"while": expression(step.condition), "max": step.limit}
        case ParallelStep():
            count = len(step.branches)
            return {"join": "all" if step.join >= count else "any" if step.join == 1 else step.join}
        case AskStep():
            return _ask(step)
        case WaitStep():
            return _wait(step)
        case CallStep():
            version = "latest" if step.digest is None else step.digest
            return {"call": step.playbook, **flat(step.inputs.value, "with"), "wait": step.waits, "version": version}
        case CodeStep():
            fields: Fields = {"code": step.source, **flat(step.inputs.value, "with"), "runtime": step.runtime.value}
            returns: Fields = {} if step.returns is None else {"returns": step.returns}
            return {**fields, "timeout": duration(step.timeout_s), **returns}
        case StopStep():
            return {"stop/outcome": step.outcome, **_given("stop/reason", step.reason.value or None)}
        case _:
            assert_never(step)


def _action(step: ActionStep) -> Fields:
    fields: Fields = {"action": step.action, **flat(step.arguments.value, "with"), **_given("connection", step.connection)}
    if step.retry.attempts > 1:
        retry = step.retry
        fields["retry"] = {"attempts": retry.attempts, "delay": duration(retry.delay_s), "backoff": retry.backoff}
    if step.effect is not None:
        fields["effect"] = step.effect.value
    fields |= _lasting("timeout", step.timeout_s) | _lasting("undo_after", step.undo_after_s)
    if step.polling is not None:
        fields |= {"repeat_until": expression(step.polling.until)}
        fields |= _lasting("every", step.polling.every_s) | _lasting("at_most", step.polling.at_most_s)
    return fields


def _ask(step: AskStep) -> Fields:
    to = step.to.value
    fields: Fields = {"ask/title": step.title.value, "ask/to": to if isinstance(to, list) else [to], "ask/via": [*sorted(step.via)]}
    fields |= {"ask/options": [*step.options], "ask/quorum": step.quorum}
    fields |= _given("ask/message", None if step.message is None else step.message.value)
    fields |= {} if step.form is None else flat(step.form, "ask/form")
    return fields | _lasting("ask/deadline", step.deadline_s) | _given("ask/on_deadline", step.on_deadline) | _escalated(step)


def _wait(step: WaitStep) -> Fields:
    fields = _lasting("wait/for", step.duration_s) | _value("wait/for", step.duration) | _value("wait/until", step.until)
    event = step.event
    if event is None:
        return fields
    fields |= {"wait/event": event.kind.value, "wait/on_deadline": event.on_deadline.value, **_given("wait/webhook", event.hook or None)}
    condition = None if event.filter is None else expression(event.filter)
    return fields | _given("wait/filter", condition) | _lasting("wait/deadline", event.deadline_s)


def _given(path: str, value: Json) -> Fields:
    return {} if value is None else {path: value}


def _value(path: str, template: Template | None) -> Fields:
    return {} if template is None else {path: template.value}


def _lasting(path: str, seconds: float | None) -> Fields:
    return {} if seconds is None else {path: duration(seconds)}


def inputs_of(schema: JsonObject) -> dict[str, JsonObject]:
    """Return the declared inputs by name, each with whether it is required."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return {}
    needed = required if isinstance(required, list) else []
    return {name: {**one, "required": name in needed} for name, one in properties.items() if isinstance(one, dict)}


def _escalated(step: AskStep) -> Fields:
    if step.escalation is None:
        return {}
    fields = {"ask/on_deadline/escalate": step.escalation.to.value} | _lasting("ask/on_deadline/deadline", step.escalation.deadline_s)
    return fields | _given("ask/on_deadline/then", step.escalation.on_deadline)
