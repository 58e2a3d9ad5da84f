"""No expression reaches Python, the process or the template engine; attack A1, A2 and A4."""

import re
from pathlib import Path

import pytest

from tocsin.playbook.expr import ExprError, MissingField, compile_condition, compile_expression, compile_template

LINES = [
    line
    for line in (Path(__file__).parents[2] / "golden" / "expr" / "escapes.txt").read_text().splitlines()
    if line and (not line.startswith("# ") or line.startswith("# for"))
]
REFUSED = [line for line in LINES if not line.startswith("!")]
READING = [line[1:] for line in LINES if line.startswith("!")]
NAMES = {"alert": {"title": "Odd login", "tags": {"a": 1}}}
MARKERS = [
    "${{ secrets }}",
    "${{ alert.title }}",
    "{{7*7}}",
    "${7*7}",
    "<%=7*7%>",
    "{% if x %}",
    "#{7*7}",
    "$${{ x }}",
    "%s%s%n",
    "{0.__class__}",
]


def test_corpus_is_not_empty() -> None:
    assert len(REFUSED) > 250
    assert len(READING) > 30


@pytest.mark.parametrize("source", REFUSED)
def test_escape_is_refused_when_compiled(source: str) -> None:
    with pytest.raises(ExprError):
        compile_expression(source)
    with pytest.raises(ExprError):
        compile_condition(source)


@pytest.mark.parametrize("source", [source for source in REFUSED if "}}" not in source])  # what follows `}}` is plain text
def test_escape_is_refused_inside_a_template(source: str) -> None:
    with pytest.raises(ExprError):
        compile_template({"deep": [f"text ${{{{ {source} }}}} text"]}).render(NAMES)


@pytest.mark.parametrize("source", READING)
def test_what_only_reads_data_finds_nothing(source: str) -> None:
    with pytest.raises(MissingField) as caught:
        compile_expression(source).evaluate(NAMES)
    assert not re.search(r"<class|<function|0x[0-9a-f]{6}|Traceback", str(caught.value))


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize(
    "template", ["${{ alert.title }}", "x ${{ alert.title }}", "${{ alert.title ~ '' }}", "${{ [alert.title] | join }}"]
)
def test_data_is_never_rendered_again(marker: str, template: str) -> None:
    rendered = compile_template(template).render({"alert": {"title": marker}, "secrets": "s3cret"})
    assert rendered == (f"x {marker}" if template.startswith("x") else marker)
    assert compile_template({"k": [template]}).render({"alert": {"title": marker}, "secrets": "s3cret"}) == {"k": [rendered]}


@pytest.mark.parametrize("source", ["secrets.vt | default('none')", "credential is defined", "'a' in (secrets | default(''))"])
def test_default_and_defined_find_no_secret(source: str) -> None:
    assert compile_expression(source).evaluate(NAMES) in ("none", False)


def test_message_quotes_no_values() -> None:
    names = {"alert": {"password_of_the_mail": "hunter2"}}
    for source in ("alert.password", "alert.password_of_the_mail.x", "alert.password_of_the_mail > 1", "alert | upper"):
        with pytest.raises(ExprError) as caught:
            compile_expression(source).evaluate(names)
        assert "hunter2" not in str(caught.value)


def test_message_escapes_control_characters_of_field_names() -> None:
    with pytest.raises(MissingField) as caught:
        compile_expression("alert.title").evaluate({"alert": {"ti\x1b[31mtle\n\u202e": 1}})
    assert str(caught.value).isprintable()
