"""The timeline: a readable line for every event there is."""

from typing import get_args

from tocsin.core.effects import Effect
from tocsin.engine import events as e
from tocsin.services.timeline import read_timeline

AT = "2026-03-02T09:00:00.000000Z"
EVERY = [
    e.RunStarted(at=AT, playbook="p", digest="d", trigger={"kind": "manual"}),
    e.StepSkipped(at=AT, path="a"),
    e.StepFailed(at=AT, path="a", error={"message": "broken"}),
    e.ValuesSet(at=AT, path="a", values={"x": 1, "y": 2}),
    e.BranchTaken(at=AT, path="a", branch=-1),
    e.LoopStarted(at=AT, path="l", variable="v", items=[1, 2]),
    e.IterationEnded(at=AT, path="l", index=0),
    e.LoopEnded(at=AT, path="l"),
    e.ActionIntended(
        at=AT, path="b", action="fw.block", connection=None, arguments={}, effect=Effect.DESTRUCTIVE, key="k", attempt=2, epoch=1
    ),
    e.ActionUnknown(at=AT, path="b", reason="timeout", attempt=2),
    e.ActionDone(at=AT, path="b", output={}, by="amira"),
    e.ActionFailed(at=AT, path="r", error={"message": "no"}, attempt=1, action="x.read"),
    e.AskOpened(
        at=AT, path="q", ask="ask_1", about="step", title="Sure?", message="", to=["role:admin"], via=[], options=["yes"], form={},
        quorum=1, deadline=None, on_deadline=None, binding="b",
    ),
    e.AskAnswered(at=AT, path="q", ask="ask_1", answer="yes", by=None),
    e.TimerSet(at=AT, path="w", due=AT),
    e.TimerFired(at=AT, path="w"),
    e.CallStarted(at=AT, path="c", playbook="other", digest="d", run="run_2", inputs={}),
    e.CallEnded(at=AT, path="c", run="run_2", outcome=e.Outcome.FAILED, reason="x"),
    e.RunEnded(at=AT, outcome=e.Outcome.SUCCEEDED),
]  # fmt: skip


def test_every_kind_of_event_has_a_line():
    assert {type(event) for event in EVERY} == set(get_args(e.RunEvent))
    entries = read_timeline(EVERY)
    assert len(entries) == len(EVERY)
    assert all(entry.title and entry.kind and entry.status and entry.at == AT for entry in entries)


def test_outcome_of_a_write_takes_name_effect_and_attempt_from_its_intent():
    done = read_timeline(EVERY)[10]
    assert (done.title, done.effect, done.attempt, done.status) == ("fw.block: amira says that it happened", "destructive", 2, "succeeded")


def test_read_says_that_it_is_one():
    (entry,) = read_timeline([e.ActionDone(at=AT, path="r", output=1, action="dns.look_up", arguments={"name": "x"})])
    assert (entry.title, entry.effect, entry.details["arguments"]) == ("dns.look_up done", "read", {"name": "x"})


def test_deadline_is_named_when_nobody_answered():
    assert read_timeline(EVERY)[13].title == "The deadline answered 'yes'"
