"""What a run does, step kind by step kind, through the real driver over a memory journal."""

import asyncio
from datetime import timedelta

import pytest

from tocsin.core.effects import Effect, OnUnknown, Probe
from tocsin.core.errors import AuthFailed, Invalid, OutcomeUnknown, RateLimited, Transient
from tocsin.core.values import Json
from tocsin.engine.events import ActionDone, ActionFailed, ActionIntended, ActionUnknown, AskOpened, BranchTaken, Outcome
from tocsin.engine.ports import ActionCall
from tocsin.engine.state import fold
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.actions.add(spec("intel.look_up"), {"bad": True})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    return bench


def outputs(bench: Bench, steps: str, expression: str, **names: Json) -> Json:
    run = bench.play(steps, head=f'outputs: {{it: "${{{{ {expression} }}}}"}}\n', inputs=names)
    ended = bench.ended(run)
    assert ended.outcome is Outcome.SUCCEEDED, ended.reason
    return ended.outputs["it"]


def test_set_values_are_read_by_later_steps(bench: Bench) -> None:
    assert outputs(bench, '  - {id: a, set: {x: 2}}\n  - {id: b, set: {y: "${{ steps.a.x * 3 }}"}}\n', "steps.b.y") == 6


def test_if_takes_the_branch_whose_condition_holds_and_journals_it(bench: Bench) -> None:
    run = bench.play("  - if: ${{ 1 > 2 }}\n    then:\n      - {id: a, set: {x: 1}}\n    else:\n      - {id: b, set: {x: 2}}\n")
    taken = [event for event in bench.events(run) if isinstance(event, BranchTaken)]
    assert [event.branch for event in taken] == [-1]
    assert fold(bench.events(run)).outputs[""] == {"b": {"x": 2}}


def test_switch_takes_the_equal_case_else_the_default(bench: Bench) -> None:
    steps = (
        '  - switch: ${{ "b" ~ "" }}\n    cases:\n      a: [{id: one, set: {x: 1}}]\n      b: [{id: two, set: {x: 2}}]\n'
        "    default: [{id: three, set: {x: 3}}]\n"
    )
    assert outputs(bench, steps, "steps.two.x") == 2
    assert outputs(bench, steps.replace('"b" ~', '"z" ~'), "steps.three.x") == 3


def test_for_each_gives_the_item_and_each_steps_output_in_order(bench: Bench) -> None:
    steps = (
        "  - id: loop\n    for_each: ${{ [1, 2, 3] }}\n    as: n\n    concurrency: 2\n"
        '    steps:\n      - {id: sq, set: {v: "${{ n * n }}"}}\n'
    )
    assert outputs(bench, steps, "steps.loop") == [{"n": n, "sq": {"v": n * n}} for n in (1, 2, 3)]


def test_for_each_runs_no_more_at_once_than_its_concurrency(bench: Bench) -> None:
    bench.play(
        "  - id: loop\n    for_each: ${{ [1,2,3,4,5,6,7] }}\n    as: n\n    concurrency: 3\n"
        "    steps:\n      - {id: r, action: intel.look_up}\n"
    )
    assert len(bench.actions.ledger) == 7
    assert bench.actions.most_at_once == 3


def test_inner_steps_of_nested_loops_see_the_outer_ones(bench: Bench) -> None:
    steps = (
        "  - id: outer\n    for_each: ${{ [1, 2] }}\n    as: a\n    steps:\n      - {id: base, set: {v: '${{ a * 10 }}'}}\n"
        "      - id: inner\n        for_each: ${{ [1, 2] }}\n        as: b\n        steps:\n"
        "          - {id: sum, set: {v: '${{ steps.base.v + b }}'}}\n"
    )
    found = outputs(bench, steps, "steps.outer | map('json')")
    assert [[i["sum"]["v"] for i in __import__("json").loads(o)["inner"]] for o in found] == [[11, 12], [21, 22]]  # type: ignore[union-attr, arg-type]


def test_independent_reads_run_at_once_and_dependent_ones_wait(bench: Bench) -> None:
    steps = (
        "  - {id: a, action: intel.look_up}\n  - {id: b, action: intel.look_up}\n"
        "  - {id: c, action: intel.look_up, with: {x: '${{ steps.a.bad }}'}}\n"
    )
    bench.play(steps)
    assert bench.actions.most_at_once == 2
    assert [call.path for call in bench.actions.ledger] == ["a", "b", "c"]


def test_parallel_goes_on_when_every_branch_is_done(bench: Bench) -> None:
    steps = (
        "  - parallel:\n      - [{id: a, action: intel.look_up}]\n      - [{id: b, action: fw.block}]\n"
        "  - {id: c, set: {x: '${{ steps.a.bad and steps.b.ok }}'}}\n"
    )
    assert outputs(bench, steps, "steps.c.x") is True


def test_a_failed_branch_lets_the_others_finish_and_then_fails_the_run(bench: Bench) -> None:
    bench.actions.add(spec("intel.broken"), Invalid("no such thing"))
    run = bench.play(
        "  - parallel:\n      - [{id: a, action: intel.broken}]\n      - [{id: b, action: fw.block}, {id: c, action: fw.block}]\n"
        "  - {id: d, action: fw.block}\n"
    )
    assert bench.ended(run).outcome is Outcome.FAILED
    assert "no such thing" in bench.ended(run).reason
    assert [call.path for call in bench.actions.ledger] == ["a", "b", "c"]


def test_a_write_is_intended_durably_before_it_is_sent(bench: Bench) -> None:
    seen: list[int] = []

    def block(call: ActionCall) -> Json:
        seen.append(len(bench.journal.runs[call.run].events))
        return {}

    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), block)
    run = bench.play("  - {id: a, action: fw.block, with: {ip: 192.0.2.1}}\n")
    durable = bench.events(run)[: seen[0]]
    assert isinstance(durable[-1], ActionIntended)
    assert durable[-1].arguments == {"ip": "192.0.2.1"}


def test_a_read_leaves_one_event_with_what_was_asked(bench: Bench) -> None:
    run = bench.play("  - {id: a, action: intel.look_up, with: {q: x}}\n")
    done = [event for event in bench.events(run) if isinstance(event, ActionDone)]
    assert [(event.action, event.arguments, event.output) for event in done] == [("intel.look_up", {"q": "x"}, {"bad": True})]
    assert not any(isinstance(event, ActionIntended) for event in bench.events(run))


def test_a_skipped_step_has_no_output(bench: Bench) -> None:
    assert outputs(bench, "  - {id: a, if: '${{ false }}', action: fw.block}\n", "steps.a is defined") is False
    assert bench.actions.ledger == []


def test_on_error_continue_binds_the_error(bench: Bench) -> None:
    bench.actions.add(spec("intel.broken"), AuthFailed("the key is wrong"))
    found = outputs(bench, "  - {id: a, action: intel.broken, on_error: continue}\n", "steps.a.error.kind")
    assert found == "auth_failed"


def test_a_misspelt_field_fails_the_run_and_names_the_nearest(bench: Bench) -> None:
    run = bench.play("  - {id: a, action: intel.look_up}\n  - {id: b, set: {x: '${{ steps.a.bda }}'}}\n")
    assert bench.ended(run).outcome is Outcome.FAILED
    assert "bad" in bench.ended(run).reason


def test_stop_ends_the_run_with_its_outcome(bench: Bench) -> None:
    run = bench.play("  - stop: {outcome: failed, reason: enough}\n  - {id: a, action: fw.block}\n")
    assert (bench.ended(run).outcome, bench.ended(run).reason) == (Outcome.FAILED, "enough")
    assert bench.actions.ledger == []


def test_a_transient_failure_is_tried_again_after_its_delay(bench: Bench) -> None:
    bench.actions.add(spec("intel.flaky"), Transient("busy"), Transient("busy"), {"ok": 1})
    run = bench.play("  - {id: a, action: intel.flaky, retry: {attempts: 3, delay: 2s, backoff: 2}}\n")
    assert bench.journal.runs[run].wake_at == bench.clock() + timedelta(seconds=2)
    bench.clock.move(seconds=2)
    asyncio.run(bench.settle(run))
    assert bench.journal.runs[run].wake_at == bench.clock() + timedelta(seconds=4)
    bench.clock.move(seconds=4)
    asyncio.run(bench.settle(run))
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    assert [call.attempt for call in bench.actions.ledger] == [1, 2, 3]


def test_retry_after_of_the_target_is_honoured(bench: Bench) -> None:
    bench.actions.add(spec("intel.limited"), RateLimited("slow down", retry_after=90), {"ok": 1})
    run = bench.play("  - {id: a, action: intel.limited, retry: {attempts: 2, delay: 1s}}\n")
    assert bench.journal.runs[run].wake_at == bench.clock() + timedelta(seconds=90)


def test_a_definite_failure_is_not_tried_again(bench: Bench) -> None:
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), Invalid("not an address"))
    run = bench.play("  - {id: a, action: fw.block, retry: {attempts: 5}}\n")
    assert len(bench.actions.ledger) == 1
    assert bench.ended(run).outcome is Outcome.FAILED


def unknown(bench: Bench, policy: OnUnknown, *answers: Json | Exception, probes: tuple[Probe, ...] = (), window: float | None = None):  # type: ignore[no-untyped-def]
    bench.actions.add(spec("edr.isolate", Effect.DESTRUCTIVE, policy, key_window_s=window), *answers, probes=probes)
    return bench.play("  - {id: a, action: edr.isolate, with: {host: FIN-DC-02}}\n")


def settle_after(bench: Bench, run, **by: float) -> None:  # type: ignore[no-untyped-def]
    bench.clock.move(**by)
    asyncio.run(bench.settle(run))


def test_repeat_sends_again_with_the_same_key(bench: Bench) -> None:
    run = unknown(bench, OnUnknown.REPEAT, OutcomeUnknown("timeout"), {"ok": 1})
    settle_after(bench, run, seconds=5)
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    first, second = bench.actions.ledger
    assert first.key == second.key
    assert (first.attempt, second.attempt) == (1, 2)


def test_repeat_asks_a_person_when_the_target_stays_silent(bench: Bench) -> None:
    run = unknown(bench, OnUnknown.REPEAT, OutcomeUnknown("timeout"))
    for _ in range(5):
        settle_after(bench, run, minutes=5)
    assert len(bench.actions.ledger) == 3
    assert bench.open_ask(run).about == "unknown"


def test_key_past_its_window_becomes_an_ask(bench: Bench) -> None:
    run = unknown(bench, OnUnknown.KEY, OutcomeUnknown("timeout"), {"ok": 1}, window=1)
    settle_after(bench, run, seconds=5)
    assert len(bench.actions.ledger) == 1
    assert bench.open_ask(run).about == "unknown"


@pytest.mark.parametrize(("found", "sent", "asked"), [(Probe.APPLIED, 1, False), (Probe.NOT_APPLIED, 2, False), (Probe.UNKNOWN, 1, True)])
def test_verify_does_what_the_probe_found(bench: Bench, found: Probe, sent: int, asked: bool) -> None:
    run = unknown(bench, OnUnknown.VERIFY, OutcomeUnknown("timeout"), {"ok": 1}, probes=(found,))
    assert bench.actions.probes == []
    settle_after(bench, run, seconds=3)
    assert len(bench.actions.probes) == 1
    assert len(bench.actions.ledger) == sent
    assert any(isinstance(event, AskOpened) for event in bench.events(run)) is asked


@pytest.mark.parametrize(
    ("answer", "sent", "outcome"),
    [("it-happened", 1, Outcome.SUCCEEDED), ("run-it", 2, Outcome.SUCCEEDED), ("abort", 1, Outcome.FAILED)],
)
def test_ask_lets_a_person_say_what_happened(bench: Bench, answer: str, sent: int, outcome: Outcome) -> None:
    run = unknown(bench, OnUnknown.ASK, OutcomeUnknown("reset"), {"ok": 1})
    asked = bench.open_ask(run)
    assert "FIN-DC-02" in asked.message
    bench.answer(run, answer)
    assert bench.ended(run).outcome is outcome
    assert len(bench.actions.ledger) == sent


def test_a_timeout_of_a_read_is_no_unknown(bench: Bench) -> None:
    bench.actions.add(spec("intel.slow"), OutcomeUnknown("timeout"))
    run = bench.play("  - {id: a, action: intel.slow}\n")
    assert not any(isinstance(event, ActionUnknown) for event in bench.events(run))
    assert any(isinstance(event, ActionFailed) for event in bench.events(run))


IP = "inputs: {ip: {type: string}}\n"
ASK = "  - id: q\n    ask: {title: 'Block ${{ inputs.ip }}?', to: ['role:responder'], deadline: 4h, on_deadline: reject}\n"


def test_an_ask_waits_and_goes_on_with_the_answer(bench: Bench) -> None:
    run = bench.play(ASK, head=IP + 'outputs: {it: "${{ steps.q.answer }}", by: "${{ steps.q.by }}"}\n', inputs={"ip": "192.0.2.1"})
    assert bench.open_ask(run).title == "Block 192.0.2.1?"
    assert bench.journal.runs[run].held is False
    bench.clock.move(days=0, hours=3)
    bench.answer(run, "approve")
    assert bench.ended(run).outputs == {"it": "approve", "by": "amira"}


def test_a_deadline_decides_what_the_ask_says(bench: Bench) -> None:
    run = bench.play(ASK, head=IP + 'outputs: {it: "${{ steps.q.answer }}", by: "${{ steps.q.by }}"}\n', inputs={"ip": "x"})
    assert bench.journal.runs[run].wake_at == bench.clock() + timedelta(hours=4)
    settle_after(bench, run, hours=4)
    assert bench.ended(run).outputs == {"it": "reject", "by": None}


def test_a_second_answer_changes_nothing(bench: Bench) -> None:
    run = bench.play(ASK + "  - wait: 1h\n", inputs={"ip": "x"}, head=IP + 'outputs: {it: "${{ steps.q.answer }}"}\n')
    bench.answer(run, "approve")
    bench.answer(run, "reject", by="boris")
    settle_after(bench, run, hours=1)
    assert bench.ended(run).outputs == {"it": "approve"}


def test_a_wait_holds_nothing_and_ends_to_the_second(bench: Bench) -> None:
    run = bench.play("  - wait: 5d\n  - {id: a, action: fw.block}\n")
    assert bench.journal.runs[run].held is False
    settle_after(bench, run, days=4, hours=23)
    assert bench.actions.ledger == []
    settle_after(bench, run, hours=1)
    assert len(bench.actions.ledger) == 1


def test_a_call_hands_inputs_over_and_brings_outputs_back(bench: Bench) -> None:
    child = '  - {id: a, set: {x: "${{ inputs.n + 1 }}"}}\n'
    bench.publish(child, id="child", head='inputs: {n: {type: integer}}\noutputs: {r: "${{ steps.a.x }}"}\n')
    run = bench.play("  - {id: c, call: child, with: {n: 41}}\n", head='outputs: {it: "${{ steps.c.r }}"}\n')
    assert bench.ended(run).outputs == {"it": 42}


def test_a_call_fills_in_defaults_and_says_what_is_missing(bench: Bench) -> None:
    head = 'inputs: {n: {type: integer, default: 41}, m: {type: integer}}\noutputs: {r: "${{ inputs.n + inputs.m }}"}\n'
    bench.publish("  - {id: a, set: {x: 1}}\n", id="child", head=head)
    run = bench.play("  - {id: c, call: child, with: {m: 1}}\n", head='outputs: {it: "${{ steps.c.r }}"}\n')
    assert bench.ended(run).outputs == {"it": 42}
    lacking = bench.play("  - {id: c, call: child}\n")
    assert "it misses m" in bench.ended(lacking).reason


def test_a_failed_child_fails_the_call(bench: Bench) -> None:
    bench.publish("  - stop: {outcome: failed, reason: no luck}\n", id="child")
    run = bench.play("  - {id: c, call: child}\n")
    assert bench.ended(run).outcome is Outcome.FAILED
    assert "no luck" in bench.ended(run).reason


def test_playbooks_that_call_each_other_stop_at_the_limit(bench: Bench) -> None:
    bench.publish("  - {id: c, call: test}\n", id="other")
    run = bench.begin(bench.publish("  - {id: c, call: other}\n"))
    asyncio.run(bench.settle(run))
    assert bench.ended(run).outcome is Outcome.FAILED
    assert len(bench.journal.runs) == 11


def test_the_state_is_the_fold_of_the_events(bench: Bench) -> None:
    run = bench.play(ASK + "  - {id: a, action: fw.block}\n", head=IP, inputs={"ip": "x"})
    bench.answer(run, "approve", form={"note": "go"})
    state = fold(bench.events(run))
    assert state.outputs[""]["a"] == {"ok": True}
    assert state.ended == bench.ended(run)


def test_a_loop_over_10000_items_keeps_only_what_is_going_on(bench: Bench) -> None:
    plan = bench.publish(
        "  - id: loop\n    for_each: ${{ inputs.ns }}\n    as: n\n    concurrency: 50\n    steps:\n      - {id: s, set: {v: '${{ n }}'}}\n",
        head="inputs: {ns: {type: array}}\n",
    )
    run = bench.begin(plan, inputs={"ns": list(range(10_000))})
    asyncio.run(bench.settle(run))
    state = fold(bench.events(run))
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    assert len(state.steps) == 1
    assert len(state.outputs) == 1


def test_one_item_too_many_is_a_clear_failure(bench: Bench) -> None:
    plan = bench.publish(
        "  - id: loop\n    for_each: ${{ inputs.ns }}\n    as: n\n    steps:\n      - {id: s, set: {v: 1}}\n",
        head="inputs: {ns: {type: array}}\n",
    )
    run = bench.begin(plan, inputs={"ns": list(range(10_001))})
    asyncio.run(bench.settle(run))
    assert "10000" in bench.ended(run).reason.replace(",", "")
