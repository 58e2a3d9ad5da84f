"""Whatever is written and whatever it reads: an ExprError or JSON comes out, the same each time. TOCSIN_FUZZ: how many examples."""

import contextlib
import json
import math
import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.core.values import Json
from tocsin.playbook.expr import ExprError, compile_condition, compile_expression, compile_template, grammar

EXAMPLES = int(os.environ.get("TOCSIN_FUZZ", "2000"))


def fuzz(share: float = 1.0) -> settings:
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=max(50, int(EXAMPLES * share)), deadline=None, database=None, suppress_health_check=slow)


texts = st.text(max_size=8) | st.sampled_from(
    ["", "a", "10.0.0.1", "http://a.example.com/x", "2026-01-01T00:00:00Z", "1", "true", "W10=", "[1]", "${{ a }}", "\ud800"]
)
numbers = (
    st.integers(-5, 5)
    | st.integers()
    | st.floats()  # NaN and Infinity too: they must not come through
    | st.sampled_from([2**63, -(2**63) - 1, 2**63 - 1, 10**400, 1e308, 0.1])
)
scalars = st.none() | st.booleans() | numbers | texts
keys = st.sampled_from("abc") | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12)
rows = st.lists(st.dictionaries(st.sampled_from("abc"), scalars, max_size=3), max_size=4)
names = st.fixed_dictionaries({"a": values, "b": values, "c": values}, optional={"now": texts, "rows": rows})

literals = st.sampled_from(
    ["1", "0", "-2", "2.5", "1e9", "9223372036854775807", "true", "false", "none", "null"]
    + ["''", "'a'", "'b.c'", "'1d'", "'utf-8'", "'(a)'", "'%Y'", "'10.0.0.0/8'"]
    + [f"'{operator}'" for operator in grammar.WHERE_OPERATORS]
)
paths = st.lists(st.sampled_from([".a", ".b", ".c", "[0]", "['a']", "[b]", "[-1]"]), max_size=3).flatmap(
    lambda steps: st.sampled_from(["a", "b", "c", "rows", "missing", "now"]).map(lambda root: root + "".join(steps))
)
FILTERS = sorted(grammar.FILTERS)
BINARY = [*grammar.ARITHMETIC.values(), *grammar.COMPARISONS.values(), "and", "or", "~"]


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(lambda given: f"({', '.join(given)})" if given else "")
    filtered = st.tuples(inner, st.sampled_from(FILTERS), arguments).map(lambda parts: f"({parts[0]}) | {parts[1]}{parts[2]}")
    mapped = st.tuples(inner, st.sampled_from(FILTERS)).map(lambda parts: f"({parts[0]}) | map('{parts[1]}')")
    fields = st.tuples(inner, st.sampled_from(["where", "pluck", "sort", "group_by", "count"]), st.sampled_from(["a", "b.c"])).map(
        lambda parts: f"({parts[0]}) | {parts[1]}('{parts[2]}')"
    )
    binary = st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})")
    return (
        filtered
        | mapped
        | fields
        | binary
        | st.tuples(inner, st.sampled_from(grammar.TESTS)).map(lambda parts: f"({parts[0]} is {parts[1]})")
        | st.tuples(inner, inner).map(lambda parts: f"({parts[0]} | default({parts[1]}))")
        | st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} if {parts[1]} else {parts[2]})")
        | st.tuples(inner, inner).map(lambda parts: f"({parts[0]})[{parts[1]}]")
        | st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(inner, max_size=3).map(lambda items: "{" + ", ".join(f"'k{place}': {item}" for place, item in enumerate(items)) + "}")
        | inner.map(lambda one: f"not {one}")
        | inner.map(lambda one: f"-{one}")
    )


sources = st.recursive(literals | paths, grown, max_leaves=8)
TOKENS = [
    *"abc01.,:|()[]{}~+-*/%<>='\"\\$#!`?@ \n_",
    *("==", "**", "//", "{{", "}}", "{%", "%}", "${{", "__class__", "default", "where", "'x'"),
    *(" and ", " if ", " else ", " is ", "not ", " in "),
]
jumbles = st.lists(st.sampled_from(TOKENS), max_size=25).map("".join)


def outcome(source: str, given_names: dict[str, Json]) -> str:
    """Compile and evaluate; a result must be JSON, an error one of ours."""
    try:
        value = compile_expression(source).evaluate(given_names)
    except ExprError as error:
        return failed(error)
    check_json(value)
    return json.dumps(value, allow_nan=False)


def failed(error: ExprError) -> str:
    assert error.message
    assert not error.message.startswith("Cannot evaluate"), "the last net is for what is no JSON; filters refuse for themselves"
    assert error.offset >= 0
    return f"{error.code}: {error}"


def check_json(value: Json) -> None:
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        for one in value.values():
            check_json(one)
    elif isinstance(value, list):
        for one in value:
            check_json(one)
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        assert grammar.MIN_INTEGER <= value <= grammar.MAX_INTEGER
    else:
        assert value is None or isinstance(value, bool | str)


@fuzz()
@given(sources, names)
def test_grammatical_source_gives_json_or_expr_error_always_the_same(source: str, given_names: dict[str, Json]) -> None:
    before = repr(given_names)
    first = outcome(source, given_names)
    assert outcome(source, given_names) == first
    assert repr(given_names) == before, "evaluation must not change what it reads"


@fuzz(0.4)
@given(jumbles | st.text(max_size=40), names)
def test_any_text_gives_json_or_expr_error(source: str, given_names: dict[str, Json]) -> None:
    outcome(source, given_names)
    with contextlib.suppress(ExprError):
        assert isinstance(compile_condition(source).test(given_names), bool)


@fuzz(0.15)
@given(values, jumbles, names)
def test_any_json_is_a_template_or_expr_error(value: Json, jumble: str, given_names: dict[str, Json]) -> None:
    for template in (value, jumble, {"k": ["x ${{ " + jumble + " }}"]}):
        try:
            compiled = compile_template(template)
            check_json(compiled.render(given_names))
        except ExprError as error:
            failed(error)
            continue
        if compiled.is_constant and "${{" not in json.dumps(template):  # `$${{` is constant too, and rendered to `${{`
            assert compiled.render(given_names) == template


@fuzz(0.15)
@given(st.text(max_size=30))
def test_any_text_is_kept_by_a_constant_or_escaped_template(text: str) -> None:
    escaped = text.replace("${{", "$${{")
    if "$${{" not in text:
        assert compile_template(escaped).render({}) == text
    assert compile_template("${{ x }}").render({"x": text}) == text


@fuzz(0.15)
@given(values, values)
def test_equality_is_symmetric_and_agrees_with_in_and_unique(left: Json, right: Json) -> None:
    given_names = {"a": left, "b": right}
    equal = outcome("a == b", given_names)
    assert outcome("b == a", given_names) == equal
    assert outcome("a in [b]", given_names) == equal
    assert outcome("a != b", given_names) == {"true": "false", "false": "true"}[equal]
    if not outcome("[a, b]", given_names).startswith("expression"):  # numbers that are too large are no JSON
        assert outcome("[a, b] | unique | length", given_names) == ("1" if equal == "true" else "2")
