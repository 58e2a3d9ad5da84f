"""The model: a playbook as it is written, typed and located. Checks read it and name places; the plan is made from it.

A *slot* is a place where expressions may stand, compiled; its `uses` are the single expressions in it. What could not be
compiled was reported, and its slot is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

from tocsin.core.diagnostics import Span
from tocsin.core.effects import Effect
from tocsin.core.values import JsonObject
from tocsin.playbook.expr import Condition, Expression, Template
from tocsin.playbook.plan import Awaited, Join, OnDeadline, OnError, Retry, Runtime
from tocsin.playbook.tree import Node, Scalar

Block: TypeAlias = "tuple[StepNode, ...]"


class Kind(StrEnum):
    """What a step is."""

    ACTION = "action"
    SET = "set"
    IF = "if"
    SWITCH = "switch"
    FOR_EACH = "for_each"
    PARALLEL = "parallel"
    ASK = "ask"
    WAIT = "wait"
    CALL = "call"
    STOP = "stop"
    WHILE = "while"
    CODE = "code"
    NONE = "none"  # the step does not say


@dataclass(frozen=True, slots=True)
class Use:
    """One expression and the scalar that it stands in."""

    scalar: Scalar
    expression: Expression


@dataclass(frozen=True, slots=True)
class TemplateSlot:
    """A value that may hold expressions."""

    node: Node
    uses: tuple[Use, ...] = ()
    template: Template | None = None


@dataclass(frozen=True, slots=True)
class ExpressionSlot:
    """One expression."""

    node: Node
    uses: tuple[Use, ...] = ()
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class ConditionSlot:
    """One expression that must be true or false."""

    node: Node
    uses: tuple[Use, ...] = ()
    condition: Condition | None = None


Slot: TypeAlias = TemplateSlot | ExpressionSlot | ConditionSlot


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the author gave, and where."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Head:
    """What every step has. `span` is the key that says what the step is."""

    span: Span
    line: int
    id: Name | None = None
    name: str = ""
    condition: ConditionSlot | None = None
    on_error: OnError = OnError.FAIL
    handler: Block = ()  # with OnError.HANDLE


@dataclass(frozen=True, slots=True)
class PollingNode:
    """How an action is repeated; the condition knows the action's own result."""

    until: ConditionSlot
    every_s: float
    at_most_s: float


@dataclass(frozen=True, slots=True)
class ActionNode:
    """Call one action of a connector."""

    head: Head
    action: Name
    arguments: TemplateSlot | None = None
    connection: str | None = None
    retry: Retry | None = None
    timeout_s: float | None = None
    effect: tuple[Effect, Span] | None = None
    polling: PollingNode | None = None
    undo_after: tuple[float, Span] | None = None


@dataclass(frozen=True, slots=True)
class SetNode:
    """Name values."""

    head: Head
    values: TemplateSlot


@dataclass(frozen=True, slots=True)
class IfNode:
    """Take the first branch whose condition holds; `otherwise` is None if there is no `else`."""

    head: Head
    branches: tuple[tuple[ConditionSlot, Block], ...]
    otherwise: "Block | None" = None


@dataclass(frozen=True, slots=True)
class SwitchNode:
    """Take the case that equals the subject; `default` is None if there is none."""

    head: Head
    subject: ExpressionSlot
    cases: tuple[tuple[Scalar, Block], ...]
    default: "Block | None" = None


@dataclass(frozen=True, slots=True)
class ForEachNode:
    """Run the body once an item."""

    head: Head
    items: ExpressionSlot
    variable: Name
    concurrency: int
    body: Block


@dataclass(frozen=True, slots=True)
class WhileNode:
    """Run the body again while the condition holds; the condition knows the results of the round before."""

    head: Head
    condition: ConditionSlot
    limit: int
    body: Block


@dataclass(frozen=True, slots=True)
class ParallelNode:
    """Run branches at once."""

    head: Head
    branches: tuple[Block, ...]
    join: Join | int = Join.ALL


@dataclass(frozen=True, slots=True)
class EscalationNode:
    """Whom to ask instead after the deadline."""

    to: TemplateSlot
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class AskNode:
    """Ask people and wait."""

    head: Head
    title: TemplateSlot
    to: TemplateSlot
    via: tuple[str, ...]
    options: tuple[Name, ...]
    message: TemplateSlot | None = None
    form: JsonObject | None = None
    quorum: int = 1
    quorum_span: Span | None = None
    deadline_s: float | None = None
    on_deadline: Name | None = None  # with an escalation: after that
    escalation: EscalationNode | None = None


@dataclass(frozen=True, slots=True)
class EventNode:
    """The event that a `wait` waits for; its filter knows the event as `event`."""

    span: Span
    kind: Awaited
    hook: Name | None = None
    filter: ConditionSlot | None = None
    deadline_s: float | None = None
    on_deadline: OnDeadline = OnDeadline.FAIL


@dataclass(frozen=True, slots=True)
class WaitNode:
    """Wait for a while, until an instant or for an event."""

    head: Head
    duration_s: float | None = None
    duration: TemplateSlot | None = None
    until: TemplateSlot | None = None
    event: EventNode | None = None


@dataclass(frozen=True, slots=True)
class CallNode:
    """Run another playbook."""

    head: Head
    playbook: Name
    inputs: TemplateSlot | None = None
    waits: bool = True
    is_latest: bool = False  # the version that is published when the step runs, not when the playbook was saved


@dataclass(frozen=True, slots=True)
class CodeNode:
    """Run Python in a sandbox."""

    head: Head
    source: Scalar
    inputs: TemplateSlot | None = None
    runtime: Runtime = Runtime.MONTY
    timeout_s: float | None = None
    returns: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class StopNode:
    """End the run."""

    head: Head
    outcome: str
    reason: TemplateSlot


@dataclass(frozen=True, slots=True)
class OtherNode:
    """A step that was refused: of no kind or of several. Its id and steps are still known."""

    head: Head
    kind: Kind
    bodies: tuple[Block, ...] = ()
    slots: tuple[Slot, ...] = ()


StepNode: TypeAlias = (
    ActionNode
    | SetNode
    | IfNode
    | SwitchNode
    | ForEachNode
    | WhileNode
    | ParallelNode
    | AskNode
    | WaitNode
    | CallNode
    | CodeNode
    | StopNode
    | OtherNode
)


@dataclass(frozen=True, slots=True)
class AlertTriggerNode:
    """Start for each alert that the condition accepts."""

    span: Span
    condition: ConditionSlot


@dataclass(frozen=True, slots=True)
class WebhookTriggerNode:
    """Start for each call of a named hook."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class ScheduleTriggerNode:
    """Start at each instant of a cron line."""

    span: Span
    cron: str


@dataclass(frozen=True, slots=True)
class CaseTriggerNode:
    """Start when something happens to a case."""

    span: Span
    happening: str


TriggerNode: TypeAlias = AlertTriggerNode | WebhookTriggerNode | ScheduleTriggerNode | CaseTriggerNode


@dataclass(frozen=True, slots=True)
class InputNode:
    """One declared input: its JSON Schema, and whether a start must give it."""

    name: Name
    schema: JsonObject
    required: bool


@dataclass(frozen=True, slots=True)
class Playbook:
    """A whole playbook as written."""

    file: str
    span: Span
    id: Name
    title: str
    triggers: tuple[TriggerNode, ...]
    inputs: tuple[InputNode, ...]
    steps: Block
    outputs: TemplateSlot | None
    final: Block = ()


def kind_of_step(step: StepNode) -> Kind:
    """Name the kind of a step."""
    match step:
        case ActionNode():
            return Kind.ACTION
        case SetNode():
            return Kind.SET
        case IfNode():
            return Kind.IF
        case SwitchNode():
            return Kind.SWITCH
        case ForEachNode():
            return Kind.FOR_EACH
        case WhileNode():
            return Kind.WHILE
        case ParallelNode():
            return Kind.PARALLEL
        case AskNode():
            return Kind.ASK
        case WaitNode():
            return Kind.WAIT
        case CallNode():
            return Kind.CALL
        case CodeNode():
            return Kind.CODE
        case StopNode():
            return Kind.STOP
        case OtherNode():
            return step.kind
        case _:
            assert_never(step)


def blocks_of(step: StepNode) -> tuple[Block, ...]:
    """Return the blocks inside a step, in the order of the text; the handler of its errors is the last."""
    own = () if isinstance(step, _WITHOUT_BLOCKS) else _own_blocks(step)
    return (*own, step.head.handler) if step.head.handler else own


_WITHOUT_BLOCKS: Final = (ActionNode, SetNode, AskNode, WaitNode, CallNode, CodeNode, StopNode)  # most steps: it is asked often


def _own_blocks(step: StepNode) -> tuple[Block, ...]:
    match step:
        case IfNode():
            return (*(block for _, block in step.branches), *(() if step.otherwise is None else (step.otherwise,)))
        case SwitchNode():
            return (*(block for _, block in step.cases), *(() if step.default is None else (step.default,)))
        case ForEachNode() | WhileNode():
            return (step.body,)
        case ParallelNode():
            return step.branches
        case OtherNode():
            return step.bodies
        case _:
            return ()


def slots_of(step: StepNode) -> tuple[Slot, ...]:
    """Return the slots that are evaluated when the step starts, its own `if` excepted. Conditions of later branches are among them."""
    match step:
        case ActionNode():
            return _given(step.arguments)
        case SetNode():
            return (step.values,)
        case IfNode():
            return tuple(condition for condition, _ in step.branches)
        case SwitchNode():
            return (step.subject,)
        case ForEachNode():
            return (step.items,)
        case ParallelNode() | WhileNode():
            return ()
        case AskNode():
            escalation = None if step.escalation is None else step.escalation.to
            return (step.title, step.to, *_given(step.message), *_given(escalation))
        case WaitNode():
            return _given(step.duration) + _given(step.until)
        case CallNode() | CodeNode():
            return _given(step.inputs)
        case StopNode():
            return (step.reason,)
        case OtherNode():
            return step.slots
        case _:
            assert_never(step)


def late_slots_of(step: StepNode) -> tuple[ConditionSlot, ...]:
    """Return the conditions that know more than the step's start does: a result of its own, a round before, an event."""
    match step:
        case ActionNode():
            return () if step.polling is None else (step.polling.until,)
        case WhileNode():
            return (step.condition,)
        case WaitNode():
            return () if step.event is None or step.event.filter is None else (step.event.filter,)
        case _:
            return ()


def steps_of(block: Block) -> Iterator[StepNode]:
    """Yield every step of a block and of the blocks inside it, in the order of the text."""
    for step in block:
        yield step
        for inner in blocks_of(step):
            yield from steps_of(inner)


def slots_in(block: Block) -> Iterator[Slot]:
    """Yield every slot of a block and of the blocks inside it."""
    for step in steps_of(block):
        if step.head.condition is not None:
            yield step.head.condition
        yield from slots_of(step)
        yield from late_slots_of(step)


def _given(slot: TemplateSlot | None) -> tuple[Slot, ...]:
    return () if slot is None else (slot,)
