"""How checks, rehearsals and pins lie in the columns of a version."""

from tocsin.core.playbooks import Checks, Rehearsals
from tocsin.core.values import Json, JsonObject
from tocsin.store.encoding import dump, load_object


def as_json(checks: Checks) -> JsonObject:
    """Return checks as JSON."""
    return {"errors": checks.errors, "warnings": checks.warnings, "infos": checks.infos, "diagnostics": [*checks.diagnostics]}


def checks_of(text: str) -> Checks:
    """Read what `as_json` made."""
    found = load_object(text)
    listed = found.get("diagnostics")
    diagnostics = tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return Checks(_number(found.get("errors")), _number(found.get("warnings")), _number(found.get("infos")), diagnostics)


def rehearsals_json(rehearsals: Rehearsals | None) -> str | None:
    """Return rehearsals as JSON text; None for None."""
    if rehearsals is None:
        return None
    return dump(
        {
            "passed": rehearsals.passed,
            "failed": rehearsals.failed,
            "coverage": rehearsals.coverage,
            "failures": [*rehearsals.failures],
        }
    )


def rehearsals_of(text: str | None) -> Rehearsals | None:
    """Read what `rehearsals_json` made."""
    if text is None:
        return None
    found = load_object(text)
    share, failures = found.get("coverage"), found.get("failures")
    return Rehearsals(
        _number(found.get("passed")),
        _number(found.get("failed")),
        float(share) if isinstance(share, int | float) else None,
        tuple(str(one) for one in failures) if isinstance(failures, list) else (),
    )


def calls_of(text: str) -> dict[str, str]:
    """Read the pins of a version."""
    return {id: digest for id, digest in load_object(text).items() if isinstance(digest, str)}


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0
