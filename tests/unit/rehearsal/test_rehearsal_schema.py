"""The schema of rehearsal files allows what the reader reads."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tocsin.core.values import Json
from tocsin.playbook.codes import Code
from tocsin.rehearsal import codes, read
from tocsin.rehearsal.editor_schema import rehearsal_schema

ROOT = Path(__file__).parents[3]
FILES = sorted([*(ROOT / "playbooks").glob("*.rehearsal.yaml"), *(ROOT / "tests/e2e/phishing").rglob("*.rehearsal.yaml")])
SCHEMA = Draft202012Validator(rehearsal_schema())
TAKES = ("entry", "node", "required", "name", "text", "word", "integer", "duration", "boolean")


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(rehearsal_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_rehearsals_that_are_played_are_valid(file: Path) -> None:
    assert [error.message for error in SCHEMA.iter_errors(yaml.safe_load(file.read_text("utf-8")))] == []


@pytest.mark.parametrize("code", [one for one in codes.ALL if one.id in ("RH102", "RH103")], ids=lambda code: code.slug)
def test_what_is_wrong_in_shape_is_invalid(code: Code) -> None:
    assert not SCHEMA.is_valid(yaml.safe_load(code.bad))


@pytest.mark.parametrize(
    "case",
    [
        {"name": "x"},
        {"name": "x", "expect": {"outcome": "fine"}},
        {"name": "x", "expect": {}, "answer": {}},
        {"name": "x", "expect": {}, "answers": {"known": {"returns": {}, "error": {}}}},
        {"name": "x", "expect": {}, "people": {"permission": {"by": "amira"}}},
    ],
)
def test_a_case_that_cannot_be_read_is_invalid(case: Json) -> None:
    assert not SCHEMA.is_valid({"schema": "tocsin/rehearsal@1", "cases": [case]})


def test_every_key_that_the_reader_takes_is_in_it() -> None:
    known = set(_names(rehearsal_schema()))
    taken = {key for file in Path(read.__file__).parent.glob("read*.py") for key in _taken(file)}
    assert len(taken) > 25
    assert taken - known == set()


def test_the_command_prints_it() -> None:
    ran = subprocess.run([sys.executable, "-m", "tocsin.cli", "schema", "--rehearsal"], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == rehearsal_schema()


def _taken(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TAKES and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _names(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        properties = value.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for one in value.values():
            yield from _names(one)
    elif isinstance(value, list):
        for one in value:
            yield from _names(one)
