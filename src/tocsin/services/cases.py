"""Cases: open, look, note, close."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tocsin.core.access import Principal, Scope, require
from tocsin.core.alerts import Alert
from tocsin.core.cases import Case, CaseStatus, Entry, EntryKind
from tocsin.core.errors import Conflict
from tocsin.core.ids import AlertId, CaseId, Ids
from tocsin.core.severity import Severity, worst
from tocsin.core.tlp import Tlp
from tocsin.core.values import Instant
from tocsin.core.verdicts import Verdict
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.cases import CaseFilter
from tocsin.store.repos.observables import Sighting
from tocsin.store.repos.paging import Page
from tocsin.store.tx import Tx


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


def open_case(tx: Tx, actor: Principal, *, new: NewCase, now: Instant, ids: Ids) -> Case:
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
    return case


def close_case(tx: Tx, actor: Principal, *, id: CaseId, verdict: Verdict, reason: str, now: Instant) -> Case:
    """Close a case with what it turned out to be; raises NotFound, Conflict."""
    require(actor, Scope.CASES_WRITE)
    before = tx.cases.get(id, workspace=actor.workspace)
    if before.status is CaseStatus.CLOSED:
        raise Conflict(f"The case '{id}' is closed already, as {before.verdict.value}.", hint="Nothing is left to do.")
    closed = replace(before, status=CaseStatus.CLOSED, verdict=verdict, reason=reason, closed_at=now)
    tx.cases.save(closed)
    tx.cases.tell(id, [Entry(EntryKind.CLOSED, now, actor.name, f"{verdict.value}: {reason}")], workspace=actor.workspace)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "case.close", "case", id, {"verdict": verdict.value, "reason": reason}))
    return closed


def note_case(tx: Tx, actor: Principal, *, id: CaseId, text: str, now: Instant) -> Entry:
    """Add a note to a case's timeline; raises NotFound."""
    require(actor, Scope.CASES_WRITE)
    note = Entry(EntryKind.NOTE, now, actor.name, text)
    tx.cases.tell(id, [note], workspace=actor.workspace)
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "case.note", "case", id))
    return note


def _worst(alerts: Sequence[Alert]) -> Severity:
    if not alerts:
        return Severity.MEDIUM
    found = alerts[0].finding.severity
    for alert in alerts[1:]:
        found = worst(found, alert.finding.severity)
    return found
