"""Alerts: findings of a source, with OCSF Detection Finding's names, a compact core and the raw event."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.core.ids import AlertId, CaseId, WorkspaceId
from tocsin.core.observables import Observable
from tocsin.core.severity import Severity
from tocsin.core.values import Instant, Json, JsonObject, iso
from tocsin.core.verdicts import Verdict


class AlertStatus(StrEnum):
    """OCSF `status` of a finding."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a mapping makes of one raw event, before Tocsin gives it an id.

    `context` holds the OCSF objects that exist for it (`src_endpoint`, `dst_endpoint`, `user`, `device`, `rule`,
    `attacks`, ...). `problem` says why the event could not be normalised; then only `raw` can be relied on.
    """

    title: str
    severity: Severity
    time: Instant
    category: str = ""
    description: str = ""
    product: str = ""
    context: JsonObject = field(default_factory=dict)
    observables: tuple[Observable, ...] = ()
    identity: tuple[str, ...] = ()  # what makes two findings say the same thing; empty: title, rule, observables
    raw: Json = None
    problem: str = ""

    def as_json(self) -> JsonObject:
        """Return the flat form that playbooks, the API and `tocsin map` show."""
        return {
            **self.context,
            "title": self.title,
            "severity": self.severity.value,
            "severity_id": self.severity.severity_id,
            "time": iso(self.time),
            "category": self.category,
            "description": self.description,
            "product": self.product,
            "observables": [seen.as_json() for seen in self.observables],
            "problem": self.problem,
            "raw": self.raw,
        }


@dataclass(frozen=True, slots=True)
class Alert:
    """A stored finding; identical ones fold into it."""

    id: AlertId
    workspace: WorkspaceId
    source: str
    fingerprint: str
    finding: Finding
    status: AlertStatus
    verdict: Verdict
    count: int
    first_seen: Instant
    last_seen: Instant
    reason: str = ""  # why it was closed
    case: CaseId | None = None

    def as_json(self) -> JsonObject:
        """Return the flat form that playbooks see as `alert`."""
        return {
            **self.finding.as_json(),
            "id": self.id,
            "source": self.source,
            "fingerprint": self.fingerprint,
            "status": self.status.value,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "count": self.count,
            "first_seen": iso(self.first_seen),
            "last_seen": iso(self.last_seen),
            "case": self.case,
        }


def fingerprint(source: str, finding: Finding) -> str:
    """Return the 32 hex digits under which findings that say the same thing fold."""
    parts: list[Json]
    if finding.problem:
        parts = [finding.raw]
    elif finding.identity:
        parts = list(finding.identity)
    else:
        parts = [finding.title, finding.context.get("rule"), [[o.type.value, o.value] for o in sorted(finding.observables)]]
    text = json.dumps([source, *parts], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
