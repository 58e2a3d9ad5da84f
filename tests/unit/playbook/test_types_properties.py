"""What is inferred is true: values that come out are of the type, and what is called wrong does fail."""

import os
from random import Random
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.core.values import Json
from tocsin.playbook.codes import typing
from tocsin.playbook.codes.code import Code
from tocsin.playbook.codes.names import NOT_A_CONDITION, UNKNOWN_FIELD
from tocsin.playbook.expr import ExprError, compile_expression
from tocsin.playbook.expr.tree import Path
from tocsin.playbook.types.infer import infer
from tocsin.playbook.types.known import Start
from tocsin.playbook.types.lattice import (
    ANY,
    BOOLEAN,
    NULL,
    TEXT,
    Anything,
    Boolean,
    Field,
    Items,
    Null,
    Number,
    Object,
    Presence,
    Text,
    Type,
    Union,
    union,
)

_HOST: Final = Object(
    {
        "name": Field(TEXT),
        "state": Field(Text(("on", "off"))),
        "risk": Field(Number(True, 0, 100)),
        "owner": Field(union(TEXT, NULL)),
        "seen": Field(TEXT, Presence.MAYBE),
        "bad": Field(BOOLEAN),
        "tags": Field(Items(TEXT)),
    }
)
NAMES: Final[dict[str, Type]] = {
    "host": _HOST,
    "hosts": Items(_HOST),
    "maybe": union(_HOST, NULL),
    "n": Number(True, -5, 5),
    "x": Number(),
    "t": TEXT,
    "word": Text(("red", "green", "blue")),
    "b": BOOLEAN,
    "texts": Items(TEXT),
    "numbers": Items(Number(True)),
    "lists": Items(Items(Number())),
    "any": ANY,
    "by_name": Object({}, Number(True)),
}


class _Known:
    def start(self, path: Path) -> Start:
        return Start(NAMES[path.root]) if path.root in NAMES else Start(ANY, len(path.keys), False)

    def is_answer(self, path: Path) -> bool:
        return False


def value_of(type: Type, dice: Random) -> Json:
    """Return a value of a type."""
    match type:
        case Anything():
            anything: list[Json] = [None, True, 3, "", "a", "red", [1], {"a": 1}]
            return dice.choice(anything)
        case Null():
            return None
        case Boolean():
            return dice.choice([True, False]) if type.only is None else type.only
        case Number():
            low, high = int(-9 if type.low is None else type.low), int(9 if type.high is None else type.high)
            return dice.randint(low, high) if type.is_whole or dice.random() < 0.5 else dice.uniform(low, high)
        case Text():
            return dice.choice(["", "a", "Red", "10", "3.5"] if type.options is None else list(type.options))
        case Items():
            return [value_of(type.item, dice) for _ in range(dice.randint(0, 3))]
        case Object():
            fields = {name: one for name, one in type.fields.items() if one.presence is Presence.ALWAYS or dice.random() < 0.5}
            value = {name: value_of(one.type, dice) for name, one in fields.items()}
            return value if type.rest is None else {**value, "p": value_of(type.rest, dice)}
        case Union():
            return value_of(dice.choice(type.members), dice)


def has_type(value: Json, type: Type) -> bool:
    """Say whether a value is of a type."""
    match type:
        case Anything():
            return True
        case Null():
            return value is None
        case Boolean():
            return isinstance(value, bool) and type.only in (None, value)
        case Number():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            in_range = (type.low is None or value >= type.low) and (type.high is None or value <= type.high)
            return in_range and (not type.is_whole or isinstance(value, int) or value.is_integer())
        case Text():
            return isinstance(value, str) and (type.options is None or value in type.options)
        case Items():
            return isinstance(value, list) and all(has_type(one, type.item) for one in value)
        case Object():
            if not isinstance(value, dict) or any(
                one.presence is Presence.ALWAYS and name not in value for name, one in type.fields.items()
            ):
                return False
            kinds = {name: type.fields[name].type if name in type.fields else type.rest for name in value}
            return all(kind is not None and has_type(value[name], kind) for name, kind in kinds.items())
        case Union():
            return any(has_type(value, one) for one in type.members)


_PARTS = """host.name host.state host.risk host.owner host.seen host.bad host.tags host.nmae maybe.name hosts[0] hosts[0].risk texts[0]
host.name.x hosts.name by_name.p any.a"""
_PATHS = st.sampled_from([*NAMES, *_PARTS.split()])
_CONSTANTS = st.sampled_from(["'red'", "'on'", "'gone'", "'a'", "''", "0", "1", "3", "200", "1.5", "true", "false", "none", "[]"])
_CALLS = """length upper lower trim string int float bool first last unique sort reverse join flatten keys values items sum min max json
round split count from_json sha256 urlencode where('bad') where('state','==','on') where('state','==','gone') where('risk','>',50)
where('name') where('nope') where('tags','contains','a') where('risk','contains','a') where('name','in',texts) where('owner','==',none)
pluck('risk') pluck('name') pluck('nmae') pluck('owner') pluck('tags') map('upper') map('int') map('length') map('default','x')
group_by('state') group_by('tags') count('state') slice(0,1) sort('risk') default('x') default(0) default([]) zip(texts) merge(host)
merge({'name':1}) replace('a','b') replace(n,'b')"""
_FILTERS = st.sampled_from(_CALLS.split())
_OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in", "+", "-", "*", "~", "/", "%", "and", "or"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, _FILTERS).map(lambda pair: f"({pair[0]}) | {pair[1]}"),
        st.tuples(inner, _OPERATORS, inner).map(lambda three: f"({three[0]}) {three[1]} ({three[2]})"),
        inner.map(lambda one: f"not ({one})"),
        inner.map(lambda one: f"-({one})"),
        st.tuples(_PATHS, st.sampled_from(["is none", "is defined"])).map(" ".join),
        st.tuples(inner, inner, inner).map(lambda three: f"({three[0]}) if ({three[1]}) else ({three[2]})"),
        st.tuples(_PATHS, st.sampled_from(["name", "risk", "nope"])).map(lambda pair: f"({pair[0]} | first).{pair[1]}"),
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(_PATHS, _CONSTANTS).map(lambda pair: f"({pair[0]} == {pair[1]}) and ({pair[0]} != 'red')"),
        st.tuples(_PATHS, st.lists(_CONSTANTS, max_size=3)).map(lambda pair: f"{pair[0]} in [{', '.join(pair[1])}]"),
    )


EXPRESSIONS = st.recursive(_PATHS | _CONSTANTS, _grown, max_leaves=5)
_FAILS: Final = {
    one.id
    for one in (
        typing.NO_ORDER,
        typing.WRONG_FILTER_ARGUMENT,
        typing.NO_ARITHMETIC,
        typing.WRONG_INDEX,
        NOT_A_CONDITION,
    )
}
MOST = int(os.environ.get("TOCSIN_TYPES_EXAMPLES", "300"))
QUICK = settings(max_examples=MOST, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@st.composite
def _cases(draw: st.DrawFn) -> tuple[str, dict[str, Json]]:
    dice = Random(draw(st.integers(0, 10**9)))
    return draw(EXPRESSIONS), {name: value_of(type, dice) for name, type in NAMES.items()}


@QUICK
@given(case=_cases())
def test_a_value_is_of_the_type_that_was_inferred(case: tuple[str, dict[str, Json]]) -> None:
    source, values = case
    try:
        expression = compile_expression(source)
    except ExprError:
        return
    told: list[Code] = []
    type = infer(expression.tree, _Known(), source=source, report=lambda code, *rest: told.append(code))
    try:
        value = expression.evaluate({**values, "now": "2026-01-01T00:00:00Z"})
    except ExprError:
        return
    assert has_type(value, type) or UNKNOWN_FIELD in told, (value, type)


@QUICK
@given(left=_PATHS | _CONSTANTS, right=_PATHS | _CONSTANTS, operator=_OPERATORS, case=_cases())
def test_what_is_certainly_wrong_does_fail(left: str, right: str, operator: str, case: tuple[str, dict[str, Json]]) -> None:
    source = f"{left} {operator} {right}"
    try:
        expression = compile_expression(source)
    except ExprError:
        return
    told: list[Code] = []
    infer(expression.tree, _Known(), source=source, report=lambda code, *rest: told.append(code))
    names = {**case[1], "now": "2026-01-01T00:00:00Z"}
    if operator in ("and", "or"):
        return  # the second term may never be looked at
    if any(one.id in _FAILS for one in told):
        try:
            value = expression.evaluate(names)
        except ExprError:
            return
        raise AssertionError(f"{source} gave {value!r} after {[one.id for one in told]}")
    if typing.NEVER_EQUAL in told or typing.NO_SUCH_OPTION in told:
        try:
            value = expression.evaluate(names)
        except ExprError:
            return
        assert value is (operator in ("!=", "not in"))


@QUICK
@given(source=EXPRESSIONS)
def test_every_finding_has_a_place_in_the_source(source: str) -> None:
    try:
        expression = compile_expression(source)
    except ExprError:
        return

    def report(code: Code, offset: int, length: int, message: str, hint: str) -> None:
        assert 0 <= offset < len(expression.source)
        assert length >= 1
        assert message.endswith(".")
        assert hint.endswith((".", "?", ")")), hint

    infer(expression.tree, _Known(), source=expression.source, report=report, is_condition=True)
