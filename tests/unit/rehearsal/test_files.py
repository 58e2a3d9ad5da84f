"""A rehearsal file is read whole: every code is found at its mistake, and the right way passes."""

from pathlib import Path

import pytest

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.codes import Code
from tocsin.rehearsal import codes
from tocsin.rehearsal.bundle import Bundle, Reader, find
from tocsin.rehearsal.rehearse import rehearse

PLAYBOOK = """\
schema: tocsin/playbook@1
id: example
title: An example
triggers:
  - webhook: x
inputs:
  ip: {type: string, default: 192.0.2.1}
steps:
  - {id: a, action: intel.look_up, with: {ip: "${{ inputs.ip }}"}}
  - if: ${{ steps.a.score > 5 }}
    then:
      - {id: q, ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}}
      - {if: "${{ steps.q.answer == 'approve' }}", then: [{id: b, action: fw.block, with: {ip: "${{ inputs.ip }}"}}]}
"""
SCORE = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer"}}}
SPECS = {
    one.name: one
    for one in (
        ActionSpec("intel.look_up", "Look up", Effect.READ, None, {"type": "object"}, SCORE),
        ActionSpec("fw.block", "Block", Effect.WRITE, OnUnknown.REPEAT, {"type": "object"}, {"type": "object"}),
    )
}


def read(folder: Path, text: str) -> Bundle:
    (folder / "example.yaml").write_text(PLAYBOOK)
    (folder / "example.rehearsal.yaml").write_text(text)
    return Reader(FixedCatalogue(SPECS.values())).read(folder / "example.rehearsal.yaml")


def found(bundle: Bundle) -> set[str]:
    codes = {one.code for one in bundle.diagnostics}
    if bundle.rehearsal is not None and bundle.plan is not None and not bundle.has_errors:
        for case in bundle.rehearsal.cases:
            result = rehearse(case, bundle.rehearsal, bundle.plan, plans=bundle.plans, spec=SPECS.__getitem__)
            codes |= {one.code for one in result.warnings}
    return codes


@pytest.mark.parametrize("code", codes.ALL, ids=lambda code: code.id)
def test_code_is_found_in_its_example(code: Code, tmp_path: Path) -> None:
    if code is codes.UNUSED_ANSWER:
        code_text = code.bad.replace("{a:", "{b:")
        assert code.id in found(read(tmp_path, code_text.replace("inputs: {}", "inputs: {}\n    defaults: from-schema")))
        return
    assert code.id in found(read(tmp_path, code.bad))


@pytest.mark.parametrize("code", codes.ALL, ids=lambda code: code.id)
def test_the_right_way_has_no_error(code: Code, tmp_path: Path) -> None:
    bundle = read(tmp_path, code.good)
    assert not bundle.has_errors, bundle.diagnostics


def test_mistakes_are_found_together_each_at_its_place(tmp_path: Path) -> None:
    text = """\
schema: tocsin/rehearsal@1
case: []
cases:
  - name: One
    answrs: {}
    people: {q: {answer: maybe, by: amira, after: soon}}
    answers: {c: {returns: {}}, a: {returns: {score: high}}}
    expect: {outcome: fine, path: [a, nothing]}
"""
    places = {(one.code, one.span.line) for one in read(tmp_path, text).diagnostics}
    wanted = {("RH111", 2), ("RH111", 5), ("RH124", 6), ("RH115", 6), ("RH122", 7), ("RH123", 7), ("RH113", 8), ("RH122", 8)}
    assert wanted <= places


def test_anchors_and_duplicate_keys_are_refused_as_in_playbooks(tmp_path: Path) -> None:
    text = "schema: tocsin/rehearsal@1\ncases: &a\n  - {name: One, name: Two, inputs: {}, expect: {}}\n"
    assert {"RH100", "RH101"} <= {one.code for one in read(tmp_path, text).diagnostics}


def test_playbooks_without_a_rehearsal_are_named(tmp_path: Path) -> None:
    read(tmp_path, codes.HEAD)
    (tmp_path / "other.yaml").write_text("x")
    places = find([tmp_path])
    assert ([one.name for one in places.rehearsals], [one.name for one in places.unrehearsed]) == (
        ["example.rehearsal.yaml"],
        ["other.yaml"],
    )


def test_a_playbook_with_errors_is_said_and_not_played(tmp_path: Path) -> None:
    bundle = read(tmp_path, codes.HEAD + "cases:\n  - {name: One, expect: {}}\n")
    assert not bundle.has_errors
    (tmp_path / "example.yaml").write_text("schema: tocsin/playbook@1\nid: example\n")
    again = Reader(FixedCatalogue(SPECS.values())).read(tmp_path / "example.rehearsal.yaml")
    assert [one.code for one in again.diagnostics] == ["RH126"]
