"""What a change of a case starts and wakes, and that it does not go on for ever."""

import asyncio
from dataclasses import replace

import pytest

from tocsin.connectors.warning import WarningLists
from tocsin.core.cases import CaseStatus
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.ids import RunId
from tocsin.core.values import iso
from tocsin.engine.events import EventAwaited, RunStarted
from tocsin.playbook.compile import compile_playbook
from tocsin.services.case_news import LONGEST_CHAIN
from tocsin.services.platform import StorePlatform
from tocsin.store.repos.playbooks import PlaybookVersion
from tocsin.store.repos.runs import NewRun, RunFilter


def text(id, *happenings):
    triggers = "".join(f"  - case: {one}\n" for one in happenings)
    head = f"schema: tocsin/playbook@1\nid: {id}\ntitle: Test\ntriggers:\n{triggers}"
    return head + "steps:\n  - id: a\n    set: {title: '${{ case.title }}'}\noutputs: {title: '${{ steps.a.title }}'}\n"


@pytest.fixture
def publish(world):
    async def put(id, *happenings):
        source, now = text(id, *happenings), world.clock()
        plan = compile_playbook(source, file=f"{id}.yaml", catalogue=world.parts.catalogue)
        version = PlaybookVersion(
            workspace=W, playbook=id, digest=plan.digest, title=plan.title, author="author", saved_at=now, text=source
        )

        def unit(tx):
            tx.playbooks.save(version)
            tx.playbooks.publish(id, plan.digest, workspace=W, by="author", at=now)

        await world.store.units.write(unit)
        await asyncio.to_thread(world.shelf.refresh)

    return put


@pytest.fixture
def platform(world):
    def of(run):
        return StorePlatform(
            world.store.units, clock=world.clock, ids=world.ids, warnings=WarningLists(), news=world.parts.case_news(), workspace=W, run=run
        )

    return of


async def open_case(world, **more):
    return (await world.client.post("/api/v1/cases", json={"title": "Scans", **more}, headers=world.bearer("amira"))).json()["id"]


async def change(world, case, **what):
    return await world.client.patch(f"/api/v1/cases/{case}", json=what, headers=world.bearer("amira"))


async def close(world, case):
    closing = {"verdict": "benign", "reason": "It was us."}
    return await world.client.post(f"/api/v1/cases/{case}/close", json=closing, headers=world.bearer("amira"))


async def runs(world, playbook=None):
    where = RunFilter(playbook=playbook)
    return list(reversed((await world.store.units.read(lambda tx: tx.runs.find(where, workspace=W, limit=100))).items))


async def started(world, run):
    return await world.store.units.read(lambda tx: tx.runs.started(run))


async def test_opening_a_case_starts_the_playbooks_that_are_for_it(world, publish):
    await publish("greet", "opened")
    await publish("part", "closed")
    case = await open_case(world)
    (run,) = await runs(world)
    assert (run.playbook, run.case, run.trigger, run.started_by) == ("greet", case, "case", "amira")
    first = await started(world, run.id)
    assert first.trigger == {"kind": "case", "case": case, "happening": "opened", "by": "amira"}
    assert first.case["title"] == "Scans"
    assert run.id in world.woken


@pytest.mark.parametrize(
    ("what", "happening"),
    [
        ({"severity": "critical"}, "escalated"),
        ({"severity": "low"}, "severity-changed"),
        ({"tags": ["web", "db"]}, "tag-added"),
        ({"owner": "bo"}, "assigned"),
        ({"verdict": "suspicious"}, "verdict-set"),
    ],
)
async def test_each_change_starts_what_is_for_it_and_nothing_else(world, publish, what, happening):
    for other in ("escalated", "severity-changed", "tag-added", "assigned", "verdict-set", "closed", "reopened"):
        await publish(f"on-{other}", other)
    case = await open_case(world, severity="medium", tags=["web"])
    assert (await change(world, case, **what)).status_code == 200
    expected = {f"on-{happening}"} | ({"on-severity-changed"} if happening == "escalated" else set())
    assert {run.playbook for run in await runs(world)} == expected


async def test_closing_and_reopening_start_what_is_for_them(world, publish):
    await publish("ends", "closed")
    await publish("again", "reopened")
    case = await open_case(world)
    await close(world, case)
    assert [run.playbook for run in await runs(world)] == ["ends"]
    reopened = await change(world, case, status="in_progress", reason="It was not us.")
    assert (reopened.json()["status"], reopened.json()["closed_at"]) == ("in_progress", None)
    assert [run.playbook for run in await runs(world)] == ["ends", "again"]


async def test_a_playbook_with_two_triggers_starts_once_a_change(world, publish):
    await publish("both", "severity-changed", "escalated")
    case = await open_case(world, severity="medium")
    await change(world, case, severity="high")
    (run,) = await runs(world)
    assert (await started(world, run.id)).trigger["happening"] == "escalated"


async def test_a_change_that_changes_nothing_starts_nothing_and_leaves_no_line(world, publish):
    await publish("tagged", "tag-added")
    case = await open_case(world, tags=["web"])
    await change(world, case, tags=["web"], severity="medium")
    assert await runs(world) == []
    whole = (await world.client.get(f"/api/v1/cases/{case}", headers=world.bearer())).json()
    assert [one["kind"] for one in whole["timeline"]] == ["opened"]


async def test_a_case_is_not_closed_by_a_change(world):
    case = await open_case(world)
    refused = await change(world, case, status="closed")
    assert refused.status_code == 422
    assert "/close" in refused.text


async def test_a_change_tells_on_the_timeline_what_it_changed(world):
    case = await open_case(world, severity="medium")
    await change(world, case, severity="high", owner="", reason="It spreads.")
    whole = (await world.client.get(f"/api/v1/cases/{case}", headers=world.bearer())).json()
    assert (whole["timeline"][-1]["kind"], whole["timeline"][-1]["text"]) == ("changed", "severity: high; owner: nobody (It spreads.)")


async def test_a_run_that_a_case_started_does_not_start_its_own_playbook_on_that_case(world, publish, platform):
    await publish("ends", "closed")
    case = await open_case(world)
    await close(world, case)
    (first,) = await runs(world)
    await change(world, case, status="open")
    await platform(first.id).close_case(case, "benign", "again", key="k1")
    assert len(await runs(world)) == 1
    # A person may do it again: that is a new beginning.
    await change(world, case, status="open")
    await close(world, case)
    assert len(await runs(world)) == 2


async def test_nor_does_a_run_that_it_called(world, publish, platform):
    await publish("ends", "closed")
    case = await open_case(world)
    await close(world, case)
    (first,) = await runs(world)
    trigger = {"kind": "call", "run": first.id, "path": "c"}
    child = NewRun(RunId("run_child"), W, RunStarted(at=iso(world.clock()), playbook="helper", digest="d", trigger=trigger), first.id, "c")
    await world.store.units.write(lambda tx: tx.runs.insert([child], lease=None))
    await change(world, case, status="open")
    await platform(child.id).close_case(case, "benign", "again", key="k1")
    assert len(await runs(world, "ends")) == 1


async def test_two_playbooks_that_undo_each_other_come_to_an_end(world, publish):
    await publish("opens-again", "closed")
    await publish("closes-again", "reopened")
    case = await open_case(world)
    await close(world, case)
    done = set()
    while fresh := [run for run in await runs(world) if run.id not in done]:
        for run in fresh:
            done.add(run.id)
            await world.store.units.write(lambda tx, run=run: flip(world, tx, case, run))
    assert [run.playbook for run in await runs(world)] == ["opens-again", "closes-again"]


def flip(world, tx, case, run):
    """Close an open case or reopen a closed one, as a run does."""
    before = tx.cases.get(case, workspace=W)
    after = replace(before, status=CaseStatus.OPEN if before.status is CaseStatus.CLOSED else CaseStatus.CLOSED)
    tx.cases.save(after)
    world.parts.case_news().tell(tx, before, after, by="tocsin", now=world.clock(), run=run.id)


async def test_a_playbook_that_opens_a_case_for_each_case_is_cut_off(world, publish, platform):
    await publish("breeds", "opened")
    await open_case(world)
    done = set()
    while fresh := [run for run in await runs(world) if run.id not in done]:
        for run in fresh:
            done.add(run.id)
            await platform(run.id).open_case({"title": "Another"}, key=f"open-{run.id}")
    assert len(done) == LONGEST_CHAIN


async def wait_for(world, kind, filter, hook=""):
    run = await world.start_run()
    awaited = EventAwaited(at=iso(world.clock()), path="w", kind=kind, filter=filter, hook=hook)
    await world.store.units.write(lambda tx: tx.waits.add(run, awaited, workspace=W))
    return run


async def told(world, run):
    found = await world.store.units.read(lambda tx: tx.runs.signals([run]))
    return [event.event for _, event in found[run]]


async def test_a_new_alert_reaches_a_run_that_waits_for_it_and_a_fold_does_not(world):
    alert = {"title": "Beacon", "ip": "192.0.2.7"}
    await world.client.post("/api/v1/alerts/ids", json=alert, headers=world.bearer("sensor"))
    run = await wait_for(world, "alert", "event.title == 'Beacon'")
    await world.client.post("/api/v1/alerts/ids", json=alert, headers=world.bearer("sensor"))
    assert await told(world, run) == []
    await world.client.post("/api/v1/alerts/ids", json={**alert, "ip": "192.0.2.8"}, headers=world.bearer("sensor"))
    (event,) = await told(world, run)
    assert (event["title"], event["id"][:4]) == ("Beacon", "alr_")
    assert run in world.woken


@pytest.mark.parametrize("what", ["open", "change", "close"])
async def test_a_change_of_a_case_reaches_a_run_that_waits_for_it(world, what):
    other = await open_case(world, title="Other")
    if what == "open":
        run = await wait_for(world, "case", "event.title == 'Scans'")
        await open_case(world)
    else:
        case = await open_case(world)
        run = await wait_for(world, "case", f"event.id == '{case}'")
        await change(world, other, severity="high")
        assert await told(world, run) == []
        await (close(world, case) if what == "close" else change(world, case, tags=["web"]))
    (event,) = await told(world, run)
    assert event["title"] == "Scans"


async def test_a_call_of_a_hook_reaches_the_one_run_that_waits_for_it(world):
    run = await wait_for(world, "webhook", "event.payload.ip == '192.0.2.9'", hook="ids")
    other = await wait_for(world, "webhook", None, hook="signed")
    headers = {"x-tocsin-secret": "a vendor's secret"}
    answer = await world.client.post("/hooks/ids", json={"title": "Posted", "ip": "192.0.2.9"}, headers=headers)
    assert answer.status_code == 202
    assert await told(world, run) == [{"name": "ids", "payload": {"title": "Posted", "ip": "192.0.2.9"}}]
    assert await told(world, other) == []


async def test_of_two_alerts_at_once_one_reaches_the_run(world):
    run = await wait_for(world, "alert", None)
    posts = (world.client.post("/api/v1/alerts/ids", json={"title": f"A{n}"}, headers=world.bearer("sensor")) for n in range(20))
    assert {answer.status_code for answer in await asyncio.gather(*posts)} == {202}
    assert len(await told(world, run)) == 1
