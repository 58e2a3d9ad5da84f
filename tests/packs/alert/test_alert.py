"""Alerts are closed by the run they started."""

import pytest

from tocsin.connectors.sdk import Invalid, NotFound
from tocsin.testing.platform import MemoryPlatform, PackRun


async def test_alert_that_started_the_run_is_closed() -> None:
    platform = MemoryPlatform(alerts={"alert-1": {}})
    output = await PackRun("alert", platform=platform, alert="alert-1")("close", verdict="benign", reason="a scanner of ours")
    assert output == {"alert": "alert-1", "status": "resolved", "verdict": "benign", "reason": "a scanner of ours"}
    assert platform.alerts["alert-1"] == {"status": "resolved", "verdict": "benign", "reason": "a scanner of ours"}


async def test_named_alert_goes_before_it() -> None:
    platform = MemoryPlatform(alerts={"alert-1": {}, "alert-2": {}})
    await PackRun("alert", platform=platform, alert="alert-1")("close", alert="alert-2", verdict="benign", reason="x")
    assert platform.alerts["alert-1"] == {}


async def test_run_that_no_alert_started_is_told_what_to_do() -> None:
    with pytest.raises(Invalid, match="Name one"):
        await PackRun("alert")("close", verdict="benign", reason="x")


async def test_unknown_alert_is_not_found() -> None:
    with pytest.raises(NotFound):
        await PackRun("alert")("close", alert="alert-9", verdict="benign", reason="x")
