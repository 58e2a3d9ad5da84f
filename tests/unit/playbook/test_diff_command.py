"""`tocsin diff` and `tocsin schema`: what they print, and their exit codes."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from tocsin.cli.application import application
from tocsin.cli.say import BAD_INPUT
from tocsin.core.errors import Invalid, NotFound, TocsinError

TEXT = 'schema: tocsin/playbook@1\nid: x\ntitle: X\nsteps:\n  - id: ok\n    ask: {title: "Go on?", to: [role:lead], quorum: 2}\n'


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    before, after = tmp_path / "a.yaml", tmp_path / "b.yaml"
    before.write_text(TEXT)
    after.write_text(TEXT.replace("quorum: 2", "quorum: 1").replace("Go on?", "Go on, [red]now[/red]?"))
    return str(before), str(after)


def test_the_same_playbook_is_no_difference(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(application(), ["diff", files[0], files[0]])
    assert done.exit_code == 0
    assert "Nothing changed" in done.stdout


def test_differences_are_shown_with_the_dangerous_first(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(application(), ["diff", *files])
    assert done.exit_code == 1
    assert done.stdout.index("DANGER") < done.stdout.index("steps/ok/ask/title")
    assert "[red]now[/red]" in done.stdout
    assert "2 changes, 1 of them dangerous." in done.stdout


def test_differences_are_json_for_machines(files: tuple[str, str]) -> None:
    done = CliRunner().invoke(application(), ["diff", *files, "--json"])
    assert done.exit_code == 1
    assert {one["path"]: one["risk"] for one in json.loads(done.stdout)} == {"steps/ok/ask/title": "none", "steps/ok/ask/quorum": "danger"}


@pytest.mark.parametrize(("text", "error"), [(None, NotFound), ("a: [", Invalid), ("- a", Invalid), (TEXT.replace("to:", "two:"), Invalid)])
def test_what_cannot_be_read_is_an_error(text: str | None, error: type[TocsinError], files: tuple[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    if text is not None:
        bad.write_text(text)
    done = CliRunner().invoke(application(), ["diff", files[0], str(bad)])
    assert isinstance(done.exception, error)
    assert "bad.yaml" in str(done.exception)


def test_errors_exit_with_2(tmp_path: Path, files: tuple[str, str]) -> None:
    from tocsin.cli.say import complain

    done = CliRunner().invoke(application(), ["diff", files[0], str(tmp_path / "none.yaml")])
    assert isinstance(done.exception, TocsinError)
    assert complain(done.exception) == BAD_INPUT


def test_the_schema_is_printed_with_the_actions_of_the_packs() -> None:
    done = CliRunner().invoke(application(), ["schema"])
    assert done.exit_code == 0
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    assert "email.send" in {one["const"] for one in schema["$defs"]["action"]["properties"]["action"]["oneOf"]}
