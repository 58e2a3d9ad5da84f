"""Formatting: golden files, and what each rule promises. After a change that is meant: TOCSIN_UPDATE_GOLDEN=1 pytest, and read it."""

import os
from pathlib import Path

import pytest

from tocsin.core.errors import Invalid
from tocsin.playbook.format import format_playbook

UPDATE = bool(os.environ.get("TOCSIN_UPDATE_GOLDEN"))
ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "format"
HEAD = "schema: tocsin/playbook@1\nid: x\ntitle: X\n"


@pytest.mark.parametrize("source", sorted(GOLDEN.glob("*.yaml")), ids=lambda one: one.stem)
def test_golden_files_come_out_as_expected(source: Path) -> None:
    expected = source.with_suffix(".expected.txt")
    written = format_playbook(source.read_text("utf-8"))
    if UPDATE:
        expected.write_text(written, "utf-8")
    assert written == expected.read_text("utf-8")
    assert format_playbook(written) == written


@pytest.mark.parametrize("source", sorted((ROOT / "playbooks").glob("*.yaml")), ids=lambda one: one.stem)
def test_formatting_a_shipped_playbook_twice_changes_nothing_more(source: Path) -> None:
    written = format_playbook(source.read_text("utf-8"))
    assert format_playbook(written) == written


def test_a_comment_moves_with_the_key_that_it_stands_above_or_beside() -> None:
    text = "title: X  # beside\n\n# about the id\nid: x\nschema: tocsin/playbook@1\nsteps:\n  - wait: 5m\n"
    assert format_playbook(text).startswith("schema: tocsin/playbook@1\n\n# about the id\nid: x\ntitle: X  # beside\n\nsteps:")


def test_what_heads_the_file_stays_at_its_top() -> None:
    text = "# Licence\n\n# about the title\ntitle: X\nid: x\nschema: tocsin/playbook@1\nsteps:\n  - wait: 5m\n"
    assert format_playbook(text).startswith("# Licence\n\nschema: tocsin/playbook@1\nid: x\n# about the title\ntitle: X\n")


def test_the_line_for_editors_stays_at_the_top() -> None:
    text = "# yaml-language-server: $schema=tocsin.json\ntitle: X\nid: x\nschema: tocsin/playbook@1\nsteps:\n  - wait: 5m\n"
    assert format_playbook(text).startswith("# yaml-language-server: $schema=tocsin.json\n\nschema:")


def test_keys_of_a_step_come_in_the_order_of_the_language() -> None:
    step = "tags: [a], on_error: continue, timeout: 5s, retry: {attempts: 2}, with: {b: 1}, action: a.b, if: true, name: N, id: s"
    block = format_playbook(f"{HEAD}steps:\n  - {{ # in a block, for the comment's sake\n    {step}}}\n")
    keys = [line.strip(" -").partition(":")[0] for line in block.splitlines() if line.startswith(("  - ", "    "))]
    assert [key for key in keys if not key.startswith("#")] == [
        "id",
        "name",
        "if",
        "action",
        "with",
        "retry",
        "timeout",
        "on_error",
        "tags",
    ]


def test_a_key_that_the_language_does_not_have_is_kept() -> None:
    written = format_playbook(f"{HEAD}colour: red\nsteps:\n  - wait: 5m\n    colour: blue\n")
    assert "colour: red" in written
    assert "  - wait: 5m\n    colour: blue\n" in written


def test_quotes_go_where_yaml_does_not_need_them() -> None:
    written = format_playbook(f"{HEAD}steps:\n  - set:\n      a: \"plain\"\n      b: 'yes'\n      c: '1'\n      d: 'a: b'\n")
    assert written.endswith('      a: plain\n      b: "yes"\n      c: "1"\n      d: "a: b"\n')


def test_brackets_that_fit_are_kept_as_they_were_written() -> None:
    line = "  - {action: a.b,   with: {c: 'd'}}\n"
    assert format_playbook(f"{HEAD}\nsteps:\n{line}").endswith(line)


def test_brackets_that_do_not_fit_become_a_block() -> None:
    long = "x" * 100
    written = format_playbook(f"{HEAD}steps:\n  - {{action: a.b, with: {{c: {long}}}}}\n")
    assert written.endswith(f"steps:\n  - action: a.b\n    with: {{c: {long}}}\n")


def test_an_empty_line_stands_between_steps_of_several_lines() -> None:
    written = format_playbook(f"{HEAD}steps:\n  - id: a\n    wait: 5m\n  - id: b\n    wait: 5m\n  - wait: 1s\n  - wait: 2s\n")
    assert written.endswith("  - id: a\n    wait: 5m\n\n  - id: b\n    wait: 5m\n  - wait: 1s\n  - wait: 2s\n")


def test_windows_line_ends_and_a_byte_order_mark_go() -> None:
    text = f"{HEAD}steps:\n  - code: |\n      return {{}}\n"
    assert format_playbook("\ufeff" + text.replace("\n", "\r\n")) == format_playbook(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2\n", "Line 2, column 1: PB101"),
        ("a: 1\na: 2\n", "Line 2, column 1: PB104"),
        ("- a\n", "Line 1, column 3"),
        ("", "Line 1, column 1"),
        ("a: &x 1\n", "Line 1, column 4: PB105"),
    ],
)
def test_a_text_that_is_no_yaml_is_refused_with_its_first_place(text: str, place: str) -> None:
    with pytest.raises(Invalid, match=place):
        format_playbook(text)
