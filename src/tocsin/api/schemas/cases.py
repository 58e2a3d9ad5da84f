"""Cases over the wire."""

from datetime import datetime

from pydantic import ConfigDict, Field

from tocsin.api.schemas.alerts import AlertSummary
from tocsin.api.schemas.base import Id, In, Line, Out, PageIn, Text
from tocsin.core.cases import Case, CaseStatus, Entry, EntryKind
from tocsin.core.ids import AlertId
from tocsin.core.observables import ObservableType
from tocsin.core.severity import Severity
from tocsin.core.tlp import Tlp
from tocsin.core.values import Json
from tocsin.core.verdicts import Verdict
from tocsin.services.cases import CaseChange, CaseFile, NewCase
from tocsin.store.repos.cases import CaseFilter
from tocsin.store.repos.observables import Sighting


class CaseSummary(Out):
    """A case as a line of a list."""

    id: str
    title: str
    severity: Severity
    status: CaseStatus
    tlp: Tlp
    owner: str
    verdict: Verdict
    reason: str
    opened_at: datetime
    closed_at: datetime | None
    tags: list[str]

    @classmethod
    def of(cls, case: Case) -> "CaseSummary":
        """Make it."""
        return cls.model_validate(_members(case))


class EntryOut(Out):
    """One line of a case's timeline."""

    kind: EntryKind
    at: datetime
    by: str
    text: str
    ref: str = Field(description="The id of what it tells of: an alert, a run, an ask.")
    details: Json

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        """Make it."""
        return cls(kind=entry.kind, at=entry.at, by=entry.by, text=entry.text, ref=entry.ref, details=entry.details)


class SightingOut(Out):
    """An observable with what is believed of it."""

    type: ObservableType
    value: str
    verdict: Verdict
    verdict_reason: str
    verdict_source: str
    first_seen: datetime
    last_seen: datetime
    count: int

    @classmethod
    def of(cls, seen: Sighting) -> "SightingOut":
        """Make it."""
        judged = seen.judgement
        return cls(
            type=seen.observable.type,
            value=seen.observable.value,
            verdict=judged.verdict if judged else Verdict.UNKNOWN,
            verdict_reason=judged.reason if judged else "",
            verdict_source=judged.source if judged else "",
            first_seen=seen.first_seen,
            last_seen=seen.last_seen,
            count=seen.count,
        )


class CaseOut(CaseSummary):
    """A case with what belongs to it."""

    timeline: list[EntryOut]
    alerts: list[AlertSummary]
    observables: list[SightingOut]

    @classmethod
    def of_file(cls, file: CaseFile) -> "CaseOut":
        """Make it."""
        belongings = {
            "timeline": [EntryOut.of(entry) for entry in file.timeline],
            "alerts": [AlertSummary.of(alert) for alert in file.alerts],
            "observables": [SightingOut.of(seen) for seen in file.observables],
        }
        return cls.model_validate(_members(file.case) | belongings)


class CaseQuery(PageIn):
    """Which cases."""

    status: list[CaseStatus] = []
    severity: Severity | None = Field(default=None, description="At least this severe.")
    owner: Id | None = None
    text: str = Field(default="", max_length=200, description="Part of the title.")

    def where(self) -> CaseFilter:
        """Return the filter."""
        return CaseFilter(frozenset(self.status), self.severity, self.owner, self.text)


class CaseIn(In):
    """A case to open."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Scan of the web servers", "severity": "high", "alerts": []}]})

    title: Line
    severity: Severity | None = Field(default=None, description="Left out: the worst of the alerts, else medium.")
    tlp: Tlp = Tlp.AMBER
    description: Text = ""
    owner: str = Field(default="", max_length=100, description="Left out: whoever opens it.")
    tags: list[Line] = Field(default=[], max_length=50)
    alerts: list[Id] = Field(default=[], max_length=500)

    def new(self) -> NewCase:
        """Return what the service takes."""
        return NewCase(
            title=self.title,
            severity=self.severity,
            tlp=self.tlp,
            description=self.description,
            owner=self.owner,
            tags=tuple(self.tags),
            alerts=tuple(AlertId(id) for id in self.alerts),
        )


class CaseChangeIn(In):
    """What to change of a case."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"severity": "critical", "tags": ["web"], "reason": "It spreads."}]})

    title: Line | None = None
    severity: Severity | None = None
    status: CaseStatus | None = Field(default=None, description="open or in_progress.")
    tlp: Tlp | None = None
    owner: str | None = Field(default=None, max_length=100)
    verdict: Verdict | None = None
    tags: list[Line] | None = Field(default=None, max_length=50, description="All that it is to have.")
    reason: Text = ""

    def change(self) -> CaseChange:
        """Return what the service takes."""
        tags = None if self.tags is None else tuple(self.tags)
        return CaseChange(self.title, self.severity, self.status, self.tlp, self.owner, self.verdict, tags, self.reason)


class NoteIn(In):
    """A note."""

    text: Text = Field(min_length=1)


def _members(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "title": case.title,
        "severity": case.severity,
        "status": case.status,
        "tlp": case.tlp,
        "owner": case.owner,
        "verdict": case.verdict,
        "reason": case.reason,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "tags": list(case.tags),
    }
