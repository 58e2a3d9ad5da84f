"""The reader: places, YAML 1.2's meaning of scalars, and limits that hold fast."""

import time

import pytest

from tocsin.core.diagnostics import Diagnostic
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.compile import check
from tocsin.playbook.findings import Findings
from tocsin.playbook.offsets import locate
from tocsin.playbook.source import decode, load
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence, Style


def _read(text: str | bytes) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    findings = Findings()
    decoded = decode(text, file="x.yaml", findings=findings)
    node = None if decoded is None else load(decoded, file="x.yaml", findings=findings)
    return node, findings.sorted()


def _value(text: str) -> Scalar:
    node, found = _read(text)
    assert not found
    assert isinstance(node, Mapping)
    value = node.entries[0].value
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("-3", -3),
        ("3.5", 3.5),
        ("1e3", 1000.0),
        ("2026-01-01", "2026-01-01"),
        ("'true'", "true"),
        ('"12"', "12"),
        ("-", None),
        ("+x", "+x"),
        ("=", "="),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(written: str, value: object) -> None:
    if written == "-":
        assert isinstance(_read("a:\n  -\n")[0], Mapping)
        return
    found = _value(f"a: {written}\n").value
    assert found == value
    assert type(found) is type(value)


def test_keys_and_values_know_their_place() -> None:
    node, _ = _read("title: Grüße\nsteps:\n  - wait: 5m\n    tags: [a, b]\n")
    assert isinstance(node, Mapping)
    steps = node.entries[1]
    assert (steps.key.span.line, steps.key.span.column, steps.key.span.end_column) == (2, 1, 6)
    assert isinstance(steps.value, Sequence)
    assert (steps.value.span.line, steps.value.span.column, steps.value.span.end_line, steps.value.span.end_column) == (3, 3, 4, 17)


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("a: one ${{ x }} two\n", Style.PLAIN),
        ("a: one\n   ${{ x }} two\n", Style.PLAIN),
        ("a: 'it''s ${{ x }}'\n", Style.SINGLE),
        ('a: "\\u00e9 \\"q\\" \\\n   ${{ x }}"\n', Style.DOUBLE),
        ('a: "one\n\n   two ${{ x }}"\n', Style.DOUBLE),
        ("a: |\n  one\n    ${{ x }}\n", Style.LITERAL),
        ("a: |2-\n    one\n   ${{ x }}\n", Style.LITERAL),
        ("a: >-\n  one\n  two ${{ x }}\n\n  three\n", Style.FOLDED),
        ("a: >\r\n  one\r\n  ${{ x }}\r\n", Style.FOLDED),
        ("{a: 'ünï ${{ x }}'}\n", Style.SINGLE),
    ],
)
def test_an_offset_in_a_value_is_found_in_the_source(text: str, style: Style) -> None:
    value = _value(text)
    assert value.style is style
    span = locate(value, str(value.value).index("x"), str(value.value).index("x") + 1)
    line = text.replace("\r\n", "\n").split("\n")[span.line - 1]
    assert line[span.column - 1] == "x"
    assert span.end_column == span.column + 1


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "[" * 5000 + "]" * 5000,
        "{a: " * 5000 + "1" + "}" * 5000,
        "".join(" " * level + "-\n" for level in range(600)),
        "- " * 5000,
        "a:\n" + "".join(" " * level + "b:\n" for level in range(1, 600)),
        "a: " + "? " * 5000,
        "a: 'x" * 40_000,
        "&a " * 5000,
        "a: *x\n" * 30_000,
        "a: " + "9" * 200_000,
        "x" * 300_000,
        "%YAML 1.2\n" * 10_000,
        "---\n" * 60_000,
        "\x01" * 200_000,
        "schema: tocsin/playbook@1\nid: x\ntitle: X\nsteps:\n" + "- acton: steps.x\n" * 15_000,
        "schema: tocsin/playbook@1\nid: x\ntitle: X\nsteps:\n" + "- stop: {reason: '${{ steps.x }}'}\n" * 7_000,
        "schema: tocsin/playbook@1\nid: x\ntitle: X\nsteps:\n" + "- {wait: 1s, id: a}\n" * 12_000,
        "schema: tocsin/playbook@1\nid: x\ntitle: X\nsteps:\n- set: {a: '" + "${{ b }}" * 30_000 + "'}\n",
    ],
)
def test_hostile_texts_are_refused_fast(text: str) -> None:
    started = time.perf_counter()
    found = check(text, file="x.yaml", catalogue=FixedCatalogue([])).diagnostics
    took = time.perf_counter() - started
    assert found
    assert took < 2.0  # alone it takes well under 0.1 s; the machine may be busy


def test_5000_levels_are_refused_within_100_ms() -> None:
    best = 9.0
    for _ in range(5):
        started = time.perf_counter()
        _, found = _read("a: " + "[" * 5000 + "]" * 5000)
        best = min(best, time.perf_counter() - started)
        assert [one.code for one in found] == ["PB103"] or [one.code for one in found] == ["PB101"]
    assert best < 0.1


@pytest.mark.parametrize("text", ["a: b\x00c", "a: \x1b[31mred", "a: b\u2028c", "a: \u202etxt"])
def test_control_characters_are_refused_with_their_place(text: str) -> None:
    _, found = _read(text)
    assert [one.code for one in found] == ["PB110"]
    assert found[0].span.line == 1


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    node, found = _read("\ufeffa: 1\n".encode())
    assert not found
    assert isinstance(node, Mapping)
    assert node.entries[0].key.span.column == 1


def test_a_surrogate_is_not_utf8() -> None:
    assert [one.code for one in _read("a: \udcfc")[1]] == ["PB109"]
