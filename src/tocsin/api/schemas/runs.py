"""Runs over the wire."""

from datetime import datetime

from pydantic import ConfigDict, Field

from tocsin.api.schemas.base import Id, In, Out, PageIn
from tocsin.core.ids import AlertId, CaseId
from tocsin.core.values import JsonObject
from tocsin.services.timeline import TimelineEntry
from tocsin.store.repos.runs import Run, RunFilter, RunStatus


class RunOut(Out):
    """A run of a playbook."""

    id: str
    playbook: str
    digest: str = Field(description="The sha256 of the version that runs, whatever is published since.")
    status: RunStatus
    trigger: str = Field(description="alert, case, webhook, schedule, manual, call or undo")
    started_by: str
    alert: str | None
    case: str | None
    parent: str | None = Field(description="The run that called this one.")
    started_at: datetime
    ended_at: datetime | None
    wake_at: datetime | None = Field(description="When it goes on by itself, while it waits.")
    actions: int
    asks: int
    reason: str
    outputs: JsonObject | None

    @classmethod
    def of(cls, run: Run) -> "RunOut":
        """Make it."""
        return cls(
            id=run.id,
            playbook=run.playbook,
            digest=run.digest,
            status=run.status,
            trigger=run.trigger,
            started_by=run.started_by,
            alert=run.alert,
            case=run.case,
            parent=run.parent,
            started_at=run.started_at,
            ended_at=run.ended_at,
            wake_at=run.wake_at,
            actions=run.actions,
            asks=run.asks,
            reason=run.reason,
            outputs=run.outputs,
        )


class TimelineEntryOut(Out):
    """One line of what happened."""

    at: str
    path: str = Field(description="The step: keys joined by /, a loop's iteration as links[3]; empty for the run itself.")
    title: str
    kind: str = Field(description="run, action, set, branch, loop, ask, wait, call, undo or step")
    status: str
    details: JsonObject
    effect: str | None = Field(description="read, write or destructive; for actions.")
    attempt: int | None


class TimelineOut(Out):
    """A run with what happened in it."""

    run: RunOut
    entries: list[TimelineEntryOut]

    @classmethod
    def of(cls, run: Run, entries: list[TimelineEntry]) -> "TimelineOut":
        """Make it."""
        return cls(run=RunOut.of(run), entries=[TimelineEntryOut.model_validate(entry) for entry in entries])


class RunEventOut(Out):
    """One event of a run's journal."""

    seq: int = Field(description="Its number, from 1.")
    event: JsonObject = Field(description="What happened: `type`, `at`, and what belongs to the type.")


class RunEventQuery(In):
    """Which events."""

    limit: int = Field(default=200, ge=1, le=1000)
    after: int = Field(default=0, ge=0, le=2**53, description="Only those after this number.")


class RunQuery(PageIn):
    """Which runs."""

    status: list[RunStatus] = []
    playbook: Id | None = None
    alert: Id | None = None
    case: Id | None = None

    def where(self) -> RunFilter:
        """Return the filter."""
        return RunFilter(
            statuses=frozenset(self.status),
            playbook=self.playbook,
            alert=AlertId(self.alert) if self.alert else None,
            case=CaseId(self.case) if self.case else None,
        )


class RunIn(In):
    """A run to start."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"playbook": "phishing-triage", "inputs": {"min_score": 3}}]})

    playbook: Id
    inputs: JsonObject = {}
    alert: Id | None = None


class ControlIn(In):
    """Why a run is cancelled, paused or resumed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "A false alarm"}]})

    reason: str = Field("", max_length=2_000)
