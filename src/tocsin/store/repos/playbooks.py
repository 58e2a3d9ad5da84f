"""Playbooks: versions by digest, and the published one of each."""

from dataclasses import dataclass

from tocsin.core.errors import NotFound, PlaybookNotFound
from tocsin.core.ids import WorkspaceId
from tocsin.core.values import Instant
from tocsin.store.encoding import clean, instant, micros
from tocsin.store.sql import Row, Sql


@dataclass(frozen=True, slots=True)
class PlaybookVersion:
    """One saved text; `digest` is the sha256 of it."""

    workspace: WorkspaceId
    playbook: str
    digest: str
    text: str
    title: str
    author: str
    saved_at: Instant


@dataclass(frozen=True, slots=True)
class Published:
    """The version of a playbook that new runs take."""

    playbook: str
    digest: str
    title: str
    published_by: str
    published_at: Instant
    enabled: bool


class Playbooks:
    """The playbooks of all workspaces; every question names one."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def save(self, version: PlaybookVersion) -> bool:
        """Keep a version; return False when that text was saved before."""
        return (
            self._sql.run(
                "INSERT INTO playbook_versions (workspace, digest, playbook, text, title, author, saved_at) "
                "VALUES (:workspace, :digest, :playbook, :text, :title, :author, :saved_at) ON CONFLICT DO NOTHING",
                {
                    "workspace": version.workspace,
                    "digest": version.digest,
                    "playbook": version.playbook,
                    "text": version.text,
                    "title": clean(version.title),
                    "author": clean(version.author),
                    "saved_at": micros(version.saved_at),
                },
            )
            > 0
        )

    def version(self, digest: str, *, workspace: WorkspaceId) -> PlaybookVersion:
        """Return one version; raises PlaybookNotFound."""
        row = self._sql.row(
            "SELECT * FROM playbook_versions WHERE workspace = :workspace AND digest = :digest", {"workspace": workspace, "digest": digest}
        )
        if row is None:
            raise PlaybookNotFound(f"No version {digest[:12]} of a playbook was ever saved.")
        return _version(row)

    def versions(self, playbook: str, *, workspace: WorkspaceId) -> list[PlaybookVersion]:
        """Return a playbook's versions, latest first."""
        rows = self._sql.rows(
            "SELECT * FROM playbook_versions WHERE workspace = :workspace AND playbook = :playbook ORDER BY saved_at DESC, digest",
            {"workspace": workspace, "playbook": playbook},
        )
        return [_version(row) for row in rows]

    def publish(self, playbook: str, digest: str, *, workspace: WorkspaceId, by: str, at: Instant) -> None:
        """Make a saved version the one that new runs take; raises PlaybookNotFound."""
        if self.version(digest, workspace=workspace).playbook != playbook:
            raise PlaybookNotFound(f"The version {digest[:12]} is not one of the playbook '{playbook}'.")
        self._sql.run(
            "INSERT INTO playbooks (workspace, id, digest, published_by, published_at, enabled) "
            "VALUES (:workspace, :id, :digest, :by, :at, TRUE) "
            "ON CONFLICT (workspace, id) DO UPDATE SET digest = excluded.digest, published_by = excluded.published_by, "
            "published_at = excluded.published_at",
            {"workspace": workspace, "id": playbook, "digest": digest, "by": clean(by), "at": micros(at)},
        )

    def enable(self, playbook: str, enabled: bool, *, workspace: WorkspaceId) -> None:
        """Let triggers start a playbook, or not; raises NotFound."""
        changed = self._sql.run(
            "UPDATE playbooks SET enabled = (:enabled = 1) WHERE workspace = :workspace AND id = :id",
            {"workspace": workspace, "id": playbook, "enabled": int(enabled)},
        )
        if changed == 0:
            raise NotFound(f"No playbook '{playbook}' is published.")

    def published(self, *, workspace: WorkspaceId) -> list[Published]:
        """Return every published playbook by id."""
        rows = self._sql.rows(
            "SELECT p.*, v.title FROM playbooks p JOIN playbook_versions v ON v.workspace = p.workspace AND v.digest = p.digest "
            "WHERE p.workspace = :workspace ORDER BY p.id",
            {"workspace": workspace},
        )
        return [Published(row.id, row.digest, row.title, row.published_by, instant(row.published_at), bool(row.enabled)) for row in rows]

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


def _version(row: Row) -> PlaybookVersion:
    return PlaybookVersion(WorkspaceId(row.workspace), row.playbook, row.digest, row.text, row.title, row.author, instant(row.saved_at))
