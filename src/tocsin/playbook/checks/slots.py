"""What each slot of a step must come out as."""

from typing import Final

from tocsin.core.effects import Effect
from tocsin.playbook.checks.arguments import check_arguments, check_inputs
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.reading import Given, Reader
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.codes import branches, hazards, names, typing
from tocsin.playbook.codes.code import Code
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.expr.grammar import Kind
from tocsin.playbook.expr.scan import OPEN
from tocsin.playbook.expr.tree import Compared, Constant
from tocsin.playbook.model import ActionNode, AskNode, CallNode, ConditionSlot, ForEachNode, SwitchNode, TemplateSlot
from tocsin.playbook.offsets import locate
from tocsin.playbook.parsing.keys import listed
from tocsin.playbook.tree import Mapping, Scalar
from tocsin.playbook.types import world
from tocsin.playbook.types.compare import Equality, equality
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.infer import infer
from tocsin.playbook.types.lattice import TEXT, Items, Text, Type, kinds_of, literal, members_of, nullness, objects_of
from tocsin.playbook.types.operators import options_of

_TIME: Final = frozenset({Kind.TEXT, Kind.NUMBER})
_COMMANDS: Final = frozenset({"command", "cmd", "shell", "script", "powershell", "command_line"})
_NO: Final = "reject"


def check_trigger(slot: ConditionSlot, context: Context) -> None:
    """Report what is wrong with the condition of a trigger."""
    scope = Scope({"alert": world.ALERT, "workspace": world.WORKSPACE, "now": TEXT})
    use = slot.uses[0]

    def report(code: Code, offset: int, length: int, message: str, hint: str) -> None:
        start = use.expression.start + offset
        context.report(code, locate(use.scalar, start, start + length), message, hint)

    infer(use.expression.tree, scope, source=use.expression.source, report=report, is_condition=True)


def check_action(step: ActionNode, given: Given | None, reader: Reader, scope: Scope) -> None:
    """Report arguments that the action does not take, and what is done against an answer."""
    spec = reader.context.spec_of(step)
    if reader.is_quiet:
        return
    if spec is not None:
        check_arguments(step, given, spec, reader.context)
    _command(step, reader)
    if reader.context.effect_of(step) is Effect.DESTRUCTIVE:
        _rejected(step, reader, scope)


def _command(step: ActionNode, reader: Reader) -> None:
    node = None if step.arguments is None else step.arguments.node
    for entry in node.entries if isinstance(node, Mapping) else ():
        value = entry.value
        text = value.value if isinstance(value, Scalar) and isinstance(value.value, str) else ""
        if str(entry.key.value).lower() in _COMMANDS and OPEN in text and not text.startswith(OPEN):
            message = f"A value is pasted into '{entry.key.value}'."
            hint = "Hand it over as an argument of its own."
            reader.context.report(hazards.VALUE_IN_COMMAND, value.head, message, hint)


def _rejected(step: ActionNode, reader: Reader, scope: Scope) -> None:
    for ref, type in scope.facts.items():
        if len(ref) == 3 and ref[0] == "steps" and ref[2] == "answer" and isinstance(type, Text) and type.options == (_NO,):
            result = scope.results.get(str(ref[1]))
            if result is not None and isinstance(result.step, AskNode):
                message = f"This runs only when the answer to '{ref[1]}' is '{_NO}'."
                hint = "Put it into the branch of the other answer."
                reader.context.report(hazards.ACTS_ON_REJECTION, step.action.span, message, hint)


def check_call(step: CallNode, given: Given | None, reader: Reader) -> None:
    """Report inputs that the called playbook does not take."""
    playbooks = reader.context.playbooks
    schema = None if playbooks is None else playbooks.inputs(step.playbook.text)
    if schema is not None and not reader.is_quiet:
        check_inputs(step, given, schema, reader.context)


def check_recipients(step: AskNode, given: Given, reader: Reader) -> None:
    """Report an expression that stands for people and is no list of texts."""
    kinds = kinds_of(given.type)
    if reader.is_quiet or kinds is None or not given.by_scalar:
        return
    item = [kinds_of(one.item) for one in members_of(given.type) if isinstance(one, Items)]
    wrong = not kinds & {Kind.TEXT, Kind.LIST} or any(one is not None and Kind.TEXT not in one for one in item)
    if wrong:
        message = f"Who is asked is a list of texts, not {described(given.type)}."
        reader.context.report(typing.WRONG_RECIPIENTS, step.to.node.head, message, "Write [role:responder].")


def check_time(slot: TemplateSlot, type: Type, reader: Reader, *, is_instant: bool) -> None:
    """Report a wait for what is no time."""
    kinds = kinds_of(type)
    if reader.is_quiet or kinds is None or not slot.uses:
        return
    wanted = frozenset({Kind.TEXT}) if is_instant else _TIME
    if not kinds & wanted:
        what, hint = ("an instant", "Write until: ${{ now | date_add('4h') }}.") if is_instant else ("a duration", "Write wait: 4h.")
        reader.context.report(typing.WRONG_WAIT, slot.node.head, f"This is {described(type)}, and not {what}.", hint)


def check_loop(step: ForEachNode, items: Type, reader: Reader) -> None:
    """Report a loop over what is no list."""
    kinds = kinds_of(items)
    if reader.is_quiet or kinds is None or kinds == {Kind.LIST}:
        return
    span = step.items.node.head
    if Kind.LIST not in kinds:
        hint = "Write … | items to run over the keys and values of a map." if Kind.OBJECT in kinds else "Put it in a list: [ … ]."
        reader.context.report(names.NOT_A_LIST, span, f"for_each runs over a list, and this is {described(items)}.", hint)
    elif any(one.is_error for one in objects_of(items)):
        message = "When the step fails, this is its error and no list; then the loop fails."
        reader.context.report(typing.MAY_BE_ERROR, span, message, "Test `steps.<id>.error is defined` first.")
    elif (null := nullness(items)) is not None and not null.is_rare:
        reader.context.report(typing.MAY_BE_NULL, span, "This may be null, and for_each needs a list.", "Write … | default([]).")


def check_cases(step: SwitchNode, subject: Type, reader: Reader, scope: Scope) -> list[Scope]:
    """Report cases that the subject never is; return what is known in each case."""
    left = subject
    options = options_of(subject) if isinstance(subject, Text) else None
    for value, _ in step.cases:
        if not reader.is_quiet:
            _case(value, left, options, reader)
    values = {value.value for value, _ in step.cases}
    if options is not None and len(options) > 1 and step.default and values.issuperset(options) and not reader.is_quiet:
        message = "Every value has a case, so the default never runs."
        reader.context.report(branches.DEFAULT_NEVER_RUNS, step.default[0].head.span, message, "Remove it.")
    return [_in_case(step, value, scope) for value, _ in step.cases]


def _case(value: Scalar, subject: Type, options: tuple[str, ...] | None, reader: Reader) -> None:
    verdict = equality(subject, literal(value.value))
    if verdict is Equality.OTHER_KIND:
        message = f"The case never matches: the value is {described(subject)}."
        reader.context.report(branches.CASE_CANNOT_MATCH, value.span, message, "Change the value of the case.")
    elif verdict is Equality.OTHER_OPTION and options is not None:
        hint = nearest(str(value.value), options) or f"It is one of {listed(options, 'or')}."
        reader.context.report(branches.CASE_CANNOT_MATCH, value.span, f"The value is never '{shown(str(value.value))}'.", hint)


def _in_case(step: SwitchNode, value: Scalar, scope: Scope) -> Scope:
    inner = scope.branch()
    if step.subject.expression is not None:
        tree = step.subject.expression.tree
        inner.facts = scope.facts_if(Compared(tree.offset, "==", tree, Constant(tree.offset, value.value)), holds=True)
    return inner
