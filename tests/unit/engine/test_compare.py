"""Two runs side by side."""

import pytest

from tocsin.core.effects import Effect, OnUnknown
from tocsin.core.errors import Invalid
from tocsin.core.ids import RunId
from tocsin.engine.compare import MOST_DIFFERENCES, Comparison, Same, compare, differences
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

STEPS = """\
  - {id: seen, action: intel.look_up, with: {q: "${{ inputs.q }}"}}
  - id: way
    if: ${{ steps.seen.bad }}
    then: [{id: shut, action: fw.block}]
    else: [{id: note, set: {x: 1}}]
  - {id: last, action: fw.block, with: {n: 1}}
"""
HEAD = "inputs: {q: {type: string}}\n"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.actions.add(spec("intel.look_up"), lambda call: {"bad": call.arguments["q"] == "bad"})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    return bench


def both(bench: Bench, first: RunId, second: RunId) -> Comparison:
    return compare(bench.events(first), bench.events(second))


def test_two_runs_of_the_same_are_the_same(bench: Bench) -> None:
    one = bench.play(STEPS, head=HEAD, inputs={"q": "bad"})
    bench.clock.move(hours=1)
    other = bench.play(STEPS, head=HEAD, inputs={"q": "bad"})
    found = both(bench, one, other)
    assert found.is_same
    assert [step.path for step in found.steps] == ["seen", "way", "shut", "last"]


def test_another_way_is_shown_step_by_step(bench: Bench) -> None:
    found = both(bench, bench.play(STEPS, head=HEAD, inputs={"q": "bad"}), bench.play(STEPS, head=HEAD, inputs={"q": "good"}))
    assert not found.is_same
    assert {step.path: step.same for step in found.steps} == {
        "seen": Same.DIFFERENT,
        "way": Same.DIFFERENT,
        "note": Same.ONLY_SECOND,
        "shut": Same.ONLY_FIRST,
        "last": Same.SAME,
    }
    seen = found.steps[0]
    assert seen.changed == ("arguments", "output")
    assert [(one.place, one.first, one.second) for one in seen.arguments] == [("$.q", "bad", "good")]
    assert [(one.place, one.first, one.second) for one in seen.output] == [("$.bad", True, False)]
    assert found.steps[1].changed == ("branch",)


def test_a_failure_is_told_with_its_error(bench: Bench) -> None:
    one = bench.play(STEPS, head=HEAD, inputs={"q": "bad"})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), Invalid("no such rule"))
    other = bench.play(STEPS, head=HEAD, inputs={"q": "bad"})
    shut = both(bench, one, other).steps[2]
    assert shut.changed == ("status", "output", "error")
    assert shut.second is not None
    assert shut.second.error is not None
    assert "no such rule" in str(shut.second.error["message"])


def test_differences_name_the_json_path_and_tell_added_from_changed() -> None:
    found = differences({"a": [1, 2, {"b": "x"}], "c": 1}, {"a": [1, 3, {"b": "y"}, 4], "d": None})
    assert [(one.place, one.how) for one in found] == [
        ("$.a[1]", "changed"),
        ("$.a[2].b", "changed"),
        ("$.a[3]", "added"),
        ("$.c", "removed"),
        ("$.d", "added"),
    ]


def test_a_number_and_the_same_text_differ() -> None:
    assert [one.how for one in differences({"a": 1}, {"a": "1"})] == ["changed"]
    assert [one.how for one in differences({"a": True}, {"a": 1})] == ["changed"]


def test_what_differs_everywhere_is_told_up_to_a_limit() -> None:
    assert len(differences([*range(1000)], [*range(1, 1001)])) == MOST_DIFFERENCES
