"""YAML is read strictly, and everything wrong is located."""

import pytest

from tocsin.connectors.yamltext import Document, parse_yaml


def read(text: str) -> Document:
    return parse_yaml(text, Document("f.yaml"))


def test_scalars_follow_yaml_1_2() -> None:
    value = read("on: on\nno: no\noctal: 0o17\nzero: 017\nnull: ~\nfloat: 1.5\nbool: true\ndate: 2026-01-02\nquoted: '1'\nsexa: 1:30").value
    assert value == {
        "on": "on", "no": "no", "octal": 15, "zero": 17, "null": None, "float": 1.5, "bool": True, "date": "2026-01-02", "quoted": "1",
        "sexa": "1:30",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\nb: }", "PK101", 2),
        ("a: &x 1\nb: *x", "PK102", 1),
        ("a: 1\na: 2", "PK102", 2),
        ("a: !!python/object:os.system x", "PK102", 1),
        ("<<: {a: 1}", "PK102", 1),
        ("a: 1\n---\nb: 2", "PK102", 2),
        ("a: " + "[" * 50 + "]" * 50, "PK102", 1),
        ("? [a]\n: 1", "PK102", 1),
    ],
)
def test_what_is_refused_is_located(text: str, code: str, line: int) -> None:
    document = read(text)
    assert document.value is None
    assert [(found.code, found.span.line) for found in document.diagnostics] == [(code, line)]


def test_place_of_a_nested_value_is_known() -> None:
    document = read("a:\n  - b: 1\n    c: 2\n")
    assert document.span(("a", 0, "c")).line == 3
    assert document.span(("a", 0, "gone")).line == 2
