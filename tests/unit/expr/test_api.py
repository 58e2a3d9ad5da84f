"""What the checker and the engine build on: references, trees, places, and that nothing changes once compiled."""

import dataclasses
import threading

import pytest

from tocsin.core.errors import Invalid, TocsinError
from tocsin.playbook.expr import (
    Condition,
    ExprError,
    Expression,
    MissingField,
    Template,
    compile_condition,
    compile_expression,
    compile_template,
    grammar,
)
from tocsin.playbook.expr.errors import ExprLimit
from tocsin.playbook.expr.filters import FUNCTIONS
from tocsin.playbook.expr.tree import Applied, Path


@pytest.mark.parametrize(
    ("source", "refs", "optional"),
    [
        ("steps.mail.urls", {"steps.mail.urls"}, set()),
        ("steps.mail['urls'][0].host", {"steps.mail.urls"}, set()),
        ("steps[x].urls", {"steps", "x"}, set()),
        ("alert", {"alert"}, set()),
        ("1 + 2", set(), set()),
        ("[a.b, {'k': c.d}]", {"a.b", "c.d"}, set()),
        ("a.b | where('rep.bad') | pluck('rep.url')", {"a.b"}, set()),
        ("a | replace(b.old, b.new)", {"a", "b.old", "b.new"}, set()),
        ("a.b | map('replace', c, 'x')", {"a.b", "c"}, set()),
        ("a.b | default(c.d)", {"a.b", "c.d"}, {"a.b"}),
        ("a.b | upper | default('x')", {"a.b"}, {"a.b"}),
        ("a.b is defined", {"a.b"}, {"a.b"}),
        ("a.b is none", {"a.b"}, set()),
        ("a.b is defined and a.b > 3", {"a.b"}, {"a.b"}),
        ("a.b is defined and a.b.c > 3", {"a.b", "a.b.c"}, {"a.b", "a.b.c"}),
        ("a.b > 3 and a.b is defined", {"a.b"}, set()),
        ("a.b is defined or a.b > 3", {"a.b"}, set()),
        ("a.b if a.b is defined else a.c", {"a.b", "a.c"}, {"a.b"}),
        ("x > 1 and a.b is defined and a.b", {"x", "a.b"}, {"a.b"}),
        ("(a.b | default(1)) + a.b", {"a.b"}, set()),
        ("a.b | ago", {"a.b", "now"}, set()),
        ("a[b.c | default(0)]", {"a", "b.c"}, {"b.c"}),
        ("(a | first).b", {"a"}, set()),
        ("not a or -b > c ~ d", {"a", "b", "c", "d"}, set()),
    ],
)
def test_references(source: str, refs: set[str], optional: set[str]) -> None:
    expression = compile_expression(source)
    assert {".".join(ref) for ref in expression.refs} == refs
    assert {".".join(ref) for ref in expression.optional_refs} == optional


def test_condition_gives_what_its_expression_has() -> None:
    condition = compile_condition("a.b | default(false)")
    assert isinstance(condition, Condition)
    assert condition.source == "a.b | default(false)"
    assert condition.refs == condition.optional_refs == {("a", "b")}
    assert condition.tree == condition.expression.tree
    assert condition.test({"a": {}}) is False
    assert condition.evaluate({"a": {"b": True}}) is True
    with pytest.raises(ExprError, match="must be true or false, not text"):
        condition.test({"a": {"b": "true"}})


def test_template_gives_references_and_pointers() -> None:
    template = compile_template({"to": ["x", "${{ a.b }} and ${{ c | default('') }}"], "k/~": "${{ a.b }}", "n": 1})
    assert isinstance(template, Template)
    assert [(pointer, expression.source) for pointer, expression in template.expressions] == [
        ("/to/1", "a.b"),
        ("/to/1", "c | default('')"),
        ("/k~1~0", "a.b"),
    ]
    assert template.refs == {("a", "b"), ("c",)}
    assert template.optional_refs == {("c",)}
    assert not template.is_constant
    assert compile_template({"a": ["$${{ x", 1]}).is_constant is True
    assert compile_template({"a": "plain"}).is_constant is True


def test_escaped_text_without_expression_is_constant_and_unescaped() -> None:
    template = compile_template("$${{ x }}")
    assert template.is_constant
    assert template.render({}) == "${{ x }}"


@pytest.mark.parametrize(
    ("source", "offset"),
    [
        ("a + (b !", 7),
        ("a | lenght", 4),
        ("a.b + 'x", 6),
        ("a == 1 == 2", 0),
        ("[1, foo()]", 7),
        ("${{ a | nope }}", 8),
        ("  ${{  a | nope }}", 11),
        ("x ==", 4),
    ],
)
def test_refusal_says_where(source: str, offset: int) -> None:
    with pytest.raises(ExprError) as caught:
        compile_expression(source)
    assert caught.value.offset == offset


def test_failure_says_where() -> None:
    with pytest.raises(MissingField) as caught:
        compile_expression("1 + alert.titel").evaluate({"alert": {}})
    assert caught.value.offset == 4
    with pytest.raises(ExprError) as caught:
        compile_expression("[a, b | upper]").evaluate({"a": 1, "b": 2})
    assert caught.value.offset == 8


def test_template_error_says_where_in_which_text() -> None:
    with pytest.raises(ExprError) as caught:
        compile_template({"a": ["ok", "text ${{ x | nope }}"]})
    assert (caught.value.pointer, caught.value.offset) == ("/a/1", 13)
    template = compile_template({"a": ["ok", "text ${{  x.y }}"]})
    with pytest.raises(MissingField) as caught:
        template.render({"x": {}})
    assert (caught.value.pointer, caught.value.offset) == ("/a/1", 10)
    assert template.expressions[0][1].start == 10


def test_tree_is_our_own_and_has_offsets() -> None:
    tree = compile_expression("alert.user.name | replace('a', 'b')").tree
    assert isinstance(tree, Applied)
    assert tree.filter == "replace"
    assert tree.value == Path(0, "alert", ("user", "name"))
    assert [argument.offset for argument in tree.arguments] == [26, 31]


def test_compiled_things_are_immutable() -> None:
    for compiled in (compile_expression("a"), compile_condition("a"), compile_template("${{ a }}")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(compiled, dataclasses.fields(compiled)[0].name, None)
    assert compile_expression("a + 1") == compile_expression("a + 1")
    assert compile_expression("a + 1") != compile_expression("a + 2")


def test_errors_belong_to_the_one_tree() -> None:
    assert issubclass(ExprError, Invalid)
    assert issubclass(MissingField, ExprError)
    assert issubclass(ExprLimit, ExprError)
    assert {ExprError.code, MissingField.code, ExprLimit.code} == {"expression", "missing-field", "expression-limit"}
    assert issubclass(ExprError, TocsinError)


def test_one_expression_serves_many_threads() -> None:
    expression = compile_expression("rows | where('n', '>=', low) | pluck('n') | sum")
    rows = [{"n": number} for number in range(200)]
    results: dict[int, list[object]] = {low: [] for low in range(8)}

    def evaluate(low: int) -> None:
        for _ in range(100):
            results[low].append(expression.evaluate({"rows": rows, "low": low * 10}))

    threads = [threading.Thread(target=evaluate, args=(low,)) for low in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {low: set(found) for low, found in results.items()} == {low: {sum(range(low * 10, 200))} for low in results}


def test_work_is_counted_anew_for_each_evaluation() -> None:
    expression = compile_expression("many | sort | length")
    names = {"many": list(range(10_000))}
    assert {expression.evaluate(names) for _ in range(20)} == {10_000}


@pytest.mark.parametrize("value", [{1, 2}, object(), (1,), b"x", 1j, {"a": {1: 2}}, {"a": [object()]}, float("nan"), float("inf"), 2**63])
def test_names_that_are_no_json_are_an_expr_error(value: object) -> None:
    with pytest.raises(ExprError):
        compile_expression("x").evaluate({"x": value})  # type: ignore[dict-item]
    with pytest.raises(ExprError):
        compile_expression("[x] | json").evaluate({"x": value})  # type: ignore[dict-item]


SAMPLES = {
    grammar.Kind.TEXT: "x",
    grammar.Kind.NUMBER: 1,
    grammar.Kind.BOOLEAN: True,
    grammar.Kind.NULL: None,
    grammar.Kind.LIST: [],
    grammar.Kind.OBJECT: {},
}


@pytest.mark.parametrize("rule", grammar.FILTERS.values(), ids=lambda rule: rule.name)
def test_filter_refuses_the_kinds_its_rule_does_not_take(rule: grammar.FilterRule) -> None:
    arguments = {
        "map": "('upper')",
        "where": "('a', '==', 1)",
        "ip_in": "('10.0.0.0/8')",
        "date_add": "('1h')",
        "slice": "(1)",
        "zip": "([])",
        "merge": "({})",
    }
    given = arguments.get(rule.name) or {0: "", 1: "('a')", 2: "('a', 'a')"}[sum(one.required for one in rule.arguments)]
    expression = compile_expression(f"x | {rule.name}{given}")
    for kind in set(grammar.Kind) - rule.takes:
        with pytest.raises(ExprError, match=f"'{rule.name}' (needs|cannot make).* not {kind}|of this {kind}"):
            expression.evaluate({"x": SAMPLES[kind], "now": "2026-01-01T00:00:00Z"})


def test_every_filter_has_a_rule_and_every_rule_a_function() -> None:
    assert set(FUNCTIONS) | {"default", "map"} == set(grammar.FILTERS)


def test_results_are_of_the_kinds_that_the_rules_give() -> None:
    assert isinstance(compile_expression("1"), Expression)
    for source, names in [("'a' | upper", {}), ("[1] | count", {}), ("[] | min", {}), ("'x' | domain_of", {})]:
        tree = compile_expression(source).tree
        assert isinstance(tree, Applied)
        value = compile_expression(source).evaluate(names)
        assert any(type(value) is type(SAMPLES[kind]) for kind in grammar.FILTERS[tree.filter].gives)
