"""Versions of playbooks by the API: draft, review, publication, roll back, comparison, and many at once."""

import json
from dataclasses import replace

import httpx
import pytest

from tocsin.api.app import create_app
from tocsin.core.errors import Conflict
from tocsin.core.ids import DEFAULT_WORKSPACE as W
from tocsin.core.playbooks import Manuscript, Review
from tocsin.services import people
from tocsin.services.versions.release import look_up, plan_release
from tocsin.services.versions.release import release as release_together
from tocsin.services.versions.saving import Origin

TEXT = """\
schema: tocsin/playbook@1
id: count-it
title: Count
inputs:
  least: {type: integer, default: 3}
steps:
  - id: sum
    set: {total: "${{ inputs.least + 1 }}"}
outputs: {total: "${{ steps.sum.total }}"}
"""
TWO = TEXT.replace("+ 1", "+ 2")
WRONG = TEXT.replace("inputs.least +", "inputs.lest +")
CALLER = """\
schema: tocsin/playbook@1
id: caller
title: Call
steps:
  - id: counted
    call: count-it
"""
GREEN = """\
schema: tocsin/rehearsal@1
cases:
  - name: counts
    inputs: {least: 3}
    expect: {outcome: succeeded, outputs: {total: 4}}
"""
RED = GREEN.replace("total: 4", "total: 5")


@pytest.fixture
async def strict(world):
    """The same server, where a review is required; `reviewer` may review and not write."""
    app = create_app(replace(world.parts, review=Review.REQUIRED))
    made = (await world.client.post("/api/v1/people", json={"name": "rita", "roles": ["approver"]}, headers=world.bearer())).json()
    key = await world.client.post(f"/api/v1/people/{made['id']}/keys", json={"name": "k"}, headers=world.bearer())
    world.keys["reviewer"] = key.json()["token"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tocsin.test") as client:
        yield replace(world, app=app, client=client)


async def post(world, path, who="author", **body):
    return await world.client.post(f"/api/v1/playbooks/{path}", json=body, headers=world.bearer(who))


async def draft(world, text=TEXT, id="count-it", who="author", **more):
    return await post(world, f"{id}/versions", who=who, **({"text": text, "message": "Count."} | more))


async def get(world, path, who="viewer", **query):
    return await world.client.get(f"/api/v1/playbooks/{path}", params=query, headers=world.bearer(who))


async def audit(world):
    page = await world.store.units.read(lambda tx: tx.audit.find(workspace=W, limit=200))
    return [(one.action, one.ref, one.details) for one in reversed(page.items) if one.action.startswith("playbook.")]


async def test_a_saved_version_is_a_draft_that_says_what_is_wrong(world):
    answer = await draft(world, WRONG, message="First try.")
    made = answer.json()
    assert (answer.status_code, made["number"], made["state"], made["author"], made["message"]) == (201, 1, "draft", "author", "First try.")
    assert made["checks"]["errors"] >= 1
    found, *_ = [one for one in made["checks"]["diagnostics"] if one["severity"] == "error"]
    assert set(found) == {"code", "severity", "message", "hint", "span"}
    assert found["span"]["line"] == 8
    assert (await get(world, "count-it")).status_code == 404
    assert (await get(world, "count-it/versions/1")).json()["text"] == WRONG


async def test_a_draft_needs_a_message(world):
    answer = await world.client.post("/api/v1/playbooks/count-it/versions", json={"text": TEXT}, headers=world.bearer("author"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "message"
    assert (await draft(world, message="   ")).status_code == 422


async def test_the_same_text_again_is_the_same_version(world):
    first, again = (await draft(world)).json(), (await draft(world, message="Again.")).json()
    assert (again["number"], again["message"]) == (first["number"], "Count.")


async def test_a_version_goes_from_draft_over_review_to_new_runs(strict):
    await draft(strict)
    refused = await post(strict, "count-it/versions/1/publish")
    assert (refused.status_code, "approve" in refused.json()["hint"]) == (409, True)
    assert (await post(strict, "count-it/versions/1/submit")).json()["state"] == "in_review"
    assert (await post(strict, "count-it/versions/1/publish")).status_code == 409
    approved = await post(strict, "count-it/versions/1/approve", who="reviewer", comment="Fine.")
    assert (approved.json()["state"], approved.json()["reviewer"], approved.json()["review"]) == ("approved", "rita", "Fine.")
    assert (await get(strict, "count-it")).status_code == 404
    published = await post(strict, "count-it/versions/1/publish")
    assert (published.status_code, published.json()["state"]) == (200, "published")
    assert (await get(strict, "count-it")).json()["number"] == 1
    started = await strict.client.post("/api/v1/runs", json={"playbook": "count-it"}, headers=strict.bearer("amira"))
    assert started.status_code == 201
    assert [action for action, _, _ in await audit(strict)] == [
        "playbook.save", "playbook.submit", "playbook.approve", "playbook.publish",
    ]  # fmt: skip


async def test_an_author_reviews_no_version_of_his_own(strict):
    await draft(strict, who="admin")
    await post(strict, "count-it/versions/1/submit", who="admin")
    for verb in ("approve", "reject"):
        refused = await post(strict, f"count-it/versions/1/{verb}", who="admin", comment="Good.")
        assert (refused.status_code, "Somebody else" in refused.json()["hint"]) == (403, True)
    assert (await get(strict, "count-it/versions/1")).json()["state"] == "in_review"
    assert (await post(strict, "count-it/versions/1/approve", who="author")).status_code == 200


async def test_a_rejected_version_says_why_and_may_be_submitted_again(strict):
    await draft(strict)
    await post(strict, "count-it/versions/1/submit")
    assert (await post(strict, "count-it/versions/1/reject", who="reviewer", comment=" ")).status_code == 422
    rejected = (await post(strict, "count-it/versions/1/reject", who="reviewer", comment="Name the input.")).json()
    assert (rejected["state"], rejected["review"]) == ("rejected", "Name the input.")
    assert (await post(strict, "count-it/versions/1/approve", who="reviewer")).status_code == 409
    assert (await post(strict, "count-it/versions/1/publish")).status_code == 409
    assert (await post(strict, "count-it/versions/1/submit")).json()["state"] == "in_review"


async def test_only_an_administrator_overrides_a_review_and_it_is_told(strict):
    await draft(strict)
    how = {"override": True, "reason": "Nobody else is awake."}
    assert (await post(strict, "count-it/versions/1/publish", **how)).status_code == 403
    assert (await post(strict, "count-it/versions/1/publish", who="admin", override=True)).status_code == 422
    assert (await post(strict, "count-it/versions/1/publish", who="admin")).status_code == 409
    assert (await post(strict, "count-it/versions/1/publish", who="admin", **how)).json()["state"] == "published"
    history = (await get(strict, "count-it/versions")).json()
    assert [(one["kind"], one["reason"]) for one in history["publications"]] == [("override", how["reason"])]
    action, _, details = (await audit(strict))[-1]
    assert (action, details["override"], details["reason"]) == ("playbook.publish", True, how["reason"])


async def test_saving_at_once_goes_into_review_unless_an_administrator_does_it(strict):
    body = {"text": TEXT}
    by_author = (await strict.client.put("/api/v1/playbooks/count-it", json=body, headers=strict.bearer("author"))).json()
    assert (by_author["saved"], by_author["published"], by_author["state"]) == (True, False, "in_review")
    by_admin = (await strict.client.put("/api/v1/playbooks/count-it", json={"text": TWO}, headers=strict.bearer())).json()
    assert (by_admin["published"], by_admin["state"], by_admin["number"]) == (True, "published", 2)
    assert (await audit(strict))[-1][2]["override"] is True


async def test_nothing_with_errors_is_submitted_or_published(world):
    await draft(world, WRONG)
    for verb in ("submit", "publish"):
        refused = await post(world, f"count-it/versions/1/{verb}")
        assert (refused.status_code, "error" in refused.json()["detail"]) == (422, True), verb
    assert (await get(world, "count-it")).status_code == 404


async def test_a_version_whose_rehearsals_fail_is_not_published(world):
    made = (await draft(world, rehearsal=RED)).json()
    assert (made["rehearsals"]["passed"], made["rehearsals"]["failed"]) == (0, 1)
    assert made["rehearsals"]["failures"][0].startswith("counts: ")
    for verb in ("submit", "publish"):
        assert (await post(world, f"count-it/versions/1/{verb}")).status_code == 409, verb
    put = (await world.client.put("/api/v1/playbooks/count-it", json={"text": TEXT, "rehearsal": RED}, headers=world.bearer())).json()
    assert (put["published"], put["state"]) == (False, "draft")
    mended = (await draft(world, rehearsal=GREEN)).json()
    assert (mended["number"], mended["rehearsals"]["passed"], mended["rehearsals"]["failed"]) == (1, 1, 0)
    assert mended["rehearsals"]["coverage"] == 1.0
    assert (await post(world, "count-it/versions/1/publish")).json()["state"] == "published"


async def test_a_rehearsal_that_cannot_be_read_fails(world):
    made = (await draft(world, rehearsal="cases: [")).json()
    assert made["rehearsals"]["failed"] == 1
    assert "count-it.rehearsal.yaml:" in made["rehearsals"]["failures"][0]


async def test_a_caller_keeps_the_version_that_was_published_when_it_was_saved(world):
    await world.client.put("/api/v1/playbooks/count-it", json={"text": TEXT}, headers=world.bearer())
    first = (await get(world, "count-it")).json()["digest"]
    made = (await draft(world, CALLER, id="caller")).json()
    assert made["calls"] == {"count-it": first}
    await post(world, "caller/versions/1/publish")
    await world.client.put("/api/v1/playbooks/count-it", json={"text": TWO}, headers=world.bearer())
    assert (await get(world, "caller/versions/published")).json()["calls"] == {"count-it": first}
    plan = world.shelf.by_digest((await get(world, "caller")).json()["digest"])
    assert plan.steps[0].digest == first
    assert world.shelf.by_digest(first).digest == first
    again = (await draft(world, CALLER, id="caller")).json()
    assert (again["number"], again["calls"]["count-it"]) == (2, (await get(world, "count-it")).json()["digest"])


async def test_a_call_of_what_is_not_published_is_an_error(world):
    made = (await draft(world, CALLER, id="caller")).json()
    assert made["checks"]["errors"] == 1
    assert "count-it" in made["checks"]["diagnostics"][0]["message"]


async def test_a_roll_back_publishes_an_earlier_version_again(strict):
    for text in (TEXT, TWO):
        await strict.client.put("/api/v1/playbooks/count-it", json={"text": text}, headers=strict.bearer())
    started = await strict.client.post("/api/v1/runs", json={"playbook": "count-it"}, headers=strict.bearer("amira"))
    back = await post(strict, "count-it/rollback", reason="It counts too far.")
    assert (back.status_code, back.json()["number"], back.json()["state"]) == (200, 1, "published")
    assert (await get(strict, "count-it")).json()["text"] == TEXT
    events = await strict.store.units.read(lambda tx: tx.runs.events(started.json()["id"], workspace=W))
    assert events[0][1].digest == (await get(strict, "count-it/versions/2")).json()["digest"]
    history = (await get(strict, "count-it/versions")).json()
    assert [one["state"] for one in history["items"]] == ["superseded", "published"]
    assert [(one["number"], one["kind"]) for one in history["publications"]] == [(1, "rollback"), (2, "override"), (1, "override")]
    assert (await audit(strict))[-1][0::2] == (
        "playbook.rollback", {"digest": back.json()["digest"], "number": 1, "from": 2, "reason": "It counts too far."},
    )  # fmt: skip
    assert (await post(strict, "count-it/rollback", to="1")).status_code == 409
    assert (await post(strict, "count-it/rollback", to="2")).json()["number"] == 2


async def test_nobody_rolls_back_to_what_was_never_published(world):
    await world.client.put("/api/v1/playbooks/count-it", json={"text": TEXT}, headers=world.bearer())
    assert (await post(world, "count-it/rollback")).status_code == 404
    await draft(world, TWO)
    assert (await post(world, "count-it/rollback", to="2")).status_code == 409
    assert (await post(world, "nothing/rollback")).status_code == 404


async def test_a_disabled_playbook_starts_nothing_until_enabled(world):
    await world.client.put("/api/v1/playbooks/count-it", json={"text": TEXT}, headers=world.bearer())
    assert (await post(world, "count-it/disable")).json()["enabled"] is False
    body = {"playbook": "count-it"}
    assert (await world.client.post("/api/v1/runs", json=body, headers=world.bearer())).status_code == 404
    assert (await post(world, "count-it/enable")).json()["enabled"] is True
    assert (await world.client.post("/api/v1/runs", json=body, headers=world.bearer())).status_code == 201
    assert (await post(world, "nothing/disable")).status_code == 404


async def test_two_versions_are_compared(world):
    await world.client.put("/api/v1/playbooks/count-it", json={"text": TEXT}, headers=world.bearer())
    await draft(world, TWO)
    found = (await get(world, "count-it/diff")).json()
    assert (found["before"], found["after"]) == (1, 2)
    assert '+    set: {total: "${{ inputs.least + 2 }}"}' in found["text"].split("\n")
    (change,) = found["changes"]
    assert (change["path"].startswith("steps/sum"), found["readable"]) == (True, True)
    form = (await draft(world, f"# A comment.\n{TWO}")).json()["number"]
    reformed = (await get(world, "count-it/diff", **{"from": "2", "to": str(form)})).json()
    assert (reformed["changes"], "+# A comment." in reformed["text"]) == ([], True)
    wrong = (await draft(world, WRONG)).json()["number"]
    assert (await get(world, "count-it/diff", to=str(wrong))).json()["readable"] is False
    same = (await get(world, "count-it/diff", **{"from": "2", "to": "2"})).json()
    assert (same["changes"], same["text"]) == ([], "")
    assert (await get(world, "count-it/diff", **{"from": "7"})).status_code == 404


async def test_history_comes_in_pages(world):
    for number in range(5):
        await draft(world, TEXT.replace("+ 1", f"+ {number}"), message=f"Number {number}.")
    page = (await get(world, "count-it/versions", limit="2")).json()
    assert [one["message"] for one in page["items"]] == ["Number 4.", "Number 3."]
    rest = (await get(world, "count-it/versions", limit="3", after=page["next"])).json()
    assert ([one["number"] for one in rest["items"]], rest["next"]) == ([3, 2, 1], None)
    assert "text" not in page["items"][0]
    assert (await get(world, "nothing/versions")).status_code == 404


async def test_a_check_keeps_nothing(world):
    found = (await post(world, "check", who="viewer", text=WRONG)).json()
    assert found["checks"]["errors"] >= 1
    good = (await post(world, "check", who="viewer", text=TEXT, id="count-it", rehearsal=GREEN)).json()
    assert (good["checks"]["errors"], good["rehearsals"]["passed"]) == (0, 1)
    assert (await post(world, "check", who="viewer", text=TEXT, id="other")).json()["checks"]["errors"] == 1
    assert (await get(world, "count-it/versions")).status_code == 404


@pytest.mark.parametrize("text", ["id: \ud800", "id: a\x00b", "- x", "{" * 4000, "\ufeff", "steps: [" * 40])
async def test_hostile_text_is_answered_in_order(world, text):
    for path in ("count-it/versions", "check"):
        body = {"text": text} | ({"message": "x"} if path != "check" else {})
        answer = await world.client.post(
            f"/api/v1/playbooks/{path}",
            content=json.dumps(body),
            headers=world.bearer("author") | {"content-type": "application/json"},
        )
        assert answer.status_code in (200, 201, 422), answer.text
        assert answer.status_code == 422 or answer.json()["checks"]["errors"] > 0


@pytest.mark.parametrize("id", ["Count", "..", "a b", "x" * 81])
async def test_a_draft_needs_an_id_of_the_language(world, id):
    answer = await world.client.post(
        f"/api/v1/playbooks/{id.replace('..', '%2e%2e')}/versions", json={"text": WRONG, "message": "x"}, headers=world.bearer("author")
    )
    assert answer.status_code in (404, 405, 422)


@pytest.mark.parametrize("who", ["viewer", "amira", "sensor"])
async def test_readers_change_no_version(world, who):
    await draft(world)
    for path in ("count-it/versions/1/submit", "count-it/versions/1/approve", "count-it/versions/1/reject", "count-it/versions/1/publish",
                 "count-it/rollback", "count-it/disable", "count-it/enable"):  # fmt: skip
        assert (await post(world, path, who=who, **({"comment": "x"} if "reject" in path else {}))).status_code in (403, 422), path
        assert (await get(world, "count-it/versions/1", who="author")).json()["state"] == "draft"
    assert (await draft(world, TWO, who=who)).status_code == 403
    assert (await release(world, who=who)).status_code == 403


async def test_members_that_decide_are_not_taken_from_the_caller(world):
    for more in ({"state": "approved"}, {"author": "rita"}, {"reviewer": "rita"}, {"number": 7}):
        assert (await draft(world, **more)).status_code == 422


# -- release ---------------------------------------------------------------------------------------------------------------


async def release(world, *texts, who="author", dry_run=False, source="git:https://git.example/books", **more):
    playbooks = [{"id": id, "text": text, "rehearsal": rehearsal} for id, text, rehearsal in texts]
    return await post(world, "release", who=who, source=source, message="c0ffee Count.", playbooks=playbooks, dry_run=dry_run, **more)


BOTH = (("caller", CALLER, ""), ("count-it", TEXT, GREEN))


async def test_a_release_publishes_callees_and_callers_together(world):
    dry = (await release(world, *BOTH, dry_run=True)).json()
    assert (dry["red"], dry["done"], [(one["id"], one["change"]) for one in dry["items"]]) == (
        False, False, [("count-it", "new"), ("caller", "new")],
    )  # fmt: skip
    assert (await get(world, "count-it/versions")).status_code == 404
    done = (await release(world, *BOTH)).json()
    assert (done["done"], [(one["number"], one["state"]) for one in done["items"]]) == (True, [(1, "published"), (1, "published")])
    caller = (await get(world, "caller/versions/1")).json()
    assert caller["calls"] == {"count-it": (await get(world, "count-it")).json()["digest"]}
    assert (caller["message"], caller["source"], caller["author"]) == ("c0ffee Count.", "git:https://git.example/books", "author")
    again = (await release(world, *BOTH)).json()
    assert [one["change"] for one in again["items"]] == ["unchanged", "unchanged"]
    changed = (await release(world, ("caller", CALLER, ""), ("count-it", TWO, ""))).json()
    assert [(one["id"], one["change"], one["number"]) for one in changed["items"]] == [
        ("count-it", "changed", 2),
        ("caller", "repinned", 2),
    ]
    assert changed["items"][0]["changes"][0]["sentence"]


@pytest.mark.parametrize("bad", [("count-it", WRONG, ""), ("count-it", TEXT, RED), ("count-it", TEXT, "cases: [")])
async def test_a_release_with_anything_red_publishes_nothing(world, bad):
    other = ("other", TEXT.replace("id: count-it", "id: other"), "")
    answer = (await release(world, other, bad)).json()
    assert (answer["red"], answer["done"]) == (True, False)
    assert (await get(world, "other/versions")).status_code == 404
    assert (await get(world, "count-it/versions")).status_code == 404
    assert await audit(world) == []


async def test_a_release_disables_what_is_gone_from_its_place_only_when_told(world):
    await world.client.put("/api/v1/playbooks/other", json={"text": TEXT.replace("id: count-it", "id: other")}, headers=world.bearer())
    await release(world, *BOTH)
    kept = (await release(world, BOTH[1])).json()
    assert [(one["id"], one["change"], one["disabled"]) for one in kept["items"]] == [
        ("count-it", "unchanged", False), ("caller", "removed", False),
    ]  # fmt: skip
    elsewhere = (await release(world, BOTH[1], source="folder:/srv/books", prune=True)).json()
    assert [one["id"] for one in elsewhere["items"]] == ["count-it"]
    pruned = (await release(world, BOTH[1], prune=True)).json()
    assert pruned["items"][-1]["disabled"]
    listed = (await world.client.get("/api/v1/playbooks", headers=world.bearer())).json()["items"]
    assert {one["id"]: one["enabled"] for one in listed} == {"caller": False, "count-it": True, "other": True}


async def test_a_release_goes_into_review_where_one_is_required(strict):
    done = (await release(strict, *BOTH)).json()
    assert [(one["id"], one["state"]) for one in done["items"]] == [("count-it", "in_review"), ("caller", "in_review")]
    assert (await get(strict, "count-it")).status_code == 404
    assert [one["state"] for one in (await release(strict, *BOTH, who="admin")).json()["items"]] == ["published", "published"]


async def test_a_playbook_that_is_twice_in_a_release_is_refused(world):
    answer = await release(world, BOTH[1], BOTH[1])
    assert (answer.status_code, "twice" in answer.json()["detail"]) == (422, True)


async def test_a_circle_of_calls_is_red(world):
    back = TEXT.replace("  - id: sum\n", "  - call: caller\n  - id: sum\n")
    answer = (await release(world, ("caller", CALLER, ""), ("count-it", back, ""))).json()
    assert answer["red"]


async def test_a_release_that_was_planned_before_another_publication_is_refused(world):
    admin = await world.store.units.read(lambda tx: people.authenticate(tx, token=world.keys["admin"], now=world.clock()).principal)
    shelved = await world.store.units.read(lambda tx: look_up(tx, admin, ids=["count-it"]))
    planned = plan_release(world.parts.prover(), shelved, manuscripts=[Manuscript("count-it", TEXT)], source="git:x")
    await world.client.put("/api/v1/playbooks/count-it", json={"text": TWO}, headers=world.bearer())
    origin = Origin("Late.", "git:x")

    def late(tx):
        return release_together(tx, admin, planned=planned, origin=origin, prune=False, review=Review.OFF, now=world.clock())

    with pytest.raises(Conflict, match="meanwhile"):
        await world.store.units.write(late)
    assert (await get(world, "count-it")).json()["text"] == TWO
