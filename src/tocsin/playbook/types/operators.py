"""What operators take and come out as."""

from typing import TYPE_CHECKING, Final

from tocsin.playbook.codes import clarity, typing
from tocsin.playbook.codes.code import Code
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.expr.grammar import Kind, Kinds
from tocsin.playbook.expr.tree import Arithmetic, Compared, Constant, ListOf, Node, Path
from tocsin.playbook.parsing.keys import listed
from tocsin.playbook.types.compare import Equality, equality, order
from tocsin.playbook.types.describe import described
from tocsin.playbook.types.known import NO_FACTS, Facts
from tocsin.playbook.types.lattice import (
    ANY,
    BOOLEAN,
    NUMBER,
    TEXT,
    WHOLE,
    Boolean,
    Items,
    Number,
    Text,
    Type,
    kinds_of,
    members_of,
    union,
)

if TYPE_CHECKING:
    from tocsin.playbook.types.infer import Inference

_ORDERED: Final = frozenset({Kind.NUMBER, Kind.TEXT})
_HOLDING: Final = frozenset({Kind.LIST, Kind.TEXT, Kind.OBJECT})
_ADDED: Final = frozenset({Kind.NUMBER, Kind.TEXT, Kind.LIST})
_NUMBER: Final = frozenset({Kind.NUMBER})
_FEW: Final = 14  # options that a hint lists


def compared(judge: "Inference", node: Compared, facts: Facts) -> Type:
    """Return the type of a comparison: true or false, and which if it is always the same."""
    left, right = judge.type(node.left, facts), judge.type(node.right, facts)
    if node.operator in ("==", "!="):
        always = equal(judge, (node.left, left), (node.right, right))
        _with_true(judge, node, left)
        return BOOLEAN if always is None else Boolean(always is (node.operator == "=="))
    if node.operator in ("in", "not in"):
        found = contained(judge, (node.left, left), (node.right, right), facts)
        return BOOLEAN if found is None else Boolean(found is (node.operator == "in"))
    return Boolean(ordered(judge, node.operator, (node.left, left), (node.right, right)))


def _with_true(judge: "Inference", node: Compared, left: Type) -> None:
    if judge.report is not None and isinstance(node.right, Constant) and isinstance(node.right.value, bool) and isinstance(left, Boolean):
        wanted = node.right.value is (node.operator == "==")
        if isinstance(node.left, Path):
            hint = f"Write {'' if wanted else 'not '}{judge.words(node.left)[1:-1]}."
        else:
            hint = "Leave the comparison out." if wanted else "Leave the comparison out, and write `not` before the value."
        judge.say(clarity.COMPARED_WITH_TRUE, node.right, "This is true or false already.", hint)


Side = tuple[Node, Type]


def equal(judge: "Inference", left: Side, right: Side) -> bool | None:
    """Report what can never be equal; return whether it always or never is."""
    verdict = equality(left[1], right[1])
    if verdict is Equality.OPEN:
        return None
    if not verdict.is_never:
        return True
    if judge.report is not None:
        _never_equal(judge, verdict, left, right)
    return False


def _never_equal(judge: "Inference", verdict: Equality, left: Side, right: Side) -> None:
    if verdict is Equality.OTHER_KIND:
        message = (
            f"{judge.words(left[0])} is {described(left[1])}, and {_other(judge, right)} is {described(right[1])}: they are never equal."
        )
        hint = "Convert one, e.g. with | int or | string."
        if Kind.BOOLEAN in (kinds_of(left[1]) or ()) and _is_word(right[1]):
            hint = "Write true and false without quotes."
        judge.say(typing.NEVER_EQUAL, _point(left[0], right[0]), message, hint)
    elif verdict is Equality.OTHER_OPTION:
        option(judge, left, right)
        option(judge, right, left)


def _is_word(type: Type) -> bool:
    return isinstance(type, Text) and type.options is not None and {one.lower() for one in type.options} <= {"true", "false"}


def _other(judge: "Inference", side: Side) -> str:
    return judge.words(side[0]) if isinstance(side[0], Path) else "the other side"


def _point(left: Node, right: Node) -> Node:
    return right if isinstance(right, Constant) else left


def option(judge: "Inference", subject: Side, value: Side) -> None:
    """Report a text that a value of a few options never is. What a condition around it has ruled out is none of it."""
    node = subject[0]
    declared = judge.path_type(node, NO_FACTS) if isinstance(node, Path) else subject[1]
    options = options_of(declared)
    wrong = [one for one in options_of(value[1]) or () if options is not None and one not in options]
    if options is None or len(options) < 2 or not wrong or len(wrong) < len(options_of(value[1]) or ()):
        return
    is_answer = isinstance(node, Path) and judge.known.is_answer(node)
    say_option(judge, typing.NOT_OFFERED if is_answer else typing.NO_SUCH_OPTION, value[0], judge.words(node), wrong[0], options)


def say_option(judge: "Inference", code: Code, at: Node, subject: str, wrong: str, options: tuple[str, ...]) -> None:
    """Report a text that is none of the options."""
    which = f"It is one of {listed(options[:_FEW], 'or')}." if len(options) <= _FEW else f"It is one of {len(options)} others."
    hint = nearest(wrong, options) or which
    judge.say(code, at, f"{subject} is never '{shown(wrong)}'.", hint)


def options_of(type: Type) -> tuple[str, ...] | None:
    """Return all texts that a value can be; None if they are not known."""
    texts = [one for one in members_of(type) if isinstance(one, Text)]
    return texts[0].options if texts else None


def ordered(judge: "Inference", operator: str, left: Side, right: Side) -> bool | None:
    """Report what has no order; return whether the comparison always comes out the same."""
    ours, theirs = kinds_of(left[1]), kinds_of(right[1])
    if judge.report is not None:
        if ours is not None and theirs is not None and not ours & theirs & _ORDERED:
            message = f"'{operator}' compares two numbers or two texts, not {described(left[1])} and {described(right[1])}."
            judge.say(typing.NO_ORDER, _point(left[0], right[0]), message, "Convert one, e.g. with | int or | float.")
        else:
            _null_in_order(judge, operator, left)
            _null_in_order(judge, operator, right)
            _words_in_order(judge, left, right)
    return order(operator, left[1], right[1])


def _null_in_order(judge: "Inference", operator: str, side: Side) -> None:
    if judge.is_null(side[1]):
        judge.say(
            typing.MAY_BE_NULL, side[0], f"{judge.words(side[0])} may be null, which '{operator}' cannot compare.", "Write … | default(0)."
        )


def _words_in_order(judge: "Inference", left: Side, right: Side) -> None:
    for side in (left, right):
        options = options_of(side[1])
        if options is not None and len(options) > 2:
            hint = "Compare alert.severity_id, a number." if "critical" in options else "Use `in` with the list of those that are meant."
            judge.say(typing.WORDS_IN_ORDER, side[0], f"{judge.words(side[0])} is a word, and words are compared by the alphabet.", hint)
            return


def contained(judge: "Inference", left: Side, right: Side, facts: Facts) -> bool | None:
    """Report an `in` of what holds nothing or never this; return whether it always or never holds."""
    kinds = kinds_of(right[1])
    if isinstance(right[0], ListOf):
        return _in_listed(judge, left, right[0], facts)
    if judge.report is None or kinds is None:
        return None
    ours = kinds_of(left[1])
    if not kinds & _HOLDING:
        judge.say(
            typing.NOT_A_CONTAINER, right[0], f"'in' looks into a list, a map or a text, not {described(right[1])}.", "Compare with ==."
        )
    elif judge.is_null(right[1]):
        judge.say(
            typing.MAY_BE_NULL, right[0], f"{judge.words(right[0])} may be null, and 'in' cannot look into it.", "Write … | default([])."
        )
    elif Kind.LIST not in kinds and ours is not None and Kind.TEXT not in ours:
        where = "a text" if Kind.TEXT in kinds else "the keys of a map"
        message = f"'in' looks for a text in {where}, and this is {described(left[1])}."
        judge.say(typing.NOT_A_CONTAINER, left[0], message, "Convert it with | string.")
    elif isinstance(right[1], Items):
        _in_items(judge, left, right, right[1])
    return None


def _in_items(judge: "Inference", left: Side, right: Side, items: Items) -> None:
    verdict = equality(left[1], items.item)
    if verdict is Equality.OTHER_KIND:
        message = f"{judge.words(left[0])} is {described(left[1])}, and the list has {described(items.item)} for items: it is never in it."
        judge.say(typing.NEVER_EQUAL, left[0], message, "Convert it, e.g. with | int or | string.")
    elif verdict is Equality.OTHER_OPTION:
        options, wrong = options_of(items.item), options_of(left[1])
        if options and wrong and len(wrong) == 1:
            say_option(judge, typing.NO_SUCH_OPTION, left[0], f"An item of {judge.words(right[0])}", wrong[0], options)


def _in_listed(judge: "Inference", left: Side, right: ListOf, facts: Facts) -> bool | None:
    """Look at each value of a list that is written out."""
    verdicts = []
    for item in right.items:
        given = judge.type(item, facts)
        verdict = equality(left[1], given)
        verdicts.append(verdict)
        if judge.report is None or not verdict.is_never:
            continue
        if verdict is Equality.OTHER_KIND:
            message = f"{judge.words(left[0])} is {described(left[1])}, and this is {described(given)}: they are never equal."
            judge.say(typing.NEVER_EQUAL, item, message, "Change one of them.")
        elif verdict is Equality.OTHER_OPTION:
            option(judge, left, (item, given))
    options = options_of(left[1])
    if isinstance(left[1], Text) and options is not None and all(isinstance(item, Constant) for item in right.items):
        values = {item.value for item in right.items if isinstance(item, Constant)}
        if values.issuperset(options):
            return True
    if not verdicts or all(one.is_never for one in verdicts):
        return False
    return True if Equality.ALWAYS in verdicts else None


# Arithmetic -----------------------------------------------------------------------------------------------------------


def calculated(judge: "Inference", node: Arithmetic, facts: Facts) -> Type:
    """Return the type of a sum, difference, product, quotient or remainder."""
    left, right = judge.type(node.left, facts), judge.type(node.right, facts)
    if node.operator == "+":
        return _added(judge, (node.left, left), (node.right, right))
    fine = needs_number(judge, node.left, left, f"'{node.operator}'")
    fine = needs_number(judge, node.right, right, f"'{node.operator}'") and fine
    whole = isinstance(left, Number) and isinstance(right, Number) and left.is_whole and right.is_whole and node.operator != "/"
    return WHOLE if fine and whole else NUMBER


def needs_number(judge: "Inference", node: Node, type: Type, who: str) -> bool:
    """Report an operand that is no number."""
    kinds = kinds_of(type)
    if kinds is None or judge.report is None:
        return True
    if Kind.NUMBER not in kinds:
        hint = "Join text with ~, or convert it with | int." if Kind.TEXT in kinds else "Take a number of it first."
        judge.say(
            typing.NO_ARITHMETIC, node, f"{who} needs numbers, and {judge.words(node).replace('This', 'this')} is {described(type)}.", hint
        )
        return False
    if judge.is_null(type):
        judge.say(typing.MAY_BE_NULL, node, f"{judge.words(node)} may be null, and {who} needs a number.", "Write … | default(0).")
    return True


def _added(judge: "Inference", left: Side, right: Side) -> Type:
    ours, theirs = kinds_of(left[1]), kinds_of(right[1])
    common: Kinds = (_ADDED if ours is None else ours) & (_ADDED if theirs is None else theirs) & _ADDED
    if judge.report is not None:
        if not common:
            message = f"'+' adds two numbers, two texts or two lists, not {described(left[1])} and {described(right[1])}."
            has_text = any(kinds is not None and Kind.TEXT in kinds for kinds in (ours, theirs))
            hint = "Join text with ~." if has_text else "Convert one, e.g. with | int."
            judge.say(typing.NO_ARITHMETIC, left[0], message, hint)
            return ANY
        for node, type in (left, right):
            if judge.is_null(type):
                judge.say(typing.MAY_BE_NULL, node, f"{judge.words(node)} may be null, and '+' cannot add it.", "Write … | default(…).")
    if common == _NUMBER:
        return WHOLE if all(isinstance(one, Number) and one.is_whole for one in (left[1], right[1])) else NUMBER
    if common == {Kind.TEXT}:
        return TEXT
    if common == {Kind.LIST}:
        return Items(union(*(one.item if isinstance(one, Items) else ANY for one in (left[1], right[1]))))
    return ANY


def is_number(type: Type) -> bool:
    """Say whether a type is a number and nothing else."""
    return isinstance(type, Number)
