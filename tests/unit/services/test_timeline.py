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
    e.RoundStarted(at=AT, path="r", index=0),
    e.RoundEnded(at=AT, path="r", index=0, due=AT),
    e.RoundsEnded(at=AT, path="r"),
    e.BranchesJoined(at=AT, path="j", branches=[0, 2]),
    e.AskClosed(at=AT, path="q", ask="ask_2", reason="a branch was enough"),
    e.EventAwaited(at=AT, path="v", kind="webhook", hook="mail", due=AT),
    e.EventArrived(at=AT, path="v", event=None),
    e.UndoScheduled(at=AT, path="b", digest="d", run="run_3", action="fw.allow", arguments={}, due=AT),
    e.RunPaused(at=AT, by="amira", reason="let me look"),
    e.RunResumed(at=AT, by="bo"),
    e.RunCancelled(at=AT, by="amira", reason="a false alarm"),
    e.MainEnded(at=AT, outcome=e.Outcome.CANCELLED),
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


def test_a_wait_that_was_given_up_is_told_apart_from_a_step_that_was_not_wanted():
    waited, never = e.EventAwaited(at=AT, path="w", kind="alert"), e.StepSkipped(at=AT, path="x")
    entries = read_timeline([waited, never, e.StepSkipped(at=AT, path="w")])
    assert [entry.title for entry in entries] == [
        "Waits for a new alert", "Skipped: its condition was false", "Given up: nobody waits for it any more",
    ]  # fmt: skip


def rounds(count, *, path="w", polls=False, body=lambda index: []):
    found = []
    for index in range(count):
        found.append(e.RoundStarted(at=AT, path=path, index=index, polls=polls))
        found += body(index) or [e.ValuesSet(at=AT, path=f"{path}[{index}]/s", values={"n": index})]
        found.append(e.RoundEnded(at=AT, path=path, index=index))
    return [*found, e.RoundsEnded(at=AT, path=path)]


def test_a_thousand_rounds_are_told_on_few_lines():
    entries = read_timeline(rounds(1000))
    assert len(entries) == 6 * 3 + 2
    (folded,) = [entry for entry in entries if entry.status == "folded"]
    assert (folded.path, folded.details) == ("w", {"first": 3, "last": 996, "lines": 994 * 3})
    assert "994 rounds more, 4 to 997" in folded.title
    assert entries.index(folded) == 9
    assert [entry.title for entry in entries[10:12]] == ["Round 998", "Set n"]


def test_few_rounds_are_told_whole():
    assert len(read_timeline(rounds(7))) == 7 * 3 + 1


def test_what_failed_asked_or_changed_something_in_a_folded_round_is_still_told():
    def body(index):
        path = f"w[{index}]/a"
        if index == 500:
            intent = e.ActionIntended(
                at=AT, path=path, action="fw.block", connection=None, arguments={}, effect=Effect.WRITE, key="k", attempt=1, epoch=1
            )
            return [intent, e.ActionDone(at=AT, path=path, output={}, effect=Effect.WRITE)]
        if index == 600:
            return [e.StepFailed(at=AT, path=path, error={"message": "broken"})]
        return [e.ActionDone(at=AT, path=path, output={}, action="dns.look_up")]

    told = [(entry.path, entry.status) for entry in read_timeline(rounds(1000, body=body)) if entry.path.startswith(("w[500]", "w[600]"))]
    assert told == [("w[500]/a", "intended"), ("w[500]/a", "succeeded"), ("w[600]/a", "failed")]


def test_each_loop_is_folded_for_itself_and_a_folded_round_takes_its_inner_loops_along():
    inner = rounds(20, body=lambda index: rounds(20, path=f"w[{index}]/i"))
    entries = read_timeline(inner)
    assert [entry.path for entry in entries if entry.status == "folded"] == [
        "w[0]/i",
        "w[1]/i",
        "w[2]/i",
        "w",
        "w[17]/i",
        "w[18]/i",
        "w[19]/i",
    ]


def test_the_items_of_a_for_each_are_all_told():
    events = [e.IterationEnded(at=AT, path="l", index=index) for index in range(50)]
    assert len(read_timeline([e.LoopStarted(at=AT, path="l", variable="v", items=list(range(50))), *events])) == 51
