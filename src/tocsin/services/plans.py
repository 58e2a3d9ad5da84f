"""The compiled versions of playbooks, kept in memory; the store has their texts."""

import threading
from dataclasses import dataclass

import structlog

from tocsin.core.cases import CaseHappening
from tocsin.core.errors import PlaybookNotFound, TocsinError
from tocsin.core.ids import DEFAULT_WORKSPACE, WorkspaceId
from tocsin.core.values import JsonObject
from tocsin.engine.undo import is_undo, undo_plan
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import compile_playbook
from tocsin.playbook.plan import AlertTrigger, CaseTrigger, Plan, ScheduleTrigger, WebhookTrigger
from tocsin.store.tx import Tx
from tocsin.store.units import Units

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What is published at one moment."""

    plans: dict[str, Plan]
    on_alert: tuple[tuple[AlertTrigger, Plan], ...]


class PlanShelf:
    """Implements `engine.ports.Plans`, and finds the playbooks that an alert starts."""

    def __init__(self, units: Units, catalogue: Catalogue, *, workspace: WorkspaceId = DEFAULT_WORKSPACE) -> None:
        self._units, self._catalogue, self._workspace = units, catalogue, workspace
        self._by_digest: dict[str, Plan] = {}
        self._lock = threading.Lock()
        self._shelf = _Shelf({}, ())

    def refresh(self) -> None:
        """Read what is published now."""
        enabled = self._units.read_now(self._published)
        plans = {}
        for playbook, digest in enabled:
            try:
                plans[playbook] = self.by_digest(digest)
            except TocsinError as error:
                log.error("playbook.unusable", playbook=playbook, reason=str(error))
        triggers = tuple((trigger, plan) for plan in plans.values() for trigger in plan.triggers if isinstance(trigger, AlertTrigger))
        self._shelf = _Shelf(plans, triggers)

    def by_digest(self, digest: str) -> Plan:
        """Return the plan of one version; raises PlaybookNotFound."""
        if is_undo(digest):
            return undo_plan(digest)
        plan = self._by_digest.get(digest)
        if plan is None:
            version = self._units.read_now(lambda tx: tx.playbooks.version(digest, workspace=self._workspace))
            plan = compile_playbook(version.text, file=f"{version.playbook}.yaml", catalogue=self._catalogue, pins=version.calls)
            with self._lock:
                self._by_digest[digest] = plan
        return plan

    def current(self, playbook: str) -> Plan:
        """Return the published plan of a playbook; raises PlaybookNotFound."""
        plan = self._shelf.plans.get(playbook)
        if plan is None:
            raise PlaybookNotFound(
                f"There is no published playbook '{playbook}'.", hint=f"Published are: {', '.join(sorted(self._shelf.plans)) or 'none'}."
            )
        return plan

    def started_by(self, alert: JsonObject) -> list[Plan]:
        """Return the playbooks whose alert trigger accepts the alert, each once."""
        found: dict[str, Plan] = {}
        for trigger, plan in self._shelf.on_alert:
            if plan.id not in found and _accepts(trigger, plan, alert):
                found[plan.id] = plan
        return list(found.values())

    def on_webhook(self, name: str) -> list[Plan]:
        """Return the playbooks that a call of the named hook starts."""
        return [
            plan
            for plan in self._shelf.plans.values()
            if any(isinstance(one, WebhookTrigger) and one.name == name for one in plan.triggers)
        ]

    def on_case(self, happening: CaseHappening) -> list[Plan]:
        """Return the playbooks that a case starts when this happens to it."""
        return [
            plan
            for plan in self._shelf.plans.values()
            if any(isinstance(one, CaseTrigger) and one.happening == happening for one in plan.triggers)
        ]

    def on_schedule(self) -> list[tuple[str, Plan]]:
        """Return the cron lines of all playbooks, each with its playbook."""
        found = {
            (one.cron, plan.id): plan for plan in self._shelf.plans.values() for one in plan.triggers if isinstance(one, ScheduleTrigger)
        }
        return [(cron, plan) for (cron, _), plan in found.items()]

    def _published(self, tx: Tx) -> list[tuple[str, str]]:
        return [(one.playbook, one.digest) for one in tx.playbooks.published(workspace=self._workspace) if one.enabled]


def _accepts(trigger: AlertTrigger, plan: Plan, alert: JsonObject) -> bool:
    try:
        return trigger.condition.test({"alert": alert})
    except TocsinError as error:
        # An alert that lacks a field the trigger reads is not for this playbook; said aloud, for it may be a mistake.
        log.warning("trigger.error", playbook=plan.id, alert=alert.get("id"), reason=str(error))
        return False
