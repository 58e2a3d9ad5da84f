"""Make the plan of a playbook that has no errors."""

from collections.abc import Iterator, Mapping
from typing import Final, assert_never

from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import Condition, Expression, Template, compile_template
from tocsin.playbook.model import (
    ActionNode,
    AlertTriggerNode,
    AskNode,
    Block,
    CallNode,
    CaseTriggerNode,
    CodeNode,
    ConditionSlot,
    ExpressionSlot,
    ForEachNode,
    IfNode,
    OtherNode,
    ParallelNode,
    Playbook,
    ScheduleTriggerNode,
    SetNode,
    StepNode,
    StopNode,
    SwitchNode,
    TemplateSlot,
    TriggerNode,
    WaitNode,
    WebhookTriggerNode,
    WhileNode,
    kind_of_step,
    slots_of,
)
from tocsin.playbook.plan import (
    ActionStep,
    AlertTrigger,
    AskStep,
    CallStep,
    CaseTrigger,
    CodeStep,
    Common,
    Escalation,
    EventWait,
    ForEachStep,
    IfStep,
    Join,
    OnError,
    ParallelStep,
    Plan,
    Polling,
    Retry,
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
from tocsin.playbook.plan import Block as PlanBlock

DEFAULT_CODE_TIMEOUT_S: Final = 5.0


def plan_of(playbook: Playbook, digest: str, *, pins: Mapping[str, str]) -> Plan:
    """Return the plan; `pins` are the digests of the playbooks that it calls. The playbook was checked and has no errors."""
    planner = _Planner(pins)
    return Plan(
        id=playbook.id.text,
        title=playbook.title,
        digest=digest,
        triggers=tuple(_trigger(trigger) for trigger in playbook.triggers),
        inputs=_inputs(playbook),
        steps=planner.block(playbook.steps),
        final=planner.block(playbook.final),
        outputs=None if playbook.outputs is None else _template(playbook.outputs),
    )


def _trigger(trigger: TriggerNode) -> Trigger:
    match trigger:
        case AlertTriggerNode():
            return AlertTrigger(_condition(trigger.condition))
        case WebhookTriggerNode():
            return WebhookTrigger(trigger.name)
        case ScheduleTriggerNode():
            return ScheduleTrigger(trigger.cron)
        case CaseTriggerNode():
            return CaseTrigger(trigger.happening)


def _inputs(playbook: Playbook) -> JsonObject:
    properties: JsonObject = {one.name.text: one.schema for one in playbook.inputs}
    required: list[Json] = [one.name.text for one in playbook.inputs if one.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class _Planner:
    """Make the steps of one scope: steps without an id are named by their place in it."""

    def __init__(self, pins: Mapping[str, str]) -> None:
        self.pins = pins
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
                    polling=_polling(step),
                    undo_after_s=None if step.undo_after is None else step.undo_after[0],
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
                body = _Planner(self.pins).block(step.body)
                return ForEachStep(common, _expression(step.items), step.variable.text, step.concurrency, body)
            case WhileNode():
                return WhileStep(common, _condition(step.condition), step.limit, _Planner(self.pins).block(step.body))
            case ParallelNode():
                blocks = tuple(self.block(branch) for branch in step.branches)
                return ParallelStep(common, blocks, _join(step.join, len(blocks)))
            case AskNode():
                return _ask(step, common)
            case WaitNode():
                duration, until = (None if slot is None else _template(slot) for slot in (step.duration, step.until))
                return WaitStep(common, step.duration_s, duration, until, _event(step))
            case CallNode():
                digest = None if step.is_latest else self.pins.get(step.playbook.text)
                return CallStep(common, step.playbook.text, _template_or(step.inputs, {}), step.waits, digest)
            case CodeNode():
                return CodeStep(
                    common=common,
                    source=str(step.source.value),
                    inputs=_template_or(step.inputs, {}),
                    runtime=step.runtime,
                    timeout_s=DEFAULT_CODE_TIMEOUT_S if step.timeout_s is None else step.timeout_s,
                    returns=step.returns,
                    reads=frozenset(_reads(step)),
                )
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
        handler = self.block(head.handler) if head.on_error is OnError.HANDLE else ()
        return Common(key, id, head.name, head.line, condition, head.on_error, handler)


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
        on_deadline=None if step.on_deadline is None or step.escalation is not None else step.on_deadline.text,
        escalation=_escalation(step),
    )


def _escalation(step: AskNode) -> Escalation | None:
    node = step.escalation
    if node is None:
        return None
    deadline_s = node.deadline_s or step.deadline_s or 0.0
    return Escalation(_template(node.to), deadline_s, None if step.on_deadline is None else step.on_deadline.text)


def _join(join: Join | int, branches: int) -> int:
    if isinstance(join, int):
        return join
    return 1 if join is Join.ANY else branches


def _polling(step: ActionNode) -> Polling | None:
    node = step.polling
    return None if node is None else Polling(_condition(node.until), node.every_s, node.at_most_s)


def _event(step: WaitNode) -> EventWait | None:
    node = step.event
    if node is None:
        return None
    condition = None if node.filter is None else _condition(node.filter)
    return EventWait(node.kind, "" if node.hook is None else node.hook.text, condition, node.deadline_s, node.on_deadline)


def _reads(step: ActionNode | CodeNode) -> Iterator[str]:
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
