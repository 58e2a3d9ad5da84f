"""A replay begins with what the old run found out, and never does again what was done before its point."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.core.effects import Effect, OnUnknown
from tocsin.core.errors import Invalid, OutcomeUnknown
from tocsin.core.ids import RunId
from tocsin.core.values import JsonObject
from tocsin.engine.events import Outcome, RunStarted
from tocsin.engine.replay import CannotReplay, effects_after, replayed
from tocsin.playbook.plan import Plan
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

STEPS = """\
  - {id: seen, action: intel.look_up, with: {q: a}}
  - {id: shut, action: fw.block, with: {ip: 192.0.2.1}}
  - {id: facts, set: {n: "${{ steps.seen.n + inputs.more }}"}}
  - {id: last, action: fw.close, with: {n: "${{ steps.facts.n }}"}}
"""
HEAD = 'inputs: {more: {type: integer, default: 1}}\noutputs: {n: "${{ steps.facts.n }}"}\n'


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.actions.add(spec("intel.look_up"), {"n": 1})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    bench.actions.add(spec("fw.close", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    return bench


def replay(bench: Bench, run: RunId, from_path: str, plan: Plan, *, before: Plan | None = None, inputs: JsonObject | None = None) -> RunId:
    events = replayed(
        bench.events(run),
        before=before or plan,
        plan=plan,
        from_path=from_path,
        inputs=inputs,
        at=bench.clock(),
        trigger={"kind": "replay", "run": run},
    )
    new = RunId(bench.ids("run"))
    started = events[0]
    assert isinstance(started, RunStarted)
    bench.journal.start(new, started)
    bench.journal.runs[new].events.extend(events[1:])
    bench.actions.ledger.clear()
    asyncio.run(bench.settle(new))
    return new


def sent(bench: Bench) -> list[str]:
    return [call.path for call in bench.actions.ledger]


def test_steps_before_the_point_are_reused_and_the_others_are_done_anew(bench: Bench) -> None:
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    plan = bench.plans.current("test")
    new = replay(bench, run, "facts", plan, inputs={"more": 5})
    assert bench.ended(new).outcome is Outcome.SUCCEEDED, bench.ended(new).reason
    assert bench.ended(new).outputs == {"n": 6}
    assert sent(bench) == ["last"]
    assert bench.events(new)[0].trigger == {"kind": "replay", "run": run, "from": "facts"}


@pytest.mark.parametrize("point", ["seen", "shut", "facts", "last"])
def test_no_effect_before_the_point_is_repeated_whatever_the_point(bench: Bench, point: str) -> None:
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    new = replay(bench, run, point, bench.plans.current("test"))
    assert bench.ended(new).outcome is Outcome.SUCCEEDED
    order = ["seen", "shut", "facts", "last"]
    assert not {path for path in sent(bench) if order.index(path) < order.index(point)}
    assert set(sent(bench)) == {path for path in order[order.index(point) :] if path != "facts"}


def test_effects_behind_the_point_that_were_done_are_named(bench: Bench) -> None:
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    plan, events = bench.plans.current("test"), bench.events(run)
    kept = replayed(events, before=plan, plan=plan, from_path="facts", inputs=None, at=bench.clock(), trigger={})
    assert effects_after(events, kept) == [("last", "fw.close")]


def test_a_failed_run_goes_on_from_the_step_that_failed(bench: Bench) -> None:
    bench.actions.add(spec("fw.close", Effect.WRITE, OnUnknown.REPEAT), Invalid("no such rule"), {"ok": True})
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    assert bench.ended(run).outcome is Outcome.FAILED
    new = replay(bench, run, "last", bench.plans.current("test"))
    assert bench.ended(new).outcome is Outcome.SUCCEEDED
    assert sent(bench) == ["last"]


def test_a_newer_version_reuses_steps_of_the_same_id_and_kind_and_runs_new_ones(bench: Bench) -> None:
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    before = bench.plans.current("test")
    newer = STEPS.replace("  - {id: facts", "  - {id: fresh, action: intel.look_up, with: {q: b}}\n  - {id: facts")
    new = replay(bench, run, "last", bench.publish(newer, head=HEAD), before=before)
    assert bench.ended(new).outcome is Outcome.SUCCEEDED
    assert sent(bench) == ["fresh", "last"]


def test_steps_without_an_id_are_known_by_their_neighbours_when_the_version_has_more(bench: Bench) -> None:
    steps = "  - {action: fw.block, with: {ip: 192.0.2.1}}\n  - {id: last, action: intel.look_up}\n"
    run = bench.play(steps)
    before = bench.plans.current("test")
    newer = "  - {action: intel.look_up}\n  - {action: fw.close}\n" + steps
    new = replay(bench, run, "last", bench.publish(newer), before=before)
    assert sorted(call.action for call in bench.actions.ledger) == ["fw.close", "intel.look_up", "intel.look_up"]
    assert bench.ended(new).outcome is Outcome.SUCCEEDED


def test_a_step_that_does_not_exist_is_refused_with_the_nearest(bench: Bench) -> None:
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    with pytest.raises(CannotReplay, match=r"no step 'fact'.*It has: facts"):
        replay(bench, run, "fact", bench.plans.current("test"))


LOOP = """\
  - id: each
    for_each: ${{ [1, 2] }}
    as: n
    steps:
      - {id: shut, action: fw.block, with: {n: "${{ n }}"}}
  - {id: last, action: fw.close, with: {n: "${{ steps.each | length }}"}}
"""


def test_a_finished_loop_is_reused_whole(bench: Bench) -> None:
    run = bench.play(LOOP)
    new = replay(bench, run, "last", bench.plans.current("test"))
    assert sent(bench) == ["last"]
    assert bench.actions.ledger[0].arguments == {"n": 2}
    assert bench.ended(new).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("point", ["each[1]/shut", "shut"])
def test_a_point_inside_a_loop_is_refused_and_the_loop_is_named(bench: Bench, point: str) -> None:
    run = bench.play(LOOP)
    with pytest.raises(CannotReplay, match="Replay from 'each'"):
        replay(bench, run, point, bench.plans.current("test"))


def test_a_loop_whose_body_is_another_in_the_new_version_is_not_done_twice(bench: Bench) -> None:
    run = bench.play(LOOP)
    before = bench.plans.current("test")
    newer = bench.publish(LOOP.replace("      - {id: shut", "      - {id: more, action: intel.look_up}\n      - {id: shut"))
    with pytest.raises(CannotReplay, match="'each' comes before 'last' and has changed something"):
        replay(bench, run, "last", newer, before=before)


def test_an_effect_whose_outcome_nobody_knows_is_not_sent_again_by_a_replay(bench: Bench) -> None:
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.ASK), OutcomeUnknown("timeout"))
    run = bench.play(STEPS, head=HEAD, inputs={"more": 1})
    bench.answer(run, "abort")
    with pytest.raises(CannotReplay, match="'shut' comes before 'last'"):
        replay(bench, run, "last", bench.plans.current("test"))


def test_an_effect_without_an_id_that_has_moved_is_not_done_twice(bench: Bench) -> None:
    shut, reads = "  - {action: fw.block}\n", "  - {id: seen, action: intel.look_up}\n  - {id: more, action: intel.look_up}\n"
    last = "  - {id: last, action: intel.look_up}\n"
    run = bench.play(shut + reads + last)
    before = bench.plans.current("test")
    with pytest.raises(CannotReplay, match="comes before 'last' and has changed something"):
        replay(bench, run, "last", bench.publish(reads + shut + last), before=before)


BRANCHES = """\
  - if: ${{ inputs.go }}
    then:
      - {id: one, action: fw.block}
      - {id: two, action: intel.look_up}
    else:
      - {id: three, action: intel.look_up}
  - parallel:
      - [{id: left, action: fw.block}, {id: left2, action: intel.look_up}]
      - [{id: right, action: fw.close}]
  - {id: last, action: intel.look_up}
"""
GO = "inputs: {go: {type: boolean, default: true}}\n"


def test_inside_a_branch_the_way_there_is_kept(bench: Bench) -> None:
    run = bench.play(BRANCHES, head=GO, inputs={"go": True})
    replay(bench, run, "two", bench.plans.current("test"), inputs={"go": False})
    assert sent(bench)[0] == "two"
    assert "one" not in sent(bench)


def test_a_step_of_a_branch_that_was_not_taken_is_refused(bench: Bench) -> None:
    run = bench.play(BRANCHES, head=GO, inputs={"go": True})
    with pytest.raises(CannotReplay, match="did not go into the branch"):
        replay(bench, run, "three", bench.plans.current("test"))


def test_the_other_branches_of_a_parallel_are_not_done_again(bench: Bench) -> None:
    run = bench.play(BRANCHES, head=GO, inputs={"go": True})
    replay(bench, run, "left2", bench.plans.current("test"))
    assert sorted(sent(bench)) == ["last", "left2"]


def test_an_answer_before_the_point_is_not_asked_again(bench: Bench) -> None:
    steps = "  - id: q\n    ask: {title: Go on?, to: [role:admin], deadline: 1h, on_deadline: reject}\n" + STEPS
    run = bench.play(steps, head=HEAD, inputs={"more": 1})
    bench.answer(run, "approve")
    new = replay(bench, run, "facts", bench.plans.current("test"))
    assert bench.ended(new).outcome is Outcome.SUCCEEDED
    assert sent(bench) == ["last"]


def test_an_outcome_of_a_child_is_reused(bench: Bench) -> None:
    bench.publish("  - {id: shut, action: fw.block}\n", id="child", head='outputs: {ok: "${{ steps.shut.ok }}"}\n')
    steps = '  - {id: sub, call: child}\n  - {id: last, action: fw.close, with: {ok: "${{ steps.sub.ok }}"}}\n'
    run = bench.play(steps)
    new = replay(bench, run, "last", bench.plans.current("test"))
    assert sent(bench) == ["last"]
    assert bench.ended(new).outcome is Outcome.SUCCEEDED


class Drawn:
    """A playbook drawn at random: its text, and the ids of the outermost scope in the order of the plan."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.ids, self.effects = draw, list[str](), list[str]()
        self.count = 0
        self.text = self.block("  ", depth=0, outer=True)

    def block(self, pad: str, *, depth: int, outer: bool) -> str:
        return "".join(self.step(pad, depth=depth, outer=outer) for _ in range(self.draw(st.integers(1, 3))))

    def step(self, pad: str, *, depth: int, outer: bool) -> str:
        kind = self.draw(st.sampled_from(["read", "effect", "set", "if", "parallel", "loop"] if depth < 2 else ["read", "effect", "set"]))
        self.count += 1
        id = f"s{self.count}"
        if outer:
            self.ids.append(id)
        inner = f"{pad}    "
        match kind:
            case "read":
                return f"{pad}- {{id: {id}, action: intel.look_up, with: {{q: {id}}}}}\n"
            case "effect":
                if outer:
                    self.effects.append(id)
                return f"{pad}- {{id: {id}, action: fw.block, with: {{q: {id}}}}}\n"
            case "if":
                way = self.draw(st.sampled_from(["true", "false"]))
                then, other = (self.block(inner, depth=depth + 1, outer=outer) for _ in range(2))
                return f"{pad}- id: {id}\n{pad}  if: ${{{{ {way} }}}}\n{pad}  then:\n{then}{pad}  else:\n{other}"
            case "parallel":
                branches = "".join(
                    f"{pad}    -\n{self.block(pad + '      ', depth=depth + 1, outer=outer)}" for _ in range(self.draw(st.integers(2, 3)))
                )
                return f"{pad}- id: {id}\n{pad}  parallel:\n{branches}"
            case "loop":
                body = self.block(inner, depth=depth + 1, outer=False)
                return f"{pad}- id: {id}\n{pad}  for_each: ${{{{ [1, 2] }}}}\n{pad}  as: n{id}\n{pad}  steps:\n{body}"
            case _:
                return f"{pad}- {{id: {id}, set: {{x: 1}}}}\n"


@settings(max_examples=60)
@given(st.data())
def test_whatever_the_playbook_no_effect_before_the_point_is_sent_again(data: st.DataObject) -> None:
    drawn = Drawn(data.draw)
    bench = Bench()
    bench.actions.add(spec("intel.look_up"), {"n": 1})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    run = bench.play(drawn.text)
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    done = {call.path for call in bench.actions.ledger}
    point = data.draw(st.sampled_from(drawn.ids))
    refusal = ""
    try:
        new = replay(bench, run, point, bench.plans.current("test"))
    except CannotReplay as refused:
        refusal = str(refused)
    if refusal:
        assert "did not go into the branch" in refusal
        return
    assert bench.ended(new).outcome is Outcome.SUCCEEDED
    before = set(drawn.ids[: drawn.ids.index(point)])
    again = {path for path in sent(bench) if path.partition("[")[0] in before}
    assert not again & done, drawn.text
