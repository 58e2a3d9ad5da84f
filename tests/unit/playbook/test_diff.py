"""Semantic differences: golden files, what is no change, and what is dangerous. TOCSIN_UPDATE_GOLDEN=1 pytest writes the files anew."""

import os
from pathlib import Path

import pytest

from tocsin.core.effects import ActionSpec, Effect
from tocsin.core.errors import Invalid
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.diff import Change, ChangeKind, Risk, diff
from tocsin.playbook.findings import Findings
from tocsin.playbook.format import format_playbook
from tocsin.playbook.model import Playbook
from tocsin.playbook.parsing.playbook import parse
from tocsin.playbook.planning import plan_of
from tocsin.playbook.source import load

UPDATE = bool(os.environ.get("TOCSIN_UPDATE_GOLDEN"))
ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
HEAD = "schema: tocsin/playbook@1\nid: x\ntitle: X\nsteps:\n"
EFFECTS = {"host.look_up": Effect.READ, "host.isolate": Effect.DESTRUCTIVE, "host.wipe": Effect.DESTRUCTIVE, "case.note": Effect.WRITE}
CATALOGUE = FixedCatalogue([ActionSpec(name, name, effect, None, {}, {}) for name, effect in EFFECTS.items()])
WHOLE = [GOLDEN / "playbook" / "phishing-triage.yaml", *sorted((ROOT / "playbooks").glob("*[!l].yaml"))]

ASK = "  - id: ok\n    ask: {title: Go on?, to: [role:lead], deadline: 4h, on_deadline: reject}\n"
GUARDED = f"{ASK}  - if: steps.ok.answer == 'approve'\n    then:\n      - {{id: wipe, action: host.wipe, with: {{host: a}}}}\n"


def _playbook(text: str) -> Playbook:
    findings = Findings()
    node = load(text, file="", findings=findings)
    playbook = None if node is None else parse(node, file="", findings=findings)
    assert playbook is not None
    return playbook


def _diff(before: str, after: str) -> tuple[Change, ...]:
    return diff(_playbook(HEAD + before), _playbook(HEAD + after), catalogue=CATALOGUE)


def _kinds(before: str, after: str) -> list[ChangeKind]:
    return [change.kind for change in _diff(before, after)]


@pytest.mark.parametrize("before", sorted((GOLDEN / "diff").glob("*.before.yaml")), ids=lambda one: one.name.partition(".")[0])
def test_golden_files_come_out_as_expected(before: Path) -> None:
    after = Path(str(before).replace(".before.", ".after."))
    expected = Path(str(before).replace(".before.yaml", ".expected.txt"))
    changes = diff(_playbook(before.read_text("utf-8")), _playbook(after.read_text("utf-8")), catalogue=CATALOGUE)
    written = "".join(f"{change.risk.value:6} {change.kind.value:15} {change.path}: {change.sentence}\n" for change in changes)
    if UPDATE:
        expected.write_text(written, "utf-8")
    assert written == expected.read_text("utf-8")


@pytest.mark.parametrize("file", WHOLE, ids=lambda one: one.stem)
def test_formatting_is_no_change(file: Path) -> None:
    text = file.read_text("utf-8")
    shuffled = text.replace("title:", "title: ", 1).replace("\nsteps:", "\n# a comment\nsteps:  # another", 1)
    assert diff(_playbook(text), _playbook(format_playbook(shuffled)), catalogue=CATALOGUE) == ()


@pytest.mark.parametrize("file", WHOLE, ids=lambda one: one.stem)
def test_a_plan_and_the_playbook_that_it_was_made_of_are_the_same(file: Path) -> None:
    playbook = _playbook(file.read_text("utf-8"))
    plan = plan_of(playbook, "digest", pins={})
    assert diff(playbook, plan) == ()
    assert diff(plan, playbook) == ()


def test_a_version_of_a_called_playbook_is_a_change_between_plans() -> None:
    playbook = _playbook(f"{HEAD}  - call: other\n")
    changes = diff(plan_of(playbook, "a", pins={"other": "1" * 64}), plan_of(playbook, "a", pins={"other": "2" * 64}))
    assert [(change.kind, change.path) for change in changes] == [(ChangeKind.SETTING, "steps/call@1/version")]


def test_a_changed_argument_has_its_path_and_both_values() -> None:
    before, after = (f"  - {{id: a, action: host.look_up, with: {{host: {{name: {one}, port: 1}}}}}}\n" for one in ("x", "y"))
    (change,) = _diff(before, after)
    assert (change.kind, change.path, change.before, change.after) == (ChangeKind.ARGUMENT, "steps/a/with/host/name", "x", "y")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("action: host.look_up", "action: case.note", ChangeKind.ACTION),
        ("action: host.look_up", "action: host.look_up\n    if: inputs.x", ChangeKind.CONDITION),
        ("action: host.look_up", "action: host.look_up\n    retry: {attempts: 1}", None),
        ("action: host.look_up", "action: host.look_up\n    retry: {attempts: 3}", ChangeKind.RETRY),
        ("action: host.look_up", "action: host.look_up\n    timeout: 5s", ChangeKind.TIMEOUT),
        ("action: host.look_up\n    timeout: 60s", "action: host.look_up\n    timeout: 1m", None),
        ("action: host.look_up", "action: host.look_up\n    on_error: continue", ChangeKind.ON_ERROR),
        ("action: host.look_up", "action: host.look_up\n    undo_after: 4h", ChangeKind.SETTING),
        ("wait: 5m", "wait: 300s", None),
        ("wait: 5m", "wait: 6m", ChangeKind.SETTING),
        ("stop: failed", "stop: {outcome: failed}", None),
        ("code: return {}", "code: return {'a' - 1}", ChangeKind.SETTING),
        ("while: x\n    max: 3\n    steps: [{wait: 1s}]", "while: y\n    max: 3\n    steps: [{wait: 1s}]", ChangeKind.CONDITION),
        ("for_each: x\n    steps: [{wait: 1s}]", "for_each: x\n    concurrency: 4\n    steps: [{wait: 1s}]", ChangeKind.CONCURRENCY),
        ("parallel: [[{wait: 1s}], [{wait: 2s}]]", "join: 2\n    parallel: [[{wait: 1s}], [{wait: 2s}]]", None),
        ("parallel: [[{wait: 1s}], [{wait: 2s}]]", "join: any\n    parallel: [[{wait: 1s}], [{wait: 2s}]]", ChangeKind.SETTING),
        ("switch: x\n    cases: {a: [{wait: 1s}]}", "switch: x\n    cases: [{when: a, steps: [{wait: 1s}]}]", None),
        ("wait: 5m", "set: {a: 1}", ChangeKind.KIND),
    ],
)
def test_each_kind_of_change_is_called_by_its_name(before: str, after: str, kind: ChangeKind | None) -> None:
    changes = [one for one in _kinds(f"  - id: s\n    {before}\n", f"  - id: s\n    {after}\n") if not one.startswith("effect")]
    assert changes == ([] if kind is None else [kind])


def test_a_step_that_is_called_otherwise_is_one_change_where_it_is_read_too() -> None:
    before = "  - {id: a, action: host.look_up, with: {host: x}}\n  - {id: b, action: case.note, with: {text: '${{ steps.a.name }}'}}\n"
    assert _kinds(before, before.replace("id: a", "id: facts").replace("steps.a", "steps.facts")) == [ChangeKind.STEP_RENAMED]


def test_only_the_step_that_moved_is_said_to_have_moved() -> None:
    a, b, c = (f"  - {{id: {one}, wait: 5m}}\n" for one in "abc")
    changes = _diff(a + b + c, c + a + b)
    assert [(change.kind, change.path) for change in changes] == [(ChangeKind.STEP_MOVED, "steps/c")]


def test_a_step_that_goes_into_a_branch_has_moved() -> None:
    before = "  - {id: a, wait: 5m}\n"
    after = "  - if: inputs.x\n    then:\n      - {id: a, wait: 5m}\n"
    assert _kinds(before, after) == [ChangeKind.STEP_ADDED, ChangeKind.STEP_MOVED]


def test_steps_without_ids_are_found_again_by_what_they_are() -> None:
    note = "  - {action: case.note, with: {text: %s, case: c}}\n"
    (change,) = _diff(note % "one" + note % "two", "  - wait: 1s\n".join(["", ""]) + note % "one" + note % "three")[-1:]
    assert (change.kind, change.before, change.after) == (ChangeKind.ARGUMENT, "two", "three")


def test_equal_ids_in_two_loops_are_told_apart() -> None:
    loop = "  - id: %s\n    for_each: x\n    steps: [{id: s, wait: %s}]\n"
    changes = _diff(loop % ("a", "1m") + loop % ("b", "1m"), loop % ("a", "1m") + loop % ("b", "2m"))
    assert [change.path for change in changes] == ["steps/b/steps/s/wait/for"]


def _dangers(after: str, before: str = GUARDED) -> list[ChangeKind]:
    return [change.kind for change in _diff(before, after) if change.risk is Risk.DANGER]


def test_an_ask_around_a_destructive_action_that_is_gone_is_dangerous() -> None:
    assert _dangers("  - {id: wipe, action: host.wipe, with: {host: a}}\n") == [ChangeKind.GUARD_REMOVED]


def test_a_condition_that_no_longer_reads_the_answer_is_dangerous() -> None:
    assert ChangeKind.GUARD_REMOVED in _dangers(GUARDED.replace("steps.ok.answer == 'approve'", "inputs.x"))


def test_a_condition_that_is_always_true_is_no_guard() -> None:
    assert ChangeKind.GUARD_REMOVED in _dangers(GUARDED.replace("steps.ok.answer == 'approve'", "true"))


def test_the_other_branch_of_a_guard_is_another_guard() -> None:
    act = "      - {id: wipe, action: host.wipe, with: {host: a}}\n"
    after = f"{ASK}  - if: steps.ok.answer == 'approve'\n    then: [{{wait: 1s}}]\n    else:\n{act}"
    assert _dangers(after) == [ChangeKind.GUARD_REMOVED]


def test_a_branch_that_ended_the_run_was_a_guard() -> None:
    act = "  - {id: wipe, action: host.wipe, with: {host: a}}\n"
    before = f"  - if: inputs.is_server\n    then:\n      - stop: failed\n{act}"
    assert _dangers(act, before) == [ChangeKind.GUARD_REMOVED]
    assert _dangers(before.replace("stop: failed", "wait: 1s"), before) == [ChangeKind.GUARD_REMOVED]


def test_a_guard_that_moves_along_is_no_danger() -> None:
    assert _dangers(GUARDED.replace(ASK, f"  - wait: 1s\n{ASK}")) == []


def test_a_harmless_action_needs_no_guard() -> None:
    before = GUARDED.replace("host.wipe", "case.note")
    assert _dangers("  - {id: wipe, action: case.note, with: {host: a}}\n", before) == []


def test_a_new_destructive_action_without_a_guard_is_dangerous() -> None:
    act = "  - {id: more, action: host.isolate, with: {host: a}}\n"
    assert _dangers(GUARDED + act) == [ChangeKind.UNGUARDED]
    assert _dangers(GUARDED + act.replace("action:", "if: steps.ok.answer == 'approve', action:")) == []


def test_an_effect_that_becomes_destructive_is_dangerous_and_the_way_back_is_not() -> None:
    note, wipe = (f"  - {{id: a, action: {one}, with: {{host: a}}}}\n" for one in ("case.note", "host.wipe"))
    assert ChangeKind.EFFECT_RAISED in _dangers(wipe, note)
    assert _dangers(note, wipe) == []
    assert ChangeKind.EFFECT_LOWERED in _kinds(wipe, note)


@pytest.mark.parametrize(
    ("old", "new", "risk"),
    [
        ("to: [role:lead]", "to: [role:lead, user:amira]", Risk.NOTICE),
        ("deadline: 4h", "deadline: 5h", Risk.NOTICE),
        ("on_deadline: reject", "on_deadline: approve", Risk.DANGER),
        ("deadline: 4h,", "deadline: 4h, options: [approve, reject, later],", Risk.NOTICE),
        ("deadline: 4h,", "deadline: 4h, quorum: 2,", Risk.NOTICE),
        ("deadline: 4h,", "deadline: 4h, via: [web],", Risk.NOTICE),
        ("title: Go on?", "title: Go on then?", Risk.NONE),
    ],
)
def test_what_changes_about_a_question_has_its_risk(old: str, new: str, risk: Risk) -> None:
    (change,) = _diff(ASK, ASK.replace(old, new))
    assert (change.kind, change.risk) == (ChangeKind.ASK, risk)


def test_fewer_answers_than_before_are_dangerous() -> None:
    (change,) = _diff(ASK.replace("deadline: 4h,", "deadline: 4h, quorum: 2,"), ASK)
    assert change.risk is Risk.DANGER


def test_without_a_catalogue_nothing_is_said_of_effects() -> None:
    changes = diff(_playbook(HEAD + GUARDED), _playbook(HEAD + "  - {id: wipe, action: host.wipe, with: {host: a}}\n"))
    assert {change.kind for change in changes} == {ChangeKind.STEP_REMOVED, ChangeKind.STEP_MOVED}


def test_a_tightened_effect_is_told_without_a_catalogue_too() -> None:
    before = _playbook(HEAD + "  - {id: a, action: host.wipe}\n")
    (change,) = diff(before, _playbook(HEAD + "  - {id: a, action: host.wipe, effect: destructive}\n"))
    assert change.path == "steps/a/effect"


def test_a_playbook_with_a_wrong_expression_is_refused() -> None:
    with pytest.raises(Invalid):
        diff(_playbook(f"{HEAD}  - if: 1 +\n    then: [{{wait: 1s}}]\n"), _playbook(f"{HEAD}  - wait: 1s\n"))


def test_changes_are_json() -> None:
    (change,) = _diff("  - {id: a, wait: 5m}\n", "  - {id: a, wait: 6m}\n")
    assert change.as_json() == {
        "kind": "setting",
        "path": "steps/a/wait/for",
        "before": "5m",
        "after": "6m",
        "risk": "notice",
        "sentence": "'a': the setting 'wait.for' is `6m`; it was `5m`.",
    }


def test_another_escalation_says_who_is_asked_then_and_an_approval_by_silence_is_dangerous() -> None:
    escalates = ASK.replace("on_deadline: reject", "on_deadline: {escalate: [role:admin], then: reject}")
    changed = _diff(escalates, escalates.replace("role:admin", "user:amira").replace("then: reject", "then: approve"))
    assert [(one.path.partition("/ask/")[2], one.risk) for one in changed] == [
        ("on_deadline/escalate", Risk.NOTICE),
        ("on_deadline/then", Risk.DANGER),
    ]
    assert "those who are asked after the deadline" in changed[0].sentence
