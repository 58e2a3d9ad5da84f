"""A dry run on a real server: what it reads is real, and what it would change reaches nobody."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tocsin.cli.serve import Serving, serving
from tocsin.core.ids import DEFAULT_WORKSPACE
from tocsin.core.values import Json, JsonObject
from tocsin.settings import Settings
from tocsin.testing.target import Target

PACK = """\
schema: tocsin/pack@1
id: edr
title: EDR
product: EDR
version: 1.0.0
description: A target for tests.
connection:
  required: true
  config: {type: object, required: [url], properties: {url: {type: string}}}
"""
READ = """\
action: look_up
title: Look up a host
effect: read
input: {type: object, required: [host], properties: {host: {type: string}}}
output: {type: object, properties: {isolated: {type: boolean}}}
request: {method: GET, path: "/state/${{ input.host }}"}
response: {output: {isolated: "${{ body.applied }}"}}
"""
WRITE = """\
action: %(name)s
title: Isolate a host
effect: destructive
on_unknown: repeat
%(undo)s
minutes_saved: 7
input: {type: object, required: [host], properties: {host: {type: string}, why: {type: string}}}
output: {type: object, properties: {ok: {type: boolean}, ticket: {type: string}}}
request: {method: POST, path: "/do/%(name)s-${{ input.host }}"}
response: {output: {ok: "${{ body.ok }}", ticket: made}}
"""
MAPPING = """\
mapping: alert
alert: {title: "${{ raw.title }}", severity: high, category: "${{ raw.category }}"}
"""
CHILD = """\
schema: tocsin/playbook@1
id: tell
title: Tell people
inputs: {host: {type: string}}
steps:
  - id: shut
    action: edr.isolate
    with: {host: "${{ inputs.host }}-twin"}
outputs: {ticket: "${{ steps.shut.ticket }}"}
"""
PLAYBOOK = """\
schema: tocsin/playbook@1
id: contain
title: Contain a host
inputs:
  host: {type: string, default: fin-dc-02}
steps:
  - id: state
    action: edr.look_up
    with: {host: "${{ inputs.host }}"}
  - id: rest
    wait: 3d
  - id: permission
    ask: {title: "Isolate ${{ inputs.host }}?", to: ["role:responder", "role:admin"], via: [web, email], deadline: 4h, on_deadline: reject}
  - if: ${{ steps.permission.answer == 'approve' }}
    then:
      - id: isolation
        action: edr.isolate
        with: {host: "${{ inputs.host }}", why: "It is ${{ steps.state.isolated }} that it is isolated"}
      - id: child
        call: tell
        with: {host: "${{ inputs.host }}"}
      - id: again
        action: edr.look_up
        with: {host: "${{ steps.isolation.ticket }}"}
outputs: {answer: "${{ steps.permission.answer }}"}
"""
REPLAYED = """\
schema: tocsin/playbook@1
id: replayed
title: Two effects
inputs:
  host: {type: string, default: two}
steps:
  - {id: first, action: edr.isolate, with: {host: one}}
  - {id: second, action: edr.isolate, with: {host: "${{ inputs.host }}"}}
"""
CALLING = """\
schema: tocsin/playbook@1
id: calling
title: Effects in runs that are called
steps:
  - {id: before, call: tell, with: {host: early}}
  - {id: told, call: tell, with: {host: late}}
  - {id: begun, call: tell, wait: false, with: {host: aside}}
"""


def files(**playbooks: str) -> dict[str, str]:
    return {
        "packs/edr/pack.yaml": PACK,
        "packs/edr/actions/look_up.yaml": READ,
        "packs/edr/actions/isolate.yaml": WRITE % {"name": "isolate", "undo": "undo: release"},
        "packs/edr/actions/release.yaml": WRITE % {"name": "release", "undo": ""},
        "packs/edr/mappings/alert.yaml": MAPPING,
        **{f"playbooks/{name}.yaml": text for name, text in playbooks.items()},
    }


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as target:
        yield target


@pytest.fixture
async def running(tmp_path: Path, target: Target, lay_out: Callable[[Path, Target, Mapping[str, str]], Settings]) -> AsyncIterator[Serving]:
    async with serving(lay_out(tmp_path, target, files(contain=PLAYBOOK, tell=CHILD, replayed=REPLAYED, calling=CALLING))) as running:
        assert running.server.problems == ()
        yield running


@pytest.fixture
async def client(running: Serving) -> AsyncIterator[httpx.AsyncClient]:
    assert running.server.admin is not None
    headers = {"authorization": f"Bearer {running.server.admin.token}"}
    async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers, timeout=30) as client:
        yield client


async def try_it(client: httpx.AsyncClient, **body: Json) -> JsonObject:
    answer = await client.post("/runs/dry", json={"playbook": "contain", **body})
    assert answer.status_code == 200, answer.text
    found: JsonObject = answer.json()
    return found


def steps(found: JsonObject) -> dict[str, JsonObject]:
    listed = found["steps"]
    assert isinstance(listed, list)
    return {f"{step['playbook']}:{step['path']}": step for step in listed}


async def test_a_dry_run_reads_for_real_and_sends_no_effect(client: httpx.AsyncClient, target: Target) -> None:
    target.ledger.append(("fin-dc-02", ""))  # so that the read has something to find
    found = await try_it(client)
    assert found["outcome"] == "succeeded", found
    assert steps(found)["contain:state"]["output"] == {"isolated": True}
    assert steps(found)["contain:state"]["how"] == "real"
    assert [name for name, _ in target.ledger] == ["fin-dc-02"]
    assert not target.requests, "something was posted to the target"


async def test_an_effect_is_shown_with_its_real_arguments_verdict_and_blast_radius(client: httpx.AsyncClient) -> None:
    step = steps(await try_it(client))["contain:isolation"]
    assert step["arguments"] == {"host": "fin-dc-02", "why": "It is false that it is isolated"}
    assert (step["how"], step["sent"], step["status"]) == ("shown", False, "done")
    assert step["output"] == {"ok": True, "ticket": "made-up-isolation-ticket", "dry_run": True}
    assert step["verdict"] == {"ruling": "allow", "rule": None, "reason": "There are no guardrails."}
    radius = step["blast_radius"]
    assert isinstance(radius, dict)
    assert radius["targets"] == [{"type": "host", "value": "fin-dc-02", "argument": "host"}]
    assert (radius["effect"], radius["count"], radius["undo"], radius["on_unknown"]) == ("destructive", 1, "edr.release", "repeat")


async def test_effects_of_called_playbooks_are_shown_and_not_sent_either(client: httpx.AsyncClient, target: Target) -> None:
    found = await try_it(client)
    inner = steps(found)["tell:shut"]
    assert (inner["depth"], inner["arguments"]) == (1, {"host": "fin-dc-02-twin"})
    assert steps(found)["contain:child"]["output"] == {"ticket": "made-up-shut-ticket"}
    assert not target.requests


async def test_an_ask_is_shown_and_answered_with_the_first_option_or_the_given_one(client: httpx.AsyncClient) -> None:
    asked = steps(await try_it(client))["contain:permission"]["ask"]
    assert isinstance(asked, dict)
    assert (asked["title"], asked["to"], asked["via"]) == ("Isolate fin-dc-02?", ["role:responder", "role:admin"], ["web", "email"])
    assert asked["people"] == [(await client.get("/me")).json()["name"]]
    assert (asked["answer"], asked["chosen"], asked["on_deadline"]) == ("approve", False, "reject")
    other = await try_it(client, answers={"permission": "reject"})
    assert other["outputs"] == {"answer": "reject"}
    assert "contain:isolation" not in steps(other)


async def test_waits_are_not_waited_for_and_the_time_goes_on(client: httpx.AsyncClient) -> None:
    found = await try_it(client)
    rest, permission = steps(found)["contain:rest"], steps(found)["contain:permission"]
    assert rest["how"] == "passed"
    assert str(permission["at"]) > str(found["at"])


async def test_a_read_of_what_an_effect_would_have_made_is_assumed_and_not_sent(client: httpx.AsyncClient) -> None:
    step = steps(await try_it(client))["contain:again"]
    assert (step["how"], step["output"]) == ("assumed", {"isolated": True, "dry_run": True})


async def test_nothing_is_written_but_a_line_of_audit(client: httpx.AsyncClient, running: Serving) -> None:
    await try_it(client)
    audit = await running.server.store.units.read(lambda tx: tx.audit.find(workspace=DEFAULT_WORKSPACE))
    (line,) = [line for line in audit.items if line.action.startswith("run.")]
    assert (line.action, line.ref, line.details["effects"]) == ("run.dry", "contain", 2)
    assert (await client.get("/runs")).json()["items"] == []
    assert (await client.get("/asks")).json()["items"] == []
    assert (await client.get("/cases")).json()["items"] == []


async def test_an_unknown_answer_and_an_unused_one_are_said(client: httpx.AsyncClient) -> None:
    refused = await client.post("/runs/dry", json={"playbook": "contain", "answers": {"permission": "maybe"}})
    assert refused.status_code == 422
    assert "approve, reject" in refused.text
    assert (await try_it(client, answers={"permision": "reject"}))["unused_answers"] == ["permision"]


async def test_a_draft_can_be_tried_before_anybody_has_saved_it(client: httpx.AsyncClient) -> None:
    text = PLAYBOOK.replace("id: contain", "id: draft").replace("fin-dc-02", "fin-dc-03")
    found = await try_it(client, playbook="draft", text=text)
    assert steps(found)["draft:isolation"]["arguments"] == {"host": "fin-dc-03", "why": "It is false that it is isolated"}
    broken = await client.post("/runs/dry", json={"playbook": "draft", "text": text.replace("steps.state", "steps.stat")})
    assert broken.status_code == 422
    assert json.loads(broken.text)["diagnostics"] if "diagnostics" in broken.json() else "PB" in broken.text


async def test_a_replay_repeats_no_effect_before_the_step_and_a_comparison_shows_what_changed(
    client: httpx.AsyncClient, target: Target
) -> None:
    run = (await client.post("/runs", json={"playbook": "replayed"})).json()
    run = await ended(client, run["id"])
    assert run["status"] == "succeeded", run
    assert target.times("isolate-one") == 1
    answer = await client.post(f"/runs/{run['id']}/replay", json={"from": "second", "inputs": {"host": "three"}})
    assert answer.status_code == 201, answer.text
    replay = answer.json()
    assert replay["repeats"] == [{"path": "second", "action": "edr.isolate"}]
    again = await ended(client, replay["run"]["id"])
    assert (again["status"], again["trigger"]) == ("succeeded", "replay")
    assert (target.times("isolate-one"), target.times("isolate-two"), target.times("isolate-three")) == (1, 1, 1)
    found = (await client.get(f"/runs/{run['id']}/compare/{again['id']}")).json()
    assert {step["path"]: step["same"] for step in found["steps"]} == {"first": "same", "second": "different"}
    assert found["steps"][1]["arguments"] == [{"place": "$.host", "how": "changed", "first": "two", "second": "three"}]
    assert found["inputs"] == [{"place": "$.host", "how": "changed", "first": "two", "second": "three"}]
    refused = await client.post(f"/runs/{run['id']}/replay", json={"from": "secnd"})
    assert refused.status_code == 422
    assert "second" in refused.text


async def test_a_replay_says_which_effects_of_called_runs_it_may_do_again(client: httpx.AsyncClient, target: Target) -> None:
    run = (await client.post("/runs", json={"playbook": "calling"})).json()
    assert (await ended(client, run["id"]))["status"] == "succeeded"
    for one in (await client.get("/runs")).json()["items"]:
        await ended(client, one["id"])
    replay = (await client.post(f"/runs/{run['id']}/replay", json={"from": "told"})).json()
    assert [one["path"] for one in replay["repeats"]] == ["told/shut", "begun/shut"]
    await ended(client, replay["run"]["id"])
    assert (target.times("isolate-early-twin"), target.times("isolate-late-twin")) == (1, 2)


async def ended(client: httpx.AsyncClient, id: str) -> dict[str, Json]:
    async with asyncio.timeout(25):
        while True:
            run: dict[str, Json] = (await client.get(f"/runs/{id}")).json()
            if run["ended_at"]:
                return run
            await asyncio.sleep(0.05)
