"""Backtests over the wire."""

from datetime import datetime

from pydantic import ConfigDict, Field

from tocsin.api.schemas.base import In, Line, Out
from tocsin.core.values import JsonObject
from tocsin.services.backtest.cast import Reads

MOST_ALERTS = 1_000  # of one report; a stream has no limit


class BacktestIn(In):
    """Which version, over which alerts, against what."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "30d", "reads": "recorded"}]})

    text: str | None = Field(None, max_length=262_144, description="A draft; without it `version` is tested.")
    version: Line = Field("published", description="published, or the digest of a version.")
    since: Line = Field("30d", description="How far back (30d, 12h), or an RFC 3339 instant or date.")
    until: Line | None = None
    against: Line | None = Field(None, description="published, or the digest of a version; null: what really happened.")
    reads: Reads = Field(Reads.RECORDED, description="What becomes of a read that was not recorded: recorded (undecided), skip, live.")
    limit: int | None = Field(None, ge=1, description=f"Alerts at most; a report has {MOST_ALERTS:,}, a stream has no limit of its own.")


class BacktestOut(Out):
    """What a backtest found."""

    playbook: str
    digest: str
    against: str = Field(description="`what happened`, or the digest of a version.")
    since: datetime
    until: datetime | None
    reads: Reads
    totals: JsonObject
    more: bool = Field(description="There are more alerts than the limit; ask for NDJSON to see all.")
    alerts: list[JsonObject] = Field(
        description="alert, title, severity, source, last_seen, finding (same, different, undecided), why, changes, assumed, before, after"
    )
