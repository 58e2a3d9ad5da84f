"""Playbooks over the wire."""

from datetime import datetime

from pydantic import Field

from tocsin.api.schemas.base import In, Out
from tocsin.core.diagnostics import Diagnostic
from tocsin.core.playbooks import VersionState
from tocsin.services.versions.saving import SavedPlaybook
from tocsin.store.repos.playbooks import Published


class DiagnosticOut(Out):
    """Something to say about a place in the text."""

    code: str
    level: str
    message: str
    hint: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def of(cls, found: Diagnostic) -> "DiagnosticOut":
        """Make it."""
        span = found.span
        return cls(
            code=found.code,
            level=found.level.name.lower(),
            message=found.message,
            hint=found.hint,
            file=span.file,
            line=span.line,
            column=span.column,
            end_line=span.end_line,
            end_column=span.end_column,
        )


class PlaybookSummary(Out):
    """A published playbook."""

    id: str
    title: str
    digest: str
    published_by: str
    published_at: datetime
    enabled: bool = Field(description="Whether it can be started.")
    number: int = Field(description="Of the published version.")

    @classmethod
    def of(cls, one: Published) -> "PlaybookSummary":
        """Make it."""
        return cls(
            id=one.playbook,
            title=one.title,
            digest=one.digest,
            published_by=one.published_by,
            published_at=one.published_at,
            enabled=one.enabled,
            number=one.number,
        )


class PlaybookList(Out):
    """Every published playbook."""

    items: list[PlaybookSummary]


class PlaybookOut(Out):
    """The published version with its text."""

    id: str
    title: str
    digest: str
    number: int
    author: str
    saved_at: datetime
    text: str


class PlaybookIn(In):
    """A playbook's text."""

    text: str = Field(min_length=1, max_length=256 * 1024)
    publish: bool = Field(default=True, description="Let new runs take it, if it has no errors.")
    message: str = Field(default="", max_length=20_000, description="What has changed, and why.")
    rehearsal: str = Field(default="", max_length=256 * 1024, description="The text of its rehearsals.")


class SavedOut(Out):
    """What saving did; a text with errors was neither kept nor published."""

    id: str
    digest: str
    saved: bool = Field(description="False when it has errors.")
    is_new: bool = Field(description="False when that very text was there already.")
    published: bool
    number: int | None = Field(description="Of the version; null when it was not saved.")
    state: VersionState | None
    diagnostics: list[DiagnosticOut]

    @classmethod
    def of(cls, saved: SavedPlaybook) -> "SavedOut":
        """Make it."""
        return cls(
            id=saved.id,
            digest=saved.digest,
            saved=saved.is_saved,
            is_new=saved.is_new,
            published=saved.is_published,
            number=saved.version.number if saved.version else None,
            state=saved.version.state if saved.version else None,
            diagnostics=[DiagnosticOut.of(found) for found in saved.diagnostics],
        )
