"""What is built to take time or memory is refused soon; attack A3 and A38. The bounds are several times what a slow machine needs."""

import time
import tracemalloc
from collections.abc import Callable

import pytest

from tocsin.core.values import Json
from tocsin.playbook.expr import ExprError, compile_expression, compile_template
from tocsin.playbook.expr.errors import ExprLimit

COMPILE_S = 0.25
EVALUATE_S = 2.0
MEMORY = 40_000_000

SOURCES = {
    "20k parentheses": "(" * 20_000 + "1" + ")" * 20_000,
    "20k open brackets": "[" * 20_000,
    "20k open braces": "{'a':" * 20_000,
    "4 MB of text": "'" + "a" * 4_000_000 + "'",
    "4 MB of terms": "x + " * 1_000_000 + "x",
    "4 MB of blanks": " " * 4_000_000,
    "4 MB of quotes": "'" * 4_000_001,
    "50k term chain": " and ".join(["x"] * 50_000),
    "not chain": "not " * 999 + "x",
    "minus chain": "-" * 3_999 + "1",
    "filter chain": "x" + "|upper" * 600,
    "field chain": "x" + ".a" * 1_999,
    "else chain": "1 if x else " * 300 + "1",
    "parentheses as they fit": "(" * 1_999 + "1" + ")" * 1_999,
    "concatenation as it fits": "~".join(["x"] * 2_000),
    "power tower": "9**9**9**9",
    "digits": "9" * 3_999,
    "escapes": "'" + "\\u0041" * 600 + "\\" * 300,
    "unclosed quotes": "'\"" * 2_000,
    "tests": "x" + " is defined" * 350,
    "calls": "x" + "()" * 1_990,
    "commas": "[" + "," * 3_990 + "]",
}


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize("title", SOURCES)
def test_source_bomb_is_refused_at_once(title: str) -> None:
    def refuse() -> None:
        with pytest.raises(ExprError):
            compile_expression(SOURCES[title])

    assert seconds(refuse) < COMPILE_S


@pytest.mark.parametrize("title", SOURCES)
def test_source_bomb_in_a_template_is_refused_at_once(title: str) -> None:
    def refuse() -> None:
        with pytest.raises(ExprError):
            compile_template("${{ " + SOURCES[title] + " }}")

    assert seconds(refuse) < COMPILE_S


def names() -> dict[str, Json]:
    doubled: Json = ["x"]
    for _ in range(60):
        doubled = [doubled, doubled]
    wide: Json = list(range(20))
    for _ in range(8):
        wide = [wide] * 20
    deep: Json = 1
    for _ in range(50_000):
        deep = {"a": deep}
    return {
        "doubled": doubled,
        "wide": wide,
        "deep": deep,
        "text": "a" * 1_000_000,
        "spread": "a " * 500_000,
        "many": [str(number) for number in range(100_000)],
        "rows": [{"id": number, "name": f"row {number}", "rep": {"score": number % 100}} for number in range(50_000)],
        "fields": {f"field_{'x' * 50}_{number}": number for number in range(5_000)},
        "mixed": [number if number % 2 else str(number) for number in range(100_000)],
        "dates": ["2026-01-01T00:00:00Z"] * 100_000,
        "hosts": [f"http://a{number}.example.com/" for number in range(100_000)],
        "ips": ["10.0.0.1"] * 100_000,
        "now": "2026-01-01T00:00:00Z",
    }


NAMES = names()
EVALUATIONS = [
    "doubled",
    "[doubled, doubled]",
    "doubled == doubled",
    "doubled | json",
    "doubled ~ ''",
    "[doubled] | unique",
    "wide",
    "wide | flatten | flatten | flatten | flatten | flatten",
    "wide | json",
    "wide in [wide, wide]",
    "[[wide, wide, wide], [wide, wide, wide]]",
    "deep",
    "deep == deep",
    "deep | json",
    "[deep] | unique",
    "text ~ text",
    "[" + "text ~ '', " * 90 + "1]",
    "[" + "text | upper, " * 90 + "1] | length",
    "[" + "text | lower, " * 90 + "1] | length",
    "[" + "text | sha256, " * 90 + "1] | length",
    "[" + "text | b64encode, " * 90 + "1] | length",
    "[" + "text | reverse, " * 90 + "1] | length",
    "[" + "text | urlencode | length, " * 90 + "1]",
    "text | replace('a', text)",
    "text | replace('a', '')",
    "text | split('a') | length",
    "spread | split | length",
    "spread | split | join(text)",
    "[text, text] | join(text)",
    "text | regex_test('(a+)+$')",
    "text | regex_test('(a|aa)*b')",
    "text | regex_find('a*?b|a') | length",
    "text | regex_find('(?:a.*b)|a') | length",
    "text | regex_replace('', text)",
    "text | regex_replace('a', 'bb')",
    "text | regex_test('(x*)*y|((a?){20}){10}b')",
    "[" + "text | regex_test('(a|b)*c'), " * 90 + "1]",
    "text | defang | refang",
    "[" + "spread | refang | length, " * 90 + "1]",
    "many | sort",
    "many | sort | sort | sort | sort | sort",
    "many | unique | unique | unique | unique | unique | length",
    "mixed | sort",
    "mixed | unique | length",
    "many | map('sha256')",
    "many | map('split', '')",
    "many | map('json') | length",
    "many | map('regex_test', 'x') | length",
    "dates | map('date') | length",
    "hosts | map('domain_of') | length",
    "ips | map('ip_in', ips)",
    "ips | map('ip_in', '10.0.0.0/8') | length",
    "many | map('ip_in', [])",
    "rows | where('rep.score', '>', 5) | length",
    "rows | group_by('name') | length",
    "rows | count('rep.score')",
    "rows | sort('name') | length",
    "rows | zip(rows) | zip(rows | zip(rows)) | length",
    "[" + "rows == rows, " * 90 + "true]",
    "[" + "'x' in many, " * 90 + "true]",
    "[" + "5 in mixed, " * 90 + "true]",
    "[" + "many + many, " * 90 + "1] | length",
    "many + many + many + many + many + many + many + many",
    "[" + "fields.field_x | default(1), " * 90 + "1]",
    "fields.field_y",
    "[" + "fields | items | length, " * 90 + "1]",
    "'9' * 9 | string",
    "text | from_json",
    "'[' ~ (text | replace('a', '1,') | slice(0, 900001)) ~ '1]' | from_json | length",
    "text | int",
    "text | float",
    "text | bool",
    "text | date",
    "text | domain_of",
    "text | ip_in('10.0.0.0/8')",
    "text | b64decode | length",
    "[" + "text == text, " * 90 + "1]",
    "[" + "text in text, " * 90 + "1]",
    "[" + "text < text, " * 90 + "1]",
]


@pytest.mark.parametrize("source", EVALUATIONS, ids=lambda source: source[:40])
def test_evaluation_bomb_ends_soon(source: str) -> None:
    expression = compile_expression(source)

    def message() -> str:
        try:
            expression.evaluate(NAMES)
        except ExprError as error:
            return str(error)
        return ""

    start = time.perf_counter()
    assert len(message()) < 500
    assert time.perf_counter() - start < EVALUATE_S


@pytest.mark.parametrize(
    "source", ["doubled", "wide", "[" + "text ~ '', " * 90 + "1]", "text | replace('a', text)", "many | map('sha256')"]
)
def test_evaluation_bomb_needs_little_memory(source: str) -> None:
    expression = compile_expression(source)
    tracemalloc.start()
    try:
        with pytest.raises(ExprLimit):
            expression.evaluate(NAMES)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def test_growing_from_step_to_step_is_stopped_by_size() -> None:
    triple = compile_expression("[x, x, x]")

    def grow() -> None:
        value: Json = ["seed"]
        for _ in range(100):
            value = triple.evaluate({"x": value})

    with pytest.raises(ExprLimit, match="larger than 5,000,000"):
        grow()
