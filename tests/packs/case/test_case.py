"""Cases: the run's own case and alert count unless others are named, and a repeated call changes nothing."""

import pytest

from tocsin.connectors.sdk import Invalid, NotFound
from tocsin.testing.platform import MemoryPlatform, PackRun


@pytest.fixture
def platform() -> MemoryPlatform:
    return MemoryPlatform(alerts={"alert-1": {}, "alert-2": {}})


async def test_case_is_opened_once_however_often_the_call_is_repeated(platform: MemoryPlatform) -> None:
    run = PackRun("case", platform=platform, alert="alert-1")
    first = await run("open", title="Beacon", severity="high", tags=["c2"])
    assert await run("open", title="Beacon", severity="high", tags=["c2"]) == first
    assert list(platform.cases) == [first["id"]]
    assert platform.cases[str(first["id"])]["alert"] == "alert-1"
    assert (first["severity"], first["tlp"], first["status"]) == ("high", "amber", "open")


async def test_named_alert_goes_before_the_one_that_started_the_run(platform: MemoryPlatform) -> None:
    opened = await PackRun("case", platform=platform, alert="alert-1")("open", title="Beacon", alert="alert-2")
    assert platform.cases[str(opened["id"])]["alert"] == "alert-2"


async def test_notes_alerts_and_closing_go_to_the_case_of_the_run(platform: MemoryPlatform) -> None:
    opened = await PackRun("case", platform=platform)("open", title="Beacon")
    run = PackRun("case", platform=platform, alert="alert-1", case=str(opened["id"]))
    assert await run("note", key="2", text="seen") == {"case": opened["id"]}
    await run("note", key="2", text="seen")
    assert platform.notes == {opened["id"]: ["seen"]}
    assert await run("add_alert", key="3") == {"case": opened["id"], "alert": "alert-1"}
    assert platform.links == {(opened["id"], "alert-1")}
    closed = await run("close", key="4", verdict="malicious", reason="It was a beacon.")
    assert (closed["status"], closed["verdict"], closed["reason"]) == ("closed", "malicious", "It was a beacon.")


async def test_named_case_goes_before_the_one_of_the_run(platform: MemoryPlatform) -> None:
    first = await PackRun("case", platform=platform)("open", title="A")
    second = await PackRun("case", platform=platform)("open", key="2", title="B")
    await PackRun("case", platform=platform, case=str(first["id"]))("note", key="3", case=second["id"], text="x")
    assert list(platform.notes) == [second["id"]]


async def test_run_without_a_case_is_told_what_to_do(platform: MemoryPlatform) -> None:
    with pytest.raises(Invalid, match=r"alert\.close"):
        await PackRun("case", platform=platform)("close", verdict="benign", reason="x")


async def test_unknown_case_is_not_found(platform: MemoryPlatform) -> None:
    with pytest.raises(NotFound):
        await PackRun("case", platform=platform)("note", case="case-9", text="x")


@pytest.mark.parametrize("input", [{"verdict": "bad", "reason": "x"}, {"verdict": "benign", "reason": ""}, {"verdict": "benign"}])
async def test_closing_wants_a_known_verdict_and_a_reason(platform: MemoryPlatform, input: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        await PackRun("case", platform=platform, case="case-1")("close", **input)
