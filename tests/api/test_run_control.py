"""Cancel, pause and resume by the API: who may, what it leaves, and what is refused."""

import pytest

from tocsin.core.ids import DEFAULT_WORKSPACE
from tocsin.core.values import iso
from tocsin.engine.events import AskClosed, Outcome, RunCancelled, RunEnded, RunPaused, RunResumed
from tocsin.engine.ports import Append
from tocsin.store.journal import SqlJournal
from tocsin.store.opening import Store


async def control(world, run, verb, who="amira", **body):
    return await world.client.post(f"/api/v1/runs/{run}/{verb}", json=body, headers=world.bearer(who))


async def signals(world, run):
    found = await world.store.units.read(lambda tx: tx.runs.signals([run]))
    return [event for _, event in found[run]]


def journal(world) -> SqlJournal:
    store: Store = world.store
    return SqlJournal(store, owner="one", clock=world.clock)


async def write(world, run, *events, release=True):
    """Append events as a worker does, with the signals that have come taken."""
    kept = journal(world)
    (claimed,) = await kept.claim([run])
    consumed = tuple(number for number, _ in claimed.signals)
    taken = [event for _, event in claimed.signals]
    first = len(claimed.events) + 1
    await kept.append(Append(run, DEFAULT_WORKSPACE, claimed.epoch, first, (*taken, *events), consumed=consumed, release=release))


async def test_cancel_reaches_the_run_with_who_and_why_and_wakes_it(world):
    run = await world.start_run()
    world.woken.clear()
    answer = await control(world, run, "cancel", reason="a false alarm")
    assert answer.status_code == 200
    (told,) = await signals(world, run)
    assert isinstance(told, RunCancelled)
    assert (told.by, told.reason) == ("amira", "a false alarm")
    assert world.woken == [run]


@pytest.mark.parametrize("verb", ["cancel", "pause"])
async def test_saying_it_twice_does_it_once(world, verb):
    run = await world.start_run()
    for _ in range(2):
        assert (await control(world, run, verb)).status_code == 200
    assert len(await signals(world, run)) == 1
    await write(world, run)
    assert (await control(world, run, verb)).status_code == 200
    assert await signals(world, run) == []


async def test_pause_and_resume_follow_each_other_also_before_the_run_has_seen_them(world):
    run = await world.start_run()
    for verb in ("pause", "resume", "resume", "pause", "pause"):
        assert (await control(world, run, verb)).status_code == 200
    assert [type(event) for event in await signals(world, run)] == [RunPaused, RunResumed, RunPaused]


async def test_a_paused_run_is_listed_as_such_and_goes_on_when_it_is_resumed(world):
    run = await world.start_run()
    await control(world, run, "pause", reason="let me look")
    await write(world, run)
    listed = await world.client.get("/api/v1/runs", params={"status": "paused"}, headers=world.bearer())
    assert [one["id"] for one in listed.json()["items"]] == [run]
    await control(world, run, "resume")
    await write(world, run)
    assert (await world.client.get(f"/api/v1/runs/{run}", headers=world.bearer())).json()["status"] == "waiting"
    timeline = (await world.client.get(f"/api/v1/runs/{run}/timeline", headers=world.bearer())).json()
    assert [one["title"] for one in timeline["entries"][1:]] == ["Paused by amira: let me look", "Resumed by amira"]


async def test_resuming_what_is_not_paused_changes_nothing(world):
    run = await world.start_run()
    assert (await control(world, run, "resume")).status_code == 200
    assert await signals(world, run) == []


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_run_that_is_over_is_refused_with_how_it_ended(world, outcome):
    run = await world.start_run()
    await write(world, run, RunEnded(at=iso(world.clock()), outcome=outcome))
    for verb in ("cancel", "pause", "resume"):
        answer = await control(world, run, verb)
        if verb == "cancel" and outcome is Outcome.CANCELLED:
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        else:
            assert answer.status_code == 409
            assert outcome.value in answer.json()["detail"]


async def test_a_run_that_is_being_cancelled_is_not_paused(world):
    run = await world.start_run()
    await control(world, run, "cancel")
    assert (await control(world, run, "pause")).status_code == 409
    await write(world, run)
    assert (await control(world, run, "pause")).status_code == 409


async def test_control_needs_its_scope_and_is_audited(world):
    run = await world.start_run()
    for who in ("viewer", "author", "sensor"):
        assert (await control(world, run, "cancel", who=who)).status_code == 403
    await control(world, run, "cancel", reason="enough")
    lines = await world.store.units.read(lambda tx: tx.audit.find(workspace=DEFAULT_WORKSPACE).items)
    line = next(one for one in lines if one.action == "run.cancel")
    assert (line.ref, line.details) == (run, {"reason": "enough"})


async def test_a_run_that_is_not_there_is_not_found(world):
    assert (await control(world, "run_nope", "cancel")).status_code == 404


async def test_an_answer_to_a_closed_ask_is_a_conflict_that_says_why(world):
    ask, run = await world.ask()
    closed = AskClosed(at=iso(world.clock()), path="permission", ask=ask, reason="another branch was enough.")
    await write(world, run, closed)
    answer = await world.client.post(f"/api/v1/asks/{ask}/answer", json={"answer": "approve"}, headers=world.bearer("amira"))
    assert answer.status_code == 409
    assert "no longer open: another branch was enough." in answer.json()["detail"]
    listed = await world.client.get("/api/v1/asks", params={"status": "closed"}, headers=world.bearer())
    assert [one["id"] for one in listed.json()["items"]] == [ask]
