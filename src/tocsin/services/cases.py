"""Cases: open, look, change, note, close."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tocsin.core.access import Principal, Scope, require
from tocsin.core.alerts import Alert
from tocsin.core.cases import Case, CaseStatus, Entry, EntryKind
from tocsin.core.errors import Conflict, Invalid
from tocsin.core.ids import AlertId, CaseId, Ids
from tocsin.core.severity import Severity, worst
from tocsin.core.tlp import Tlp
from tocsin.core.values import Instant, JsonObject
from tocsin.core.verdicts import Verdict
from tocsin.services.case_news import CaseNews
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.cases import CaseFilter
from tocsin.store.repos.observables import Sighting
from tocsin.store.repos.paging import Page
from tocsin.store.tx import Tx

_CHANGEABLE = ("title", "severity", "status", "tlp", "owner", "verdict", "tags")


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a person says when opening a case. `severity` None: the worst of the alerts, else medium."""

    title: str
    severity: Severity | None = None
    tlp: Tlp = Tlp.AMBER
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    alerts: tuple[AlertId, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseChange:
    """What a person changes of a case; what is None stays as it is. `tags` are all that it is to have."""

    title: str | None = None
    severity: Severity | None = None
    status: CaseStatus | None = None  # open or in_progress; a closed case is reopened by it
    tlp: Tlp | None = None
    owner: str | None = None
    verdict: Verdict | None = None
    tags: tuple[str, ...] | None = None
    reason: str = ""  # why, for the timeline


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with what belongs to it."""

    case: Case
    timeline: tuple[Entry, ...]
    alerts: tuple[Alert, ...]
    observables: tuple[Sighting, ...]


def find_cases(tx: Tx, actor: Principal, *, where: CaseFilter, limit: int = 50, after: str | None = None) -> Page[Case]:
    """Return a page of cases, newest first."""
    require(actor, Scope.CASES_READ)
    return tx.cases.find(where, workspace=actor.workspace, limit=limit, after=after)


def get_case(tx: Tx, actor: Principal, *, id: CaseId) -> CaseFile:
    """Return a case with its timeline, alerts and observables; raises NotFound."""
    require(actor, Scope.CASES_READ)
    case = tx.cases.get(id, workspace=actor.workspace)
    return CaseFile(
        case,
        tuple(tx.cases.timeline(id, workspace=actor.workspace)),
        tuple(tx.alerts.of_case(id, workspace=actor.workspace)),
        tuple(tx.observables.of_case(id, workspace=actor.workspace)),
    )


def open_case(tx: Tx, actor: Principal, *, new: NewCase, now: Instant, ids: Ids, news: CaseNews) -> Case:
    """Open a case over some alerts, or over none; raises NotFound."""
    require(actor, Scope.CASES_WRITE)
    alerts = [tx.alerts.get(id, workspace=actor.workspace) for id in dict.fromkeys(new.alerts)]
    case = Case(
        id=CaseId(ids("cas")),
        workspace=actor.workspace,
        title=new.title,
        severity=new.severity or _worst(alerts),
        status=CaseStatus.OPEN,
        tlp=new.tlp,
        owner=new.owner or actor.name,
        verdict=Verdict.UNKNOWN,
        reason="",
        opened_at=now,
        tags=new.tags,
    )
    tx.cases.add(case)
    entries = [Entry(EntryKind.OPENED, now, actor.name, new.description or new.title)]
    for alert in alerts:
        tx.alerts.set_case(alert.id, case.id, workspace=actor.workspace)
        entries.append(Entry(EntryKind.ALERT, now, actor.name, alert.finding.title, alert.id))
    tx.cases.tell(case.id, entries, workspace=actor.workspace)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "case.open", "case", case.id, {"title": new.title}))
    news.tell(tx, None, case, by=actor.name, now=now)
    return case


def change_case(tx: Tx, actor: Principal, *, id: CaseId, change: CaseChange, now: Instant, news: CaseNews) -> Case:
    """Change what is known of a case, or reopen it; raises NotFound, Invalid. A change that changes nothing leaves no trace."""
    require(actor, Scope.CASES_WRITE)
    if change.status is CaseStatus.CLOSED:
        raise Invalid("A case is not closed by a change.", hint="Close it with a verdict and a reason: POST /cases/{id}/close.")
    before = tx.cases.get(id, workspace=actor.workspace)
    after = _changed(before, change)
    if after == before:
        return before
    changed = [name for name in _CHANGEABLE if getattr(before, name) != getattr(after, name)]
    tx.cases.save(after)
    text = "; ".join(f"{name}: {_shown(getattr(after, name))}" for name in changed) + (f" ({change.reason})" if change.reason else "")
    tx.cases.tell(id, [Entry(EntryKind.CHANGED, now, actor.name, text)], workspace=actor.workspace)
    details: JsonObject = {"changed": [*changed], "reason": change.reason}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "case.change", "case", id, details))
    news.tell(tx, before, after, by=actor.name, now=now)
    return after


def close_case(tx: Tx, actor: Principal, *, id: CaseId, verdict: Verdict, reason: str, now: Instant, news: CaseNews) -> Case:
    """Close a case with what it turned out to be; raises NotFound, Conflict."""
    require(actor, Scope.CASES_WRITE)
    before = tx.cases.get(id, workspace=actor.workspace)
    if before.status is CaseStatus.CLOSED:
        raise Conflict(f"The case '{id}' is closed already, as {before.verdict.value}.", hint="Nothing is left to do.")
    closed = replace(before, status=CaseStatus.CLOSED, verdict=verdict, reason=reason, closed_at=now)
    tx.cases.save(closed)
    tx.cases.tell(id, [Entry(EntryKind.CLOSED, now, actor.name, f"{verdict.value}: {reason}")], workspace=actor.workspace)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "case.close", "case", id, {"verdict": verdict.value, "reason": reason}))
    news.tell(tx, before, closed, by=actor.name, now=now)
    return closed


def note_case(tx: Tx, actor: Principal, *, id: CaseId, text: str, now: Instant) -> Entry:
    """Add a note to a case's timeline; raises NotFound."""
    require(actor, Scope.CASES_WRITE)
    note = Entry(EntryKind.NOTE, now, actor.name, text)
    tx.cases.tell(id, [note], workspace=actor.workspace)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "case.note", "case", id))
    return note


def _changed(case: Case, change: CaseChange) -> Case:
    status = change.status or case.status
    return replace(
        case,
        title=change.title or case.title,
        severity=change.severity or case.severity,
        status=status,
        tlp=change.tlp or case.tlp,
        owner=case.owner if change.owner is None else change.owner,
        verdict=change.verdict or case.verdict,
        closed_at=case.closed_at if status is CaseStatus.CLOSED else None,
        tags=case.tags if change.tags is None else tuple(dict.fromkeys(change.tags)),
    )


def _shown(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value) or "nobody"


def _worst(alerts: Sequence[Alert]) -> Severity:
    if not alerts:
        return Severity.MEDIUM
    found = alerts[0].finding.severity
    for alert in alerts[1:]:
        found = worst(found, alert.finding.severity)
    return found
