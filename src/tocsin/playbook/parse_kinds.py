"""Parse the keys that belong to one kind of step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from tocsin.core.diagnostics import Span
from tocsin.core.effects import Effect
from tocsin.playbook.codes import flow, names
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import (
    ActionNode,
    Block,
    CallNode,
    ConditionSlot,
    ExpressionSlot,
    ForEachNode,
    Head,
    IfNode,
    Kind,
    Name,
    OtherNode,
    ParallelNode,
    SetNode,
    Slot,
    StepNode,
    StopNode,
    SwitchNode,
    TemplateSlot,
    WaitNode,
)
from tocsin.playbook.parse_asks import parse_ask
from tocsin.playbook.parse_fields import check_snake
from tocsin.playbook.parse_keys import Keys, duration_of, fixed_text, items_of, mapping_of, not_yet, one_of, wrong_type
from tocsin.playbook.parse_values import OPEN, condition_slot, expression_slot, template_slot
from tocsin.playbook.plan import Retry
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar, Sequence, Style

MAX_ATTEMPTS: Final = 20
MAX_CONCURRENCY: Final = 100
MAX_BRANCHES: Final = 32
_EFFECTS: Final = {effect.value: effect for effect in Effect}
_OUTCOMES: Final = {word: word for word in ("succeeded", "failed")}
_INSTEAD_OF_POLLING: Final = "Let the action's connector wait, or start the playbook again later."

ReadBlock: TypeAlias = Callable[[Entry, str], Block]
ReadSteps: TypeAlias = Callable[[Node, str, Span], Block]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a step is parsed from: its keys, what was read of it already, and how blocks inside it are read."""

    keys: Keys
    head: Head
    findings: Findings
    block: ReadBlock
    steps: ReadSteps

    def required_block(self, key: str) -> Block:
        """Parse a block that must be there."""
        entry = self.keys.entry(key)
        if entry is None:
            self.keys.missing(key, f"Add {key}: with a list of steps.")
            return ()
        return self.block(entry, f"'{key}'")

    def optional_block(self, key: str) -> "Block | None":
        """Parse a block that may be there."""
        entry = self.keys.entry(key)
        return None if entry is None else self.block(entry, f"'{key}'")

    def template(self, key: str) -> TemplateSlot | None:
        """Parse a value that may hold expressions."""
        node = self.keys.node(key)
        return None if node is None else template_slot(node, self.findings)

    def nothing(self) -> Scalar:
        """Return a node for something that is missing and was reported."""
        return Scalar(self.head.span, None, Style.REFUSED, "")


def parse_kind(kind: Kind, parts: Parts) -> StepNode:
    """Parse a step of a known kind."""
    match kind:
        case Kind.ACTION:
            return _action(parts)
        case Kind.SET:
            return SetNode(parts.head, _map_slot(parts, "set") or TemplateSlot(parts.nothing()))
        case Kind.IF:
            return _if(parts)
        case Kind.SWITCH:
            return _switch(parts)
        case Kind.FOR_EACH:
            return _for_each(parts)
        case Kind.PARALLEL:
            return _parallel(parts)
        case Kind.ASK:
            node = parts.keys.node("ask")
            mapping = mapping_of(node, parts.findings, "'ask'") if node is not None else None
            return OtherNode(parts.head, kind) if mapping is None else parse_ask(mapping, parts.head, parts.findings)
        case Kind.WAIT:
            return _wait(parts)
        case Kind.CALL:
            return _call(parts)
        case Kind.STOP:
            return _stop(parts)
        case Kind.WHILE | Kind.CODE | Kind.NONE:
            return _other(kind, parts)
        case _:
            assert_never(kind)


def _action(parts: Parts) -> StepNode:
    keys = parts.keys
    for key, instead in (
        ("undo_after", "Undo it in a later step: wait, then the inverse action."),
        ("repeat_until", _INSTEAD_OF_POLLING),
        ("every", _INSTEAD_OF_POLLING),
        ("at_most", _INSTEAD_OF_POLLING),
    ):
        keys.not_yet(key, instead)
    name = keys.name("action")
    arguments, connection = _map_slot(parts, "with", whole=True), keys.text("connection")
    retry, timeout, effect = _retry(parts), keys.duration("timeout"), keys.word("effect", _EFFECTS)
    if name is None:
        return OtherNode(parts.head, Kind.ACTION, slots=() if arguments is None else (arguments,))
    return ActionNode(parts.head, name, arguments, connection, retry, timeout, effect)


def _retry(parts: Parts) -> Retry | None:
    node = parts.keys.node("retry")
    mapping = None if node is None else mapping_of(node, parts.findings, "'retry'")
    if mapping is None:
        return None
    keys = Keys(mapping, parts.findings, what="'retry'")
    attempts, delay, backoff = keys.integer("attempts", 1, MAX_ATTEMPTS), keys.duration("delay"), keys.number("backoff", 1, 10)
    if "attempts" not in [entry.key.value for entry in mapping.entries]:
        keys.missing("attempts", "Say how often to try in all, as attempts: 3.")
    keys.done()
    standard = Retry()
    return Retry(
        attempts=attempts[0] if attempts else standard.attempts,
        delay_s=standard.delay_s if delay is None else delay,
        backoff=standard.backoff if backoff is None else backoff,
    )


def _map_slot(parts: Parts, key: str, *, whole: bool = False) -> TemplateSlot | None:
    """Parse a map of values; with `whole` one expression may stand for all of it."""
    node = parts.keys.node(key)
    if isinstance(node, Scalar) and node.style is Style.REFUSED:
        return TemplateSlot(node)
    if node is None or (isinstance(node, Scalar) and node.value is None and node.raw == "" and whole):
        return None
    is_expression = whole and isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip().startswith(OPEN)
    if not isinstance(node, Mapping) and not is_expression:
        wrong_type(node, f"'{key}' must be a map", parts.findings)
        return TemplateSlot(node)
    return template_slot(node, parts.findings)


def _if(parts: Parts) -> StepNode:
    condition = parts.keys.required("if", "Write the condition as if: ${{ … }}.")
    first = condition_slot(condition, parts.findings) if condition is not None else ConditionSlot(parts.nothing())
    branches = [(first, parts.required_block("then"))]
    elif_node = parts.keys.node("elif")
    if elif_node is not None:
        branches += _elifs(elif_node, parts)
    return IfNode(parts.head, tuple(branches), parts.optional_block("else"))


def _elifs(node: Node, parts: Parts) -> list[tuple[ConditionSlot, Block]]:
    branches = []
    for item in items_of(node, parts.findings, "'elif'"):
        mapping = mapping_of(item, parts.findings, "A branch of 'elif'")
        if mapping is None:
            continue
        keys = Keys(mapping, parts.findings, what="A branch of 'elif'")
        condition, then = keys.required("if", "Write its condition as if: ${{ … }}."), keys.entry("then")
        if then is None:
            keys.missing("then", "Add then: with a list of steps.")
        slot = condition_slot(condition, parts.findings) if condition is not None else ConditionSlot(parts.nothing())
        branches.append((slot, () if then is None else parts.block(then, "'then'")))
        keys.done()
    return branches


def _switch(parts: Parts) -> StepNode:
    subject = parts.keys.node("switch")
    slot = expression_slot(subject, parts.findings) if subject is not None else ExpressionSlot(parts.nothing())
    node = parts.keys.required("cases", "Add cases: with a map from values to steps.")
    cases = () if node is None else _cases(node, parts)
    return SwitchNode(parts.head, slot, cases, parts.optional_block("default"))


def _cases(node: Node, parts: Parts) -> tuple[tuple[Scalar, Block], ...]:
    if isinstance(node, Mapping):
        if not node.entries:
            parts.findings.add(flow.EMPTY_BLOCK, node.span, "'cases' has no cases.", "Write at least one.")
        return tuple((entry.key, parts.block(entry, f"The case '{entry.key.value}'")) for entry in node.entries)
    cases = []
    for item in items_of(node, parts.findings, "'cases'"):
        mapping = mapping_of(item, parts.findings, "A case")
        if mapping is None:
            continue
        keys = Keys(mapping, parts.findings, what="A case")
        value, steps = keys.required("when", "Write the value as when: high."), keys.entry("steps")
        if steps is None:
            keys.missing("steps", "Add steps: with a list of steps.")
        block = () if steps is None else parts.block(steps, "The case")
        if isinstance(value, Scalar):
            if isinstance(value.value, str) and OPEN in value.value:
                fixed_text(value, parts.findings, "'when'")
            cases.append((value, block))
        elif value is not None:
            wrong_type(value, "'when' must be a text, number or boolean", parts.findings)
        keys.done()
    return tuple(cases)


def _for_each(parts: Parts) -> StepNode:
    items = parts.keys.node("for_each")
    slot = expression_slot(items, parts.findings) if isinstance(items, Scalar) else _list_expression(items, parts)
    variable = parts.keys.name("as")
    if variable is not None:
        check_snake(variable, parts.findings, "The name")
    concurrency = parts.keys.integer("concurrency", 1, MAX_CONCURRENCY, flow.FAN_OUT)
    body = parts.required_block("steps")
    return ForEachNode(parts.head, slot, variable or Name("item", parts.head.span), concurrency[0] if concurrency else 1, body)


def _list_expression(node: Node | None, parts: Parts) -> ExpressionSlot:
    if node is not None:
        hint = "Name the list in a set step, and write for_each: ${{ steps.<id>.<name> }}."
        parts.findings.add(names.WRONG_TYPE, node.head, "'for_each' must be an expression, not a list or map.", hint)
    return ExpressionSlot(parts.nothing() if node is None else node)


def _parallel(parts: Parts) -> StepNode:
    join = parts.keys.entry("join")
    if join is not None:
        value = join.value.value if isinstance(join.value, Scalar) else None
        if value == "any" or (isinstance(value, int) and not isinstance(value, bool)):
            not_yet(join.value.head, f"'join: {value}'", "Leave it out: parallel waits for all branches.", parts.findings)
        elif value != "all":
            parts.findings.add(names.NOT_ONE_OF, join.value.head, "'join' must be all.", "Leave it out: parallel waits for all branches.")
    node = parts.keys.node("parallel")
    items = () if node is None else items_of(node, parts.findings, "'parallel'")
    if isinstance(node, Sequence) and not items:
        parts.findings.add(flow.EMPTY_BLOCK, parts.head.span, "'parallel' has no branches.", "Write at least two lists of steps.")
    if len(items) > MAX_BRANCHES:
        message = f"'parallel' has {len(items)} branches; at most {MAX_BRANCHES} may run at once."
        parts.findings.add(flow.FAN_OUT, parts.head.span, message, "Use for_each with concurrency.")
    return ParallelNode(parts.head, tuple(_branch(item, parts) for item in items))


def _branch(node: Node, parts: Parts) -> Block:
    if isinstance(node, Mapping):
        hint = "Each branch is a list of its own: write '- - ' before its first step."
        parts.findings.add(names.WRONG_TYPE, node.head, "A branch of 'parallel' must be a list of steps, not a map.", hint)
        return ()
    return parts.steps(node, "The branch", node.head)


def _wait(parts: Parts) -> StepNode:
    node = parts.keys.node("wait")
    if isinstance(node, Mapping):
        return _wait_map(node, parts)
    return WaitNode(parts.head) if node is None else _wait_for(node, parts)


def _wait_for(node: Node, parts: Parts) -> WaitNode:
    if isinstance(node, Scalar) and isinstance(node.value, str) and OPEN in node.value:
        return WaitNode(parts.head, duration=template_slot(node, parts.findings))
    return WaitNode(parts.head, duration_s=duration_of(node, parts.findings, "'wait'"))


def _wait_map(mapping: Mapping, parts: Parts) -> StepNode:
    keys = Keys(mapping, parts.findings, what="'wait'", point=parts.head.span)
    for key in ("event", "alert", "case", "where"):
        keys.not_yet(key, "Wait for a duration, or start another playbook by a trigger.")
    duration, until = keys.node("for"), keys.node("until")
    known = {entry.key.value for entry in mapping.entries}
    keys.done()
    if duration is not None and until is not None:
        parts.findings.add(names.SEVERAL_KINDS, until.head, "'wait' has both 'for' and 'until'.", "Keep one.")
    elif duration is None and until is None and not known & {"event", "alert", "case", "where"}:
        parts.findings.add(names.MISSING_KEY, parts.head.span, "'wait' needs 'for' or 'until'.", "Write wait: 5m, or until: ${{ … }}.")
    if until is not None:
        return WaitNode(parts.head, until=template_slot(until, parts.findings))
    return WaitNode(parts.head) if duration is None else _wait_for(duration, parts)


def _call(parts: Parts) -> StepNode:
    playbook = parts.keys.name("call")
    wait = parts.keys.entry("wait")
    if wait is not None:
        value = wait.value.value if isinstance(wait.value, Scalar) else None
        if value is False:
            not_yet(wait.key.span, "'call' with wait: false", "Leave it out: the run waits for the playbook that it calls.", parts.findings)
        elif value is not True:
            wrong_type(wait.value, "'wait' of a call must be true", parts.findings)
    inputs = _map_slot(parts, "with", whole=True)
    if playbook is None:
        return OtherNode(parts.head, Kind.CALL, slots=() if inputs is None else (inputs,))
    return CallNode(parts.head, playbook, inputs)


def _stop(parts: Parts) -> StepNode:
    node = parts.keys.node("stop")
    empty = template_slot(_text(parts, ""), parts.findings)
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return StopNode(parts.head, "succeeded", empty)
    if not isinstance(node, Mapping):
        name = fixed_text(node, parts.findings, "'stop'")
        word = None if name is None else one_of(name, _OUTCOMES, parts.findings)
        return StopNode(parts.head, word[0] if word else "succeeded", empty)
    keys = Keys(node, parts.findings, what="'stop'", point=parts.head.span)
    outcome, reason = keys.word("outcome", _OUTCOMES), keys.node("reason")
    keys.done()
    if reason is not None and not (isinstance(reason, Scalar) and isinstance(reason.value, str)):
        wrong_type(reason, "'reason' must be a text", parts.findings)
    slot = empty if reason is None else template_slot(reason, parts.findings)
    return StopNode(parts.head, outcome[0] if outcome else "succeeded", slot)


def _text(parts: Parts, text: str) -> Scalar:
    return Scalar(parts.head.span, text, Style.PLAIN, text)


def _other(kind: Kind, parts: Parts) -> OtherNode:
    """Read what can be read of a kind that is not there yet, so that the rest of the playbook is checked as if it were."""
    instead = {
        Kind.WHILE: "Use for_each over a list, or wait and call the playbook again.",
        Kind.CODE: "Use set with filters, or an action of a connector of your own.",
    }.get(kind, "")
    not_yet(parts.head.span, f"'{kind.value}'", instead, parts.findings)
    slots: list[Slot] = []
    node = parts.keys.node(kind.value)
    if kind is Kind.WHILE and node is not None:
        slots.append(condition_slot(node, parts.findings))
    inputs = parts.template("with") or parts.template("inputs")
    slots += [] if inputs is None else [inputs]
    body = parts.optional_block("steps")
    parts.keys.drop()
    return OtherNode(parts.head, kind, () if body is None else (body,), tuple(slots))
