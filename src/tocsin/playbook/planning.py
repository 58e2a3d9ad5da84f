"""Make the plan of a playbook that has no errors."""

from collections.abc import Iterator
from typing import assert_never

from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, Expression, Template, compile_template
from tocsin.playbook.model import (
    ActionNode,
    AlertTriggerNode,
    AskNode,
    Block,
    CallNode,
    ConditionSlot,
    ExpressionSlot,
    ForEachNode,
    IfNode,
    OtherNode,
    ParallelNode,
    Playbook,
    SetNode,
    StepNode,
    StopNode,
    SwitchNode,
    TemplateSlot,
    TriggerNode,
    WaitNode,
    kind_of_step,
    slots_of,
)
from tocsin.playbook.plan import (
    ActionStep,
    AlertTrigger,
    AskStep,
    CallStep,
    Common,
    ForEachStep,
    IfStep,
    ParallelStep,
    Plan,
    Retry,
    SetStep,
    Step,
    StopStep,
    SwitchStep,
    Trigger,
    WaitStep,
    WebhookTrigger,
)
from tocsin.playbook.plan import Block as PlanBlock


def plan_of(playbook: Playbook, digest: str) -> Plan:
    """Return the plan. The playbook was checked and has no errors."""
    return Plan(
        id=playbook.id.text,
        title=playbook.title,
        digest=digest,
        triggers=tuple(_trigger(trigger) for trigger in playbook.triggers),
        inputs=_inputs(playbook),
        steps=_Planner().block(playbook.steps),
        outputs=None if playbook.outputs is None else _template(playbook.outputs),
    )


def _trigger(trigger: TriggerNode) -> Trigger:
    if isinstance(trigger, AlertTriggerNode):
        return AlertTrigger(_condition(trigger.condition))
    return WebhookTrigger(trigger.name)


def _inputs(playbook: Playbook) -> JsonObject:
    properties: JsonObject = {one.name.text: one.schema for one in playbook.inputs}
    required: list[Json] = [one.name.text for one in playbook.inputs if one.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class _Planner:
    """Make the steps of one scope: steps without an id are named by their place in it."""

    def __init__(self) -> None:
        self.place = 0

    def block(self, block: Block) -> PlanBlock:
        return tuple(self.step(step) for step in block)

    def step(self, step: StepNode) -> Step:
        common = self._common(step)
        match step:
            case ActionNode():
                return ActionStep(
                    common=common,
                    action=step.action.text,
                    arguments=_template_or(step.arguments, {}),
                    connection=step.connection,
                    retry=step.retry or Retry(),
                    timeout_s=step.timeout_s,
                    effect=None if step.effect is None else step.effect[0],
                    reads=frozenset(_reads(step)),
                )
            case SetNode():
                return SetStep(common, _template(step.values))
            case IfNode():
                branches = tuple((_condition(condition), self.block(block)) for condition, block in step.branches)
                return IfStep(common, branches, self.block(step.otherwise or ()))
            case SwitchNode():
                cases = tuple((value.value, self.block(block)) for value, block in step.cases)
                return SwitchStep(common, _expression(step.subject), cases, self.block(step.default or ()))
            case ForEachNode():
                body = _Planner().block(step.body)
                return ForEachStep(common, _expression(step.items), step.variable.text, step.concurrency, body)
            case ParallelNode():
                return ParallelStep(common, tuple(self.block(branch) for branch in step.branches))
            case AskNode():
                return _ask(step, common)
            case WaitNode():
                duration, until = (None if slot is None else _template(slot) for slot in (step.duration, step.until))
                return WaitStep(common, step.duration_s, duration, until)
            case CallNode():
                return CallStep(common, step.playbook.text, _template_or(step.inputs, {}))
            case StopNode():
                return StopStep(common, step.outcome, _template(step.reason))
            case OtherNode():
                raise _unchecked(step.kind.value)
            case _:
                assert_never(step)

    def _common(self, step: StepNode) -> Common:
        self.place += 1
        head = step.head
        id = None if head.id is None else head.id.text
        key = id or f"{kind_of_step(step).value}@{self.place}"
        condition = None if head.condition is None else _condition(head.condition)
        return Common(key, id, head.name, head.line, condition, head.on_error)


def _ask(step: AskNode, common: Common) -> AskStep:
    return AskStep(
        common=common,
        title=_template(step.title),
        to=_template(step.to),
        via=step.via,
        message=None if step.message is None else _template(step.message),
        options=tuple(option.text for option in step.options),
        form=step.form,
        quorum=step.quorum,
        deadline_s=step.deadline_s,
        on_deadline=None if step.on_deadline is None else step.on_deadline.text,
    )


def _reads(step: ActionNode) -> Iterator[str]:
    for slot in (*slots_of(step), *(() if step.head.condition is None else (step.head.condition,))):
        for use in slot.uses:
            yield from (ref[1] for ref in use.expression.refs if ref[0] == "steps" and len(ref) > 1)


def _template(slot: TemplateSlot) -> Template:
    if slot.template is None:
        raise _unchecked("a template")
    return slot.template


def _template_or(slot: TemplateSlot | None, otherwise: JsonObject) -> Template:
    return compile_template(otherwise) if slot is None else _template(slot)


def _condition(slot: ConditionSlot) -> Condition:
    if slot.condition is None:
        raise _unchecked("a condition")
    return slot.condition


def _expression(slot: ExpressionSlot) -> Expression:
    if slot.expression is None:
        raise _unchecked("an expression")
    return slot.expression


def _unchecked(what: str) -> Invalid:
    return Invalid(f"The playbook has errors: {what} could not be compiled.", hint="Check the text first.")
