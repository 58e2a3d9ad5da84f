"""A run can be cancelled, held and let go, and a long loop stays small."""

import asyncio
import tracemalloc

import pytest

from tocsin.core.effects import Effect, OnUnknown
from tocsin.core.ids import RunId
from tocsin.core.values import Json, iso
from tocsin.engine.events import AskClosed, CallStarted, Outcome, RunCancelled, RunPaused, RunResumed
from tocsin.engine.ports import ActionCall
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.actions.add(spec("intel.look_up"), {"bad": True})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    return bench


def cancel(bench: Bench, run: RunId) -> None:
    bench.journal.signal(run, RunCancelled(at=iso(bench.clock()), by="amira", reason="false alarm"))
    asyncio.run(bench.settle(run))


ASK = """\
  - id: permission
    ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}
  - {id: b, action: fw.block}
"""


def test_a_cancelled_run_closes_its_question_runs_finally_and_says_who_and_why(bench: Bench) -> None:
    run = bench.play(ASK, head="finally:\n  - {id: tidy, action: intel.look_up}\n")
    cancel(bench, run)
    ended = bench.ended(run)
    assert (ended.outcome, ended.reason) == (Outcome.CANCELLED, "amira cancelled it: false alarm")
    assert [event.path for event in bench.events(run) if isinstance(event, AskClosed)] == ["permission"]
    assert [call.action for call in bench.actions.ledger] == ["intel.look_up"]


def test_cancelling_cancels_the_playbooks_that_are_called(bench: Bench) -> None:
    bench.publish("  - wait: 1h\n", id="child")
    run = bench.play("  - {id: c, call: child}\n")
    child = next(RunId(event.run) for event in bench.events(run) if isinstance(event, CallStarted))
    cancel(bench, run)
    assert bench.ended(run).outcome is Outcome.CANCELLED
    assert bench.ended(child).outcome is Outcome.CANCELLED


def test_a_held_run_starts_nothing_and_goes_on_when_it_is_let_go(bench: Bench) -> None:
    run = bench.play("  - wait: 1h\n  - {id: b, action: fw.block}\n")
    bench.journal.signal(run, RunPaused(at=iso(bench.clock()), by="amira"))
    asyncio.run(bench.settle(run))
    assert bench.journal.runs[run].wake_at is None
    bench.clock.move(hours=2)
    asyncio.run(bench.settle(run))
    assert not bench.actions.ledger
    bench.journal.signal(run, RunResumed(at=iso(bench.clock()), by="amira"))
    asyncio.run(bench.settle(run))
    assert bench.ended(run).outcome is Outcome.SUCCEEDED


def test_a_held_run_can_be_cancelled(bench: Bench) -> None:
    run = bench.play(ASK)
    bench.journal.signal(run, RunPaused(at=iso(bench.clock()), by="amira"))
    cancel(bench, run)
    assert bench.ended(run).outcome is Outcome.CANCELLED


LOOP = """\
  - id: loop
    for_each: ${{ inputs.all }}
    as: n
    concurrency: 2
    steps:
      - {id: r, action: fw.block, with: {n: "${{ n }}"}}
"""
ALL = "inputs: {all: {type: array}}\n"


async def test_a_run_that_is_busy_is_cancelled_between_two_calls(bench: Bench) -> None:
    run = bench.begin(bench.publish(LOOP, head=ALL), inputs={"all": list(range(1000))})
    driver = bench.driver()

    def answer(call: ActionCall) -> Json:
        if len(bench.actions.ledger) == 10:
            bench.journal.signal(run, RunCancelled(at=iso(bench.clock()), by="amira"))
            again = asyncio.get_running_loop().create_task(driver.advance([run]))  # as a wake of the dispatcher does
            tasks.append(again)
        return {}

    tasks: list[asyncio.Task[None]] = []
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), answer)
    await driver.advance([run])
    await asyncio.gather(*tasks)
    assert bench.ended(run).outcome is Outcome.CANCELLED
    assert len(bench.actions.ledger) < 20


def test_ten_thousand_items_end_in_memory_that_does_not_grow_with_the_history(bench: Bench) -> None:
    steps = LOOP.replace("fw.block", "intel.look_up")
    run = bench.begin(bench.publish(steps, head=ALL), inputs={"all": list(range(10_000))})
    asyncio.run(bench.settle(bench.begin(bench.publish(steps, head=ALL, id="warm"), inputs={"all": [1]})))
    bench.actions.ledger.clear()
    tracemalloc.start()
    asyncio.run(bench.settle(run))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    kept = len(bench.events(run))  # the journal of the bench is in memory too: some 1 kB an event
    assert kept > 20_000
    assert peak < 100_000_000, f"{peak / 1e6:.0f} MB"


def test_a_fan_out_beyond_the_limit_is_refused_in_words(bench: Bench) -> None:
    run = bench.play(LOOP, head=ALL, inputs={"all": list(range(10_001))})
    assert "the limit is 10000" in bench.ended(run).reason
