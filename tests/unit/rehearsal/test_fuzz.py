"""The search finds runs that break, and gives each as a case that fails."""

from pathlib import Path

import pytest

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.errors import TocsinError
from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.rehearsal.bundle import Reader
from tocsin.rehearsal.fuzz import Kind, Search, search
from tocsin.rehearsal.record import appended
from tocsin.rehearsal.rehearse import rehearse
from tocsin.rehearsal.samples import completed, sample_of
from tocsin.rehearsal.schema_check import problems
from tocsin.rehearsal.strategies import Values

OPEN: JsonObject = {"type": "object"}
SCORE: JsonObject = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}, "owner": {"type": "string"}}}
SPECS = {
    one.name: one
    for one in (
        ActionSpec("intel.look_up", "Look up", Effect.READ, None, OPEN, SCORE),
        ActionSpec("edr.isolate", "Isolate", Effect.DESTRUCTIVE, OnUnknown.ASK, OPEN, OPEN),
    )
}
HEAD = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"
ASK = "{title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}"


def run(folder: Path, steps: str, *, head: str = "", allowed: frozenset[str] = frozenset()) -> Search:
    file = folder / "example.yaml"
    file.write_text(f"{HEAD}{head}steps:\n{steps}")
    _, plan, diagnostics = Reader(FixedCatalogue(SPECS.values())).plan(file)
    assert plan is not None, diagnostics
    return search(plan, plans={}, spec=SPECS.__getitem__, examples=150, seed=7, allowed=allowed)


def replayed(folder: Path, case: JsonObject) -> str:
    """Play a found case from its file; return what is wrong with it."""
    file = folder / "example.rehearsal.yaml"
    file.write_bytes(appended(None, case))
    bundle = Reader(FixedCatalogue(SPECS.values())).read(file)
    assert not bundle.has_errors, bundle.diagnostics
    assert bundle.rehearsal is not None
    assert bundle.plan is not None
    (only,) = bundle.rehearsal.cases
    result = rehearse(only, bundle.rehearsal, bundle.plan, plans=bundle.plans, spec=SPECS.__getitem__)
    return " | ".join(one.what for one in result.differences)


def test_a_field_that_may_be_missing_is_found_and_shrunk(tmp_path: Path) -> None:
    found = run(tmp_path, "  - {id: a, action: intel.look_up}\n  - {id: s, set: {owner: '${{ steps.a.owner }}'}}\n").finding
    assert found is not None
    assert found.kind is Kind.UNHANDLED
    assert "'owner'" in found.what
    assert found.case["answers"] == {"a": {"returns": {"score": 0}}}
    assert "failed" in replayed(tmp_path, found.case)


def test_a_number_on_the_edge_is_found(tmp_path: Path) -> None:
    steps = "  - {id: a, action: intel.look_up}\n  - {id: s, set: {x: '${{ 10 / (steps.a.score - 4711) }}'}}\n"
    found = run(tmp_path, steps).finding
    assert found is not None
    assert found.case["answers"] == {"a": {"returns": {"score": 4711}}}


def test_an_effect_before_which_nobody_said_yes_is_found(tmp_path: Path) -> None:
    steps = f"  - {{id: q, ask: {ASK}}}\n  - {{id: i, action: edr.isolate}}\n"
    found = run(tmp_path, steps).finding
    assert found is not None
    assert found.kind is Kind.UNGUARDED
    assert "must not be called" in replayed(tmp_path, found.case)


def test_an_effect_that_is_allowed_is_not_found(tmp_path: Path) -> None:
    steps = f"  - {{id: q, ask: {ASK}}}\n  - {{id: i, action: edr.isolate}}\n"
    assert run(tmp_path, steps, allowed=frozenset({"edr.isolate"})).finding is None


def test_a_guarded_playbook_stands_and_its_branches_are_reached(tmp_path: Path) -> None:
    steps = f"  - {{id: q, ask: {ASK}}}\n  - {{if: \"${{{{ steps.q.answer == 'approve' }}}}\", then: [{{id: i, action: edr.isolate}}]}}\n"
    result = run(tmp_path, steps)
    assert result.finding is None
    assert result.coverage.missed == ()


def test_an_alert_of_the_trigger_is_made(tmp_path: Path) -> None:
    head = "triggers:\n  - alert: ${{ alert.category == 'malware' }}\n"
    found = run(tmp_path, "  - {id: s, set: {ip: '${{ alert.src_endpoint.ip }}'}}\n", head=head).finding
    assert found is not None
    assert isinstance(found.case["alert"], dict)
    assert found.case["alert"]["category"] == "malware"
    assert "failed" in replayed(tmp_path, found.case)


def test_a_crash_of_ours_is_a_finding_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("tocsin.rehearsal.stage.decide", broken)
    found = run(tmp_path, "  - {id: s, set: {x: 1}}\n").finding
    assert found is not None
    assert found.kind is Kind.CRASH
    assert "ZeroDivisionError" in found.what


def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    steps = "  - {id: a, action: intel.look_up}\n  - {id: s, set: {owner: '${{ steps.a.owner }}'}}\n"
    assert run(tmp_path, steps).runs == run(tmp_path, steps).runs


SCHEMAS: list[JsonObject] = [
    {"type": "string", "minLength": 2, "maxLength": 5},
    {"type": ["integer", "null"], "minimum": 3, "maximum": 9},
    {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "array", "minItems": 1, "items": {"enum": [1, 2]}}, "b": {"type": "boolean"}},
    },
    {"anyOf": [{"type": "number", "minimum": 0}, {"const": "x"}]},
    {"type": "string", "format": "date-time"},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_what_is_made_fits_its_schema(schema: JsonObject) -> None:
    from hypothesis import given, settings

    @settings(max_examples=50, database=None)
    @given(Values(["a == 'word' and b > 7"]).of(schema))
    def check(value: object) -> None:
        assert problems(value, schema) == []  # type: ignore[arg-type]

    check()
    assert problems(sample_of(schema), schema) == []


def test_an_object_is_completed_deep_down() -> None:
    schema: JsonObject = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "object", "required": ["b"], "properties": {"b": {"type": "integer"}}}},
    }
    assert completed({}, schema) == {"a": {"b": 0}}
    assert completed({"a": {}}, schema) == {"a": {"b": 0}}


def test_hypothesis_is_asked_for_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(TocsinError, match="needs Hypothesis"):
        run(tmp_path, "  - {id: s, set: {x: 1}}\n")


def test_every_trigger_starts_runs(tmp_path: Path) -> None:
    head = 'triggers:\n  - alert: "true"\n  - webhook: hook\n  - schedule: "0 * * * *"\n'
    found = run(tmp_path, "  - {id: s, set: {title: '${{ alert.title }}'}}\n", head=head).finding
    assert found is not None
    assert "alert" in found.what
    assert "alert" not in found.case


def test_a_trigger_that_wants_no_match_still_starts_runs(tmp_path: Path) -> None:
    head = "triggers:\n  - alert: ${{ not (alert.title | regex_test('test')) }}\n"
    assert run(tmp_path, "  - {id: s, set: {title: '${{ alert.title }}'}}\n", head=head).started > 0
