"""Asks by the API: who may answer, what counts, and that one decision stands."""

import asyncio

from tocsin.engine.events import AskAnswered


async def answer(world, ask, who, answer="approve", **more):
    return await world.client.post(f"/api/v1/asks/{ask}/answer", json={"answer": answer, **more}, headers=world.bearer(who))


async def signals(world, run):
    return [event for _, event in (await world.store.units.read(lambda tx: tx.runs.signals([run])))[run]]


async def test_answer_decides_and_wakes_its_run(world):
    ask, run = await world.ask()
    world.woken.clear()
    told = await answer(world, ask, "amira", reason="Seen it.")
    assert told.status_code == 200
    assert (told.json()["status"], told.json()["answer"], told.json()["answered_by"]) == ("answered", "approve", "amira")
    (event,) = await signals(world, run)
    assert isinstance(event, AskAnswered)
    assert (event.ask, event.answer, event.by, event.reason, event.path) == (ask, "approve", "amira", "Seen it.", "permission")
    assert run in world.woken
    due = await world.store.units.read(lambda tx: tx.runs.due(world.clock(), limit=10))
    assert run in due


async def test_person_who_is_not_asked_is_refused(world):
    ask, run = await world.ask(to=["user:bo"])
    assert (await answer(world, ask, "amira")).status_code == 403
    assert (await answer(world, ask, "viewer")).status_code == 403
    assert await signals(world, run) == []
    assert (await answer(world, ask, "bo")).status_code == 200


async def test_person_is_meant_by_name_address_or_id(world):
    people = (await world.client.get("/api/v1/people", headers=world.bearer())).json()["items"]
    id = next(one["id"] for one in people if one["name"] == "bo")
    for to in ("user:bo", "user:bo@example.org", f"user:{id}"):
        ask, _ = await world.ask(to=[to])
        assert (await answer(world, ask, "bo")).status_code == 200


async def test_administrator_may_always_answer(world):
    ask, _ = await world.ask(to=["user:bo"])
    assert (await answer(world, ask, "admin")).status_code == 200


async def test_decided_ask_refuses_and_names_who_answered(world):
    ask, run = await world.ask()
    await answer(world, ask, "amira", "reject")
    late = await answer(world, ask, "bo")
    assert late.status_code == 409
    assert "amira" in late.json()["detail"]
    assert "reject" in late.json()["detail"]
    assert len(await signals(world, run)) == 1


async def test_racing_answers_make_one_decision(world):
    ask, run = await world.ask()
    keys = ["amira", "bo", "cleo", "admin"] * 12
    answers = await asyncio.gather(*(answer(world, ask, who, "approve" if place % 2 else "reject") for place, who in enumerate(keys)))
    assert sorted(one.status_code for one in answers) == [200] + [409] * (len(keys) - 1)
    (event,) = await signals(world, run)
    shown = (await world.client.get(f"/api/v1/asks/{ask}", headers=world.bearer())).json()
    assert (shown["answer"], shown["answered_by"]) == (event.answer, event.by)


async def test_quorum_counts_people_not_keys(world):
    ask, run = await world.ask(quorum=2)
    people = (await world.client.get("/api/v1/people", headers=world.bearer())).json()["items"]
    amira = next(one["id"] for one in people if one["name"] == "amira")
    second = await world.client.post(f"/api/v1/people/{amira}/keys", json={"name": "second"}, headers=world.bearer())
    world.keys["amira again"] = second.json()["token"]
    assert (await answer(world, ask, "amira")).json()["status"] == "open"
    assert (await answer(world, ask, "amira again")).status_code == 409
    assert await signals(world, run) == []
    assert (await answer(world, ask, "bo", "reject")).json()["status"] == "open"
    decided = (await answer(world, ask, "cleo")).json()
    assert (decided["status"], decided["answer"], decided["answered_by"]) == ("answered", "approve", "amira, cleo")
    assert len(await signals(world, run)) == 1


async def test_unknown_option_is_refused(world):
    ask, _ = await world.ask()
    refused = await answer(world, ask, "amira", "maybe")
    assert refused.status_code == 422
    assert "approve" in refused.json()["hint"]


async def test_form_is_checked_against_its_fields(world):
    form = {
        "note": {"type": "string"},
        "hours": {"type": "integer", "default": 24},
        "scope": {"type": "string", "enum": ["host", "net"], "required": False},
    }
    ask, run = await world.ask(form=form)
    for bad in (
        {},
        {"note": 7},
        {"note": "x", "hours": "many"},
        {"note": "x", "scope": "all"},
        {"note": "x", "extra": 1},
        {"note": "x", "hours": True},
    ):
        refused = await answer(world, ask, "amira", form=bad)
        assert refused.status_code == 422, bad
    assert (await answer(world, ask, "amira", form={"note": "ok"})).status_code == 200
    (event,) = await signals(world, run)
    assert event.form == {"note": "ok", "hours": 24}


async def test_answer_after_the_deadline_is_refused(world):
    ask, run = await world.ask(deadline="2026-03-02T10:00:00.000000Z")
    world.clock.move(hours=2)
    assert (await answer(world, ask, "amira")).status_code == 409
    assert await signals(world, run) == []


async def test_answers_are_audited_with_what_they_are_bound_to(world):
    ask, _ = await world.ask()
    await answer(world, ask, "amira")
    (line,) = await world.store.units.read(lambda tx: tx.audit.find(workspace="default", ref=ask).items)
    assert (line.action, line.details["answer"], line.details["binding"]) == ("ask.answer", "approve", "b" * 64)


async def test_list_shows_mine_and_open(world):
    mine, _ = await world.ask(to=["user:bo"])
    other, _ = await world.ask(to=["user:amira"])
    params = {"mine": True, "status": "open"}
    found = (await world.client.get("/api/v1/asks", params=params, headers=world.bearer("bo"))).json()["items"]
    assert [one["id"] for one in found] == [mine]
    await answer(world, other, "amira")
    found = (await world.client.get("/api/v1/asks", params={"status": "open"}, headers=world.bearer("bo"))).json()["items"]
    assert [one["id"] for one in found] == [mine]


async def test_unknown_ask_is_not_found(world):
    assert (await answer(world, "ask_nope", "amira")).status_code == 404
