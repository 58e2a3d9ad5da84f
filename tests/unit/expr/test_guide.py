"""The guide cannot lie: its filters and limits are the grammar's, and each of its examples gives what it says."""

import json
import re
from pathlib import Path

import pytest

from tocsin.playbook.expr import compile_expression, grammar

PAGE = (Path(__file__).parents[3] / "docs" / "guide" / "expressions.md").read_text()
NAMES = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
CELL = r"(?:[^|\\]|\\.)*?"
ROWS = re.findall(rf"^\| `({CELL})` \| {CELL} \| `({CELL})` \| `({CELL})` \|$", PAGE, re.MULTILINE)
OPERATORS = re.findall(r"^\| ((?:`[^`]+` ?)+) \|", PAGE.split("| Operator |")[1].split("\n\n")[0], re.MULTILINE)


def unescaped(cell: str) -> str:
    return cell.replace(r"\|", "|")


@pytest.mark.parametrize(("signature", "example", "gives"), ROWS, ids=[f"{row[0]}: {row[1]}"[:60] for row in ROWS])
def test_example_gives_what_the_guide_says(signature: str, example: str, gives: str) -> None:
    source = unescaped(example)
    assert re.search(rf"\b{signature.partition('(')[0]}\b", source), "the example uses its filter"
    value = compile_expression(source).evaluate(NAMES)
    assert json.dumps(value, sort_keys=True) == json.dumps(json.loads(unescaped(gives)), sort_keys=True)


def test_guide_has_every_filter_with_its_arguments() -> None:
    written: dict[str, str] = {}
    for signature, _, _ in ROWS:
        name, _, arguments = signature.rstrip(")").partition("(")
        written[name] = max(written.get(name, ""), arguments, key=len)
    expected = {name: ", ".join(argument.name for argument in rule.arguments) for name, rule in grammar.FILTERS.items()}
    assert written == expected | {"map": "filter, …"}


def test_guide_has_every_operator() -> None:
    written = " ".join(OPERATORS)
    for operator in (*grammar.COMPARISONS.values(), *grammar.ARITHMETIC.values(), "and", "or", "not", "~"):
        assert f"`{operator}`" in written


@pytest.mark.parametrize(
    "limit", ["MAX_SOURCE", "MAX_NODES", "MAX_DEPTH", "MAX_WORK", "MAX_TEXT", "MAX_RESULT", "MAX_RESULT_DEPTH", "MAX_TEMPLATE_EXPRESSIONS"]
)
def test_guide_has_the_limits_of_the_grammar(limit: str) -> None:
    assert f"{vars(grammar)[limit]:,}" in PAGE.split("## Limits")[1]
