"""Observables: asked about and told about in one canonical spelling."""

import pytest

from tocsin.connectors.sdk import Invalid, Observable, ObservableType
from tocsin.testing.platform import MemoryPlatform, PackRun


async def test_verdict_set_is_the_verdict_looked_up_whatever_the_spelling() -> None:
    run = PackRun("observable")
    told = await run("set_verdict", type="domain", value="Bad[.]Example", verdict="malicious", reason="beacon")
    assert told == {"type": "domain", "value": "bad.example", "verdict": "malicious", "reason": "beacon", "source": "run run-1"}
    known = await run("look_up", type="domain", value="bad.example.")
    assert (known["known"], known["verdict"], known["reason"], known["source"]) == (True, "malicious", "beacon", "run run-1")


async def test_unknown_observable_is_an_answer_not_an_error() -> None:
    known = await PackRun("observable")("look_up", type="ip", value="192.0.2.1")
    assert (known["known"], known["verdict"], known["sightings"]) == (False, "unknown", 0)


async def test_named_source_is_kept() -> None:
    told = await PackRun("observable")("set_verdict", type="ip", value="192.0.2.1", verdict="benign", source="amira")
    assert told["source"] == "amira"


async def test_extract_gives_all_and_by_type_and_every_type_is_there() -> None:
    output = await PackRun("observable")("extract", text="from 192.0.2.1 to 2001:db8::1 ok")
    assert output["observables"] == [{"type": "ip", "value": "192.0.2.1"}, {"type": "ip", "value": "2001:db8::1"}]
    assert output["by_type"] == {type.value: [] for type in ObservableType} | {"ip": ["192.0.2.1", "2001:db8::1"]}
    assert output["count"] == 2


async def test_warning_lists_are_named() -> None:
    platform = MemoryPlatform(warnings={Observable(ObservableType.IP, "198.51.100.53"): ["public resolvers"]})
    run = PackRun("observable", platform=platform)
    listed = await run("check_warning_lists", type="ip", value="198.51.100.53")
    assert (listed["listed"], listed["lists"]) == (True, ["public resolvers"])
    assert (await run("check_warning_lists", type="ip", value="198.51.100.54"))["listed"] is False


@pytest.mark.parametrize(("type", "value"), [("ip", "no address"), ("planet", "mars"), ("ip", "")])
async def test_value_that_is_not_of_its_type_is_refused(type: str, value: str) -> None:
    with pytest.raises(Invalid):
        await PackRun("observable")("look_up", type=type, value=value)
