"""Runs that wait for an event: found by what the event is, told once, in the transaction of the cause."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import iso
from tocsin.engine.events import EventArrived, EventAwaited, MainEnded, Outcome, RunEnded, StepFailed, StepSkipped
from tocsin.engine.ports import Append
from tocsin.playbook.plan import Awaited
from tocsin.services.waits import tell_waiting
from tocsin.store.journal import SqlJournal
from tocsin.store.repos.waits import Place
from tocsin.store.wait_keys import keys_of

ALERTS = Place(W, Awaited.ALERT)


@pytest.fixture
def journal(store, clock):
    return SqlJournal(store, owner="one", clock=clock)


@pytest.fixture
def at(clock):
    return iso(clock())


@pytest.fixture
def waiting(store, journal, new_run, at):
    """Make a run that waits for an event."""

    async def make(filter=None, *, names=None, path="later", kind="alert", hook="", due=None, release=True):
        new = new_run()
        await store.units.write(lambda tx: tx.runs.insert([new], lease=None))
        await journal.claim([new.id])
        awaited = EventAwaited(at=at, path=path, kind=kind, hook=hook, filter=filter, names=names or {}, due=due)
        await journal.append(Append(new.id, W, 1, 2, (awaited,), release=release))
        return new.id

    return make


@pytest.fixture
def happen(store, clock):
    async def tell(*events, place=ALERTS):
        return await store.units.write(lambda tx: tell_waiting(tx, events, place=place, now=clock()))

    return tell


async def waits_of(store, run):
    return [one.path for one in await store.units.read(lambda tx: tx.waits.of_run(run))]


async def keys(store):
    return await store.units.read(lambda tx: tx.waits.fields(ALERTS))


async def test_an_event_that_the_filter_accepts_reaches_the_run_and_wakes_it(store, journal, waiting, happen):
    run = await waiting("event.src_endpoint.ip == steps.host.ip", names={"steps": {"host": {"ip": "192.0.2.7"}}})
    event = {"id": "alr_1", "src_endpoint": {"ip": "192.0.2.7"}}
    assert await happen({"id": "alr_0", "src_endpoint": {"ip": "192.0.2.8"}}, event) == 1
    ((_, told),) = await journal.signals(run)
    assert isinstance(told, EventArrived)
    assert (told.path, told.event) == ("later", event)
    assert await journal.due() == [run]


async def test_the_first_event_wins_and_a_second_is_ignored(journal, waiting, happen):
    run = await waiting("event.title == 'Beacon'")
    assert await happen({"id": "alr_1", "title": "Beacon"}, {"id": "alr_2", "title": "Beacon"}) == 1
    assert await happen({"id": "alr_3", "title": "Beacon"}) == 0
    ((_, told),) = await journal.signals(run)
    assert told.event == {"id": "alr_1", "title": "Beacon"}


@pytest.mark.parametrize(
    "filter",
    [
        None,
        "${{ event.title == 'Beacon' }}",
        "'Beacon' == event.title",
        "event.title in ['Scan', 'Beacon']",
        "event.title in steps.seen.titles",
        "event.title == steps.seen.titles[0] and event.count > 2",
        "event.title | lower == 'beacon'",
        "event.title | upper | trim == steps.seen.titles | first | upper",
        "event.count == 3.0",
        "event.count in [1, 2, 3]",
        "event.title | length == 6",
        "event.title != 'Scan'",
        "event.count > 2 or event.title == 'Scan'",
        "not (event.title == 'Scan')",
        "(event.count > 2 and event.title == 'Beacon') and event.user.email == inputs.user",
    ],
)
async def test_a_wait_is_found_whatever_its_filter_looks_like(waiting, happen, filter):
    names = {"steps": {"seen": {"titles": ["Beacon", "Scan"]}}, "inputs": {"user": "amira@example.org"}}
    await waiting(filter, names=names)
    assert await happen({"id": "alr_1", "title": "Beacon", "count": 3, "user": {"email": "amira@example.org"}}) == 1


async def test_events_of_another_kind_hook_or_workspace_are_none(waiting, happen):
    await waiting(kind="webhook", hook="mail")
    for place in (ALERTS, Place(W, Awaited.WEBHOOK, "other"), Place(WorkspaceId("other"), Awaited.WEBHOOK, "mail"), Place(W, Awaited.CASE)):
        assert await happen({"name": "mail", "payload": {}}, place=place) == 0
    assert await happen({"name": "mail", "payload": {}}, place=Place(W, Awaited.WEBHOOK, "mail")) == 1


async def test_a_filter_that_cannot_be_evaluated_is_said_once_and_is_no_match(store, waiting, happen):
    run = await waiting("event.titel | length == 6")
    with capture_logs() as said:
        assert await happen({"id": "alr_1", "title": "Beacon"}, {"id": "alr_2", "title": "Beacon"}) == 0
    (line,) = [one for one in said if one["event"] == "wait.filter_error"]
    assert (line["run"], line["cause"], "titel" in line["reason"]) == (run, "alr_1", True)
    assert await waits_of(store, run) == ["later"]


async def test_what_comes_after_the_deadline_is_no_match(waiting, happen, clock):
    await waiting("event.title == 'Beacon'", due=iso(clock() + timedelta(hours=1)))
    await waiting("event.title | length == 6", due=iso(clock() + timedelta(hours=1)))
    clock.pass_(hours=1)
    assert await happen({"title": "Beacon"}) == 0


@pytest.mark.parametrize("how", ["arrived", "failed", "given up", "main ended", "run ended"])
async def test_a_wait_that_is_over_is_forgotten(store, journal, waiting, happen, at, how):
    run = await waiting("event.title == 'Beacon'", release=False)
    over = {
        "arrived": EventArrived(at=at, path="later", event=None),
        "failed": StepFailed(at=at, path="later", error={"code": "deadline-passed"}),
        "given up": StepSkipped(at=at, path="later"),
        "main ended": MainEnded(at=at, outcome=Outcome.CANCELLED),
        "run ended": RunEnded(at=at, outcome=Outcome.FAILED),
    }[how]
    assert await waits_of(store, run) == ["later"]
    await journal.append(Append(run, W, 1, 3, (over,), release=True))
    assert await waits_of(store, run) == []
    assert await keys(store) == []
    assert await happen({"title": "Beacon"}) == 0


async def test_a_wait_of_finally_outlives_the_end_of_the_main_steps(store, journal, waiting, at):
    run = await waiting(release=False)
    awaited = EventAwaited(at=at, path="cleanup", kind="alert")
    await journal.append(Append(run, W, 1, 3, (MainEnded(at=at, outcome=Outcome.FAILED), awaited), release=True))
    assert await waits_of(store, run) == ["cleanup"]


async def test_an_event_that_came_before_its_deadline_was_applied_wins(store, journal, waiting, happen, at, clock):
    due = clock() + timedelta(hours=1)
    for deadline in (EventArrived(at=iso(due), path="later", event=None), StepFailed(at=iso(due), path="later", error={})):
        run = await waiting("event.title == 'Beacon'", due=iso(due))
        (claimed,) = await journal.claim([run])
        await happen({"id": "alr_1", "title": "Beacon"})
        with pytest.raises(Exception, match="just before its deadline"):
            await journal.append(Append(run, W, claimed.epoch, 3, (deadline,), release=True))
        (again,) = await journal.claim([run])
        assert [event for event in again.events if not isinstance(event, EventAwaited)][1:] == []
        assert [event.event for _, event in again.signals] == [{"id": "alr_1", "title": "Beacon"}]


async def test_a_run_that_was_stopped_is_never_matched(store, waiting, happen, clock):
    run = await waiting()
    await store.units.write(lambda tx: tx.runs.stop(run, reason="its history cannot be read", at=clock()))
    assert await happen({"title": "Beacon"}) == 0


async def test_the_signal_is_there_if_and_only_if_its_cause_is(store, journal, waiting, clock, incoming):
    run = await waiting("event.title == 'Beacon'")
    one = incoming("f1")

    def intake(tx):
        tx.alerts.fold([one])
        tell_waiting(tx, [{"title": "Beacon"}], place=ALERTS, now=clock())

    def dying(tx):
        intake(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.units.write(dying)
    assert await journal.signals(run) == ()
    assert await waits_of(store, run) == ["later"]
    await store.units.write(intake)
    assert len(await journal.signals(run)) == 1


async def test_a_wait_that_is_registered_twice_is_there_once(store, waiting, at):
    run = await waiting("event.title == 'Beacon'")
    again = EventAwaited(at=at, path="later", kind="alert", filter="event.title == 'Scan'")
    await store.units.write(lambda tx: tx.waits.add(run, again, workspace=W))
    (one,) = await store.units.read(lambda tx: tx.waits.of_run(run))
    assert one.filter == "event.title == 'Beacon'"


async def test_one_event_ends_the_waits_of_many_runs_of_one_filter(journal, waiting, happen):
    runs = [await waiting("event.title | length == 6") for _ in range(3)]
    runs += [await waiting("event.title == 'Beacon'") for _ in range(3)]
    assert await happen({"title": "Beacon"}) == 6
    assert sorted(await journal.due()) == sorted(runs)


async def test_nobody_who_waits_costs_one_question(store, clock):
    asked = []

    def unit(tx):
        rows = tx.waits._sql.rows
        tx.waits._sql.rows = lambda *given: (asked.append(given[0]), rows(*given))[1]
        try:
            return tell_waiting(tx, [{"title": str(n)} for n in range(500)], place=ALERTS, now=clock())
        finally:
            del tx.waits._sql.rows

    assert await store.units.write(unit) == 0
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("event.a == 'x'", ('[["a"]]', {'"x"'})),
        ("event.a.b == steps.s.v", ('[["a","b"]]', {'"Known"'})),
        ("event.kind == 'x' and event.id == steps.s.v", ('[["id"]]', {'"Known"'})),
        ("event.a | trim | lower == steps.s.v | lower", ('[["a"],"trim","lower"]', {'"known"'})),
        ("event.a in steps.s.list", ('[["a"]]', {'"x"', '"y"'})),
        ("event.a == 3.0", ('[["a"]]', {"3"})),
        ("event.a in [1, 'x']", ('[["a"]]', {"1", '"x"'})),
        ("event.a == steps.s.missing", None),
        ("event.a == true", None),
        ("event.a in ['x', none]", None),
        ("event.a | length == 3", None),
        ("event.a == event.b", None),
        ("event == 'x'", None),
        ("event.a == 'x' or event.b == 'y'", None),
        ("event.a not in ['x']", None),
        ("'x' in event.a", None),
        ("event[", None),
        (None, None),
    ],
)
def test_keys_are_read_off_comparisons_that_must_hold(filter, expected):
    names = {"steps": {"s": {"v": "Known", "list": ["x", "y"]}}}
    found = keys_of(filter, names)
    assert found == (None if expected is None else (expected[0], frozenset(expected[1])))


async def test_a_run_of_another_id_keeps_its_wait(store, waiting):
    first, second = await waiting(path="a"), await waiting(path="a")
    await store.units.write(lambda tx: tx.waits.drop(first, "a"))
    assert (await waits_of(store, first), await waits_of(store, second)) == ([], ["a"])
    assert RunId(second) != first
