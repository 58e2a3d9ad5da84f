"""The schema for editors: it accepts what the parser accepts, refuses wrong shapes, and knows every key that the parser takes."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.core.effects import ActionSpec, Effect
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.editor_schema import playbook_schema
from tocsin.playbook.editor_schema.kinds import COMMON, SHAPES
from tocsin.playbook.findings import Findings
from tocsin.playbook.format.order import STEP, TOP
from tocsin.playbook.model import Kind
from tocsin.playbook.parsing import playbook as parser
from tocsin.playbook.parsing.keys import Keys
from tocsin.playbook.parsing.values import plain
from tocsin.playbook.source import load

ROOT = Path(__file__).parents[3]
SOURCES = Path(parser.__file__).parent
HEAD: JsonObject = {"schema": "tocsin/playbook@1", "id": "x", "title": "X"}
TAKERS = {"entry", "node", "required", "name", "text", "word", "integer", "number", "boolean", "duration"}
BLOCK_TAKERS = {"required_block", "optional_block", "template"}
EXAMPLE_ACTIONS = {
    "email.parse": ["eml"],
    "urlscan.lookup": ["url"],
    "dns.sinkhole": ["names"],
    "mailbox.purge": ["message_id"],
    "case.close": ["verdict", "reason"],
}


def _spec(name: str, fields: list[str]) -> ActionSpec:
    properties: dict[str, Json] = {field: {"type": "array" if field == "names" else "string"} for field in fields}
    required: list[Json] = [*fields]
    return ActionSpec(name, name, Effect.WRITE, None, {"type": "object", "properties": properties, "required": required}, {})


EXAMPLES = FixedCatalogue([_spec(name, fields) for name, fields in EXAMPLE_ACTIONS.items()])


def _read(file: Path) -> Json:
    findings = Findings()
    node = load(file.read_text("utf-8"), file="", findings=findings)
    assert node is not None
    return plain(node, findings)


def _problems(value: Json, schema: JsonObject) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


@pytest.fixture(scope="module")
def shipped() -> JsonObject:
    return playbook_schema(PackCatalogue(load_packs([BUILTIN])))


@pytest.fixture(scope="module")
def example() -> JsonObject:
    return playbook_schema(EXAMPLES)


def test_it_is_a_schema_and_is_json(shipped: JsonObject) -> None:
    Draft202012Validator.check_schema(json.loads(json.dumps(shipped)))


def test_without_actions_it_is_a_schema_too() -> None:
    schema = playbook_schema(FixedCatalogue([]))
    Draft202012Validator.check_schema(schema)
    assert _problems({**HEAD, "steps": [{"action": "any.thing", "with": {"a": 1}}]}, schema) == []


@pytest.mark.parametrize(
    "file", sorted(one for one in (ROOT / "playbooks").glob("*.yaml") if ".rehearsal" not in one.name), ids=lambda one: one.stem
)
def test_the_shipped_playbooks_fit(file: Path, shipped: JsonObject) -> None:
    assert _problems(_read(file), shipped) == []


def test_the_example_of_the_design_fits(example: JsonObject) -> None:
    assert _problems(_read(ROOT / "tests" / "golden" / "playbook" / "whole-language" / "phishing-triage.yaml"), example) == []


GOOD: list[JsonObject] = [
    {"action": "case.close", "with": "${{ steps.a }}"},
    {
        "action": "case.close",
        "with": {"verdict": "${{ x }}", "reason": "b"},
        "repeat_until": "${{ true }}",
        "every": "30s",
        "at_most": "2h",
    },
    {"call": "other", "wait": False, "version": "latest"},
    {"wait": {"event": "webhook", "webhook": "done", "filter": True, "deadline": "2d", "on_deadline": "continue"}},
    {"wait": "${{ inputs.x }}"},
    {"if": True, "wait": "5m"},
    {"stop": None},
    {"while": "${{ true }}", "max": 3, "steps": [{"wait": "1s"}]},
    {"parallel": [[{"wait": "1s"}], [{"stop": "failed"}]], "join": 1},
    {"switch": "${{ alert.severity }}", "cases": [{"when": 3, "steps": [{"wait": "1s"}]}]},
    {"code": "return {}", "runtime": "python", "timeout": "5s", "returns": {"a": {"type": "string"}}},
    {"wait": "1s", "on_error": {"steps": [{"stop": "failed"}]}},
]


@pytest.mark.parametrize("step", GOOD, ids=lambda one: json.dumps(one)[:40])
def test_what_the_parser_takes_fits(step: JsonObject, example: JsonObject) -> None:
    findings = Findings()
    node = load(json.dumps({**HEAD, "steps": [step]}), file="", findings=findings)
    assert node is not None
    parser.parse(node, file="", findings=findings)
    assert not findings.has_errors, findings.sorted()
    assert _problems({**HEAD, "steps": [step]}, example) == []


BAD_STEPS: list[Json] = [
    {"id": "a"},
    {"acton": "case.close"},
    {"action": "case.close", "with": {"verdict": "a"}},
    {"action": "case.close", "with": {"verdict": "a", "reason": "b", "colour": "red"}},
    {"action": "case.close", "with": {"verdict": 1, "reason": "b"}},
    {"action": "case.close"},
    {"action": "no.such", "with": {}},
    {"action": "dns.sinkhole", "with": {"names": "one.test"}},
    {"wait": "1s", "retry": {"attempts": 3}},
    {"wait": 5},
    {"wait": "5 minutes"},
    {"wait": {"until": "x", "for": "5m"}},
    {"wait": {"event": "mail"}},
    {"action": "a.b", "wait": "5m"},
    {"id": "Not Snake", "wait": "5m"},
    {"if": "x"},
    {"if": "x", "then": []},
    {"if": "x", "then": {"wait": "5m"}},
    {"then": [{"wait": "5m"}]},
    {"if": "x", "then": [{"wait": "5m"}], "elif": [{"then": [{"wait": "5m"}]}]},
    {"switch": "x"},
    {"for_each": ["a"], "steps": [{"wait": "5m"}]},
    {"for_each": "x", "steps": [{"wait": "5m"}], "concurrency": 1000},
    {"while": "x", "steps": [{"wait": "5m"}]},
    {"parallel": [{"wait": "5m"}]},
    {"parallel": [[{"wait": "5m"}]], "join": "some"},
    {"ask": {"title": "Go on?"}},
    {"ask": {"title": "Go on?", "to": ["role:lead"], "quorum": 0}},
    {"ask": {"title": "Go on?", "to": ["lead"]}},
    {"ask": {"title": "Go on?", "to": ["role:lead"], "via": ["pigeon"]}},
    {"ask": {"title": "Go on?", "to": ["role:lead"], "form": {"a": {"required": True}}}},
    {"code": "return ${{ x }}"},
    {"code": "return {}", "runtime": "ruby"},
    {"stop": "perhaps"},
    {"stop": {"outcome": "succeeded", "why": "x"}},
    {"wait": "1s", "on_error": "ignore"},
    {"wait": "1s", "on_error": {"do": []}},
    {"call": "other", "version": "newest"},
    {"call": "other", "wait": "5m"},
    {"action": "case.close", "with": {"verdict": "a", "reason": "b"}, "every": "30s"},
    {"action": "case.close", "with": {"verdict": "a", "reason": "b"}, "retry": {"delay": "2s"}},
    {"set": ["a"]},
    ["wait"],
]


@pytest.mark.parametrize("step", BAD_STEPS, ids=lambda one: json.dumps(one)[:60])
def test_a_step_of_the_wrong_shape_does_not_fit(step: Json, example: JsonObject) -> None:
    assert _problems({**HEAD, "steps": [step]}, example)


BAD_HEADS: list[JsonObject] = [
    {"schema": "tocsin/playbook@2"},
    {"id": "Not Kebab"},
    {"title": 3},
    {"colour": "red"},
    {"triggers": [{"alert": True, "webhook": "x"}]},
    {"triggers": [{}]},
    {"triggers": {"alert": True}},
    {"triggers": [{"case": "eaten"}]},
    {"inputs": {"a": {"type": "text"}}},
    {"inputs": {"a": "string"}},
    {"tags": "mail"},
    {"outputs": ["a"]},
    {"finally": []},
]


@pytest.mark.parametrize("change", BAD_HEADS, ids=json.dumps)
def test_a_playbook_of_the_wrong_shape_does_not_fit(change: JsonObject, example: JsonObject) -> None:
    good: JsonObject = {**HEAD, "steps": [{"wait": "5m"}]}
    assert _problems(good, example) == []
    assert _problems({**good, **change}, example)


def test_every_kind_of_step_has_a_shape() -> None:
    assert set(SHAPES) == set(Kind) - {Kind.NONE}


PROBES: dict[Kind, JsonObject] = {
    Kind.ACTION: {"action": "a.b", "retry": {}},
    Kind.SET: {"set": {}},
    Kind.IF: {"if": True, "then": [], "elif": [{}]},
    Kind.SWITCH: {"switch": "x", "cases": [{}]},
    Kind.FOR_EACH: {"for_each": "x", "steps": []},
    Kind.WHILE: {"while": "x", "steps": []},
    Kind.PARALLEL: {"parallel": []},
    Kind.ASK: {"ask": {"form": {"f": {"type": "string"}}}},
    Kind.WAIT: {"wait": {"event": "case"}, "on_error": {"steps": []}},
    Kind.CALL: {"call": "x"},
    Kind.CODE: {"code": "return {}", "returns": {"f": {"type": "string"}}},
    Kind.STOP: {"stop": {}},
}


def _taken(probe: JsonObject, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Return what the parser asks for in each map of a playbook, without what it refuses."""
    asked: dict[str, set[str]] = {}
    refused: dict[int, set[str]] = {}
    done, refuse, not_yet = Keys.done, Keys.refuse, Keys.not_yet

    def noting_done(keys: Keys) -> None:
        asked.setdefault(keys.what, set()).update(set(keys._asked) - refused.get(id(keys), set()))
        done(keys)

    def noting_refuse(keys: Keys, key: str, reason: str, hint: str) -> None:
        refused.setdefault(id(keys), set()).add(key)
        refuse(keys, key, reason, hint)

    def noting_not_yet(keys: Keys, key: str, instead: str) -> None:
        refused.setdefault(id(keys), set()).add(key)
        not_yet(keys, key, instead)

    monkeypatch.setattr(Keys, "done", noting_done)
    monkeypatch.setattr(Keys, "refuse", noting_refuse)
    monkeypatch.setattr(Keys, "not_yet", noting_not_yet)
    node = load(json.dumps({**HEAD, "triggers": [{}], "steps": [probe]}), file="", findings=Findings())
    assert node is not None
    parser.parse(node, file="", findings=Findings())
    return asked


def _maps(schema: Json) -> Iterator[set[str]]:
    """Yield the keys of every closed map in a schema."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield set(properties)
        for one in schema.values():
            yield from _maps(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _maps(one)


@pytest.mark.parametrize("kind", PROBES, ids=lambda one: one.value)
def test_every_key_that_the_parser_takes_is_in_the_schema(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = _taken(PROBES[kind], monkeypatch)
    step = taken.pop("The step")
    shape = set(COMMON) | set(SHAPES[kind].properties)
    assert step == shape
    schema = playbook_schema(FixedCatalogue([]))
    whole = list(_maps(schema))
    for what, keys in taken.items():
        if what == "'wait'":  # a wait has three forms, each with some of the keys
            assert keys <= set().union(*_maps(SHAPES[Kind.WAIT].properties["wait"]))
        else:
            assert keys in whole, what


def test_the_probes_reach_every_kind() -> None:
    assert set(PROBES) == set(SHAPES)


def test_every_key_that_the_parsers_name_is_in_the_schema() -> None:
    known = set().union(*_maps(playbook_schema(FixedCatalogue([]))))
    missing = {(file.name, key) for file in SOURCES.glob("*.py") for key in _named(file)} - {("playbook.py", "on")}
    assert {one for one in missing if one[1] not in known} == set()


def _named(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        method = function.attr if isinstance(function, ast.Attribute) else ""
        name = function.id if isinstance(function, ast.Name) else ""
        arguments = node.args[:1] if method in TAKERS | BLOCK_TAKERS else node.args[1:2] if name == "map_slot" else []
        yield from (one.value for one in arguments if isinstance(one, ast.Constant) and isinstance(one.value, str))


def test_the_formatter_orders_every_key() -> None:
    keys = set(COMMON).union(*(shape.properties for shape in SHAPES.values()))
    assert keys <= set(STEP)
    top = playbook_schema(FixedCatalogue([]))["properties"]
    assert isinstance(top, dict)
    assert list(top) != []
    assert set(top) == set(TOP)
