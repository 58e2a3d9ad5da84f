"""Versions of playbooks over the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from tocsin.api.schemas.base import In, Line, Out, PageOut, Text
from tocsin.core.playbooks import Checks, Rehearsals, VersionState
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.diff import Change as Meaning
from tocsin.playbook.diff import ChangeKind, Risk
from tocsin.services.playbooks import History
from tocsin.services.versions.proof import Proof
from tocsin.services.versions.release import Change, Item, Release
from tocsin.store.repos.playbooks import PlaybookVersion, Publication, VersionEntry

LONGEST_TEXT = 256 * 1024
MOST_PLAYBOOKS = 1_000

PlaybookText = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]
RehearsalText = Annotated[str, StringConstraints(max_length=LONGEST_TEXT)]
PlaybookId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
VersionRef = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class FindingOut(Out):
    """Something to say about a place in a text, as `tocsin check --format json` writes it."""

    code: str
    severity: str = Field(description="error, warning or info.")
    message: str
    hint: str
    span: JsonObject = Field(description="file, line, column, end_line, end_column; 1-based, the end exclusive.")


class ChecksOut(Out):
    """What checking found."""

    errors: int
    warnings: int
    infos: int
    diagnostics: list[FindingOut]

    @classmethod
    def of(cls, checks: Checks) -> "ChecksOut":
        """Make it."""
        found = [FindingOut.model_validate(one) for one in checks.diagnostics]
        return cls(errors=checks.errors, warnings=checks.warnings, infos=checks.infos, diagnostics=found)


class RehearsalsOut(Out):
    """How the rehearsals went."""

    passed: int
    failed: int
    coverage: float | None = Field(description="The share of the branches that they took, 0 to 1.")
    failures: list[str]

    @classmethod
    def of(cls, rehearsals: Rehearsals | None) -> "RehearsalsOut | None":
        """Make it."""
        if rehearsals is None:
            return None
        return cls(passed=rehearsals.passed, failed=rehearsals.failed, coverage=rehearsals.coverage, failures=list(rehearsals.failures))


class VersionSummary(Out):
    """One saved version, without its text."""

    playbook: str
    number: int
    digest: str = Field(description="The sha256 of the text and of the versions that it calls.")
    title: str
    state: VersionState
    author: str
    message: str
    saved_at: datetime
    source: str = Field(description="api, file, folder:PLACE or git:PLACE.")
    parent: str | None = Field(description="The version that was published when this one was saved.")
    calls: dict[str, str] = Field(description="The playbooks that it calls, and the version of each that it is pinned to.")
    checks: ChecksOut
    rehearsals: RehearsalsOut | None = Field(description="null when it has none.")
    reviewer: str
    review: str = Field(description="What the reviewer said.")
    reviewed_at: datetime | None

    @classmethod
    def of(cls, entry: VersionEntry) -> "VersionSummary":
        """Make it."""
        return cls.model_validate(_members(entry))


class VersionOut(VersionSummary):
    """One saved version with its text."""

    text: str
    rehearsal: str = Field(description="The text of its rehearsals; empty when it has none.")

    @classmethod
    def of_version(cls, version: PlaybookVersion) -> "VersionOut":
        """Make it."""
        return cls.model_validate(_members(version) | {"text": version.text, "rehearsal": version.rehearsal})


class PublicationOut(Out):
    """One time that a version was made the one that new runs take."""

    number: int
    digest: str
    kind: str = Field(description="publish, rollback, or override: an administrator published it without a review.")
    by: str
    at: datetime
    reason: str

    @classmethod
    def of(cls, one: Publication) -> "PublicationOut":
        """Make it."""
        return cls(number=one.number, digest=one.digest, kind=one.kind, by=one.by, at=one.at, reason=one.reason)


class HistoryOut(PageOut[VersionSummary]):
    """A page of versions, latest first, with the last publications."""

    publications: list[PublicationOut]

    @classmethod
    def of(cls, history: History) -> "HistoryOut":
        """Make it."""
        return cls(
            items=[VersionSummary.of(one) for one in history.versions.items],
            next=history.versions.next,
            publications=[PublicationOut.of(one) for one in history.publications],
        )


class VersionIn(In):
    """A text to keep as a draft."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "schema: tocsin/playbook@1\n…", "message": "Ask before blocking."}]})

    text: PlaybookText
    message: Line = Field(description="What has changed, and why.")
    rehearsal: RehearsalText = Field(default="", description="The text of its rehearsals.")


class CheckIn(In):
    """A text to check; nothing is kept."""

    text: PlaybookText
    id: PlaybookId | None = Field(default=None, description="The playbook that it is meant to be, if it is to be that one.")
    rehearsal: RehearsalText = Field(default="", description="The text of its rehearsals, which are then played.")


class CheckedOut(Out):
    """What checking a text found."""

    digest: str
    checks: ChecksOut
    rehearsals: RehearsalsOut | None

    @classmethod
    def of(cls, proof: Proof) -> "CheckedOut":
        """Make it."""
        return cls(digest=proof.digest, checks=ChecksOut.of(proof.checks), rehearsals=RehearsalsOut.of(proof.rehearsals))


class CommentIn(In):
    """What a reviewer says."""

    comment: Text = ""


class PublishIn(In):
    """How to publish."""

    override: bool = Field(default=False, description="Publish without the approval that is required; for administrators, audited.")
    reason: Text = Field(default="", description="Needed for an override.")


class RollbackIn(In):
    """Where to go back to."""

    to: VersionRef | None = Field(default=None, description="A version's number or digest; without it, the one published before.")
    reason: Text = ""


class DiffQuery(In):
    """Which versions to compare: each a number, a digest, `published` or `latest`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    before: VersionRef = Field(default="published", alias="from")
    after: VersionRef = Field(default="latest", alias="to")


class ChangeOut(Out):
    """One change of what a playbook does."""

    kind: ChangeKind
    path: str
    before: Json
    after: Json
    risk: Risk = Field(description="How closely a reviewer should look.")
    sentence: str

    @classmethod
    def of(cls, change: Meaning) -> "ChangeOut":
        """Make it."""
        return cls.model_validate(change.as_json())


class DiffOut(Out):
    """What has changed between two versions."""

    before: int = Field(description="The number of the one.")
    after: int = Field(description="The number of the other.")
    readable: bool = Field(description="False when one of them has errors; then only the lines are compared.")
    changes: list[ChangeOut] = Field(description="What the changes mean; empty when only the form has changed.")
    text: str = Field(description="The changed lines, with a + or a - before them.")


class ManuscriptIn(In):
    """One playbook of a release."""

    id: PlaybookId
    text: PlaybookText
    rehearsal: RehearsalText = ""
    file: Annotated[str, StringConstraints(max_length=1_000)] = Field(default="", description="How diagnostics call it.")


class ReleaseIn(In):
    """Playbooks that are published together, or not at all."""

    source: Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^(folder|git):[^\x00-\x1f\x7f]+$")] = Field(
        description="Where they come from; what came from there before, and is missing now, counts as removed."
    )
    message: Text = Field(description="What has changed: the commit, for example.")
    playbooks: list[ManuscriptIn] = Field(max_length=MOST_PLAYBOOKS)
    dry_run: bool = Field(default=True, description="Only say what would be done.")
    prune: bool = Field(default=False, description="Switch off the playbooks that are removed.")


class ReleaseItemOut(Out):
    """What a release does to one playbook."""

    id: str
    change: Change
    published: str = Field(description="The digest that was published before; empty when none was.")
    digest: str | None
    title: str
    checks: ChecksOut | None
    rehearsals: RehearsalsOut | None
    changes: list[ChangeOut]
    text: str = Field(description="The changed lines, with a + or a - before them.")
    number: int | None = Field(description="Of the version that was saved; null in a dry run.")
    state: VersionState | None
    disabled: bool = Field(description="Switched off by this release.")

    @classmethod
    def of(cls, item: Item) -> "ReleaseItemOut":
        """Make it."""
        proof, version = item.proof, item.saved.version if item.saved else None
        return cls(
            id=item.id,
            change=item.change,
            published=item.digest,
            digest=proof.digest if proof else None,
            title=proof.plan.title if proof and proof.plan else "",
            checks=ChecksOut.of(proof.checks) if proof else None,
            rehearsals=RehearsalsOut.of(proof.rehearsals) if proof else None,
            changes=[ChangeOut.of(one) for one in item.changes],
            text=item.lines,
            number=version.number if version else None,
            state=version.state if version else None,
            disabled=item.is_disabled,
        )


class ReleaseOut(Out):
    """What a release would do, or has done. Nothing is done when it is red."""

    red: bool = Field(description="Something is wrong with at least one playbook.")
    done: bool
    items: list[ReleaseItemOut]

    @classmethod
    def of(cls, release: Release, *, is_done: bool) -> "ReleaseOut":
        """Make it."""
        return cls(red=release.is_red, done=is_done, items=[ReleaseItemOut.of(one) for one in release.items])


def _members(entry: VersionEntry) -> dict[str, object]:
    return {
        "playbook": entry.playbook,
        "number": entry.number,
        "digest": entry.digest,
        "title": entry.title,
        "state": entry.state,
        "author": entry.author,
        "message": entry.message,
        "saved_at": entry.saved_at,
        "source": entry.source,
        "parent": entry.parent,
        "calls": dict(entry.calls),
        "checks": ChecksOut.of(entry.checks),
        "rehearsals": RehearsalsOut.of(entry.rehearsals),
        "reviewer": entry.reviewer,
        "review": entry.review,
        "reviewed_at": entry.reviewed_at,
    }
