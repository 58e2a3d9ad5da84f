"""People, keys, and what a key opens."""

import time

from tocsin.core.ids import KeyId
from tocsin.services import people


async def person(world, name="dora", roles=("responder",), **more):
    body = {"name": name, "roles": list(roles), **more}
    return await world.client.post("/api/v1/people", json=body, headers=world.bearer())


async def key(world, id, **more):
    return await world.client.post(f"/api/v1/people/{id}/keys", json={"name": "k", **more}, headers=world.bearer())


async def me(world, token):
    return await world.client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"})


async def test_new_person_gets_in_with_a_new_key(world):
    id = (await person(world, email="Dora@Example.org")).json()["id"]
    made = (await key(world, id)).json()
    assert made["token"].startswith("tocsin_")
    found = (await me(world, made["token"])).json()
    assert (found["name"], found["email"], found["roles"]) == ("dora", "dora@example.org", ["responder"])


async def test_only_the_hash_of_a_key_is_kept(world):
    id = (await person(world)).json()["id"]
    token = (await key(world, id)).json()["token"]
    secret = token.rpartition("_")[2]
    for file in world.store.folder.path.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


async def test_only_administrators_make_people_and_keys(world):
    for who in ("amira", "author", "viewer", "sensor"):
        assert (
            await world.client.post("/api/v1/people", json={"name": "x", "roles": ["admin"]}, headers=world.bearer(who))
        ).status_code == 403
        assert (await world.client.get("/api/v1/people", headers=world.bearer(who))).status_code == 403


async def test_name_and_address_mean_one_person(world):
    assert (await person(world, email="d@example.org")).status_code == 201
    assert (await person(world, name="Dora")).status_code == 409
    assert (await person(world, name="other", email="D@example.org")).status_code == 409
    assert (await person(world, name="m1", roles=["sensor"])).status_code == 201
    assert (await person(world, name="m2", roles=["sensor"])).status_code == 201


async def test_revoked_key_opens_nothing_after_a_second(world):
    id = (await person(world)).json()["id"]
    made = (await key(world, id)).json()
    assert (await me(world, made["token"])).status_code == 200
    assert (await world.client.delete(f"/api/v1/people/{id}/keys/{made['id']}", headers=world.bearer())).status_code == 204
    deadline = time.monotonic() + 1.5
    while (await me(world, made["token"])).status_code == 200:
        assert time.monotonic() < deadline
    assert (await me(world, made["token"])).status_code == 401


async def test_key_of_another_is_not_revoked_by_a_wrong_path(world):
    first, second = (await person(world, "one")).json()["id"], (await person(world, "two")).json()["id"]
    made = (await key(world, first)).json()
    assert (await world.client.delete(f"/api/v1/people/{second}/keys/{made['id']}", headers=world.bearer())).status_code == 404


async def test_expired_and_changed_keys_open_nothing(world):
    id = (await person(world)).json()["id"]
    token = (await key(world, id, expires_in="1h")).json()["token"]
    assert (await me(world, token)).status_code == 200
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in (changed, token.upper(), token + "0", token.replace("tocsin_", "tocsin__"), ""):
        assert (await me(world, wrong)).status_code == 401, wrong
    world.clock.move(hours=2)
    world.app.state.authenticator._cache.clear()
    assert (await me(world, token)).status_code == 401


async def test_key_may_less_than_its_owner_and_never_more(world):
    id = (await person(world)).json()["id"]
    less = (await key(world, id, roles=["sensor"])).json()["token"]
    assert (await me(world, less)).json()["scopes"] == ["alerts:write"]
    more = (await key(world, id, roles=["admin"])).json()["token"]
    assert (await me(world, more)).json()["scopes"] == []


async def test_disabled_person_is_out_by_key_and_by_session(world):
    id = (await person(world)).json()["id"]
    token = (await key(world, id)).json()["token"]
    browser = world.browser()
    await browser.post("/signin", data={"token": token})
    assert (await browser.get("/api/v1/me")).status_code == 200
    assert (await world.client.post(f"/api/v1/people/{id}/disable", headers=world.bearer())).status_code == 200
    world.app.state.authenticator._cache.clear()
    assert (await me(world, token)).status_code == 401
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_first_administrator_is_made_once(world):
    second = await world.store.units.write(lambda tx: people.first_admin(tx, now=world.clock(), ids=world.ids))
    assert second is None


async def test_use_of_a_key_is_noted(world):
    id = (await person(world)).json()["id"]
    made = (await key(world, id)).json()
    await me(world, made["token"])
    kept = await world.store.units.read(lambda tx: tx.keys.by_id(KeyId(made["id"])))
    assert kept.used_at == world.clock()
