"""Alerts over the wire."""

from datetime import datetime

from pydantic import AwareDatetime, ConfigDict, Field

from tocsin.api.schemas.base import Id, In, Line, Out, PageIn
from tocsin.core.alerts import Alert, AlertStatus
from tocsin.core.ids import CaseId
from tocsin.core.observables import ObservableType
from tocsin.core.severity import Severity
from tocsin.core.values import Json, JsonObject
from tocsin.core.verdicts import Verdict
from tocsin.store.repos.alerts import AlertFilter, AlertOrder


class ObservableOut(Out):
    """A typed value that was seen."""

    type: ObservableType
    value: str


class AlertSummary(Out):
    """An alert as a line of the queue."""

    id: str
    title: str
    severity: Severity
    severity_id: int = Field(description="OCSF's number, 0 to 6.")
    status: AlertStatus
    verdict: Verdict
    reason: str = Field(description="Why it was closed.")
    source: str
    product: str
    category: str
    time: datetime = Field(description="When it happened, as the source says.")
    first_seen: datetime
    last_seen: datetime
    count: int = Field(description="How many events said the same.")
    case: str | None
    problem: str = Field(description="Why the event could not be normalised; empty when it could.")
    observables: list[ObservableOut]

    @classmethod
    def of(cls, alert: Alert) -> "AlertSummary":
        """Make it."""
        return cls.model_validate(_members(alert))


class AlertOut(AlertSummary):
    """An alert with everything that is known of it."""

    fingerprint: str
    description: str
    context: JsonObject = Field(description="OCSF objects: src_endpoint, dst_endpoint, user, rule, ...")
    raw: Json = Field(description="The event as the source sent it.")

    @classmethod
    def of(cls, alert: Alert) -> "AlertOut":
        """Make it."""
        finding = alert.finding
        more: dict[str, object] = {
            "fingerprint": alert.fingerprint,
            "description": finding.description,
            "context": finding.context,
            "raw": finding.raw,
        }
        return cls.model_validate(_members(alert) | more)


class AlertQuery(PageIn):
    """Which alerts."""

    status: list[AlertStatus] = []
    severity: Severity | None = Field(default=None, description="At least this severe.")
    source: list[Id] = []
    verdict: list[Verdict] = []
    case: Id | None = None
    text: str = Field(default="", max_length=200, description="Part of the title.")
    since: AwareDatetime | None = Field(default=None, description="Last seen at this instant or later.")
    until: AwareDatetime | None = Field(default=None, description="Last seen before this instant.")
    order: AlertOrder = AlertOrder.RECEIVED

    def where(self) -> AlertFilter:
        """Return the filter."""
        return AlertFilter(
            statuses=frozenset(self.status),
            severity_at_least=self.severity,
            sources=frozenset(self.source),
            verdicts=frozenset(self.verdict),
            case=CaseId(self.case) if self.case else None,
            text=self.text,
            since=self.since,
            until=self.until,
        )


class Closing(In):
    """What something turned out to be."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"verdict": "benign", "reason": "The nightly scan of our own scanner."}]})

    verdict: Verdict
    reason: Line


class RejectedOut(Out):
    """A line that could not be read; it is kept as an alert all the same."""

    line: int
    reason: str


class IntakeOut(Out):
    """What became of the events; everything is durable by now."""

    received: int
    alerts: int = Field(description="New ones.")
    folded: int = Field(description="Events that said what an open alert says already.")
    runs: int = Field(description="Runs of playbooks that were started.")
    skipped: int = Field(description="Events that the source's mapping says are no alerts.")
    rejected: list[RejectedOut]
    ids: list[str] = Field(description="The alerts that the events are in.")


def _members(alert: Alert) -> dict[str, object]:
    finding = alert.finding
    return {
        "id": alert.id,
        "title": finding.title,
        "severity": finding.severity,
        "severity_id": finding.severity.severity_id,
        "status": alert.status,
        "verdict": alert.verdict,
        "reason": alert.reason,
        "source": alert.source,
        "product": finding.product,
        "category": finding.category,
        "time": finding.time,
        "first_seen": alert.first_seen,
        "last_seen": alert.last_seen,
        "count": alert.count,
        "case": alert.case,
        "problem": finding.problem,
        "observables": [seen.as_json() for seen in finding.observables],
    }
