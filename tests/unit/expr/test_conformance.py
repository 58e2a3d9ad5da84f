"""The corpus in tests/golden/expr is the language: what each expression gives, or how it is refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tocsin.core.values import Json
from tocsin.playbook.expr import ExprError, compile_expression, compile_template, grammar, tree

CORPUS = Path(__file__).parents[2] / "golden" / "expr"


@dataclass(frozen=True)
class Case:
    file: str
    spec: dict[str, Json]
    names: dict[str, Json]

    @property
    def title(self) -> str:
        shown = json.dumps(self.spec.get("source", self.spec.get("template", self.spec)), ensure_ascii=False)
        return f"{self.file}: {shown[:70]}"


def text_of(parts: Json) -> str:
    if isinstance(parts, str):
        return parts
    assert isinstance(parts, list)
    return "".join(part if isinstance(part, str) else str(part[0]) * int(part[1]) for part in parts)


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


def names_of(case: Case) -> dict[str, Json]:
    spec = case.spec
    names = dict(spec.get("names", case.names))
    names |= {name: "a" * size for name, size in spec.get("texts", {}).items()}
    names |= {name: "9" * size for name, size in spec.get("digits", {}).items()}
    names |= {name: list(range(10, size + 10)) for name, size in spec.get("lists", {}).items()}
    names |= {name: nested(size) for name, size in spec.get("depth", {}).items()}
    return names


def corpus() -> Iterator[Case]:
    for path in sorted(CORPUS.glob("*.yaml")):
        document = YAML(typ="safe").load(path)
        for spec in document["cases"]:
            yield Case(path.stem, spec, document["names"])


CASES = list(corpus())


def compiled(spec: dict[str, Json]):
    if "source" in spec:
        return compile_expression(text_of(spec["source"])).evaluate
    if "template_text" in spec:
        return compile_template(text_of(spec["template_text"])).render
    if "template_depth" in spec:
        return compile_template(nested(spec["template_depth"])).render
    return compile_template(spec["template"]).render


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_conformance(case: Case) -> None:
    spec = case.spec
    if "refused" in spec:
        with pytest.raises(ExprError) as caught:
            compiled(spec)
        check_error(caught.value, spec["refused"])
        return
    evaluate, names = compiled(spec), names_of(case)
    if "fails" in spec:
        with pytest.raises(ExprError) as caught:
            evaluate(names)
        check_error(caught.value, spec["fails"])
        return
    result = evaluate(names)
    if "length" in spec:
        assert len(result) == spec["length"]
    else:
        # JSON text tells true from 1 and 1 from 1.0
        assert json.dumps(result, sort_keys=True) == json.dumps(spec["gives"], sort_keys=True)


def check_error(error: ExprError, expected: list[str]) -> None:
    code, fragment = expected
    assert fragment in str(error)
    assert error.code == code
    assert error.offset >= 0
    assert len(str(error)) < 500, "a message quotes at most a little of what it was given"


def test_corpus_has_at_least_400_cases() -> None:
    assert len(CASES) >= 400


def test_no_case_is_there_twice() -> None:
    titles = [json.dumps([case.file, case.spec], sort_keys=True) for case in CASES]
    assert len(titles) == len(set(titles))


def nodes(node: tree.Node) -> Iterator[tree.Node]:
    yield node
    for field in node.__dataclass_fields__:
        yield from parts(getattr(node, field))


def parts(value: object) -> Iterator[tree.Node]:
    if isinstance(value, tuple):
        for one in value:
            yield from parts(one)
    elif hasattr(value, "__dataclass_fields__"):
        yield from nodes(value)


def evaluated() -> Iterator[tuple[tree.Node, dict[str, Json]]]:
    for case in CASES:
        if "source" in case.spec and "refused" not in case.spec:
            for node in nodes(compile_expression(text_of(case.spec["source"])).tree):
                yield node, case.spec


def test_corpus_covers_every_filter_giving_a_value_and_failing() -> None:
    gives, fails = set(), set()
    for node, spec in evaluated():
        name = (
            "default" if isinstance(node, tree.Fallback) else "map" if isinstance(node, tree.MappedOver) else getattr(node, "filter", None)
        )
        (fails if "fails" in spec else gives).add(name)
    assert set(grammar.FILTERS) - gives == set()
    # these two take any value; json fails on its limits only, which 07 has
    assert set(grammar.FILTERS) - fails - {"string"} == set()


def test_corpus_covers_every_argument_by_name() -> None:
    written = " ".join(text_of(case.spec["source"]) for case in CASES if "source" in case.spec and "gives" in case.spec)
    optional = [(rule.name, argument.name) for rule in grammar.FILTERS.values() for argument in rule.arguments if not argument.required]
    assert [pair for pair in optional if f"{pair[1]}=" not in written] == []


def test_corpus_covers_every_operator_and_test() -> None:
    found = {getattr(node, "operator", None) for node, _ in evaluated()} | {getattr(node, "test", None) for node, _ in evaluated()}
    assert {*grammar.COMPARISONS.values(), *grammar.ARITHMETIC.values(), *grammar.TESTS} - found == set()


def test_corpus_covers_every_kind_of_node() -> None:
    assert {type(node) for node, _ in evaluated()} == set(tree.Node.__args__)


def test_corpus_covers_every_operator_of_where() -> None:
    found = set()
    for node, _ in evaluated():
        if isinstance(node, tree.Applied) and node.filter == "where" and isinstance(node.arguments[1], tree.Constant):
            found.add(node.arguments[1].value)
    assert set(grammar.WHERE_OPERATORS) - found == set()


def test_corpus_covers_every_limit() -> None:
    limits = {name for name in vars(grammar) if name.startswith(("MAX_", "MIN_"))}
    assert limits - {case.spec.get("limit") for case in CASES} == set()


def test_corpus_covers_every_refused_node() -> None:
    messages = {message for message, _ in grammar.REFUSED.values()}
    said = {case.spec["refused"][1] for case in CASES if "refused" in case.spec}
    assert {message for message in messages if not any(fragment in message or message in fragment for fragment in said)} <= {
        "'[a:b]' is not part of the language."
    }
