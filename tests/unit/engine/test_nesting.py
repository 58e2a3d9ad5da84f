"""Every construct in every other, grown at random: each run ends, says the same when it is read again, and survives a worker that dies."""

import asyncio
import json
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.effects import Effect, OnUnknown
from tocsin.core.errors import Invalid, Transient
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.core.values import Json, JsonObject, iso
from tocsin.engine.crashpoints import Crash, CrashPoint, stay_alive
from tocsin.engine.decide import decide
from tocsin.engine.events import AskAnswered, AskOpened, EventArrived, EventAwaited, Outcome, RunCancelled, RunEnded
from tocsin.engine.facts import Facts
from tocsin.engine.state import Status, fold
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

Step = JsonObject
LONGEST = 400  # looks at a run until it must have ended


class Killed(BaseException):
    """The process is gone."""


def act(name: str) -> Step:
    arguments: JsonObject = {"address": "203.0.113.7"}
    return {"action": name, "with": arguments}


def blocks(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    return st.lists(inner, min_size=1, max_size=3)


RETRY: JsonObject = {"attempts": 3, "delay": "1s"}
FORMS: list[Step] = [
    act("intel.look_up"),
    act("fw.block"),
    {**act("fw.block"), "undo_after": "1h"},
    {**act("intel.flaky"), "retry": RETRY},
    {**act("intel.bad"), "on_error": "continue"},
    {**act("intel.bad"), "on_error": {"steps": [act("fw.block")]}},
    act("intel.bad"),
    {**act("intel.poll"), "repeat_until": "${{ 1 == 1 }}", "every": "30s", "at_most": "2m"},
    {"set": {"x": 1}},
    {"wait": "5m"},
    {"wait": {"event": "alert", "deadline": "1h", "on_deadline": "continue"}},
    {"ask": {"title": "Go on?", "to": ["role:responder"], "deadline": "4h", "on_deadline": "reject"}},
    {"ask": {"title": "Go on?", "to": ["role:responder"], "deadline": "4h", "on_deadline": {"escalate": ["role:admin"], "then": "reject"}}},
    {"call": "child"},
    {"call": "child", "wait": False},
    {"code": "return {'n': 1}\n"},
    {"if": "${{ 1 == 2 }}", **act("fw.block")},
]
LEAVES = st.sampled_from(FORMS)


def grown(inner: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    some = blocks(inner)
    return st.one_of(
        st.tuples(st.booleans(), some, some).map(lambda it: {"if": f"${{{{ 1 == {1 + it[0]} }}}}", "then": it[1], "else": it[2]}),
        st.tuples(st.sampled_from("ab"), some, some).map(
            lambda it: {"switch": f"${{{{ '{it[0]}' ~ '' }}}}", "cases": {"a": it[1]}, "default": it[2]}
        ),
        st.tuples(st.integers(0, 3), st.integers(1, 3), some).map(
            lambda it: {"for_each": f"${{{{ {list(range(it[0]))} }}}}", "as": "n", "concurrency": it[1], "steps": it[2]}
        ),
        st.tuples(st.integers(0, 2), some).map(
            lambda it: {"while": f"${{{{ steps.ROUND.n | default(0) < {it[0]} }}}}", "max": 5, "steps": [*it[1], {"counts": "ROUND"}]}
        ),
        st.tuples(st.sampled_from(["all", "any", 1]), some, some).map(lambda it: {"parallel": [it[1], it[2]], "join": it[0]}),
        st.tuples(inner, some).map(lambda it: {**it[0], "on_error": {"steps": it[1]}}),
    )


def finished(step: Step, number: "count[int]") -> Step:
    """Give every step an id, and the counter of each `while` its name."""
    name = f"s{next(number)}"
    round_name = f"r{name}"
    step = {key: _inside(value, number, round_name) for key, value in step.items()}
    if "as" in step:
        step["as"] = f"n{name}"
    if "while" in step:
        step["while"] = str(step["while"]).replace("ROUND", round_name)
    return {"id": name, **step}


def _inside(value: Json, number: "count[int]", round_name: str) -> Json:
    if isinstance(value, dict):
        return {key: _inside(one, number, round_name) for key, one in value.items()}
    if isinstance(value, list):
        return [_item(one, number, round_name) for one in value]
    return value


def _item(one: Json, number: "count[int]", round_name: str) -> Json:
    if isinstance(one, dict) and "counts" in one:
        return {"id": round_name, "set": {"n": f"${{{{ (steps.{round_name}.n | default(0)) + 1 }}}}"}}
    return finished(one, number) if isinstance(one, dict) else _inside(one, number, round_name)


PLAYBOOKS = st.tuples(blocks(st.recursive(LEAVES, grown, max_leaves=8)), st.booleans())


def make_bench() -> Bench:
    bench = Bench()
    for name in ("intel.look_up", "intel.poll"):
        bench.actions.add(spec(name), {"bad": True})
    bench.actions.add(spec("intel.bad"), Invalid("no"))
    bench.actions.add(spec("intel.flaky"), Transient("busy"), {"bad": False})
    bench.actions.add(replace(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), undo="fw.unblock"), {"ok": True})
    bench.actions.add(spec("fw.unblock", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    bench.actions.add(spec("code.monty"), {"n": 1})
    bench.publish("  - wait: 1m\n", id="child")
    return bench


def text_of(steps: list[Step], final: bool) -> tuple[str, str]:
    number = count(1)
    body = json.dumps([finished(step, number) for step in steps])
    return body, "finally:\n  - {id: last, action: fw.block}\n" if final else ""


def play(bench: Bench, steps: list[Step], final: bool, crash_at: tuple[CrashPoint, int] | None = None) -> RunId:
    body, head = text_of(steps, final)
    run = bench.begin(bench.publish(f"  {body}\n", head=head))
    left = [0 if crash_at is None else crash_at[1]]

    def crash(point: CrashPoint) -> None:
        if crash_at is not None and point is crash_at[0]:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

    asyncio.run(_to_the_end(bench, run, crash))
    return run


async def _to_the_end(bench: Bench, run: RunId, crash: Crash, *, cancel_after: int | None = None) -> None:
    for turn in range(LONGEST):
        if turn == cancel_after:
            bench.journal.signal(run, RunCancelled(at=iso(bench.clock()), by="amira"))
        for one in [one for one, row in bench.journal.runs.items() if not row.ended]:
            try:
                await bench.driver(crash).advance([one])
            except Killed:
                bench.journal.crash()
        if bench.journal.runs[run].ended:
            return
        answer_some(bench, run)
        dues = [row.wake_at for row in bench.journal.runs.values() if row.wake_at is not None and not row.ended]
        bench.clock.at = max(min(dues, default=bench.clock.at), bench.clock.at)
    raise AssertionError(f"the run has not ended: {fold(bench.events(run)).steps}")


def answer_some(bench: Bench, run: RunId) -> None:
    """Answer every second question, and let every second event come."""
    state = fold(bench.events(run))
    for number, asked in enumerate(event for event in bench.events(run) if isinstance(event, AskOpened)):
        if asked.path in state.asks and number % 2:
            bench.journal.signal(run, AskAnswered(at=iso(bench.clock()), path=asked.path, ask=asked.ask, answer="approve", by="amira"))
    for number, waited in enumerate(event for event in bench.events(run) if isinstance(event, EventAwaited)):
        known = state.steps.get(waited.path)
        if number % 2 and known is not None and known.status is Status.WAITING:
            bench.journal.signal(run, EventArrived(at=iso(bench.clock()), path=waited.path, event={"title": "x"}))


def ending(bench: Bench, run: RunId) -> tuple[object, ...]:
    ended = bench.journal.runs[run].ended
    assert isinstance(ended, RunEnded)
    return ended.outcome, sorted(fold(bench.events(run)).outputs[""])


@given(PLAYBOOKS)
def test_any_nesting_ends_and_decides_nothing_more(made: tuple[list[Step], bool]) -> None:
    bench = make_bench()
    run = play(bench, *made)
    state = fold(bench.events(run))
    facts = Facts(
        run, DEFAULT_WORKSPACE, bench.clock(), 1, frozenset(), bench.actions.spec, bench.plans.current, bench.plans.by_digest, bench.ids
    )
    decision = decide(bench.plans.by_digest(state.started.digest), state, facts)
    assert (decision.events, decision.calls) == ([], [])
    assert not any(event for event in bench.events(run)[:-1] if isinstance(event, RunEnded))
    assert not state.asks, "a question is open though its run is over"


@given(PLAYBOOKS, st.sampled_from(list(CrashPoint)), st.integers(1, 4))
def test_a_worker_that_dies_changes_nothing_of_the_outcome(made: tuple[list[Step], bool], point: CrashPoint, times: int) -> None:
    calm, rough = make_bench(), make_bench()
    run, again = play(calm, *made), play(rough, *made, crash_at=(point, times))
    if "ask" in str(made) or "event" in str(made) or "parallel" in str(made):
        return  # who comes first may differ, and then so may the branch; that both end is what counts
    assert ending(calm, run) == ending(rough, again)


@pytest.mark.parametrize("depth", [8, 11])
def test_deep_nesting_is_walked(depth: int) -> None:
    step: Step = {"set": {"x": 1}}
    for level in range(depth):
        step = {"for_each": "${{ [1] }}", "as": f"n{level}", "steps": [step]} if level % 2 else {"if": "${{ 1 == 1 }}", "then": [step]}
    bench = make_bench()
    run = play(bench, [step], final=True)
    assert ending(bench, run)[0] == "succeeded"


@given(PLAYBOOKS, st.integers(0, 6))
def test_a_run_that_is_cancelled_at_any_moment_ends_cancelled_or_was_over(made: tuple[list[Step], bool], after: int) -> None:
    bench = make_bench()
    body, head = text_of(*made)
    run = bench.begin(bench.publish(f"  {body}\n", head=head))
    asyncio.run(_to_the_end(bench, run, stay_alive, cancel_after=after))
    ended, state = bench.journal.runs[run].ended, fold(bench.events(run))
    assert ended is not None
    assert not state.asks
    if state.cancelled is not None and (state.main is None or state.main.outcome is Outcome.CANCELLED):
        assert ended.outcome is Outcome.CANCELLED
