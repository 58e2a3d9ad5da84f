"""The pages: they show, a GET decides nothing, and a form counts only from a page of ours and from a person we know."""

import re

from tocsin.core.observables import ObservableType, observe

SCANNER = {"user-agent": "Mozilla/5.0 (compatible; SafeLinks; MSOffice)"}


async def signed_in(world, who):
    browser = world.browser()
    answer = await browser.post("/signin", data={"token": world.keys[who], "next": "/"})
    assert answer.status_code == 303, answer.text
    return browser


def csrf_in(text):
    return re.search(r'name="csrf" value="([0-9a-f]+)"', text)[1]


async def status(world, ask):
    return (await world.client.get(f"/api/v1/asks/{ask}", headers=world.bearer())).json()["status"]


async def test_get_never_decides(world):
    ask, run = await world.ask()
    browser = await signed_in(world, "amira")
    for method in ("GET", "HEAD", "OPTIONS"):
        for _ in range(35):
            await world.client.request(method, f"/asks/{ask}?answer=approve", headers=SCANNER)
            await browser.request(method, f"/asks/{ask}?answer=approve", headers=SCANNER)
    assert await status(world, ask) == "open"
    assert (await world.store.units.read(lambda tx: tx.runs.signals([run])))[run] == []


async def test_stranger_sees_nothing_of_an_ask(world):
    ask, _ = await world.ask(title="The secret plan")
    shown = await world.client.get(f"/asks/{ask}")
    assert "secret plan" not in shown.text
    assert "Access token" in shown.text
    missing = await world.client.get("/asks/ask_nope")
    assert missing.status_code == shown.status_code
    assert missing.text.replace("ask_nope", "") == shown.text.replace(ask, "")


async def test_ask_page_says_what_until_when_and_the_options(world):
    ask, _ = await world.ask(deadline="2026-03-02T13:00:00.000000Z", message="It scans http://evil.example/x from 192.0.2.7.")
    page = await (await signed_in(world, "amira")).get(f"/asks/{ask}")
    for text in (
        "Block 192[.]0[.]2[.]7?",
        "hxxp://evil[.]example/x",
        "2026-03-02 13:00 UTC",
        "reject",
        'value="approve"',
        "role:responder",
    ):
        assert text in page.text, text
    assert "http://evil" not in page.text


async def test_form_of_a_session_decides(world):
    ask, run = await world.ask(form={"note": {"type": "string"}, "hours": {"type": "integer", "default": 24}, "sure": {"type": "boolean"}})
    browser = await signed_in(world, "amira")
    csrf = csrf_in((await browser.get(f"/asks/{ask}")).text)
    form = {"csrf": csrf, "answer": "approve", "reason": "Seen it.", "form.note": "n", "form.hours": "8"}
    answer = await browser.post(f"/asks/{ask}", data=form)
    assert answer.status_code == 200
    assert "Decided" in answer.text
    ((_, event),) = (await world.store.units.read(lambda tx: tx.runs.signals([run])))[run]
    assert (event.by, event.reason, event.form) == ("amira", "Seen it.", {"note": "n", "hours": 8, "sure": False})


async def test_token_in_the_form_decides_and_signs_in(world):
    ask, _ = await world.ask()
    browser = world.browser()
    answer = await browser.post(f"/asks/{ask}", data={"answer": "approve", "token": world.keys["amira"]})
    assert answer.status_code == 200
    assert await status(world, ask) == "answered"
    assert "tocsin-session" in browser.cookies
    assert "HttpOnly" in answer.headers["set-cookie"]


async def test_form_without_a_person_is_refused(world):
    ask, _ = await world.ask()
    browser = world.browser()
    assert (await browser.post(f"/asks/{ask}", data={"answer": "approve"})).status_code == 401
    assert (await browser.post(f"/asks/{ask}", data={"answer": "approve", "token": "tocsin_x_y"})).status_code == 401
    assert await status(world, ask) == "open"


async def test_form_of_the_wrong_person_is_refused(world):
    ask, _ = await world.ask(to=["user:bo"])
    browser = await signed_in(world, "amira")
    page = await browser.get(f"/asks/{ask}")
    assert "asked of others" in page.text
    assert (await browser.post(f"/asks/{ask}", data={"answer": "approve", "csrf": csrf_in(page.text)})).status_code == 403
    assert await status(world, ask) == "open"


async def test_forged_forms_are_refused(world):
    ask, _ = await world.ask()
    browser = await signed_in(world, "amira")
    csrf = csrf_in((await browser.get(f"/asks/{ask}")).text)
    good = {"answer": "approve", "csrf": csrf}
    del browser.headers["origin"]
    for origin in ("null", "http://evil.test", "http://tocsin.test.evil.test", "https://evil.test/http://tocsin.test", None):
        headers = {"origin": origin} if origin else {}
        assert (await browser.post(f"/asks/{ask}", data=good, headers=headers)).status_code == 403, origin
    other = await signed_in(world, "bo")
    theirs = csrf_in((await other.get(f"/asks/{ask}")).text)
    for csrf in ("", "x", theirs):
        answer = await browser.post(f"/asks/{ask}", data={"answer": "approve", "csrf": csrf}, headers={"origin": "http://tocsin.test"})
        assert answer.status_code == 403
    assert await status(world, ask) == "open"
    login = await world.client.post("/signin", data={"token": world.keys["bo"]}, headers={"origin": "http://evil.test"})
    assert login.status_code == 403
    assert "set-cookie" not in login.headers


async def test_session_changes_nothing_by_api_without_its_token(world):
    browser = await signed_in(world, "amira")
    me = (await browser.get("/api/v1/me")).json()
    assert me["name"] == "amira"
    assert (await browser.post("/api/v1/cases", json={"title": "x"})).status_code == 403
    assert (await browser.post("/api/v1/cases", json={"title": "x"}, headers={"x-csrf-token": "x"})).status_code == 403
    forged = {"x-csrf-token": me["csrf"], "origin": "http://evil.test"}
    assert (await browser.post("/api/v1/cases", json={"title": "x"}, headers=forged)).status_code == 403
    assert (await browser.post("/api/v1/cases", json={"title": "x"}, headers={"x-csrf-token": me["csrf"]})).status_code == 201


async def test_session_ends_at_sign_out_and_when_idle(world):
    browser = await signed_in(world, "amira")
    stolen = world.browser()
    stolen.cookies.update(browser.cookies)
    csrf = csrf_in((await browser.get("/")).text)
    assert (await browser.post("/signout", data={"csrf": csrf})).status_code == 303
    assert (await stolen.get("/api/v1/me")).status_code == 401
    idle = await signed_in(world, "amira")
    world.clock.move(hours=2)
    world.app.state.authenticator._cache.clear()
    assert (await idle.get("/api/v1/me")).status_code == 401


async def test_key_with_roles_of_its_own_starts_no_session(world):
    people = (await world.client.get("/api/v1/people", headers=world.bearer())).json()["items"]
    id = next(one["id"] for one in people if one["name"] == "amira")
    made = await world.client.post(f"/api/v1/people/{id}/keys", json={"name": "ro", "roles": ["viewer"]}, headers=world.bearer())
    answer = await world.browser().post("/signin", data={"token": made.json()["token"]})
    assert answer.status_code == 401


async def test_signing_in_leads_to_places_of_ours_only(world):
    for place in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nX: y", ""):
        answer = await world.browser().post("/signin", data={"token": world.keys["amira"], "next": place})
        assert answer.headers["location"] == "/", place
    answer = await world.browser().post("/signin", data={"token": world.keys["amira"], "next": "/asks/ask_1"})
    assert answer.headers["location"] == "/asks/ask_1"


async def test_pages_allow_no_script_and_what_they_quote_is_inert(world):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202etxt.exe\u202c http://evil.example/p {{7*7}} ${{ secrets }}"
    ask, run = await world.ask(title=evil, message=evil)
    alert = {"title": evil, "ip": "192.0.2.7"}
    id = (await world.client.post("/api/v1/alerts/ids", json=alert, headers=world.bearer("sensor"))).json()["ids"][0]
    made = await world.client.post("/api/v1/cases", json={"title": evil[:200], "description": evil, "alerts": [id]}, headers=world.bearer())
    case = made.json()["id"]
    await world.store.units.write(
        lambda tx: tx.observables.link_case(case, [observe(ObservableType.DOMAIN, "evil.example")], workspace="default")
    )
    browser = await signed_in(world, "amira")
    for path in ("/", f"/asks/{ask}", f"/cases/{case}", f"/runs/{run}", f"/api/v1/cases/{case}/report"):
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert "<script" not in page.text, path
        assert "<img" not in page.text, path
        assert "\u202e" not in page.text, path
        assert "http://evil" not in page.text, path
        assert "{{7*7}} ${{ secrets }}" in page.text or path in ("/", f"/runs/{run}"), path
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "script-src" not in policy, path
        assert "unsafe" not in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert page.headers["x-content-type-options"] == "nosniff"
    report = await browser.get(f"/cases/{case}")
    assert "192[.]0[.]2[.]7" in report.text
    assert "192.0.2.7" not in report.text


async def test_home_lists_what_is_open(world):
    ask, run = await world.ask(to=["user:amira"], title="Mine")
    await world.ask(to=["user:bo"], title="Of another")
    await world.client.post("/api/v1/cases", json={"title": "A case"}, headers=world.bearer())
    text = (await (await signed_in(world, "amira")).get("/")).text
    for part in ("Mine", "Of another", "A case", f"/asks/{ask}", f"/runs/{run}", "block-it"):
        assert part in text
    assert text.index("Mine") < text.index("To decide by others") < text.index("Of another")


async def test_style_sheet_and_docs_are_served(world):
    assert (await world.client.get("/static/tocsin.css")).headers["content-type"].startswith("text/css")
    docs = await world.client.get("/api/docs")
    assert docs.status_code == 200
    assert "take_alerts" in docs.text
    assert "http://" not in docs.text
    assert "https://" not in docs.text


async def test_page_of_an_unknown_thing_says_so(world):
    browser = await signed_in(world, "amira")
    for path in ("/asks/ask_x", "/cases/cas_x", "/runs/run_x"):
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert "There is no" in answer.text
