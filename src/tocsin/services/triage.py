"""The queue of alerts: list, look, close."""

from dataclasses import dataclass, field

from tocsin.core.access import Principal, Scope, require
from tocsin.core.alerts import Alert, AlertStatus
from tocsin.core.errors import Conflict
from tocsin.core.ids import AlertId
from tocsin.core.values import Instant
from tocsin.core.verdicts import Verdict
from tocsin.store.repos.alerts import AlertFilter, AlertOrder
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.paging import Page
from tocsin.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Queue:
    """Which part of the queue somebody looks at."""

    where: AlertFilter = field(default_factory=AlertFilter)
    order: AlertOrder = AlertOrder.RECEIVED
    limit: int = 50
    after: str | None = None


def find_alerts(tx: Tx, actor: Principal, *, queue: Queue) -> Page[Alert]:
    """Return a page of alerts."""
    require(actor, Scope.ALERTS_READ)
    return tx.alerts.find(queue.where, workspace=actor.workspace, order=queue.order, limit=queue.limit, after=queue.after)


def get_alert(tx: Tx, actor: Principal, *, id: AlertId) -> Alert:
    """Return one alert; raises NotFound."""
    require(actor, Scope.ALERTS_READ)
    return tx.alerts.get(id, workspace=actor.workspace)


def close_alert(tx: Tx, actor: Principal, *, id: AlertId, verdict: Verdict, reason: str, now: Instant) -> Alert:
    """Resolve an alert; raises NotFound, Conflict."""
    # A sensor may hand alerts in, and one that was taken over must not close what it handed in: closing needs both.
    require(actor, Scope.ALERTS_WRITE)
    require(actor, Scope.ALERTS_READ)
    before = tx.alerts.get(id, workspace=actor.workspace)
    if before.status is AlertStatus.RESOLVED:
        raise Conflict(f"The alert '{id}' is resolved already, as {before.verdict.value}.", hint="Nothing is left to do.")
    closed = tx.alerts.close(id, workspace=actor.workspace, verdict=verdict, reason=reason, at=now)
    details = {"verdict": verdict.value, "reason": reason}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "alert.close", "alert", id, {**details}))
    return closed
