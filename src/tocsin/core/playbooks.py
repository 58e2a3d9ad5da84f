"""What becomes of a version of a playbook: the states that it goes through, and what its machine checks said."""

from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.core.values import JsonObject


class VersionState(StrEnum):
    """Where a version stands on its way to new runs."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"  # new runs take it; at most one version of a playbook
    SUPERSEDED = "superseded"  # was published once


class Review(StrEnum):
    """Whether somebody other than the author must approve a version before it is published."""

    REQUIRED = "required"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Checks:
    """What checking a version found: how many of each kind, and all of it as `{code, severity, message, hint, span}`."""

    errors: int = 0
    warnings: int = 0
    infos: int = 0
    diagnostics: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """How a version's rehearsals went. `coverage`: the share of its branches that they took, 0 to 1; None when nobody counted."""

    passed: int = 0
    failed: int = 0
    coverage: float | None = None
    failures: tuple[str, ...] = field(default=())  # a line a failed case

    @property
    def are_green(self) -> bool:
        """Tell whether none failed."""
        return self.failed == 0


@dataclass(frozen=True, slots=True)
class Manuscript:
    """A playbook as it lies somewhere: in a folder, in a repository. `file` is how that place calls it; `rehearsal` may be empty."""

    id: str
    text: str
    rehearsal: str = ""
    file: str = ""
