"""What a backtest finds again in the record, and what counts as a difference."""

from datetime import UTC, datetime

import pytest

from tocsin.core.effects import Effect, OnUnknown
from tocsin.core.errors import ErrorKind, Invalid, NotFound
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.attempts import Pending
from tocsin.rehearsal.cast import Call, Refusal, Value
from tocsin.services.backtest.behaviour import NOTHING, Acted, Asked, Behaviour, changes
from tocsin.services.backtest.recorded import PastRun, Recorded, error_of, steady
from tocsin.services.backtest.window import instant_of
from tocsin.store.repos.runs import Run, RunStatus
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def past(bench: Bench, run: RunId) -> PastRun:
    row = Run(
        run, DEFAULT_WORKSPACE, "test", "d" * 64, RunStatus.SUCCEEDED, "alert", "", None, None, None, 0, NOW, NOW, None, 1, 1, 0, "", None
    )  # fmt: skip
    return PastRun(row, tuple(bench.events(run)))


def call(action: str, path: str = "a", effect: Effect = Effect.READ, **arguments: Json) -> Call:
    pending = Pending(path, action, None, arguments, effect, "key", 1, None)
    return Call(RunId("run_2"), "test", pending, NOW, {})


def recorded(steps: str, **actions: Json | Exception | list[Json | Exception]) -> Recorded:
    bench = Bench()
    for name, answers in actions.items():
        each = answers if isinstance(answers, list) else [answers]
        bench.actions.add(spec(name.replace("_", ".", 1), Effect.WRITE if name.startswith("fw") else Effect.READ, OnUnknown.REPEAT), *each)
    return Recorded([past(bench, bench.play(steps))])


def test_a_read_is_found_by_its_arguments_else_by_its_target() -> None:
    reading = recorded("  - {id: a, action: intel.look, with: {ip: 192.0.2.1, deep: true}}\n", intel_look={"bad": True}).reading()
    assert reading.answer(call("intel.look", ip="192.0.2.1", deep=True)) == Value({"bad": True})
    assert reading.answer(call("intel.look", "other", ip="192.0.2.1")) == Value({"bad": True})
    assert reading.answer(call("intel.look", ip="192.0.2.2", deep=True)) is None
    assert reading.answer(call("intel.find", ip="192.0.2.1", deep=True)) is None


def test_a_read_without_a_target_is_found_by_its_arguments_only() -> None:
    reading = recorded("  - {id: a, action: intel.look, with: {n: 1}}\n", intel_look={"bad": True}).reading()
    assert reading.answer(call("intel.look", "b", n=2)) is None


def test_the_second_time_the_same_is_asked_the_second_answer_is_given() -> None:
    steps = "  - {id: a, action: intel.look, with: {q: x}}\n  - {id: b, if: '${{ steps.a.n == 1 }}', action: intel.look, with: {q: x}}\n"
    found = recorded(steps, intel_look=[{"n": 1}, {"n": 2}])
    for _ in range(2):  # each play reads from the start
        reading = found.reading()
        assert [reading.answer(call("intel.look", q="x")) for _ in range(3)] == [Value({"n": 1}), Value({"n": 2}), Value({"n": 2})]


def test_a_failure_is_recorded_too() -> None:
    reading = recorded("  - {id: a, action: intel.look, with: {q: x}, on_error: continue}\n", intel_look=NotFound("no such host")).reading()
    answer = reading.answer(call("intel.look", q="x"))
    assert isinstance(answer, Refusal)
    assert isinstance(answer.error, NotFound)


def test_an_effect_that_was_done_answers_with_what_it_answered() -> None:
    reading = recorded("  - {id: a, action: fw.block, with: {ip: 192.0.2.1}}\n", fw_block={"rule": 7}).reading()
    assert reading.answer(call("fw.block", "z", Effect.WRITE, ip="192.0.2.1")) == Value({"rule": 7})


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_kind_of_recorded_error_can_be_raised_again(kind: ErrorKind) -> None:
    assert "busy" in str(error_of({"kind": kind.value, "code": "x", "message": "busy"}))
    assert isinstance(error_of({"message": "odd"}), Invalid)


def test_instants_and_ids_of_runs_do_not_count_as_differences() -> None:
    one: JsonObject = {"at": "2026-03-02T09:00:00.000000Z", "text": "run_01jnakx3c0000000000000000a at 2026-01-01T00:00:00+01:00", "n": 1}
    other: JsonObject = {"at": "2026-03-03T10:00:00Z", "text": "run_01jnakx3c0000000000000000b at 2025-01-01T00:00:00Z", "n": 1}
    assert steady(one) == steady(other)
    assert steady(one) != steady({**other, "n": 2})
    assert steady({"case": "cas_01jnakx3c0000000000000000a"}) != steady({"case": "cas_01jnakx3c0000000000000000b"})


def behaviour(*, asks: tuple[str, ...] = (), effects: tuple[str, ...] = (), outcome: str = "succeeded", cut: str = "") -> Behaviour:
    return Behaviour(
        outcome=outcome,
        asks=tuple(Asked(title, "approve") for title in asks),
        effects=tuple(Acted(action, {"ip": ip}) for action, ip in (pair.split(" ") for pair in effects)),
        cut=cut,
    )


def told(before: Behaviour, after: Behaviour) -> list[str]:
    return [f"{one.kind} {one.how} {one.what}" for one in changes(before, after)]


def test_effects_are_compared_by_what_they_do_and_not_by_their_place() -> None:
    one = behaviour(effects=("fw.block a", "fw.block b", "fw.open c"))
    assert told(one, behaviour(effects=("fw.open c", "fw.block b", "fw.block a"))) == []
    assert told(one, behaviour(effects=("fw.block a", "fw.block a", "fw.open c"))) == ["effect changed fw.block"]
    assert told(one, behaviour(effects=("fw.block a", "fw.block b", "fw.block d", "fw.open c"))) == ["effect added fw.block"]
    assert told(one, behaviour(effects=("fw.block a",))) == ["effect removed fw.block", "effect removed fw.open"]


def test_where_a_play_was_cut_nothing_is_said_of_what_did_not_come_to_pass() -> None:
    one = behaviour(asks=("Go?",), effects=("fw.block a",))
    assert told(one, behaviour(outcome="undecided", cut="no record")) == []
    assert told(one, behaviour(outcome="undecided", cut="no record", effects=("fw.open x",))) == ["effect added fw.open"]


def test_questions_are_counted_and_a_start_is_a_decision() -> None:
    assert told(behaviour(asks=("Go?", "Go?")), behaviour(asks=("Go?",))) == ["ask removed Go?"]
    assert told(NOTHING, behaviour(asks=("Go?",))) == ["decision added the playbook starts", "ask added Go?"]
    assert told(behaviour(), behaviour(outcome="failed")) == ["decision changed outcome"]


def test_a_time_is_a_duration_back_a_date_or_an_instant() -> None:
    assert instant_of("12h", now=NOW) == datetime(2026, 3, 1, 21, tzinfo=UTC)
    assert instant_of("2026-02-01", now=NOW) == datetime(2026, 2, 1, tzinfo=UTC)
    assert instant_of("2026-02-01T10:00:00+01:00", now=NOW) == datetime(2026, 2, 1, 9, tzinfo=UTC)
    with pytest.raises(Invalid, match="30d"):
        instant_of("last week", now=NOW)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_that_has_no_year_in_utc_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no such year"):
        instant_of(text, now=NOW)
