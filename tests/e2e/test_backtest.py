"""Backtests over real runs of a real server: what would differ, and nothing is sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tocsin.cli.serve import serving
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
minutes_saved: 2
input: {type: object, required: [host], properties: {host: {type: string}, deep: {type: boolean, default: false}}}
output: {type: object, properties: {known: {type: boolean}}}
request: {method: GET, path: "/state/${{ input.host }}"}
response: {output: {known: "${{ body.applied }}"}}
"""
WRITE = """\
action: isolate
title: Isolate a host
effect: destructive
on_unknown: repeat
minutes_saved: 7
input: {type: object, required: [host], properties: {host: {type: string}}}
output: {type: object, properties: {ok: {type: boolean}}}
request: {method: POST, path: "/do/${{ input.host }}"}
response: {output: {ok: "${{ body.ok }}"}}
"""
MAPPING = """\
mapping: alert
alert: {title: "${{ raw.title }}", severity: "${{ raw.severity }}", category: test}
"""
PLAYBOOK = """\
schema: tocsin/playbook@1
id: contain
title: Contain a host
triggers:
  - alert: ${{ alert.severity in ['high', 'critical'] }}
steps:
  - id: state
    action: edr.look_up
    with: {host: "${{ alert.raw.host }}"}
  - id: way
    if: ${{ steps.state.known }}
    then:
      - stop: {outcome: succeeded, reason: It is known.}
  - id: permission
    ask: {title: "Isolate ${{ alert.raw.host }}?", to: ["role:admin"], deadline: 4h, on_deadline: reject}
  - if: ${{ steps.permission.answer == 'approve' }}
    then:
      - {id: isolation, action: edr.isolate, with: {host: "${{ alert.raw.host }}"}}
"""
ALERTS: list[JsonObject] = [
    {"title": "one", "severity": "high", "host": "known"},
    {"title": "two", "severity": "high", "host": "approved"},
    {"title": "three", "severity": "critical", "host": "rejected"},
    {"title": "four", "severity": "high", "host": "waiting"},
    {"title": "five", "severity": "low", "host": "quiet"},
]


@dataclass
class Desk:
    client: httpx.AsyncClient
    target: Target

    async def backtest(self, **body: Json) -> dict[str, JsonObject]:
        """Return the results by the alerts' titles, and the totals."""
        answer = await self.client.post("/playbooks/contain/backtest", json={"since": "30d", **body})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return {**{one["title"]: one for one in found["alerts"]}, "": found["totals"]}

    async def draft(self, old: str, new: str, **body: Json) -> dict[str, JsonObject]:
        assert old in PLAYBOOK
        return await self.backtest(text=PLAYBOOK.replace(old, new), **body)


def files() -> dict[str, str]:
    return {
        "packs/edr/pack.yaml": PACK,
        "packs/edr/actions/look_up.yaml": READ,
        "packs/edr/actions/isolate.yaml": WRITE,
        "packs/edr/mappings/alert.yaml": MAPPING,
        "playbooks/contain.yaml": PLAYBOOK,
    }


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as target:
        target.ledger.append(("known", ""))
        yield target


@pytest.fixture
async def desk(tmp_path: Path, target: Target, lay_out: Callable[[Path, Target, Mapping[str, str]], Settings]) -> AsyncIterator[Desk]:
    """Return a server whose runs on five alerts have come to rest, and a target that notes from then on what reaches it."""
    async with serving(lay_out(tmp_path, target, files())) as running:
        assert running.server.problems == ()
        assert running.server.admin is not None
        headers = {"authorization": f"Bearer {running.server.admin.token}"}
        async with httpx.AsyncClient(base_url=f"{running.url}/api/v1", headers=headers, timeout=30) as client:
            await happen(client)
            assert [name for name, _ in target.ledger] == ["known", "approved"]
            target.ledger.clear()
            target.requests.clear()
            yield Desk(client, target)


async def happen(client: httpx.AsyncClient) -> None:
    (await client.post("/alerts/sensor", json=ALERTS)).raise_for_status()
    async with asyncio.timeout(25):
        while len(asks := (await client.get("/asks")).json()["items"]) < 3:
            await asyncio.sleep(0.05)
        for ask in asks:
            host = ask["title"].removeprefix("Isolate ").removesuffix("?")
            if host != "waiting":
                answer = "approve" if host == "approved" else "reject"
                (await client.post(f"/asks/{ask['id']}/answer", json={"answer": answer, "reason": "Because."})).raise_for_status()
        while [run["status"] for run in (await client.get("/runs")).json()["items"]].count("succeeded") < 3:
            await asyncio.sleep(0.05)


def told(result: JsonObject) -> list[str]:
    changes = result["changes"]
    assert isinstance(changes, list)
    return [f"{one['kind']} {one['how']} {one['what']}" for one in changes]


async def test_the_version_that_ran_does_the_same_again_and_sends_nothing(desk: Desk) -> None:
    found = await desk.backtest()
    totals = found.pop("")
    assert {title: (one["finding"], one["changes"]) for title, one in found.items()} == {
        title: ("same", []) for title in ("one", "two", "three", "four")
    }
    assert (totals["looked_at"], totals["considered"], totals["same"]) == (5, 4, 4)
    assert totals["minutes_saved"] == {"before": 15.0, "after": 15.0}
    assert desk.target.ledger == []
    assert not desk.target.requests


async def test_an_effect_that_would_be_sent_without_asking_is_shown_and_not_sent(desk: Desk) -> None:
    old = "  - if: ${{ steps.permission.answer == 'approve' }}"
    ask = PLAYBOOK[PLAYBOOK.index("  - id: permission") : PLAYBOOK.index(old)]
    found = await desk.backtest(text=PLAYBOOK.replace(ask, "").replace(old, "  - if: ${{ alert.severity != 'critical' }}"))
    totals = found.pop("")
    assert told(found["two"]) == ["ask removed Isolate approved?"]
    assert told(found["three"]) == ["ask removed Isolate rejected?"]
    assert told(found["four"]) == ["decision changed outcome", "ask removed Isolate waiting?", "effect added edr.isolate"]
    assert found["one"]["finding"] == "same"
    assert totals["effects"] == {"before": 1, "after": 2, "more": 1, "fewer": 0, "changed": 0}
    assert totals["asks"] == {"before": 3, "after": 0, "more": 0, "fewer": 3}
    assert totals["effects_by_action"] == {"added edr.isolate": 1}
    assert totals["minutes_saved"] == {"before": 15.0, "after": 22.0}
    assert desk.target.ledger == []


async def test_a_new_question_ends_the_play_and_is_shown(desk: Desk) -> None:
    found = await desk.draft('title: "Isolate ${{ alert.raw.host }}?"', 'title: "Really isolate ${{ alert.raw.host }}?"')
    assert told(found["two"]) == ["ask added Really isolate approved?"]
    assert "It would ask" in str(found["two"]["why"])
    assert found["one"]["finding"] == "same"


async def test_a_trigger_that_accepts_more_starts_what_did_not_start(desk: Desk) -> None:
    found = await desk.draft("alert.severity in ['high', 'critical']", "alert.severity in ['low', 'critical']")
    totals = found.pop("")
    assert told(found["five"]) == ["decision added the playbook starts"]
    assert told(found["two"]) == ["decision removed the playbook starts", "ask removed Isolate approved?", "effect removed edr.isolate"]
    assert totals["starts"] == {"before": 4, "after": 2}


async def test_a_read_that_nobody_recorded_is_undecided_made_up_or_live_by_choice(desk: Desk) -> None:
    old, new = 'host: "${{ alert.raw.host }}"}\n  - id: way', 'host: "${{ alert.raw.host }}-x"}\n  - id: way'
    undecided = await desk.draft(old, new)
    assert undecided["one"]["finding"] == "undecided"
    assert "edr.look_up" in str(undecided["one"]["why"])
    skipped = await desk.draft(old, new, reads="skip")
    assert skipped["one"]["assumed"] == ["state"]
    assert skipped["two"]["finding"] == "different"
    live = await desk.draft(old, new, reads="live")
    assert (live["two"]["finding"], live["one"]["finding"]) == ("same", "different")
    assert live[""]["reads"] == {"recorded": 0, "assumed": 0, "live": 4}
    assert desk.target.ledger == []


async def test_a_read_of_the_same_target_with_other_arguments_is_answered_from_the_record(desk: Desk) -> None:
    found = await desk.draft('host: "${{ alert.raw.host }}"}\n  - id: way', 'host: "${{ alert.raw.host }}", deep: true}\n  - id: way')
    assert {found[title]["finding"] for title in ("one", "two", "three", "four")} == {"same"}


async def test_against_another_version_the_two_are_compared_with_each_other(desk: Desk) -> None:
    found = await desk.draft("answer == 'approve'", "answer == 'reject'", against="published")
    totals = found.pop("")
    assert told(found["two"]) == ["effect removed edr.isolate"]
    assert told(found["three"]) == ["effect added edr.isolate"]
    assert (totals["same"], totals["different"]) == (2, 2)


async def test_code_is_run_for_real_and_not_taken_from_the_record(desk: Desk) -> None:
    code = "  - id: sum\n    code: |\n      return {'known': inputs['state']['known']}\n    with: {state: \"${{ steps.state }}\"}\n"
    code += "    returns: {known: {type: boolean}}\n"
    text = PLAYBOOK.replace("  - id: way\n    if: ${{ steps.state.known }}", code + "  - id: way\n    if: ${{ steps.sum.known }}")
    found = await desk.backtest(text=text)
    assert {found[title]["finding"] for title in ("one", "two", "three", "four")} == {"same"}, found
    inverted = await desk.backtest(text=text.replace("inputs['state']['known']", "not inputs['state']['known']"))
    assert told(inverted["one"]) == ["decision changed way", "ask added Isolate known?"]


async def test_a_thousand_alerts_a_minute_are_the_least(desk: Desk) -> None:
    many: list[JsonObject] = [{"title": f"again {number}", "severity": "high", "host": "known"} for number in range(200)]
    desk.target.ledger.append(("known", ""))
    (await desk.client.post("/alerts/sensor", json=many)).raise_for_status()
    async with asyncio.timeout(60):
        while len((await desk.client.get("/runs", params={"status": "succeeded", "limit": 300})).json()["items"]) < 203:
            await asyncio.sleep(0.1)
    totals = (await desk.backtest())[""]
    assert (totals["looked_at"], totals["same"]) == (205, 204)
    speed = totals["per_minute"]
    assert isinstance(speed, int)
    assert speed > 1_000, totals


async def test_the_stream_has_a_line_an_alert_and_the_totals_last(desk: Desk) -> None:
    headers = {"accept": "application/x-ndjson"}
    answer = await desk.client.post("/playbooks/contain/backtest", json={"since": "30d"}, headers=headers)
    head, *alerts, last = (json.loads(line) for line in answer.text.splitlines())
    assert (head["playbook"], head["against"]) == ("contain", "what happened")
    assert sorted(one["title"] for one in alerts) == ["four", "one", "three", "two"]
    assert last["totals"]["same"] == 4


async def test_a_limit_a_window_and_a_playbook_without_alerts_are_honoured(desk: Desk) -> None:
    assert (await desk.backtest(limit=2))[""]["considered"] == 2
    assert (await desk.backtest(since="2020-01-01", until="2020-02-01"))[""]["looked_at"] == 0
    text = PLAYBOOK.replace("  - alert: ${{ alert.severity in ['high', 'critical'] }}", "  - webhook: x").replace("alert.", "run.")
    refused = await desk.client.post("/playbooks/contain/backtest", json={"text": text})
    assert refused.status_code == 422
    odd = await desk.client.post("/playbooks/contain/backtest", json={"since": "yesterday"})
    assert odd.status_code == 422
    assert "30d" in odd.text
