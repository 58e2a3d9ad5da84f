import sqlite3
from datetime import timedelta

import pytest

from tocsin.core.errors import Conflict, LeaseLost
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import AskId, RunId, UserId
from tocsin.core.values import iso
from tocsin.engine.events import (
    ActionDone,
    AskAnswered,
    AskClosed,
    AskOpened,
    CallEnded,
    CallStarted,
    Outcome,
    RunEnded,
    RunStarted,
    ValuesSet,
)
from tocsin.engine.ports import Append, ChildRun, Journal
from tocsin.store.blobs import LONGEST_INLINE
from tocsin.store.journal import SqlJournal, start_runs
from tocsin.store.opening import DATABASE, open_store
from tocsin.store.repos.asks import Answer, AskStatus
from tocsin.store.repos.runs import RunFilter, RunStatus


@pytest.fixture
def journal(store, clock):
    kept: Journal = SqlJournal(store, owner="one", clock=clock)
    return kept


@pytest.fixture
def other(store, clock):
    return SqlJournal(store, owner="two", clock=clock)


@pytest.fixture
def at(clock):
    return iso(clock())


async def insert(store, *new):
    await store.units.write(lambda tx: tx.runs.insert(new, lease=None))


async def get(store, id):
    return await store.units.read(lambda tx: tx.runs.get(id, workspace=W))


def entry(run, seq, *events, epoch=1, **more):
    return Append(run.id, W, epoch, seq, events, **more)


def opened(at, deadline=None):
    return AskOpened(
        at=at, path="ask", ask="ask_1", about="step", title="Isolate?", message="", to=["role:approver"], via=["console"],
        options=["approve", "reject"], form={}, quorum=1, deadline=deadline, on_deadline="reject" if deadline else None, binding="b",
    )  # fmt: skip


async def test_a_claim_leases_and_loads_a_run(store, journal, new_run):
    run = new_run(alert={"id": "alr_1"})
    await insert(store, run)
    (claimed,) = await journal.claim([run.id])
    assert (claimed.id, claimed.epoch, claimed.events, claimed.signals) == (run.id, 1, (run.started,), ())
    row = await get(store, run.id)
    assert (row.status, row.alert, row.trigger, row.started_by) == (RunStatus.RUNNING, "alr_1", "manual", "usr_1")


async def test_of_two_workers_one_claims(store, journal, other, new_run):
    run = new_run()
    await insert(store, run)
    assert len(await journal.claim([run.id])) == 1
    assert await other.claim([run.id, RunId("run_none")]) == []


async def test_an_expired_lease_is_taken_over_and_the_old_holder_may_not_write(store, journal, other, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    clock.pass_(seconds=61)
    (claimed,) = await other.claim([run.id])
    assert claimed.epoch == 2
    with pytest.raises(LeaseLost):
        await journal.append(entry(run, 2, ValuesSet(at=at, path="a", values={})))
    assert await journal.renew([(run.id, 1)]) == [run.id]
    assert await other.renew([(run.id, 2)]) == []
    await other.append(entry(run, 2, ValuesSet(at=at, path="a", values={}), epoch=2))


async def test_an_event_number_is_given_once(store, journal, new_run, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    await journal.append(entry(run, 2, ValuesSet(at=at, path="a", values={"n": 1})))
    with pytest.raises(LeaseLost):
        await journal.append(entry(run, 2, ValuesSet(at=at, path="a", values={"n": 2})))
    events = await store.units.read(lambda tx: tx.runs.events(run.id, workspace=W))
    assert [(seq, getattr(event, "values", None)) for seq, event in events] == [(1, None), (2, {"n": 1})]


async def test_a_renewed_lease_lasts_longer(store, journal, other, new_run, clock):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    clock.pass_(seconds=50)
    assert await journal.renew([(run.id, 1)]) == []
    clock.pass_(seconds=50)
    assert await other.claim([run.id]) == []


async def test_a_released_run_waits_and_is_due_at_its_time(store, journal, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    assert await journal.due() == [run.id]
    await journal.claim([run.id])
    assert await journal.due() == []
    wake = clock() + timedelta(hours=4)
    assert await journal.append(entry(run, 2, ValuesSet(at=at, path="a", values={}), release=True, wake_at=wake))
    assert (await get(store, run.id)).status is RunStatus.WAITING
    assert await journal.next_due() == wake
    assert await journal.due() == []
    clock.pass_(hours=4)
    assert await journal.due() == [run.id]
    assert len(await journal.claim([run.id])) == 1


async def test_a_release_with_a_pending_signal_keeps_the_lease(store, journal, other, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    told = AskAnswered(at=at, path="ask", ask="ask_1", answer="approve", by="usr_1")
    assert await store.units.write(lambda tx: tx.runs.signal(run.id, told, at=clock()))
    assert not await journal.append(entry(run, 2, ValuesSet(at=at, path="a", values={}), release=True))
    assert await other.claim([run.id]) == []
    ((number, event),) = await journal.signals(run.id)
    assert event == told
    assert await journal.append(entry(run, 3, told, consumed=(number,), release=True))
    assert await journal.signals(run.id) == ()


async def test_a_signal_makes_a_waiting_run_due_and_tells_so(store, journal, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    await journal.append(entry(run, 2, release=True))
    assert await journal.due() == []
    woken = []
    store.units.on_wake(woken.append)
    told = AskAnswered(at=at, path="ask", ask="ask_1", answer="approve", by="usr_1")
    await store.units.write(lambda tx: tx.runs.signal(run.id, told, at=clock()))
    assert woken == [(run.id,)]
    assert await journal.due() == [run.id]
    (claimed,) = await journal.claim([run.id])
    assert [event for _, event in claimed.signals] == [told]


async def test_a_run_that_is_over_is_not_claimed_signalled_or_due(store, journal, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    ended = RunEnded(at=at, outcome=Outcome.FAILED, outputs={"n": 1}, reason="no luck")
    done = ActionDone(at=at, path="a", output=1)
    assert await journal.append(entry(run, 2, done, opened(at), ended, asks_opened=(opened(at),), release=True))
    row = await get(store, run.id)
    assert (row.status, row.reason, row.outputs, row.events, row.actions, row.asks) == (RunStatus.FAILED, "no luck", {"n": 1}, 4, 1, 1)
    assert (await store.units.read(lambda tx: tx.asks.get(AskId("ask_1"), workspace=W))).status is AskStatus.VOID
    clock.pass_(days=1)
    assert await journal.claim([run.id]) == []
    assert await journal.due() == []
    assert not await store.units.write(
        lambda tx: tx.runs.signal(run.id, CallEnded(at=at, path="c", run="r", outcome=Outcome.FAILED), at=clock())
    )
    with pytest.raises(LeaseLost):
        await journal.append(entry(run, 5, done))


async def test_a_called_run_starts_with_its_call_and_tells_its_parent_when_it_ends(store, journal, new_run, clock, at, fresh_id):
    parent = new_run()
    await insert(store, parent)
    await journal.claim([parent.id])
    child = ChildRun(
        RunId(fresh_id("run")), parent.id, "call", RunStarted(at=at, playbook="c", digest="e", trigger={"kind": "call"}, depth=1)
    )
    started = CallStarted(at=at, path="call", playbook="c", digest="e", run=child.id, inputs={})
    await journal.append(entry(parent, 2, started, children=(child,), release=True))
    assert await journal.due() == [child.id]
    (claimed,) = await journal.claim([child.id])
    assert claimed.events == (child.started,)
    woken = []
    store.units.on_wake(woken.append)
    await journal.append(Append(child.id, W, 1, 2, (RunEnded(at=at, outcome=Outcome.SUCCEEDED, outputs={"x": 1}),), release=True))
    assert woken == [(parent.id,)]
    (claimed,) = await journal.claim([parent.id])
    assert [event for _, event in claimed.signals] == [
        CallEnded(at=at, path="call", run=child.id, outcome=Outcome.SUCCEEDED, outputs={"x": 1})
    ]
    children = await store.units.read(lambda tx: tx.runs.find(RunFilter(parent=parent.id), workspace=W))
    assert [(run.id, run.depth) for run in children.items] == [(child.id, 1)]


async def test_a_failed_append_leaves_nothing_of_it(store, journal, new_run, at, fresh_id):
    run = new_run()
    await insert(store, run)
    child = ChildRun(RunId(fresh_id("run")), run.id, "call", RunStarted(at=at, playbook="c", digest="e", trigger={"kind": "call"}))
    with pytest.raises(LeaseLost):
        await journal.append(entry(run, 2, opened(at), children=(child,), asks_opened=(opened(at),)))
    assert (await store.units.read(lambda tx: tx.runs.find(workspace=W))).items == (await get(store, run.id),)
    assert (await store.units.read(lambda tx: tx.asks.find(workspace=W))).items == ()


async def test_an_ask_is_recorded_answered_once_a_person_and_decided_once(store, journal, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    await journal.append(entry(run, 2, opened(at), asks_opened=(opened(at),), release=True))
    answer = Answer(UserId("usr_1"), "approve", clock(), reason="looks bad")
    id = AskId("ask_1")
    assert await store.units.write(lambda tx: tx.asks.record(id, answer, workspace=W)) == [answer]
    with pytest.raises(Conflict, match="counts once"):
        await store.units.write(lambda tx: tx.asks.record(id, answer, workspace=W))
    assert await store.units.write(lambda tx: tx.asks.decide(id, answer="approve", by="usr_1", at=clock()))
    assert not await store.units.write(lambda tx: tx.asks.decide(id, answer="reject", by="usr_2", at=clock()))
    with pytest.raises(Conflict, match="answered already"):
        await store.units.write(lambda tx: tx.asks.record(id, Answer(UserId("usr_2"), "reject", clock()), workspace=W))
    ask = await store.units.read(lambda tx: tx.asks.get(id, workspace=W))
    assert (ask.status, ask.answer, ask.answered_by, ask.options) == (AskStatus.ANSWERED, "approve", "usr_1", ("approve", "reject"))


async def test_a_deadline_closes_its_ask(store, journal, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    ask = opened(at, deadline=iso(clock() + timedelta(hours=1)))
    await journal.append(entry(run, 2, ask, asks_opened=(ask,), release=True, wake_at=clock() + timedelta(hours=1)))
    clock.pass_(hours=1)
    with pytest.raises(Conflict, match="deadline"):
        await store.units.write(lambda tx: tx.asks.record(AskId("ask_1"), Answer(UserId("usr_1"), "approve", clock()), workspace=W))
    await journal.claim([run.id])
    decided = AskAnswered(at=iso(clock()), path="ask", ask="ask_1", answer="reject", by=None)
    await journal.append(entry(run, 3, decided, epoch=2, release=True))
    assert (await store.units.read(lambda tx: tx.asks.get(AskId("ask_1"), workspace=W))).status is AskStatus.EXPIRED


async def test_an_answer_just_before_the_deadline_wins_over_a_worker_that_missed_it(store, journal, new_run, clock, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    ask = opened(at, deadline=iso(clock() + timedelta(hours=1)))
    await journal.append(entry(run, 2, ask, asks_opened=(ask,)))
    told = AskAnswered(at=at, path="ask", ask="ask_1", answer="approve", by="usr_1")

    def answer(tx):
        tx.asks.decide(AskId("ask_1"), answer="approve", by="usr_1", at=clock())
        tx.runs.signal(run.id, told, at=clock())

    await store.units.write(answer)
    woken = []
    store.units.on_wake(woken.append)
    with pytest.raises(LeaseLost):
        await journal.append(entry(run, 3, AskAnswered(at=at, path="ask", ask="ask_1", answer="reject", by=None), release=True))
    assert woken == [(run.id,)]
    (claimed,) = await journal.claim([run.id])
    assert [event for _, event in claimed.signals] == [told]
    assert len(claimed.events) == 2


async def test_an_answer_just_before_an_ask_is_closed_wins_too(store, journal, new_run, clock, at):
    """The ask is escalated, or its branch given up, while somebody decides."""
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    ask = opened(at, deadline=iso(clock() + timedelta(hours=1)))
    await journal.append(entry(run, 2, ask, asks_opened=(ask,)))
    told = AskAnswered(at=at, path="ask", ask="ask_1", answer="approve", by="usr_1")

    def answer(tx):
        tx.asks.decide(AskId("ask_1"), answer="approve", by="usr_1", at=clock())
        tx.runs.signal(run.id, told, at=clock())

    await store.units.write(answer)
    with pytest.raises(LeaseLost, match="answered just before"):
        await journal.append(entry(run, 3, AskClosed(at=at, path="ask", ask="ask_1", reason="escalated"), release=True))
    (claimed,) = await journal.claim([run.id])
    assert [event for _, event in claimed.signals] == [told]
    assert len(claimed.events) == 2


async def test_a_run_started_under_a_lease_goes_on_at_once_and_is_found_when_its_process_dies(tmp_path, clock, new_run, at):
    run = new_run()
    with open_store(tmp_path) as store:
        journal = SqlJournal(store, owner="one", clock=clock)
        (claimed,) = await store.units.write(lambda tx: start_runs(tx, [run], lease=journal.lease()))
        assert await journal.due() == []
        await journal.append(entry(run, 2, ValuesSet(at=at, path="a", values={}), epoch=claimed.epoch))
    with open_store(tmp_path) as store:
        journal = SqlJournal(store, owner="two", clock=clock)
        assert await journal.claim([run.id]) == []
        assert await journal.reclaim() == 1
        assert await journal.due() == [run.id]
        (again,) = await journal.claim([run.id])
        assert (again.epoch, len(again.events)) == (2, 2)


async def test_long_events_lie_in_blobs_and_read_back(store, journal, new_run, at):
    run = new_run()
    await insert(store, run)
    await journal.claim([run.id])
    long = ActionDone(at=at, path="a", output={"text": "x" * LONGEST_INLINE})
    await journal.append(entry(run, 2, long, release=True, wake_at=None))
    assert [event for _, event in await store.units.read(lambda tx: tx.runs.events(run.id, workspace=W))][1] == long
    assert (await journal.claim([run.id]))[0].events[1] == long


@pytest.mark.parametrize(
    "damage", ['update run_events set body = \'{"type":"nonsense"}\' where seq = 2', "delete from run_events where seq = 2"]
)
async def test_a_run_with_a_damaged_history_is_stopped_and_others_go_on(store, journal, new_run, at, damage):
    bad, good = new_run(), new_run()
    await insert(store, bad, good)
    await journal.claim([bad.id])
    await journal.append(entry(bad, 2, ValuesSet(at=at, path="a", values={}), ValuesSet(at=at, path="b", values={}), release=True))
    with sqlite3.connect(store.folder.path / DATABASE) as database:
        database.execute(damage)
    claimed = await journal.claim([bad.id, good.id])
    assert [run.id for run in claimed] == [good.id]
    stopped = await get(store, bad.id)
    assert stopped.status is RunStatus.FAILED
    assert bad.id in stopped.reason
    assert await journal.due() == []


async def test_runs_are_found_by_what_they_are_about(store, journal, new_run):
    runs = [new_run(alert={"id": "alr_1"}), new_run(case={"id": "cas_1"}), new_run()]
    await insert(store, *runs)

    async def found(**where):
        page = await store.units.read(lambda tx: tx.runs.find(RunFilter(**where), workspace=W))
        return [run.id for run in page.items]

    assert await found() == [run.id for run in reversed(runs)]
    assert await found(alert="alr_1") == [runs[0].id]
    assert await found(case="cas_1") == [runs[1].id]
    assert await found(playbook="none") == []
    assert await found(statuses=frozenset({RunStatus.RUNNING})) == [run.id for run in reversed(runs)]
    assert await store.units.read(lambda tx: tx.runs.counts(workspace=W)) == {RunStatus.RUNNING: 3}
    first = await store.units.read(lambda tx: tx.runs.find(workspace=W, limit=2))
    rest = await store.units.read(lambda tx: tx.runs.find(workspace=W, limit=2, after=first.next))
    assert [run.id for run in first.items + rest.items] == [run.id for run in reversed(runs)]
    assert rest.next is None
