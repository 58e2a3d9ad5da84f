"""A great many inputs, grown from the grammar and from broken pieces of the conformance corpus: JSON or an ExprError, nothing else.

Hypothesis looks for small counterexamples (test_fuzz.py); this is the mass: TOCSIN_FUZZ_INPUTS says how many, TOCSIN_FUZZ_SEED which.
"""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import yaml

from tocsin.core.values import Json
from tocsin.playbook.expr import ExprError, compile_expression, grammar

INPUTS = int(os.environ.get("TOCSIN_FUZZ_INPUTS", "50000"))
SEED = int(os.environ.get("TOCSIN_FUZZ_SEED", "20260302"))
BATCHES: Final = 10
CORPUS = Path(__file__).parents[2] / "golden/expr"

NAMES: Final[dict[str, Json]] = {
    "alert": {"title": "a [bad] one", "count": 3, "user": {"email": "anna@corp.example"}, "list": [1, "2", None, {"x": [True]}]},
    "steps": {"mail": {"urls": ["http://a.example/x", "hxxp://b[.]example"]}, "rows": [{"a": 1, "b": "x"}, {"a": 2}, {"b": None}]},
    "inputs": {"n": 2**63 - 1, "f": 0.1, "t": "10.0.0.1", "e": "", "d": "2026-01-01T00:00:00Z", "j": '{"k": [1]}', "deep": [[[[]]]]},
    "now": "2026-03-02T09:00:00Z",
}
PATHS: Final = ("alert.title", "alert.count", "alert.user.email", "alert.list", "steps.rows", "steps.mail.urls", "now", "alert.nothing")
LITERALS: Final = (
    *("0", "1", "-1", "2.5", "1e308", "9223372036854775807", "true", "none", "[]", "{}"),
    *("'a'", "'1d'", "'b64'", "'%Y'", "'(a+)+$'"),
)
BINARY: Final = (*grammar.ARITHMETIC.values(), *grammar.COMPARISONS.values(), "and", "or", "~")
FILTERS: Final = tuple(sorted(grammar.FILTERS))
JUNK: Final = (
    *"()[]{}|,.:'\"$\\ \n\0_",
    *("${{", "}}", "__class__", "**", "//", "is", "not", "\ud800", "\u202e", "é"),
)


def leaf(rng: random.Random) -> str:
    return rng.choice(PATHS + LITERALS + tuple(f"inputs.{name}" for name in "nftedj"))


def grown(rng: random.Random, depth: int) -> str:
    """Return an expression that the grammar allows."""
    if depth == 0 or rng.random() < 0.2:
        return leaf(rng)

    def inner() -> str:
        return grown(rng, depth - 1)

    forms: tuple[Callable[[], str], ...] = (
        lambda: f"({inner()} {rng.choice(BINARY)} {inner()})",
        lambda: f"({inner()} | {rng.choice(FILTERS)}{given(rng, inner)})",
        lambda: f"({inner()} | map('{rng.choice(FILTERS)}'))",
        lambda: f"({inner()} | {rng.choice(('where', 'pluck', 'sort', 'group_by', 'count'))}('{rng.choice(('a', 'x.y', 'b'))}'))",
        lambda: f"({inner()} | default({inner()}))",
        lambda: f"({inner()} if {inner()} else {inner()})",
        lambda: f"{inner()}[{inner()}]",
        lambda: f"[{inner()}, {inner()}]",
        lambda: "{'k': " + inner() + "}",
        lambda: f"(not {inner()})",
        lambda: f"(-{inner()})",
        lambda: f"({inner()} is {rng.choice(grammar.TESTS)})",
    )
    return rng.choice(forms)()


def given(rng: random.Random, inner: Callable[[], str]) -> str:
    count = rng.choice((0, 0, 1, 1, 2))
    return f"({', '.join(inner() for _ in range(count))})" if count else ""


def broken(rng: random.Random, corpus: list[str]) -> str:
    """Return pieces of two expressions of the corpus, with something in between or left out."""
    one, other = rng.choice(corpus), rng.choice(corpus)
    cut, join = rng.randint(0, len(one)), rng.randint(0, len(other))
    return str(one[:cut] + rng.choice(JUNK) * rng.choice((0, 1, 1, 3)) + other[join:])


def evaluated(source: str) -> tuple[Json, ExprError | None]:
    try:
        return compile_expression(source).evaluate(NAMES), None
    except ExprError as error:
        return None, error
    except BaseException as error:
        raise AssertionError(f"{type(error).__name__} from {source!r}") from error


@pytest.fixture(scope="module")
def corpus() -> list[str]:
    found: list[str] = []
    for file in sorted(CORPUS.glob("*.yaml")):
        found += [str(case["source"]) for case in yaml.safe_load(file.read_text("utf-8"))["cases"] if "source" in case]
    found += [line for line in (CORPUS / "escapes.txt").read_text("utf-8").splitlines() if line]
    assert len(found) > 400
    return found


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_great_many_inputs_give_json_or_an_expr_error(batch: int, corpus: list[str]) -> None:
    rng = random.Random(SEED * BATCHES + batch)
    answers = errors = 0
    for _ in range(INPUTS // BATCHES):
        source = grown(rng, rng.choice((1, 2, 3))) if rng.random() < 0.6 else broken(rng, corpus)
        value, error = evaluated(source)
        if error is None:
            json.dumps(value, allow_nan=False)
            answers += 1
        else:
            assert error.message, source
            assert not error.message.startswith("Cannot evaluate"), source  # the last net is for what is no JSON
            errors += 1
    assert answers > INPUTS // BATCHES // 20, "the generator makes hardly anything that can be evaluated"
    assert errors > INPUTS // BATCHES // 20
