"""What a case is started with: a whole alert or case made of the few fields that its author wrote."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.severity import Severity
from tocsin.core.values import JsonObject, iso
from tocsin.playbook.inputs import handed_over, with_defaults
from tocsin.playbook.plan import AlertTrigger, CaseTrigger, Plan, WebhookTrigger
from tocsin.rehearsal.model import Start, StartKind
from tocsin.rehearsal.schema_check import problems

ALERT_ID: Final = "alr_rehearsal"
CASE_ID: Final = "case_rehearsal"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run is started with. `refusal` says why the playbook would not have been started, if it would not."""

    trigger: JsonObject
    alert: JsonObject | None = None
    case: JsonObject | None = None
    inputs: JsonObject | None = None
    refusal: str = ""


def beginning_of(start: Start, plan: Plan, now: datetime) -> Beginning:
    """Return what the run is started with."""
    match start.kind:
        case StartKind.ALERT:
            alert = whole_alert(start.value, now)
            trigger: JsonObject = {"kind": "alert", "alert": alert["id"]}
            return Beginning(trigger, alert=alert, inputs=start.inputs, refusal=_refuses_alert(plan, alert))
        case StartKind.CASE:
            case = whole_case(start.value, now)
            trigger = {"kind": "case", "case": case["id"], "happening": start.name or "opened"}
            return Beginning(trigger, case=case, inputs=start.inputs, refusal=_refuses_case(plan, start.name or "opened"))
        case StartKind.WEBHOOK:
            known = plan.inputs.get("properties")
            names = known if isinstance(known, dict) else {}
            taken: JsonObject = {name: value for name, value in start.value.items() if name in names}
            trigger = {"kind": "webhook", "hook": start.name, "by": f"webhook {start.name}", "body": start.value}
            return Beginning(trigger, inputs={**taken, **start.inputs}, refusal=_refuses_hook(plan, start.name))
        case StartKind.MANUAL:
            return Beginning({"kind": "manual", "by": "amira", "user": "user:amira"}, inputs=start.inputs)


def whole_alert(given: JsonObject, now: datetime) -> JsonObject:
    """Return an alert with every field that a real one has."""
    severity = given.get("severity", Severity.MEDIUM.value)
    known = severity in [one.value for one in Severity]
    plain: JsonObject = {
        "id": ALERT_ID,
        "source": "rehearsal",
        "title": "An alert",
        "severity": severity,
        "severity_id": Severity(str(severity)).severity_id if known else 0,
        "time": iso(now),
        "category": "",
        "description": "",
        "product": "",
        "observables": [],
        "problem": "",
        "raw": {},
        "status": "new",
        "verdict": "unknown",
        "reason": "",
        "count": 1,
        "first_seen": iso(now),
        "last_seen": iso(now),
        "case": None,
    }
    text = json.dumps(given, sort_keys=True, ensure_ascii=False)
    return {**plain, "fingerprint": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32], **given}


def whole_case(given: JsonObject, now: datetime) -> JsonObject:
    """Return a case with every field that a real one has."""
    plain: JsonObject = {
        "id": CASE_ID,
        "title": "A case",
        "severity": Severity.MEDIUM.value,
        "status": "open",
        "tlp": "amber",
        "owner": "",
        "verdict": "unknown",
        "reason": "",
        "opened_at": iso(now),
        "closed_at": None,
        "tags": [],
    }
    return {**plain, **given}


def _refuses_alert(plan: Plan, alert: JsonObject) -> str:
    triggers = [one for one in plan.triggers if isinstance(one, AlertTrigger)]
    if not triggers:
        return "" if not plan.triggers else "it has no trigger for alerts"
    reasons = []
    for trigger in triggers:
        try:
            if trigger.condition.test({"alert": alert}):
                return ""
            reasons.append(f"{trigger.condition.source} is false")
        except TocsinError as error:
            reasons.append(str(error))
    return f"no trigger accepts the alert: {'; '.join(reasons)}"


def _refuses_case(plan: Plan, happening: str) -> str:
    known = [one.happening for one in plan.triggers if isinstance(one, CaseTrigger)]
    return "" if not plan.triggers or happening in known else f"it has no trigger 'case: {happening}'"


def _refuses_hook(plan: Plan, name: str) -> str:
    known = [one.name for one in plan.triggers if isinstance(one, WebhookTrigger)]
    return "" if name in known else f"it has no trigger 'webhook: {name}'"


def check_inputs(plan: Plan, start: Start) -> str:
    """Say what is wrong with the inputs of a start; empty if nothing is."""
    try:
        handed_over(plan, start.inputs)
    except Invalid as error:
        unknown = set(start.inputs) - set(with_defaults(plan, {})) - set(map(str, _properties(plan)))
        if start.kind is StartKind.MANUAL or unknown:
            return str(error)
    found = problems({**start.inputs}, {**plan.inputs, "required": []})
    return f"The inputs do not fit: {'; '.join(found)}." if found else ""


def _properties(plan: Plan) -> JsonObject:
    known = plan.inputs.get("properties")
    return known if isinstance(known, dict) else {}
