"""The types of the names that every expression sees."""

from collections.abc import Mapping
from typing import Final

from tocsin.core.alerts import AlertStatus
from tocsin.core.cases import CaseStatus
from tocsin.core.observables import ObservableType
from tocsin.core.severity import Severity
from tocsin.core.tlp import Tlp
from tocsin.core.verdicts import Verdict
from tocsin.playbook.types.lattice import (
    ANY,
    NULL,
    OBJECT,
    SIZE,
    TEXT,
    Field,
    Items,
    Number,
    Object,
    Presence,
    Text,
    Type,
    closed,
    union,
)

_SEVERITY: Final = Text(tuple(Severity))
_VERDICT: Final = Text(tuple(Verdict))
_TEXT_OR_NULL: Final = union(TEXT, NULL)
_OBSERVABLE: Final = closed({"type": Text(tuple(ObservableType)), "value": TEXT})

# The objects and attributes of OCSF's Detection Finding and of the profiles that go with it; a mapping fills some of them.
_CONTEXT: Final = (
    "actor", "analytic", "answers", "api", "app_name", "attacks", "certificate", "cloud", "comment", "confidence", "confidence_id",
    "confidence_score", "connection_info", "container", "cve", "cwe", "data_sources", "databucket", "device", "devices", "disposition",
    "dst_endpoint", "email", "enrichments", "evidences", "file", "finding_info", "fingerprints", "http_request", "http_response", "impact",
    "impact_score", "ja4_fingerprint_list", "kill_chain", "malware", "metadata", "module", "network", "osint", "policy", "process",
    "protocol_name", "proxy", "query", "registry", "related_analytics", "related_events", "remediation", "resources", "risk_details",
    "risk_level", "risk_score", "rule", "service", "session", "src_endpoint", "src_url", "tags", "tls", "traffic", "unmapped", "url",
    "user", "users", "vendor", "vulnerabilities",
)  # fmt: skip

_ALERT_CORE: Final[Mapping[str, Type]] = {
    "id": TEXT,
    "source": TEXT,
    "title": TEXT,
    "severity": _SEVERITY,
    "severity_id": Number(True, 0, 6),
    "time": TEXT,
    "category": TEXT,
    "description": TEXT,
    "product": TEXT,
    "observables": Items(_OBSERVABLE),
    "problem": TEXT,
    "raw": ANY,
    "fingerprint": TEXT,
    "status": Text(tuple(AlertStatus)),
    "verdict": _VERDICT,
    "reason": TEXT,
    "count": Number(True, 1),
    "first_seen": TEXT,
    "last_seen": TEXT,
    "case": _TEXT_OR_NULL,
}
ALERT: Final = Object(
    {
        **{name: Field(ANY, Presence.UNSAID) for name in _CONTEXT},
        **{name: Field(type) for name, type in _ALERT_CORE.items()},
    }
)
CASE: Final = closed(
    {
        "id": TEXT,
        "title": TEXT,
        "severity": _SEVERITY,
        "status": Text(tuple(CaseStatus)),
        "tlp": Text(tuple(Tlp)),
        "owner": TEXT,
        "verdict": _VERDICT,
        "reason": TEXT,
        "opened_at": TEXT,
        "closed_at": _TEXT_OR_NULL,
        "tags": Items(TEXT),
    }
)
HOOK_EVENT: Final = closed({"name": TEXT, "payload": ANY})
RUN: Final = closed({"id": TEXT, "playbook": TEXT, "started_at": TEXT, "depth": SIZE})
_RUN_ERROR: Final = closed({"step": TEXT, "code": TEXT, "message": TEXT})
ENDED_RUN: Final = Object(
    {
        **RUN.fields,
        "outcome": Field(Text(("succeeded", "failed", "cancelled"))),
        "error": Field(union(_RUN_ERROR, NULL)),
    }
)
WORKSPACE: Final = OBJECT  # policies may name what they like in it

STEP_ERROR: Final = closed({"code": TEXT, "kind": TEXT, "message": TEXT})
FAILED: Final = Object({"error": Field(STEP_ERROR)}, is_error=True)  # the result of a step that failed
PERHAPS_FAILED: Final = Object({"error": Field(STEP_ERROR, Presence.MAYBE)})  # of one that has no result of its own
