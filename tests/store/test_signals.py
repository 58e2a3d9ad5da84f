"""What comes to runs from outside, and what their events mean to the rest of the store."""

from datetime import timedelta

import pytest

from tocsin.core.errors import LeaseLost
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import AskId, RunId
from tocsin.core.values import iso
from tocsin.engine.events import (
    AskAnswered,
    AskClosed,
    AskOpened,
    CallEnded,
    CallStarted,
    EventArrived,
    Outcome,
    RunCancelled,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    UndoScheduled,
)
from tocsin.engine.ports import Append, ChildRun
from tocsin.store.journal import SqlJournal
from tocsin.store.repos.asks import AskStatus
from tocsin.store.repos.outbox import Delivery
from tocsin.store.repos.runs import RunFilter, RunStatus


@pytest.fixture
def journal(store, clock):
    return SqlJournal(store, owner="one", clock=clock)


@pytest.fixture
def at(clock):
    return iso(clock())


@pytest.fixture
async def run(store, journal, new_run):
    """A run that `journal` holds, with its first event."""
    new = new_run()
    await store.units.write(lambda tx: tx.runs.insert([new], lease=None))
    await journal.claim([new.id])
    return new


def entry(run, seq, *events, epoch=1, **more):
    return Append(run.id, W, epoch, seq, events, **more)


async def signal(store, run, event, at):
    return await store.units.write(lambda tx: tx.runs.signal(run, event, at=at))


async def status(store, run):
    return (await store.units.read(lambda tx: tx.runs.get(run, workspace=W))).status


def asked(at, ask="ask_1", deadline=None):
    return AskOpened(
        at=at, path="permission", ask=ask, about="step", title="Isolate?", message="", to=["role:approver"], via=["email"],
        options=["approve", "reject"], form={}, quorum=1, deadline=deadline, on_deadline="reject" if deadline else None, binding="b",
    )  # fmt: skip


def mail(ask, clock):
    return Delivery(f"{ask}:usr_1", W, "ask-mail", ask, "amira@example.org", {}, clock(), next_at=clock())


async def test_every_kind_of_signal_comes_back_as_it_was(store, journal, run, clock, at):
    told = [
        AskAnswered(at=at, path="p", ask="ask_1", answer="approve", by="amira", form={"n": 1}, reason="sure"),
        CallEnded(at=at, path="c", run="run_2", outcome=Outcome.CANCELLED, reason="no"),
        EventArrived(at=at, path="w", event={"id": "alr_1", "title": "Grüße"}),
        RunCancelled(at=at, by="amira", reason="false alarm"),
        RunPaused(at=at, by="amira"),
        RunResumed(at=at, by="amira"),
    ]
    for one in told:
        assert await signal(store, run.id, one, clock())
    assert [event for _, event in await journal.signals(run.id)] == told


async def test_a_paused_run_is_not_woken_by_time(store, journal, run, clock, at):
    soon = clock() + timedelta(minutes=1)
    assert await journal.append(entry(run, 2, RunPaused(at=at, by="amira"), release=True, wake_at=soon))
    assert await status(store, run.id) is RunStatus.PAUSED
    clock.pass_(hours=1)
    assert await journal.due() == []
    assert await journal.next_due() is None


async def test_a_paused_run_takes_what_comes_and_stays_paused(store, journal, run, clock, at):
    await journal.append(entry(run, 2, RunPaused(at=at, by="amira"), release=True))
    answer = AskAnswered(at=at, path="p", ask="ask_1", answer="approve", by="bo")
    await signal(store, run.id, answer, clock())
    assert await journal.due() == [run.id]
    (claimed,) = await journal.claim([run.id])
    assert await status(store, run.id) is RunStatus.PAUSED
    numbers = tuple(number for number, _ in claimed.signals)
    # A time that has passed already must not wake it again and again.
    assert await journal.append(entry(run, 3, answer, epoch=2, consumed=numbers, release=True, wake_at=clock()))
    assert await status(store, run.id) is RunStatus.PAUSED
    assert await journal.due() == []


async def test_a_resumed_run_waits_for_its_time_again(store, journal, run, clock, at):
    await journal.append(entry(run, 2, RunPaused(at=at, by="amira"), release=True))
    resumed = RunResumed(at=at, by="amira")
    await signal(store, run.id, resumed, clock())
    (claimed,) = await journal.claim([run.id])
    soon = clock() + timedelta(minutes=1)
    await journal.append(entry(run, 3, resumed, epoch=2, consumed=(claimed.signals[0][0],), release=True, wake_at=soon))
    assert await status(store, run.id) is RunStatus.WAITING
    assert await journal.next_due() == soon


async def test_a_run_that_is_held_shows_that_it_is_paused(store, journal, run, at):
    await journal.append(entry(run, 2, RunPaused(at=at, by="amira")))
    assert await status(store, run.id) is RunStatus.PAUSED
    await journal.append(entry(run, 3, RunResumed(at=at, by="amira")))
    assert await status(store, run.id) is RunStatus.RUNNING


async def test_cancelling_ends_a_pause(store, journal, run, at):
    await journal.append(entry(run, 2, RunPaused(at=at, by="amira"), RunCancelled(at=at, by="amira"), release=True))
    assert await status(store, run.id) is RunStatus.WAITING


async def test_a_cancelled_run_is_over_and_found_as_such(store, journal, run, at):
    ended = RunEnded(at=at, outcome=Outcome.CANCELLED, reason="false alarm")
    await journal.append(entry(run, 2, RunCancelled(at=at, by="amira"), ended, release=True))
    assert await status(store, run.id) is RunStatus.CANCELLED
    assert await journal.claim([run.id]) == []
    where = RunFilter(statuses=frozenset({RunStatus.CANCELLED}))
    found = await store.units.read(lambda tx: tx.runs.find(where, workspace=W))
    assert [one.id for one in found.items] == [run.id]


async def test_a_run_that_is_over_takes_no_signal(store, journal, run, clock, at):
    await journal.append(entry(run, 2, RunEnded(at=at, outcome=Outcome.SUCCEEDED), release=True))
    assert not await signal(store, run.id, RunCancelled(at=at, by="amira"), clock())
    assert await journal.signals(run.id) == ()


def child(run, id, parent):
    started = RunStarted(at=run.started.at, playbook="other", digest="e" * 64, trigger={"kind": "call", "run": run.id}, depth=1)
    return ChildRun(RunId(id), parent, "call", started)


async def test_the_end_of_a_child_that_nobody_waits_for_is_told_to_nobody(store, journal, run, clock, at):
    called = CallStarted(at=at, path="call", playbook="other", digest="e" * 64, run="run_child", inputs={}, waits=False)
    await journal.append(entry(run, 2, called, children=(child(run, "run_child", None),), release=True))
    (claimed,) = await journal.claim([RunId("run_child")])
    end = RunEnded(at=at, outcome=Outcome.SUCCEEDED)
    await journal.append(Append(claimed.id, W, claimed.epoch, 2, (end,), release=True))
    assert await journal.signals(run.id) == ()
    assert await journal.due() == []


async def test_an_undo_has_a_run_of_its_own(store, journal, run, at):
    planned = UndoScheduled(at=at, path="block", digest="undo:fw.allow:", run="run_undo", action="fw.allow", arguments={}, due=at)
    await journal.append(entry(run, 2, planned, children=(child(run, "run_undo", None),), release=True))
    assert (await store.units.read(lambda tx: tx.runs.get(RunId("run_undo"), workspace=W))).parent is None
    assert [one.id for one in await journal.claim([RunId("run_undo")])] == ["run_undo"]


async def test_runs_that_nobody_waits_for_any_more_are_cancelled(store, journal, run, clock, at):
    called = CallStarted(at=at, path="call", playbook="other", digest="e" * 64, run="run_child", inputs={})
    await journal.append(entry(run, 2, called, children=(child(run, "run_child", run.id),)))
    (claimed,) = await journal.claim([RunId("run_child")])
    await journal.append(Append(claimed.id, W, claimed.epoch, 2, (), release=True))
    assert await journal.due() == []
    end = RunEnded(at=at, outcome=Outcome.CANCELLED)
    await journal.append(entry(run, 3, end, cancels=(RunId("run_child"), RunId("run_gone")), release=True))
    assert await journal.due() == ["run_child"]
    ((_, event),) = await journal.signals(RunId("run_child"))
    assert isinstance(event, RunCancelled)
    assert run.id in event.reason


async def test_a_closed_ask_is_closed_with_its_reason_and_its_mails_stay_here(store, journal, run, clock, at):
    await journal.append(entry(run, 2, asked(at), asks_opened=(asked(at),)))
    await store.units.write(lambda tx: tx.outbox.add([mail("ask_1", clock)]))
    await journal.append(entry(run, 3, AskClosed(at=at, path="permission", ask="ask_1", reason="another branch was enough")))
    ask = await store.units.read(lambda tx: tx.asks.get(AskId("ask_1"), workspace=W))
    assert ask.status is AskStatus.CLOSED
    assert await store.units.read(lambda tx: tx.asks.closed_because(AskId("ask_1"))) == "another branch was enough"
    assert await store.units.read(lambda tx: tx.outbox.next_due()) is None
    (left,) = await store.units.read(lambda tx: tx.outbox.about("ask_1", workspace=W))
    assert (left.sent_at, "another branch" in left.reason) == (None, True)


async def test_a_mail_that_is_withdrawn_while_it_is_tried_is_not_tried_again(store, clock):
    await store.units.write(lambda tx: tx.outbox.add([mail("ask_1", clock)]))
    (taken,) = await store.units.write(lambda tx: tx.outbox.claim_due(clock(), until=clock() + timedelta(minutes=2)))
    await store.units.write(lambda tx: tx.outbox.withdraw("ask_1", workspace=W, at=clock(), reason="closed"))
    await store.units.write(lambda tx: tx.outbox.retry(taken.id, at=clock(), reason="busy"))
    assert await store.units.read(lambda tx: tx.outbox.next_due()) is None


async def test_an_ask_that_was_answered_before_it_is_closed_keeps_its_answer(store, journal, run, clock, at):
    await journal.append(entry(run, 2, asked(at), asks_opened=(asked(at),)))
    await store.units.write(lambda tx: tx.asks.decide(AskId("ask_1"), answer="approve", by="amira", at=clock()))
    await journal.append(entry(run, 3, AskClosed(at=at, path="permission", ask="ask_1", reason="not needed")))
    ask = await store.units.read(lambda tx: tx.asks.get(AskId("ask_1"), workspace=W))
    assert (ask.status, ask.answer) == (AskStatus.ANSWERED, "approve")


async def test_the_mails_of_asks_that_a_run_leaves_open_are_not_sent(store, journal, run, clock, at):
    await journal.append(entry(run, 2, asked(at), asks_opened=(asked(at),)))
    await store.units.write(lambda tx: tx.outbox.add([mail("ask_1", clock)]))
    await journal.append(entry(run, 3, RunEnded(at=at, outcome=Outcome.CANCELLED), release=True))
    assert await store.units.read(lambda tx: tx.outbox.next_due()) is None


async def test_an_append_that_is_refused_leaves_nothing_of_its_consequences(store, journal, run, at):
    await journal.append(entry(run, 2, asked(at), asks_opened=(asked(at),)))
    with pytest.raises(LeaseLost):
        await journal.append(entry(run, 2, AskClosed(at=at, path="permission", ask="ask_1", reason="late"), cancels=(run.id,)))
    assert (await store.units.read(lambda tx: tx.asks.get(AskId("ask_1"), workspace=W))).status is AskStatus.OPEN
    assert await journal.signals(run.id) == ()
