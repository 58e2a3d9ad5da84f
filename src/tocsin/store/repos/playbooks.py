"""Playbooks: versions by digest and by number, and the published one of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tocsin.core.errors import NotFound, PlaybookNotFound
from tocsin.core.ids import WorkspaceId
from tocsin.core.playbooks import Checks, Rehearsals, VersionState
from tocsin.core.values import Instant
from tocsin.store.encoding import clean, dump, instant, instant_or_none, micros
from tocsin.store.repos.paging import Page, page, page_limit
from tocsin.store.repos.playbook_rows import as_json, calls_of, checks_of, rehearsals_json, rehearsals_of
from tocsin.store.sql import Row, Sql, Value

_ENTRY = (
    "workspace, playbook, digest, number, title, state, author, author_id, message, saved_at, source, parent, calls, checks, rehearsed, "
    "reviewer, review, reviewed_at"
)
_OF_PLAYBOOK = "SELECT * FROM playbook_versions WHERE workspace = :workspace AND playbook = :playbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """One saved version, without its text. `digest` is the sha256 of the text and of the versions that it calls."""

    workspace: WorkspaceId
    playbook: str
    digest: str
    title: str
    author: str
    saved_at: Instant
    number: int = 0  # given when it is saved
    state: VersionState = VersionState.DRAFT
    author_id: str = ""
    message: str = ""
    source: str = "api"  # api, file, folder:PLACE, git:PLACE
    parent: str | None = None  # the version that was published when this one was saved
    calls: Mapping[str, str] = field(default_factory=dict)  # the playbooks that it calls, and the versions they are pinned to
    checks: Checks = field(default_factory=Checks)
    rehearsals: Rehearsals | None = None  # None: there are none, or they were not run
    reviewer: str = ""
    review: str = ""  # what the reviewer said
    reviewed_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookVersion(VersionEntry):
    """One saved version with its text, and with the text of its rehearsals if it has some."""

    text: str
    rehearsal: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """The version of a playbook that new runs take."""

    playbook: str
    digest: str
    title: str
    published_by: str
    published_at: Instant
    enabled: bool
    number: int
    source: str
    calls: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Publication:
    """One time that a version was made the one that new runs take. `kind`: publish, rollback or override."""

    seq: int
    digest: str
    number: int
    kind: str
    by: str
    at: Instant
    reason: str


class Playbooks:
    """The playbooks of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    # -- versions --------------------------------------------------------------------------------------------------

    def save(self, version: PlaybookVersion) -> tuple[PlaybookVersion, bool]:
        """Keep a version under the next number of its playbook; return it, or that of the same digest, and whether it is new."""
        before = self._by_digest(version.digest, version.workspace)
        if before is not None:
            return before, False
        row = self._sql.row(
            "SELECT COALESCE(MAX(number), 0) + 1 AS next FROM playbook_versions WHERE workspace = :workspace AND playbook = :playbook",
            {"workspace": version.workspace, "playbook": version.playbook},
        )
        kept = replace(version, number=1 if row is None else int(row.next), title=clean(version.title), message=clean(version.message))
        self._sql.run(
            "INSERT INTO playbook_versions (workspace, digest, playbook, number, text, title, state, author, author_id, message, saved_at, "
            "source, parent, calls, checks, rehearsal, rehearsed, reviewer, review, reviewed_at) "
            "VALUES (:workspace, :digest, :playbook, :number, :text, :title, :state, :author, :author_id, :message, :saved_at, "
            ":source, :parent, :calls, :checks, :rehearsal, :rehearsed, '', '', NULL)",
            {
                "workspace": kept.workspace,
                "digest": kept.digest,
                "playbook": kept.playbook,
                "number": kept.number,
                "text": kept.text,
                "title": kept.title,
                "state": kept.state.value,
                "author": clean(kept.author),
                "author_id": kept.author_id,
                "message": kept.message,
                "saved_at": micros(kept.saved_at),
                "source": clean(kept.source),
                "parent": kept.parent,
                "calls": dump(dict(kept.calls)),
                "checks": dump(as_json(kept.checks)),
                "rehearsal": kept.rehearsal,
                "rehearsed": rehearsals_json(kept.rehearsals),
            },
        )
        return kept, True

    def prove(self, digest: str, *, workspace: WorkspaceId, checks: Checks, rehearsal: str, rehearsals: Rehearsals | None) -> None:
        """Replace what is known of a version's checks and rehearsals."""
        self._sql.run(
            "UPDATE playbook_versions SET checks = :checks, rehearsal = :rehearsal, rehearsed = :rehearsed "
            "WHERE workspace = :workspace AND digest = :digest",
            {
                "workspace": workspace,
                "digest": digest,
                "checks": dump(as_json(checks)),
                "rehearsal": rehearsal,
                "rehearsed": rehearsals_json(rehearsals),
            },
        )

    def move(self, digest: str, state: VersionState, *, workspace: WorkspaceId) -> None:
        """Put a version into a state."""
        self._sql.run(
            "UPDATE playbook_versions SET state = :state WHERE workspace = :workspace AND digest = :digest",
            {"workspace": workspace, "digest": digest, "state": state.value},
        )

    def review(self, digest: str, state: VersionState, *, workspace: WorkspaceId, by: str, comment: str, at: Instant) -> None:
        """Record what a reviewer decided."""
        self._sql.run(
            "UPDATE playbook_versions SET state = :state, reviewer = :by, review = :comment, reviewed_at = :at "
            "WHERE workspace = :workspace AND digest = :digest",
            {"workspace": workspace, "digest": digest, "state": state.value, "by": clean(by), "comment": clean(comment), "at": micros(at)},
        )

    def version(self, digest: str, *, workspace: WorkspaceId) -> PlaybookVersion:
        """Return one version; raises PlaybookNotFound."""
        found = self._by_digest(digest, workspace)
        if found is None:
            raise PlaybookNotFound(f"No version {digest[:12]} of a playbook was ever saved.")
        return found

    def find_version(self, playbook: str, ref: str, *, workspace: WorkspaceId) -> PlaybookVersion:
        """Return a version by its number, by 8 or more characters of its digest, or by `latest` or `published`; raises NotFound."""
        where, values = _where(ref)
        rows = self._sql.rows(
            f"{_OF_PLAYBOOK} AND {where} ORDER BY number DESC LIMIT 2",
            {"workspace": workspace, "playbook": playbook, **values},
        )
        if not rows or (ref != "latest" and len(rows) > 1):
            known = self._latest_number(playbook, workspace)
            hint = f"It has versions 1 to {known}." if known else "`tocsin playbooks list` tells which playbooks there are."
            raise NotFound(f"The playbook '{playbook}' has no version '{ref}'.", hint=hint)
        return _version(rows[0])

    def versions(self, playbook: str, *, workspace: WorkspaceId, limit: int = 50, after: str | None = None) -> Page[VersionEntry]:
        """Return a page of a playbook's versions without their texts, latest first."""
        size = page_limit(limit)
        rows = self._sql.rows(
            f"SELECT {_ENTRY} FROM playbook_versions WHERE workspace = :workspace AND playbook = :playbook AND number < :after "  # noqa: S608 - a constant
            "ORDER BY number DESC LIMIT :limit",
            {
                "workspace": workspace,
                "playbook": playbook,
                "after": int(after) if after and after.isdecimal() else 2**62,
                "limit": size + 1,
            },
        )
        return page([_entry(row) for row in rows], limit=size, cursors=[str(row.number) for row in rows])

    def has_text(self, playbook: str, text: str, *, workspace: WorkspaceId, source: str) -> bool:
        """Tell whether that text was saved from that source before, whatever it called."""
        row = self._sql.row(
            "SELECT 1 AS found FROM playbook_versions "
            "WHERE workspace = :workspace AND playbook = :playbook AND source = :source AND text = :text LIMIT 1",
            {"workspace": workspace, "playbook": playbook, "source": source, "text": text},
        )
        return row is not None

    # -- what new runs take ----------------------------------------------------------------------------------------

    def publish(
        self, playbook: str, digest: str, *, workspace: WorkspaceId, by: str, at: Instant, kind: str = "publish", reason: str = ""
    ) -> None:
        """Make a saved version the one that new runs take, and remember it; raises PlaybookNotFound."""
        if self.version(digest, workspace=workspace).playbook != playbook:
            raise PlaybookNotFound(f"The version {digest[:12]} is not one of the playbook '{playbook}'.")
        key: dict[str, Value] = {"workspace": workspace, "id": playbook, "digest": digest}
        who: dict[str, Value] = {"by": clean(by), "at": micros(at)}
        self._sql.run(
            "UPDATE playbook_versions SET state = 'superseded' WHERE workspace = :workspace AND playbook = :id AND state = 'published'",
            {"workspace": workspace, "id": playbook},
        )
        self.move(digest, VersionState.PUBLISHED, workspace=workspace)
        self._sql.run(
            "INSERT INTO playbooks (workspace, id, digest, published_by, published_at, enabled) "
            "VALUES (:workspace, :id, :digest, :by, :at, TRUE) "
            "ON CONFLICT (workspace, id) DO UPDATE SET digest = excluded.digest, published_by = excluded.published_by, "
            "published_at = excluded.published_at",
            {**key, **who},
        )
        self._sql.run(
            "INSERT INTO playbook_publications (workspace, playbook, seq, digest, kind, published_by, published_at, reason) "
            "SELECT :workspace, :id, COALESCE(MAX(seq), 0) + 1, :digest, :kind, :by, :at, :reason "
            "FROM playbook_publications WHERE workspace = :workspace AND playbook = :id",
            {**key, **who, "kind": kind, "reason": clean(reason)},
        )

    def enable(self, playbook: str, enabled: bool, *, workspace: WorkspaceId) -> bool:
        """Let triggers start a playbook, or not; return whether that is a change. Raises NotFound."""
        row = self._sql.row(
            "SELECT enabled FROM playbooks WHERE workspace = :workspace AND id = :id", {"workspace": workspace, "id": playbook}
        )
        if row is None:
            raise NotFound(f"No playbook '{playbook}' is published.", hint="`tocsin playbooks list` tells which are.")
        changed = self._sql.run(
            "UPDATE playbooks SET enabled = (:enabled = 1) WHERE workspace = :workspace AND id = :id AND enabled <> (:enabled = 1)",
            {"workspace": workspace, "id": playbook, "enabled": int(enabled)},
        )
        return changed > 0

    def published(self, *, workspace: WorkspaceId) -> list[Published]:
        """Return every published playbook by id."""
        rows = self._sql.rows(
            "SELECT p.*, v.title, v.number, v.source, v.calls FROM playbooks p "
            "JOIN playbook_versions v ON v.workspace = p.workspace AND v.digest = p.digest "
            "WHERE p.workspace = :workspace ORDER BY p.id",
            {"workspace": workspace},
        )
        return [
            Published(
                row.id,
                row.digest,
                row.title,
                row.published_by,
                instant(row.published_at),
                bool(row.enabled),
                row.number,
                row.source,
                calls_of(row.calls),
            )
            for row in rows
        ]

    def publications(self, playbook: str, *, workspace: WorkspaceId, limit: int = 50) -> list[Publication]:
        """Return the last times that a version of a playbook was published, latest first."""
        rows = self._sql.rows(
            "SELECT p.*, v.number FROM playbook_publications p "
            "JOIN playbook_versions v ON v.workspace = p.workspace AND v.digest = p.digest "
            "WHERE p.workspace = :workspace AND p.playbook = :playbook ORDER BY p.seq DESC LIMIT :limit",
            {"workspace": workspace, "playbook": playbook, "limit": page_limit(limit)},
        )
        return [
            Publication(row.seq, row.digest, row.number, row.kind, row.published_by, instant(row.published_at), row.reason) for row in rows
        ]

    def current(self, playbook: str, *, workspace: WorkspaceId) -> PlaybookVersion:
        """Return the published version; raises PlaybookNotFound."""
        row = self._sql.row(
            "SELECT v.* FROM playbooks p JOIN playbook_versions v ON v.workspace = p.workspace AND v.digest = p.digest "
            "WHERE p.workspace = :workspace AND p.id = :id",
            {"workspace": workspace, "id": playbook},
        )
        if row is None:
            raise PlaybookNotFound(f"No playbook '{playbook}' is published.", hint="Publish it first, or correct the id.")
        return _version(row)

    def _by_digest(self, digest: str, workspace: WorkspaceId) -> PlaybookVersion | None:
        row = self._sql.row(
            "SELECT * FROM playbook_versions WHERE workspace = :workspace AND digest = :digest", {"workspace": workspace, "digest": digest}
        )
        return None if row is None else _version(row)

    def _latest_number(self, playbook: str, workspace: WorkspaceId) -> int:
        row = self._sql.row(
            "SELECT COALESCE(MAX(number), 0) AS latest FROM playbook_versions WHERE workspace = :workspace AND playbook = :playbook",
            {"workspace": workspace, "playbook": playbook},
        )
        return 0 if row is None else int(row.latest)


def _where(ref: str) -> tuple[str, dict[str, Value]]:
    """Return the condition that a reference to a version means."""
    if ref == "latest":
        return "TRUE", {}
    if ref == "published":
        return "state = 'published'", {}
    if ref.isascii() and ref.isdecimal() and len(ref) <= 9:
        return "number = :number", {"number": int(ref)}
    if 8 <= len(ref) <= 64 and all(one in "0123456789abcdef" for one in ref):
        return "substr(digest, 1, :length) = :start", {"start": ref, "length": len(ref)}
    return "FALSE", {}


def _entry(row: Row) -> VersionEntry:
    return VersionEntry(
        workspace=WorkspaceId(row.workspace),
        playbook=row.playbook,
        digest=row.digest,
        number=row.number,
        title=row.title,
        state=VersionState(row.state),
        author=row.author,
        author_id=row.author_id,
        message=row.message,
        saved_at=instant(row.saved_at),
        source=row.source,
        parent=row.parent,
        calls=calls_of(row.calls),
        checks=checks_of(row.checks),
        rehearsals=rehearsals_of(row.rehearsed),
        reviewer=row.reviewer,
        review=row.review,
        reviewed_at=instant_or_none(row.reviewed_at),
    )


def _version(row: Row) -> PlaybookVersion:
    entry = _entry(row)
    members = {name: getattr(entry, name) for name in entry.__dataclass_fields__}
    return PlaybookVersion(**members, text=row.text, rehearsal=row.rehearsal)
