"""The parts of a dry run: made-up outputs that fit, the blast radius, and guardrails that are asked."""

import asyncio
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.connectors.validation import problems
from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import Json, JsonObject
from tocsin.rehearsal.cast import Call
from tocsin.rehearsal.clock import CountingIds, StageClock
from tocsin.rehearsal.stage import Played, Stage
from tocsin.services.dryrun.cast import DryCast
from tocsin.services.dryrun.guardrails import NO_RULES, Guardrails, Ruling, Verdict
from tocsin.services.dryrun.plausible import is_made_up, made_up_output, plausible
from tocsin.services.dryrun.radius import blast_radius, targets_of
from tocsin.services.dryrun.report import report
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

CATALOGUE = PackCatalogue(load_packs([BUILTIN]))
SPECS = [one for name in CATALOGUE.names() if (one := CATALOGUE.spec(name)) is not None]


@pytest.mark.parametrize("declared", SPECS, ids=lambda one: one.name)
def test_what_is_made_up_fits_the_output_schema_of_every_shipped_action(declared: ActionSpec) -> None:
    made = plausible(declared.output_schema)
    assert problems(made, declared.output_schema) == []


SCHEMAS = st.recursive(
    st.one_of(
        st.sampled_from([{"type": "string"}, {"type": "boolean"}, {"type": "null"}, {"type": "string", "format": "ip"}]),
        st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-9, 9)),
        st.builds(lambda high: {"type": "number", "maximum": high}, st.integers(-9, 9)),
        st.builds(lambda least: {"type": "string", "minLength": least, "maxLength": least + 3}, st.integers(0, 20)),
        st.builds(lambda values: {"enum": values}, st.lists(st.integers(), min_size=1, max_size=3)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 2}, inner),
        st.builds(
            lambda parts: {"type": "object", "properties": parts, "required": list(parts)},
            st.dictionaries(st.text("ab", min_size=1), inner),
        ),
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_what_is_made_up_fits_its_schema(schema: JsonObject) -> None:
    assert problems(plausible(schema), schema) == []


def test_an_example_of_the_schema_is_taken_and_arguments_are_echoed() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"ip": {"type": "string"}, "id": {"type": "string", "examples": ["b-1"]}, "n": {"type": "integer"}},
    }
    assert made_up_output(schema, arguments={"ip": "192.0.2.9", "n": 7, "more": 1}, name="x") == {
        "ip": "192.0.2.9",
        "id": "b-1",
        "n": 7,
        "dry_run": True,
    }


def test_what_was_made_up_is_known_again_wherever_it_turns_up() -> None:
    made = made_up_output({"type": "object", "properties": {"id": {"type": "string"}}}, arguments={}, name="case")
    assert isinstance(made, dict)
    assert is_made_up({"deep": [{"case": f"see {made['id']}"}]})
    assert not is_made_up({"case": "cas_1", "n": [1, None]})


@pytest.mark.parametrize(
    ("arguments", "targets"),
    [
        ({"ip": "192.0.2.1", "reason": "evil.example did it"}, [("ip", "192.0.2.1")]),
        ({"names": ["a.example", "b.example"]}, [("name", "a.example"), ("name", "b.example")]),
        ({"to": ["a@example.org", "a@example.org"]}, [("email", "a@example.org")]),
        ({"where": {"hostname": "fin-dc-02"}, "x": "10.0.0.0/8"}, [("host", "fin-dc-02"), ("network", "10.0.0.0/8")]),
        ({"what": {"type": "domain", "value": "evil.example"}}, [("domain", "evil.example")]),
        ({"page": "https://evil.example/x", "user": "amira"}, [("url", "https://evil.example/x"), ("user", "amira")]),
        ({"n": 3, "on": True, "none": None, "duration": "24h"}, []),
    ],
)
def test_the_targets_of_arguments_are_found_by_what_they_are_and_what_they_are_called(arguments: JsonObject, targets: list[Json]) -> None:
    assert [(one.type, one.value) for one in targets_of(arguments)] == targets


def test_the_blast_radius_says_how_it_is_undone_and_what_follows_an_unknown_outcome() -> None:
    declared = spec("edr.isolate", Effect.DESTRUCTIVE, None)
    told = blast_radius(declared, {"host": "a"}, effect=Effect.DESTRUCTIVE).as_json()
    assert (told["count"], told["undo"], told["on_unknown"], told["if_unknown"]) == (1, None, "ask", "a person is asked")


class Forbids:
    def verdict(self, action: str, arguments: JsonObject) -> Verdict:
        return Verdict(Ruling.DENY, "crown-jewels", "It is a domain controller.")


def dry(steps: str, guardrails: Guardrails = NO_RULES) -> tuple[Played, DryCast]:
    bench = Bench()
    bench.actions.add(spec("edr.isolate", Effect.DESTRUCTIVE, OnUnknown.REPEAT))
    bench.actions.add(spec("edr.look_up"))
    plan = bench.publish(steps)

    def begin(call: Call) -> "Future[Json]":
        read: Future[Json] = Future()
        read.set_result({"known": True})
        return read

    cast = DryCast(bench.actions.spec, begin, guardrails)
    stage = Stage(bench.plans, spec=bench.actions.spec, cast=cast, clock=StageClock(), ids=CountingIds())
    return stage.play(plan, trigger={"kind": "dry-run"}), cast


def test_a_denial_of_a_guardrail_is_an_outcome_that_the_playbook_sees() -> None:
    shut = "  - {id: shut, action: edr.isolate, with: {host: dc}, on_error: continue}\n"
    played, cast = dry(shut + "  - {id: e, set: {c: '${{ steps.shut.error.code }}'}}\n", Forbids())
    found = report(played, cast)
    told = found.steps[0].as_json()
    assert told["verdict"] == {"ruling": "deny", "rule": "crown-jewels", "reason": "It is a domain controller."}
    assert (told["status"], told["sent"]) == ("failed", False)
    assert found.steps[1].facts.output == {"c": "guardrail-denied"}


def test_a_read_that_the_playbook_calls_a_write_is_shown_and_not_sent() -> None:
    played, cast = dry("  - {id: look, action: edr.look_up, effect: write}\n")
    assert report(played, cast).steps[0].as_json()["sent"] is False


def test_a_run_that_would_wait_for_an_event_says_so() -> None:
    played, cast = dry("  - {id: w, wait: {event: webhook, webhook: done}}\n")
    found = report(played, cast)
    assert found.outcome is None
    assert "would wait at 'w'" in found.reason


async def test_reads_that_a_run_makes_at_once_are_under_way_together_and_the_same_one_is_done_once() -> None:
    bench, loop = Bench(), asyncio.get_running_loop()
    bench.actions.add(spec("edr.look_up"))
    steps = (
        "  - id: each\n    for_each: ${{ [1, 2, 3, 4, 5, 6] }}\n    as: n\n    concurrency: 3\n"
        "    steps: [{id: look, action: edr.look_up, with: {n: '${{ n }}'}}]\n"
        "  - {id: poll, action: edr.look_up, with: {n: 7}, repeat_until: '${{ steps.poll.known }}', every: 30s, at_most: 5m,\n"
        "     on_error: continue}\n"
    )
    plan = bench.publish(steps)
    now, most, asked = 0, 0, list[Json]()

    async def read(call: Call) -> Json:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        asked.append(call.arguments["n"])
        await asyncio.sleep(0.02)
        now -= 1
        return {"known": False}

    cast = DryCast(bench.actions.spec, lambda call: asyncio.run_coroutine_threadsafe(read(call), loop), NO_RULES)
    stage = Stage(bench.plans, spec=bench.actions.spec, cast=cast, clock=StageClock(), ids=CountingIds(), expect=cast.expect)
    played = await asyncio.to_thread(stage.play, plan, trigger={"kind": "dry-run"})
    assert (played.outcome, most) == ("succeeded", 3)
    assert asked == [1, 2, 3, 4, 5, 6, 7]
