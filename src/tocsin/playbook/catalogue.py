"""What the checker knows of the world: the actions that exist, and the fields of an alert and a case."""

from collections.abc import Iterable
from typing import Final, Protocol

from tocsin.core.effects import ActionSpec
from tocsin.core.values import JsonObject
from tocsin.playbook.schemas import OPEN, closed


class Catalogue(Protocol):
    """The actions of the installed packs."""

    def spec(self, name: str) -> ActionSpec | None:
        """Return an action by its name, `pack.action`."""

    def names(self) -> Iterable[str]:
        """Return the names of all actions."""

    def packs(self) -> Iterable[str]:
        """Return the names of all packs."""


class FixedCatalogue:
    """A catalogue of given actions."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}

    def spec(self, name: str) -> ActionSpec | None:
        """Return an action by its name, `pack.action`."""
        return self._specs.get(name)

    def names(self) -> Iterable[str]:
        """Return the names of all actions."""
        return self._specs

    def packs(self) -> Iterable[str]:
        """Return the names of all packs."""
        return {name.partition(".")[0] for name in self._specs}


_TEXT: Final[JsonObject] = {"type": "string"}
_NULLABLE: Final[JsonObject] = {"type": ["string", "null"]}
_INTEGER: Final[JsonObject] = {"type": "integer"}
_OBSERVABLES: Final[JsonObject] = {"type": "array", "items": closed({"type": _TEXT, "value": _TEXT})}

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

ALERT_SCHEMA: Final[JsonObject] = closed(
    {
        **dict.fromkeys(_CONTEXT, OPEN),
        "id": _TEXT,
        "source": _TEXT,
        "title": _TEXT,
        "severity": _TEXT,
        "severity_id": _INTEGER,
        "time": _TEXT,
        "category": _TEXT,
        "description": _TEXT,
        "product": _TEXT,
        "observables": _OBSERVABLES,
        "problem": _TEXT,
        "raw": OPEN,
        "fingerprint": _TEXT,
        "status": _TEXT,
        "verdict": _TEXT,
        "reason": _TEXT,
        "count": _INTEGER,
        "first_seen": _TEXT,
        "last_seen": _TEXT,
        "case": _NULLABLE,
    }
)
CASE_SCHEMA: Final[JsonObject] = closed(
    {
        "id": _TEXT,
        "title": _TEXT,
        "severity": _TEXT,
        "status": _TEXT,
        "tlp": _TEXT,
        "owner": _TEXT,
        "verdict": _TEXT,
        "reason": _TEXT,
        "opened_at": _TEXT,
        "closed_at": _NULLABLE,
        "tags": {"type": "array", "items": _TEXT},
    }
)
RUN_SCHEMA: Final[JsonObject] = closed({"id": _TEXT, "playbook": _TEXT, "started_at": _TEXT, "depth": _INTEGER})
WORKSPACE_SCHEMA: Final[JsonObject] = OPEN  # policies may name what they like in it
