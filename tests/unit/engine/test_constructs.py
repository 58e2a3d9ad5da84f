"""Rounds, polling, joins, handlers, finally, events, calls, code and undo, through the real driver over a memory journal."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tocsin.core.effects import Effect, OnUnknown
from tocsin.core.errors import Invalid
from tocsin.core.values import Json, iso
from tocsin.engine.events import (
    ActionIntended,
    AskAnswered,
    AskClosed,
    BranchesJoined,
    EventArrived,
    EventAwaited,
    MainEnded,
    Outcome,
    RoundStarted,
    StepFailed,
    UndoScheduled,
)
from tocsin.engine.ports import ActionCall
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

WHILE = """\
  - id: loop
    while: ${{ steps.add.n | default(0) < inputs.to }}
    max: 5
    steps:
      - {id: add, set: {n: "${{ (steps.add.n | default(0)) + 1 }}"}}
"""
TO = "inputs: {to: {type: integer}}\n"
POLL = """\
  - id: scan
    action: intel.look_up
    repeat_until: ${{ steps.scan.state == 'done' }}
    every: 30s
    at_most: 2m
"""
OUT = 'outputs: {it: "${{ steps.loop }}"}\n'


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.actions.add(spec("intel.look_up"), {"state": "done", "bad": True})
    bench.actions.add(replace(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), undo="fw.unblock"), {"ok": True})
    bench.actions.add(
        replace(spec("fw.unblock", Effect.WRITE, OnUnknown.REPEAT), input_schema={"properties": {"address": {}}}), {"ok": True}
    )
    return bench


def sent(bench: Bench) -> list[str]:
    return [call.action for call in bench.actions.ledger]


def settle(bench: Bench, *runs: object) -> None:
    for run in runs:
        asyncio.run(bench.settle(run))  # type: ignore[arg-type]  # ids of the bench's own runs


# --- while


@pytest.mark.parametrize("to", [0, 1, 4])
def test_a_while_reads_the_round_before_and_says_how_many_rounds_there_were(bench: Bench, to: int) -> None:
    ended = bench.ended(bench.play(WHILE, head=TO + OUT, inputs={"to": to}))
    assert ended.outputs["it"] == {"iterations": to, "last": {"add": {"n": to}} if to else {}}


def test_a_while_that_still_holds_after_max_rounds_fails(bench: Bench) -> None:
    run = bench.play(WHILE, head=TO, inputs={"to": 6})
    assert bench.ended(run).outcome is Outcome.FAILED
    assert next(event.error["code"] for event in bench.events(run) if isinstance(event, StepFailed)) == "while-limit"


def test_a_while_that_needs_exactly_max_rounds_succeeds(bench: Bench) -> None:
    assert bench.ended(bench.play(WHILE, head=TO, inputs={"to": 5})).outcome is Outcome.SUCCEEDED


def test_a_while_may_wait_in_each_round(bench: Bench) -> None:
    steps = WHILE + "      - wait: 1h\n"
    run = bench.play(steps, head=TO + OUT, inputs={"to": 2})
    for _ in range(2):
        assert not bench.journal.runs[run].ended
        bench.clock.move(hours=1)
        settle(bench, run)
    assert bench.ended(run).outputs["it"] == {"iterations": 2, "last": {"add": {"n": 2}}}


def test_a_loop_in_a_round_in_a_loop_keeps_its_names(bench: Bench) -> None:
    steps = """\
  - id: loop
    for_each: ${{ [1, 2] }}
    as: a
    steps:
      - id: rounds
        while: ${{ steps.sum.n | default(0) < a }}
        max: 9
        steps:
          - id: inner
            for_each: ${{ [10, 20] }}
            as: b
            steps:
              - {id: one, set: {v: "${{ a * b }}"}}
          - {id: sum, set: {n: "${{ (steps.sum.n | default(0)) + 1 }}", seen: "${{ steps.inner | pluck('one.v') }}"}}
"""
    found = bench.ended(bench.play(steps, head=OUT)).outputs["it"]
    assert [one["rounds"]["iterations"] for one in found] == [1, 2]  # type: ignore[union-attr, index, call-overload]
    assert [one["rounds"]["last"]["sum"]["seen"] for one in found] == [[10, 20], [20, 40]]  # type: ignore[union-attr, index, call-overload]


# --- polling


def test_an_action_is_repeated_until_its_result_is_right(bench: Bench) -> None:
    bench.actions.add(spec("intel.look_up"), {"state": "queued"}, {"state": "running"}, {"state": "done", "score": 7})
    run = bench.play(POLL, head='outputs: {score: "${{ steps.scan.score }}"}\n')
    for _ in range(2):
        assert not bench.journal.runs[run].ended
        assert bench.journal.runs[run].wake_at == bench.clock() + timedelta(seconds=30)
        bench.clock.move(seconds=30)
        settle(bench, run)
    assert bench.ended(run).outputs == {"score": 7}
    assert len(sent(bench)) == 3


def test_polling_that_takes_too_long_fails(bench: Bench) -> None:
    bench.actions.add(spec("intel.look_up"), {"state": "queued"})
    run = bench.play(POLL)
    while not bench.journal.runs[run].ended:
        bench.clock.move(seconds=30)
        settle(bench, run)
    failed = next(event for event in bench.events(run) if isinstance(event, StepFailed))
    assert failed.error["code"] == "poll-timeout"
    assert failed.path == "scan"
    assert len(sent(bench)) == 5  # at 0, 30, 60, 90 and 120 s


def test_each_repetition_of_a_write_has_a_key_of_its_own(bench: Bench) -> None:
    bench.actions.add(spec("fw.push", Effect.WRITE, OnUnknown.KEY), {"state": "pending"}, {"state": "done"})
    run = bench.play(POLL.replace("intel.look_up", "fw.push"))
    bench.clock.move(seconds=30)
    settle(bench, run)
    keys = [event.key for event in bench.events(run) if isinstance(event, ActionIntended)]
    assert len(keys) == len(set(keys)) == 2


# --- join


JOIN = """\
  - join: {join}
    parallel:
      - - {{id: a, action: intel.look_up}}
      - - id: permission
          ask: {{title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}}
      - - wait: 1h
        - {{id: late, action: fw.block, with: {{address: 203.0.113.7}}}}
"""


def test_join_any_goes_on_with_the_first_branch_and_closes_what_the_others_asked(bench: Bench) -> None:
    run = bench.play(JOIN.format(join="any"), head='outputs: {it: "${{ steps.a.state | default(null) }}"}\n')
    assert bench.ended(run).outputs == {"it": "done"}
    assert [event.branches for event in bench.events(run) if isinstance(event, BranchesJoined)] == [[0]]
    assert [event.path for event in bench.events(run) if isinstance(event, AskClosed)] == ["permission"]
    bench.clock.move(hours=2)
    settle(bench, run)
    assert sent(bench) == ["intel.look_up"]


def test_join_two_waits_for_a_second_branch(bench: Bench) -> None:
    run = bench.play(JOIN.format(join=2))
    assert not bench.journal.runs[run].ended
    bench.answer(run, "approve")
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    assert sent(bench) == ["intel.look_up"]


def test_join_any_fails_only_when_no_branch_succeeds(bench: Bench) -> None:
    bench.actions.add(spec("intel.bad"), Invalid("no"))
    one = "  - join: any\n    parallel:\n      - - {id: a, action: intel.bad}\n      - - {id: b, action: intel.look_up}\n"
    assert bench.ended(bench.play(one)).outcome is Outcome.SUCCEEDED
    assert bench.ended(bench.play(one.replace("intel.look_up", "intel.bad"))).outcome is Outcome.FAILED


def test_a_write_that_was_sent_in_a_branch_that_lost_is_still_waited_for(bench: Bench) -> None:
    steps = (
        "  - join: any\n    parallel:\n      - - {id: a, set: {x: 1}}\n      - - {id: b, action: fw.block, with: {address: 203.0.113.7}}\n"
    )
    run = bench.play(steps)
    kinds = [type(event).__name__ for event in bench.events(run)]
    assert "ActionUnknown" not in kinds
    assert kinds.count("ActionIntended") == kinds.count("ActionDone")


# --- errors and finally


def test_a_handler_runs_and_sees_the_error_and_the_run_goes_on(bench: Bench) -> None:
    bench.actions.add(spec("intel.bad"), Invalid("no such host"))
    steps = """\
  - id: look
    action: intel.bad
    on_error:
      steps:
        - {id: why, set: {text: "${{ steps.look.error.message }}"}}
  - {id: after, set: {text: "${{ steps.why.text | default('fine') }}"}}
"""
    assert bench.ended(bench.play(steps, head='outputs: {it: "${{ steps.after.text }}"}\n')).outputs == {"it": "no such host"}


def test_a_handler_that_fails_fails_the_run(bench: Bench) -> None:
    bench.actions.add(spec("intel.bad"), Invalid("no"))
    steps = "  - id: look\n    action: intel.bad\n    on_error:\n      steps:\n        - {id: again, action: intel.bad}\n"
    ended = bench.ended(bench.play(steps))
    assert (ended.outcome, "again" in ended.reason) == (Outcome.FAILED, True)


def test_a_handler_of_a_loop_catches_what_fails_inside(bench: Bench) -> None:
    bench.actions.add(spec("intel.bad"), Invalid("no"))
    steps = """\
  - id: loop
    for_each: ${{ [1] }}
    as: n
    steps:
      - {action: intel.bad, with: {n: "${{ n }}"}}
    on_error: {steps: [{id: told, set: {it: caught}}]}
"""
    assert bench.ended(bench.play(steps, head="outputs: {it: \"${{ steps.told.it | default('no') }}\"}\n")).outputs == {"it": "caught"}


FINALLY = """\
finally:
  - id: tidy
    action: fw.unblock
    with: {address: "${{ run.outcome }} ${{ run.error.step | default('-') }}"}
"""


@pytest.mark.parametrize(
    ("steps", "outcome", "told"),
    [
        ("  - {id: a, set: {x: 1}}\n", Outcome.SUCCEEDED, "succeeded -"),
        ("  - {id: a, action: intel.bad}\n", Outcome.FAILED, "failed a"),
        ("  - stop: failed\n", Outcome.FAILED, "failed -"),
    ],
)
def test_finally_runs_whatever_happened_and_knows_what(bench: Bench, steps: str, outcome: Outcome, told: str) -> None:
    bench.actions.add(spec("intel.bad"), Invalid("no"))
    run = bench.play(steps, head=FINALLY)
    assert bench.ended(run).outcome is outcome
    assert [call.arguments for call in bench.actions.ledger if call.action == "fw.unblock"] == [{"address": told}]


def test_a_failure_in_finally_fails_a_run_that_had_succeeded_and_keeps_both_reasons(bench: Bench) -> None:
    bench.actions.add(spec("intel.bad"), Invalid("broken"))
    final = "finally:\n  - {id: tidy, action: intel.bad}\n"
    assert bench.ended(bench.play("  - {id: a, set: {x: 1}}\n", head=final)).outcome is Outcome.FAILED
    reason = bench.ended(bench.play("  - {id: a, action: intel.bad}\n", head=final)).reason
    assert "'a'" in reason
    assert "'tidy'" in reason


# --- events


EVENT = """\
  - id: back
    wait: {event: alert, filter: "${{ event.source == inputs.source }}", deadline: 2d, on_deadline: continue}
"""
SOURCE = 'inputs: {source: {type: string}}\noutputs: {it: "${{ steps.back.event }}"}\n'


def test_a_wait_for_an_event_takes_along_what_its_filter_reads(bench: Bench) -> None:
    run = bench.play(EVENT, head=SOURCE, inputs={"source": "ids"})
    waited = next(event for event in bench.events(run) if isinstance(event, EventAwaited))
    assert (waited.kind, waited.names) == ("alert", {"inputs": {"source": "ids"}})
    assert waited.filter == "event.source == inputs.source"
    bench.journal.signal(run, EventArrived(at=iso(bench.clock()), path="back", event={"source": "ids"}))
    bench.journal.signal(run, EventArrived(at=iso(bench.clock()), path="back", event={"source": "other"}))
    settle(bench, run)
    assert bench.ended(run).outputs == {"it": {"source": "ids"}}


def test_a_wait_for_an_event_goes_on_without_after_its_deadline_or_fails(bench: Bench) -> None:
    for steps, outcome in ((EVENT, Outcome.SUCCEEDED), (EVENT.replace("continue", "fail"), Outcome.FAILED)):
        run = bench.play(steps, head=SOURCE, inputs={"source": "ids"})
        bench.clock.move(days=2)
        settle(bench, run)
        assert bench.ended(run).outcome is outcome


# --- asks


ESCALATES = """\
  - id: permission
    ask:
      title: Go on?
      to: [role:responder]
      deadline: 4h
      on_deadline: {escalate: [role:admin], deadline: 2h, then: reject}
"""
ANSWER = 'outputs: {it: "${{ steps.permission.answer }}"}\n'


def test_a_question_that_nobody_answers_is_put_to_others_and_the_first_is_closed(bench: Bench) -> None:
    run = bench.play(ESCALATES, head=ANSWER)
    first = bench.open_ask(run)
    bench.clock.move(hours=4)
    settle(bench, run)
    second = bench.open_ask(run)
    assert (first.to, first.escalates, second.to, second.escalates) == (["role:responder"], ["role:admin"], ["role:admin"], [])
    assert [event.ask for event in bench.events(run) if isinstance(event, AskClosed)] == [first.ask]
    assert bench.journal.runs[run].wake_at == bench.clock() + timedelta(hours=2)
    bench.answer(run, "approve")
    assert bench.ended(run).outputs == {"it": "approve"}


def test_after_the_second_deadline_the_answer_that_was_named_counts(bench: Bench) -> None:
    run = bench.play(ESCALATES, head=ANSWER)
    for hours in (4, 2):
        bench.clock.move(hours=hours)
        settle(bench, run)
    assert bench.ended(run).outputs == {"it": "reject"}


def test_an_answer_to_the_first_question_changes_nothing_after_the_escalation(bench: Bench) -> None:
    run = bench.play(ESCALATES, head=ANSWER)
    first = bench.open_ask(run)
    bench.clock.move(hours=4)
    settle(bench, run)
    late = AskAnswered(at=iso(bench.clock()), path=first.path, ask=first.ask, answer="approve", by="amira")
    bench.journal.signal(run, late)
    settle(bench, run)
    assert not bench.journal.runs[run].ended
    bench.answer(run, "reject")
    assert bench.ended(run).outputs == {"it": "reject"}


# --- calls, code, undo


def test_a_call_that_does_not_wait_goes_on_with_the_runs_id(bench: Bench) -> None:
    bench.publish("  - wait: 1h\n", id="child")
    run = bench.play("  - {id: c, call: child, wait: false}\n", head='outputs: {it: "${{ steps.c.run }}"}\n')
    child = bench.ended(run).outputs["it"]
    assert bench.journal.runs[child].parent is None  # type: ignore[index]
    bench.clock.move(hours=1)
    settle(bench, child)
    assert bench.ended(child).outcome is Outcome.SUCCEEDED  # type: ignore[arg-type]


def test_a_call_runs_the_version_of_the_save_unless_it_follows_the_latest(bench: Bench) -> None:
    bench.publish("  - {id: a, set: {x: 1}}\n", id="child", head="outputs: {v: 1}\n")
    head = 'outputs: {pinned: "${{ steps.p.v }}", latest: "${{ steps.l.v }}"}\n'
    plan = bench.publish("  - {id: p, call: child}\n  - {id: l, call: child, version: latest}\n", id="parent", head=head)
    bench.publish("  - {id: a, set: {x: 2}}\n", id="child", head="outputs: {v: 2}\n")
    run = bench.begin(plan)
    settle(bench, run)
    assert bench.ended(run).outputs == {"pinned": 1, "latest": 2}


def test_another_version_of_the_called_playbook_makes_another_version_of_the_caller(bench: Bench) -> None:
    digests = set()
    for value in (1, 2):
        bench.publish(f"  - {{id: a, set: {{x: {value}}}}}\n", id="child")
        digests.add(bench.publish("  - {id: p, call: child}\n", id="parent").digest)
    assert len(digests) == 2


def test_code_gets_its_inputs_and_its_source_stays_out_of_the_journal(bench: Bench) -> None:
    def run_it(call: ActionCall) -> Json:
        assert call.arguments["source"] == "return {'n': inputs['n'] + 1}\n"
        return {"n": call.arguments["inputs"]["n"] + 1}  # type: ignore[index, call-overload, operator]

    bench.actions.add(spec("code.monty"), run_it)
    steps = "  - id: c\n    code: |\n      return {'n': inputs['n'] + 1}\n    with: {n: 41}\n    returns: {n: {type: integer}}\n"
    run = bench.play(steps, head='outputs: {it: "${{ steps.c.n }}"}\n')
    assert bench.ended(run).outputs == {"it": 42}
    assert not any("return {" in str(event) for event in bench.events(run))


def test_code_that_fails_fails_its_step(bench: Bench) -> None:
    bench.actions.add(spec("code.python"), Invalid("line 1: division by zero"))
    run = bench.play("  - id: c\n    runtime: python\n    code: |\n      return {'n': 1 / 0}\n")
    assert "division by zero" in bench.ended(run).reason


def test_undo_after_is_a_run_of_its_own_that_does_the_inverse_when_it_is_due(bench: Bench) -> None:
    run = bench.play("  - {id: b, action: fw.block, with: {address: 203.0.113.7, note: x}, undo_after: 24h}\n")
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    planned = next(event for event in bench.events(run) if isinstance(event, UndoScheduled))
    assert bench.journal.runs[planned.run].wake_at == bench.clock() + timedelta(hours=24)  # type: ignore[index]
    bench.clock.move(hours=24)
    settle(bench, planned.run)
    assert [(call.action, call.arguments) for call in bench.actions.ledger][1:] == [("fw.unblock", {"address": "203.0.113.7"})]
    assert len([event for event in bench.events(run) if isinstance(event, UndoScheduled)]) == 1


def test_finally_is_entered_once(bench: Bench) -> None:
    run = bench.play("  - {id: a, set: {x: 1}}\n", head="finally:\n  - wait: 1h\n")
    bench.clock.move(hours=1)
    settle(bench, run)
    assert len([event for event in bench.events(run) if isinstance(event, MainEnded)]) == 1
    assert bench.ended(run).outcome is Outcome.SUCCEEDED


def test_rounds_are_journalled_one_by_one(bench: Bench) -> None:
    run = bench.play(WHILE, head=TO, inputs={"to": 3})
    assert [event.index for event in bench.events(run) if isinstance(event, RoundStarted)] == [0, 1, 2]


def test_an_instant_that_has_no_year_in_utc_fails_the_step_and_says_so(bench: Bench) -> None:
    run = bench.play(
        '  - wait: {until: "${{ inputs.at }}"}\n', head="inputs: {at: {type: string}}\n", inputs={"at": "0001-01-01T00:00:00+14:00"}
    )
    ended = bench.ended(run)
    assert ended.outcome is Outcome.FAILED
    assert "no such year" in ended.reason
    assert "OverflowError" not in ended.reason
