"""Parse the keys that belong to one kind of step."""

from typing import Final, assert_never

from tocsin.core.effects import Effect
from tocsin.playbook.codes import constructs, flow, names
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import (
    ActionNode,
    Block,
    CallNode,
    ConditionSlot,
    ExpressionSlot,
    ForEachNode,
    IfNode,
    Kind,
    Name,
    OtherNode,
    ParallelNode,
    SetNode,
    StepNode,
    StopNode,
    SwitchNode,
    TemplateSlot,
)
from tocsin.playbook.parsing.asks import parse_ask
from tocsin.playbook.parsing.code import parse_code
from tocsin.playbook.parsing.fields import check_snake
from tocsin.playbook.parsing.keys import Keys, fixed_text, items_of, mapping_of, one_of, wrong_type
from tocsin.playbook.parsing.loops import parse_polling, parse_while
from tocsin.playbook.parsing.parts import Parts, map_slot
from tocsin.playbook.parsing.values import OPEN, condition_slot, expression_slot, template_slot
from tocsin.playbook.parsing.waits import parse_wait
from tocsin.playbook.plan import Join, Retry
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar, Sequence, Style

MAX_ATTEMPTS: Final = 20
MAX_CONCURRENCY: Final = 100
MAX_BRANCHES: Final = 32
_EFFECTS: Final = {effect.value: effect for effect in Effect}
_VERSIONS: Final = {word: word for word in ("latest", "pinned")}
_OUTCOMES: Final = {word: word for word in ("succeeded", "failed")}


def parse_kind(kind: Kind, parts: Parts) -> StepNode:
    """Parse a step of a known kind."""
    match kind:
        case Kind.ACTION:
            return _action(parts)
        case Kind.SET:
            return SetNode(parts.head, map_slot(parts, "set") or TemplateSlot(parts.nothing()))
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
            return parse_wait(parts)
        case Kind.CALL:
            return _call(parts)
        case Kind.STOP:
            return _stop(parts)
        case Kind.WHILE:
            return parse_while(parts)
        case Kind.CODE:
            return parse_code(parts)
        case Kind.NONE:
            return OtherNode(parts.head, kind)
        case _:
            assert_never(kind)


def _action(parts: Parts) -> StepNode:
    keys = parts.keys
    name = keys.name("action")
    arguments, connection = map_slot(parts, "with", whole=True), keys.text("connection")
    retry, timeout, effect = _retry(parts), keys.duration("timeout"), keys.word("effect", _EFFECTS)
    polling, undo = parse_polling(parts), keys.entry("undo_after")
    undo_s = None if undo is None else parts.duration(undo)
    if name is None:
        return OtherNode(parts.head, Kind.ACTION, slots=() if arguments is None else (arguments,))
    undo_after = None if undo is None or undo_s is None else (undo_s, undo.key.span)
    return ActionNode(parts.head, name, arguments, connection, retry, timeout, effect, polling, undo_after)


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
    node = parts.keys.node("parallel")
    items = () if node is None else items_of(node, parts.findings, "'parallel'")
    if isinstance(node, Sequence) and not items:
        parts.findings.add(flow.EMPTY_BLOCK, parts.head.span, "'parallel' has no branches.", "Write at least two lists of steps.")
    if len(items) > MAX_BRANCHES:
        message = f"'parallel' has {len(items)} branches; at most {MAX_BRANCHES} may run at once."
        parts.findings.add(flow.FAN_OUT, parts.head.span, message, "Use for_each with concurrency.")
    return ParallelNode(parts.head, tuple(_branch(item, parts) for item in items), _join(join, len(items), parts.findings))


def _join(entry: Entry | None, branches: int, findings: Findings) -> Join | int:
    if entry is None:
        return Join.ALL
    value = entry.value.value if isinstance(entry.value, Scalar) else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        if value > branches:
            message = f"'join' needs {value} branches, and there are {branches}."
            findings.add(constructs.JOIN_TOO_MANY, entry.value.head, message, "Write all, any, or a smaller number.")
        return value
    if value not in tuple(Join):
        hint = "Write all, any, or how many branches must succeed."
        findings.add(names.NOT_ONE_OF, entry.value.head, "'join' must be all, any or a number.", hint)
        return Join.ALL
    return Join(str(value))


def _branch(node: Node, parts: Parts) -> Block:
    if isinstance(node, Mapping):
        hint = "Each branch is a list of its own: write '- - ' before its first step."
        parts.findings.add(names.WRONG_TYPE, node.head, "A branch of 'parallel' must be a list of steps, not a map.", hint)
        return ()
    return parts.steps(node, "The branch", node.head)


def _call(parts: Parts) -> StepNode:
    playbook, waits, version = parts.keys.name("call"), parts.keys.boolean("wait"), parts.keys.word("version", _VERSIONS)
    inputs = map_slot(parts, "with", whole=True)
    if playbook is None:
        return OtherNode(parts.head, Kind.CALL, slots=() if inputs is None else (inputs,))
    return CallNode(parts.head, playbook, inputs, waits is not False, version is not None and version[0] == "latest")


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
