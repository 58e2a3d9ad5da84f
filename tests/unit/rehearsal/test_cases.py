"""Cases: who answers what, and what is made of expectations."""

from pathlib import Path

import pytest

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.rehearsal.bundle import Bundle, Reader
from tocsin.rehearsal.coverage import coverage_of
from tocsin.rehearsal.rehearse import Result, rehearse

SCORE = {"type": "object", "required": ["score"], "properties": {"score": {"type": "integer", "minimum": 3}, "tags": {"type": "array"}}}
SPECS = {
    one.name: one
    for one in (
        ActionSpec("intel.look_up", "Look up", Effect.READ, None, {"type": "object"}, SCORE),
        ActionSpec("fw.block", "Block", Effect.WRITE, OnUnknown.VERIFY, {"type": "object"}, {"type": "object"}),
        ActionSpec("fw.unblock", "Unblock", Effect.WRITE, OnUnknown.REPEAT, {"type": "object"}, {"type": "object"}),
        ActionSpec("edr.wipe", "Wipe", Effect.DESTRUCTIVE, OnUnknown.ASK, {"type": "object"}, {"type": "object"}),
    )
}
HEAD = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"


def load(folder: Path, steps: str, cases: str, *, head: str = "", file_head: str = "") -> Bundle:
    (folder / "example.yaml").write_text(f"{HEAD}{head}steps:\n{steps}")
    (folder / "example.rehearsal.yaml").write_text(f"schema: tocsin/rehearsal@1\n{file_head}cases:\n{cases}")
    bundle = Reader(FixedCatalogue(SPECS.values())).read(folder / "example.rehearsal.yaml")
    assert not bundle.has_errors, [f"{one.span.line}: {one.code} {one.message}" for one in bundle.diagnostics]
    return bundle


def results(bundle: Bundle) -> list[Result]:
    assert bundle.rehearsal is not None
    assert bundle.plan is not None
    return [rehearse(one, bundle.rehearsal, bundle.plan, plans=bundle.plans, spec=SPECS.__getitem__) for one in bundle.rehearsal.cases]


def said(result: Result) -> str:
    return " | ".join(one.what for one in result.differences)


LOOP = """\
  - id: ips
    for_each: ${{ ['192.0.2.1', '192.0.2.2', '192.0.2.3'] }}
    as: ip
    steps: [{id: known, action: intel.look_up, with: {ip: "${{ ip }}"}}]
  - {id: all, set: {scores: "${{ steps.ips | pluck('known.score') }}"}}
"""


def test_answers_are_chosen_by_arguments_then_in_turn_and_the_last_stays(tmp_path: Path) -> None:
    cases = """\
  - name: One
    answers:
      known:
        - {with: {ip: 192.0.2.2}, returns: {score: 9}}
        - returns: {score: 4}
        - returns: {score: 5}
    expect: {outputs: {scores: [4, 9, 5]}}
"""
    (result,) = results(load(tmp_path, LOOP, cases, head="outputs: {scores: '${{ steps.all.scores }}'}\n"))
    assert result.is_good, said(result)


def test_an_instance_of_a_step_goes_before_the_step_and_the_step_before_the_action(tmp_path: Path) -> None:
    cases = """\
  - name: One
    answers:
      intel.look_up: {returns: {score: 4}}
      ips[1]/known: {returns: {score: 8}}
    expect: {outputs: {scores: [4, 8, 4]}}
"""
    (result,) = results(load(tmp_path, LOOP, cases, head="outputs: {scores: '${{ steps.all.scores }}'}\n"))
    assert result.is_good, said(result)


def test_a_canned_answer_reads_what_the_action_was_given(tmp_path: Path) -> None:
    steps = "  - {id: a, action: fw.block, with: {ip: 192.0.2.7}}\n"
    cases = '  - {name: One, answers: {a: {returns: {done: "${{ input.ip }}"}}}, expect: {outputs: {done: 192.0.2.7}}}\n'
    (result,) = results(load(tmp_path, steps, cases, head="outputs: {done: '${{ steps.a.done }}'}\n"))
    assert result.is_good, said(result)


def test_an_action_without_an_answer_fails_the_case_and_says_what_to_add(tmp_path: Path) -> None:
    (result,) = results(load(tmp_path, "  - {id: a, action: intel.look_up}\n", "  - {name: One, expect: {outcome: succeeded}}\n"))
    assert "no canned answer for 'a' (intel.look_up)" in said(result)
    assert "Add answers: {intel.look_up:" in said(result)


def test_defaults_from_the_schema_fit_it(tmp_path: Path) -> None:
    steps = "  - {id: a, action: intel.look_up}\n"
    cases = "  - {name: One, expect: {outputs: {score: 3}}}\n"
    head = "outputs: {score: '${{ steps.a.score }}'}\n"
    (result,) = results(load(tmp_path, steps, cases, head=head, file_head="defaults: from-schema\n"))
    assert result.is_good, said(result)


def test_an_unknown_outcome_is_settled_by_the_probe_of_the_case(tmp_path: Path) -> None:
    cases = """\
  - name: Applied
    answers: {a: {unknown: The line went dead., probe: applied}}
    expect: {path: [a, "a: unknown", "a: it happened"], effects: 1}
  - name: Not applied
    answers: {a: [{unknown: The line went dead., probe: not_applied}, {returns: {}}]}
    expect: {path: [a, "a: unknown", "a: attempt 2"], outcome: succeeded}
  - name: Nobody can tell
    answers: {a: {unknown: The line went dead., probe: unknown}}
    people: {a: {answer: abort, by: amira}}
    expect: {outcome: failed, error: {step: a, code: aborted}}
"""
    for result in results(load(tmp_path, "  - {id: a, action: fw.block}\n", cases)):
        assert result.is_good, f"{result.case.name}: {said(result)} {result.path}"


def test_events_are_filtered_as_a_run_filters_them(tmp_path: Path) -> None:
    steps = """\
  - id: w
    wait: {event: alert, filter: "${{ event.severity == 'high' }}", deadline: 2d, on_deadline: continue}
"""
    cases = """\
  - name: It comes
    events: {w: [{event: {severity: low}}, {event: {severity: high, title: A}, after: 3h}]}
    expect: {path: ["w: event"], outputs: {title: A}}
  - name: Only others come
    events: {w: [{event: {severity: low}}]}
    expect: {path: ["w: nothing came"], outputs: {title: none}}
  - name: Nothing comes
    events: {w: nothing}
    expect: {path: ["w: nothing came"]}
"""
    head = "outputs: {title: \"${{ steps.w.event.title if steps.w.event != null else 'none' }}\"}\n"
    for result in results(load(tmp_path, steps, cases, head=head)):
        assert result.is_good, f"{result.case.name}: {said(result)} {result.path}"


def test_called_playbooks_are_played_beside_or_given_an_end(tmp_path: Path) -> None:
    (tmp_path / "child.yaml").write_text(
        "schema: tocsin/playbook@1\nid: child\ntitle: Child\ninputs: {ip: {type: string}}\nsteps:\n"
        "  - {id: b, action: fw.block, with: {ip: '${{ inputs.ip }}'}}\noutputs: {ok: '${{ steps.b.ok }}'}\n"
    )
    cases = """\
  - name: Played
    answers: {"child:b": {returns: {ok: true}}}
    expect: {outputs: {ok: true}, actions: [{action: fw.block, with: {ip: 192.0.2.1}}], effects: 1}
  - name: Given
    calls: {child: {outputs: {ok: false}}}
    expect: {outputs: {ok: false}, effects: 0}
  - name: Failed
    calls: {c: {outcome: failed, reason: It is down.}}
    expect: {outcome: failed, error: {step: c, code: call-failed, message: It is down.}}
"""
    head = "outputs: {ok: '${{ steps.c.ok }}'}\n"
    for result in results(load(tmp_path, "  - {id: c, call: child, with: {ip: 192.0.2.1}}\n", cases, head=head)):
        assert result.is_good, f"{result.case.name}: {said(result)} {result.path}"


def test_a_run_is_cancelled_paused_and_resumed_from_outside(tmp_path: Path) -> None:
    cases = """\
  - name: Cancelled
    interruptions: [{cancel: true, after: 1h, by: amira}]
    expect: {outcome: cancelled, path: [cancelled]}
  - name: Held for a day
    interruptions: [{pause: true, after: 1h}, {resume: true, after: 24h}]
    expect: {outcome: succeeded, path: [paused, resumed, "wait@1"]}
"""
    for result in results(load(tmp_path, "  - wait: 2h\n", cases)):
        assert result.is_good, f"{result.case.name}: {said(result)} {result.path}"


def test_a_run_that_waits_for_somebody_is_waiting(tmp_path: Path) -> None:
    steps = "  - {id: q, ask: {title: Go on?, to: [role:responder]}}\n"
    cases = "  - {name: One, people: {q: silence}, expect: {outcome: waiting}}\n  - {name: Two, people: {q: silence}, expect: {}}\n"
    first, second = results(load(tmp_path, steps, cases))
    assert first.is_good
    assert "waiting" in said(second)


def test_code_steps_run_for_real_unless_they_are_given_an_answer(tmp_path: Path) -> None:
    steps = "  - id: c\n    code: |\n      return {'sum': inputs['a'] + 1}\n    with: {a: 41}\n"
    cases = """\
  - {name: Real, expect: {outputs: {sum: 42}}}
  - {name: Given, answers: {c: {returns: {sum: 7}}}, expect: {outputs: {sum: 7}}}
"""
    for result in results(load(tmp_path, steps, cases, head="outputs: {sum: '${{ steps.c.sum }}'}\n")):
        assert result.is_good, f"{result.case.name}: {said(result)} {result.path}"


WRONG = [
    ("outcome: failed", "expected to be failed, and is succeeded"),
    ("path: [a, 's', a]", "another path"),
    ("path: {exactly: [a]}", "another path"),
    ("actions: [{step: b, with: {ip: 192.0.2.9}}]", "called with something else"),
    ("actions: [{step: b, with: {ip: 192.0.2.7}, exactly: true}]", "called with something else"),
    ("actions: [{action: fw.block, times: 2}]", "expected 2 times, and was called once"),
    ("actions: [edr.wipe]", "never called"),
    ("not_called: [fw.block]", "must not be called"),
    ("effects: 2", "2 were expected, and there were 1: b"),
    ("outputs: {ip: 192.0.2.9}", "outputs are other ones"),
    ("outputs: {exactly: {ip: 192.0.2.7}}", "outputs are other ones"),
    ("error: {step: b}", "An error was expected"),
    ("asks: [q]", "never asked"),
    ("reason: Nothing to do", "reason of the end is another"),
]


@pytest.mark.parametrize(("expect", "words"), WRONG, ids=[one for one, _ in WRONG])
def test_an_expectation_that_is_not_met_fails_the_case(expect: str, words: str, tmp_path: Path) -> None:
    steps = """\
  - {id: a, action: intel.look_up}
  - {id: s, set: {x: 1}}
  - {id: b, action: fw.block, with: {ip: 192.0.2.7, for: 1h}}
  - if: ${{ steps.a.score > 10 }}
    then:
      - {id: q, ask: {title: Sure?, to: [role:responder], deadline: 1h, on_deadline: reject}}
      - {action: edr.wipe}
"""
    cases = f"  - name: One\n    answers: {{a: {{returns: {{score: 4}}}}, b: {{returns: {{}}}}}}\n    expect: {{{expect}}}\n"
    (result,) = results(load(tmp_path, steps, cases, head="outputs: {ip: 192.0.2.7, x: 1}\n"))
    assert words in said(result)


def test_every_kind_of_branch_is_counted_when_it_is_taken_and_named_when_not(tmp_path: Path) -> None:
    steps = """\
  - {id: a, action: intel.look_up, on_error: continue, if: "${{ inputs.n > 0 }}"}
  - {id: i, if: "${{ inputs.n == 1 }}", then: [{set: {x: 1}}], elif: [{if: "${{ inputs.n == 2 }}", then: [{set: {x: 2}}]}]}
  - {id: sw, switch: "${{ inputs.n }}", cases: {1: [{set: {y: 1}}]}, default: [{set: {y: 2}}]}
  - {id: l, for_each: "${{ inputs.items }}", steps: [{set: {z: 1}}]}
  - {id: w, while: "${{ (steps.t.n | default(0)) < inputs.n }}", max: 5, steps: [{id: t, set: {n: "${{ (steps.t.n | default(0)) + 1 }}"}}]}
  - {id: p, parallel: [[{id: p1, set: {k: 1}}], [{id: p2, wait: 1h}]], join: any}
  - {id: q, ask: {title: Sure?, to: [role:responder], deadline: 1h, on_deadline: reject}}
"""
    start = "    inputs: {n: 1, items: [1]}\n    answers: {a: {returns: {score: 4}}}\n    people: {q: approve}\n    expect: {}\n"
    head = "inputs: {n: {type: integer}, items: {type: array}}\n"
    bundle = load(tmp_path, steps, f"  - name: One\n{start}", head=head)
    assert bundle.plan is not None
    plays = [one.played for one in results(bundle)]
    coverage = coverage_of(bundle.plan, [one for one in plays if one is not None])
    assert {one.name for one in coverage.missed} == {
        "a: skipped", "a: on error", "i: elif 1", "i: else", "sw: default", "l: no items", "w: no round", "q: reject", "q: deadline",
    }  # fmt: skip
    assert all(one.line > 1 for one in coverage.missed)


def test_a_stop_counts_as_reached(tmp_path: Path) -> None:
    steps = "  - {if: '${{ inputs.n > 0 }}', then: [{id: end, stop: {outcome: succeeded, reason: Enough.}}]}\n  - {id: s, set: {x: 1}}\n"
    bundle = load(tmp_path, steps, "  - {name: One, inputs: {n: 1}, expect: {reason: Enough.}}\n", head="inputs: {n: {type: integer}}\n")
    (result,) = results(bundle)
    assert bundle.plan is not None
    assert result.played is not None
    assert coverage_of(bundle.plan, [result.played]).reached == {"if@1", "end"}
