"""From text to plan: what callers get."""

import hashlib

import pytest

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.playbook.catalogue import FixedCatalogue
from tocsin.playbook.checks.calls import way_back
from tocsin.playbook.compile import PlaybookInvalid, check, compile_playbook
from tocsin.playbook.plan import ActionStep, AlertTrigger, AskStep, ForEachStep, IfStep
from tocsin.playbook.present import as_json, render

HEAD = "schema: tocsin/playbook@1\nid: example\ntitle: An example\n"


def _codes(steps: str, catalogue: FixedCatalogue, head: str = HEAD) -> list[tuple[str, int]]:
    text = f"{head}steps:\n{steps}"
    start = head.count("\n") + 2
    found = check(text, file="example.yaml", catalogue=catalogue).diagnostics
    return [(one.code, one.span.line - start) for one in found if one.code not in ("PB507", "PB508")]  # the style of the examples


def test_a_plan_names_its_text_by_the_digest(catalogue: FixedCatalogue) -> None:
    text = f"{HEAD}steps:\n  - wait: 5m\n"
    plan = compile_playbook(text, file="example.yaml", catalogue=catalogue)
    assert plan.digest == hashlib.sha256(text.encode()).hexdigest()
    assert compile_playbook(text.encode(), file="example.yaml", catalogue=catalogue).digest == plan.digest


def test_an_invalid_playbook_carries_every_finding(catalogue: FixedCatalogue) -> None:
    with pytest.raises(PlaybookInvalid) as caught:
        compile_playbook(f"{HEAD}steps:\n  - wait: 5\n  - stop: perhaps\n", file="example.yaml", catalogue=catalogue)
    assert [one.code for one in caught.value.diagnostics] == ["PB213", "PB214"]
    assert "example.yaml:5:11: PB213" in caught.value.message
    assert "1 more" in caught.value.message
    assert caught.value.hint


def test_warnings_do_not_stop_a_plan(catalogue: FixedCatalogue) -> None:
    checked = check(f"{HEAD}steps:\n  - stop: succeeded\n  - wait: 1s\n", file="example.yaml", catalogue=catalogue)
    assert [one.level for one in checked.diagnostics] == [Level.WARNING]
    assert checked.plan is not None


def test_keys_are_unique_in_a_scope_and_start_again_in_a_loop(catalogue: FixedCatalogue) -> None:
    steps = """
  - wait: 1s
  - if: ${{ alert.count > 1 }}
    then:
      - wait: 1s
    else:
      - wait: 1s
  - for_each: ${{ alert.observables }}
    steps:
      - action: case.note
        with: {text: "${{ item.value }}"}
"""
    plan = compile_playbook(f"{HEAD}steps:{steps}", file="example.yaml", catalogue=catalogue)
    wait, branch, loop = plan.steps
    assert isinstance(branch, IfStep)
    assert isinstance(loop, ForEachStep)
    keys = [wait.common.key, branch.common.key, branch.branches[0][1][0].common.key, branch.otherwise[0].common.key, loop.common.key]
    assert keys == ["wait@1", "if@2", "wait@3", "wait@4", "for_each@5"]
    assert loop.body[0].common.key == "action@1"
    assert loop.variable == "item"


def test_reads_are_the_steps_that_an_action_and_its_condition_read(catalogue: FixedCatalogue) -> None:
    steps = """
  - {id: a, action: mailbox.search, with: {sender: x}}
  - {id: b, action: mailbox.search, with: {sender: x}}
  - action: case.note
    if: ${{ steps.a.count > 0 }}
    with: {text: "${{ steps['b'].sender }}"}
"""
    plan = compile_playbook(f"{HEAD}steps:{steps}", file="example.yaml", catalogue=catalogue)
    last = plan.steps[2]
    assert isinstance(last, ActionStep)
    assert last.reads == {"a", "b"}


def test_an_ask_has_sensible_defaults(catalogue: FixedCatalogue) -> None:
    plan = compile_playbook(f"{HEAD}steps:\n  - ask: {{title: Go on?, to: [role:admin]}}\n", file="example.yaml", catalogue=catalogue)
    ask = plan.steps[0]
    assert isinstance(ask, AskStep)
    assert (ask.via, ask.options, ask.quorum, ask.deadline_s, ask.on_deadline) == (("web", "email"), ("approve", "reject"), 1, None, None)


def test_an_alert_trigger_may_take_every_alert(catalogue: FixedCatalogue) -> None:
    plan = compile_playbook(f"{HEAD}triggers:\n  - alert: true\nsteps:\n  - wait: 1s\n", file="example.yaml", catalogue=catalogue)
    trigger = plan.triggers[0]
    assert isinstance(trigger, AlertTrigger)
    assert trigger.condition.test({}) is True


def test_inputs_become_a_json_schema(catalogue: FixedCatalogue) -> None:
    head = f"{HEAD}inputs:\n  host: {{type: string, title: Host}}\n  limit: {{type: integer, default: 3}}\n"
    text = f"{head}steps:\n  - wait: ${{{{ inputs.host ~ inputs.limit }}}}\n"
    plan = compile_playbook(text, file="example.yaml", catalogue=catalogue)
    assert plan.inputs == {
        "type": "object",
        "properties": {"host": {"type": "string", "title": "Host"}, "limit": {"type": "integer", "default": 3}},
        "required": ["host"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # a branch that ends the run leaves the other's results certain
        ("  - if: alert.count > 1\n    then:\n      - {id: a, action: mailbox.search, with: {sender: x}}\n    else:\n      - stop: failed\n"
         "  - {action: case.note, with: {text: 'Found ${{ steps.a.count }}'}}\n", []),
        # without else, nothing is certain
        ("  - if: alert.count > 1\n    then:\n      - {id: a, action: mailbox.search, with: {sender: x}}\n"
         "  - {action: case.note, with: {text: 'Found ${{ steps.a.count }}'}}\n", [("PB305", 3)]),
        # a guard that stops when the step did not run makes it certain
        ("  - if: alert.count <= 1\n    then:\n      - stop: succeeded\n    else:\n"
         "      - {id: a, action: mailbox.search, with: {sender: x}}\n"
         "  - {action: case.note, with: {text: 'Found ${{ steps.a.count }}'}}\n", []),
        # an outer result is there inside a loop, an earlier one of the same iteration too
        ("  - {id: a, action: mailbox.search, with: {sender: x}}\n  - for_each: steps.a.messages\n    as: mail\n    steps:\n"
         "      - {id: b, action: mailbox.search, with: {sender: '${{ mail.sender }}'}}\n"
         "      - {action: case.note, with: {text: '${{ steps.a.count }} ${{ steps.b.count }}'}}\n", []),
        # two loops may use the same names inside
        ("  - for_each: alert.observables\n    steps:\n      - {id: b, action: case.note, with: {text: '${{ item.value }}'}}\n"
         "  - for_each: alert.observables\n    steps:\n      - {id: b, action: case.note, with: {text: '${{ item.value }}'}}\n", []),
        # inside a loop an outer name may not be used again
        ("  - {id: b, wait: 1s}\n  - for_each: alert.observables\n    as: b\n    steps:\n      - wait: ${{ b.value }}\n", [("PB209", 2)]),
        # an error of a step that may go on
        ("  - {id: a, action: mailbox.search, with: {sender: x}, on_error: continue}\n  - if: steps.a.error is defined\n    then:\n"
         "      - {action: case.note, with: {text: '${{ steps.a.error.message }}'}}\n", []),
        ("  - {id: a, action: mailbox.search, with: {sender: x}}\n  - if: steps.a.error is defined\n    then:\n      - stop: failed\n",
         [("PB221", 1)]),
        # forms of an ask
        ("  - id: a\n    ask: {title: t, to: role:admin, deadline: 1h, on_deadline: reject, form: {why: {type: string}}}\n"
         "  - {action: case.note, with: {text: '${{ steps.a.answer }} ${{ steps.a.form.why }} ${{ steps.a.form.wy }}'}}\n", [("PB221", 2)]),
        # with may be one expression, and open schemas take everything
        ("  - {action: mailbox.search, with: '${{ alert.raw }}'}\n  - {action: http.request, with: {anything: 1}}\n", []),
        # a call passes wait: true
        ("  - {call: notify-user, wait: true}\n", []),
        # the ask comes before on one way only
        ("  - if: alert.count > 1\n    then:\n      - id: a\n"
         "        ask: {title: t, to: role:admin, options: [ok], deadline: 1h, on_deadline: ok}\n"
         "  - {action: mailbox.purge, with: {message_id: x}}\n", [("PB406", 4)]),
        # a playbook may call a harmless action destructive
        ("  - {action: case.note, effect: destructive, with: {text: x}}\n", [("PB406", 0)]),
    ],
)  # fmt: skip
def test_what_is_certain_and_what_is_not(steps: str, expected: list[tuple[str, int]], catalogue: FixedCatalogue) -> None:
    assert _codes(steps, catalogue) == expected


def test_the_shortest_circle_of_calls_is_found() -> None:
    calls = {"a": ["b"], "b": ["c", "d"], "c": ["b"], "d": ["a"]}
    assert way_back("b", "a", calls) == ["b", "d", "a"]
    assert way_back("c", "x", calls) == []


def test_a_finding_is_shown_to_people_and_machines() -> None:
    found = Diagnostic(Span("a.yaml", 2, 4, 2, 8), "PB201", Level.ERROR, "No.", "Yes.")
    assert render([found], "x\ny:\tabcd\n") == "a.yaml:2:4: error PB201: No.\n    2 | y: abcd\n      |    ^^^^\n  = Yes.\n"
    assert as_json(found) == {
        "code": "PB201",
        "severity": "error",
        "message": "No.",
        "hint": "Yes.",
        "span": {"file": "a.yaml", "line": 2, "column": 4, "end_line": 2, "end_column": 8},
    }


def test_a_place_far_to_the_right_is_shown() -> None:
    found = Diagnostic(Span("a.yaml", 1, 501, 1, 504), "PB201", Level.ERROR, "No.")
    lines = render([found], "x" * 500 + "abc" + "y" * 500).split("\n")
    assert lines[1][lines[2].index("^") :].startswith("abc")


def test_findings_are_in_the_order_of_the_text_and_comparable(catalogue: FixedCatalogue) -> None:
    text = f"{HEAD}steps:\n  - wait: 5\n  - stop: perhaps\n  - wait: x\n"
    first = check(text, file="example.yaml", catalogue=catalogue).diagnostics
    assert list(first) == sorted(first)
    assert first == check(text, file="example.yaml", catalogue=catalogue).diagnostics


def test_after_500_findings_the_checker_says_that_it_stops(catalogue: FixedCatalogue) -> None:
    checked = check(f"{HEAD}steps:\n" + "  - {wait: 5, wiat: 6, b: 7, c: 8}\n" * 400, file="example.yaml", catalogue=catalogue)
    assert checked.plan is None
    assert any("more than 500 findings" in one.message for one in checked.diagnostics)
