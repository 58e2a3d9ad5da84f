"""Cases: what a person works on."""

from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.ids import CaseId, WorkspaceId
from tocsin.core.severity import Severity
from tocsin.core.tlp import Tlp
from tocsin.core.values import Instant, Json, JsonObject, iso
from tocsin.core.verdicts import Verdict


class CaseStatus(StrEnum):
    """Where the work stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


class CaseHappening(StrEnum):
    """What can happen to a case, as triggers and waits name it."""

    OPENED = "opened"
    ESCALATED = "escalated"  # its severity was raised
    CLOSED = "closed"
    REOPENED = "reopened"
    TAG_ADDED = "tag-added"
    ASSIGNED = "assigned"  # to somebody, or to somebody else
    SEVERITY_CHANGED = "severity-changed"
    VERDICT_SET = "verdict-set"


class EntryKind(StrEnum):
    """What a line of a case's timeline tells."""

    OPENED = "opened"
    NOTE = "note"
    ALERT = "alert"
    STEP = "step"
    ASK = "ask"
    CHANGED = "changed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a case's timeline; `ref` is the id of what it tells of (an alert, a run, an ask)."""

    kind: EntryKind
    at: Instant
    by: str
    text: str
    ref: str = ""
    details: Json = None


@dataclass(frozen=True, slots=True)
class Case:
    """A piece of work with its outcome."""

    id: CaseId
    workspace: WorkspaceId
    title: str
    severity: Severity
    status: CaseStatus
    tlp: Tlp
    owner: str
    verdict: Verdict
    reason: str
    opened_at: Instant
    closed_at: Instant | None = None
    tags: tuple[str, ...] = ()

    def as_json(self) -> JsonObject:
        """Return the form that playbooks see as `case` and the API shows."""
        return {
            "id": self.id,
            "title": self.title,
            "severity": self.severity.value,
            "status": self.status.value,
            "tlp": self.tlp.value,
            "owner": self.owner,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "opened_at": iso(self.opened_at),
            "closed_at": iso(self.closed_at) if self.closed_at else None,
            "tags": list(self.tags),
        }


def happenings(before: Case | None, after: Case) -> tuple[CaseHappening, ...]:
    """Return what a change of a case is, in the order of the list; `before` is None for a new one, which was opened and nothing else."""
    if before is None:
        return (CaseHappening.OPENED,)
    was_closed, is_closed = before.status is CaseStatus.CLOSED, after.status is CaseStatus.CLOSED
    found = {
        CaseHappening.ESCALATED: after.severity.severity_id > before.severity.severity_id,
        CaseHappening.CLOSED: is_closed and not was_closed,
        CaseHappening.REOPENED: was_closed and not is_closed,
        CaseHappening.TAG_ADDED: not set(after.tags) <= set(before.tags),
        CaseHappening.ASSIGNED: after.owner not in ("", before.owner),
        CaseHappening.SEVERITY_CHANGED: after.severity is not before.severity,
        CaseHappening.VERDICT_SET: after.verdict is not before.verdict,
    }
    return tuple(happening for happening, is_so in found.items() if is_so)
