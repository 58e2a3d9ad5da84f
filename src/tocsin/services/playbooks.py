"""Playbooks: list them, look at one, at its versions and at what has changed between two of them."""

from dataclasses import dataclass

from tocsin.core.access import Principal, Scope, require
from tocsin.store.repos.paging import Page
from tocsin.store.repos.playbooks import PlaybookVersion, Publication, Published, VersionEntry
from tocsin.store.tx import Tx


@dataclass(frozen=True, slots=True)
class History:
    """A page of a playbook's versions, and its last publications; latest first."""

    versions: Page[VersionEntry]
    publications: tuple[Publication, ...]


def find_playbooks(tx: Tx, actor: Principal) -> list[Published]:
    """Return every published playbook by id."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.published(workspace=actor.workspace)


def get_playbook(tx: Tx, actor: Principal, *, id: str) -> PlaybookVersion:
    """Return the published version with its text; raises PlaybookNotFound."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.current(id, workspace=actor.workspace)


def get_version(tx: Tx, actor: Principal, *, id: str, ref: str) -> PlaybookVersion:
    """Return a version by number, digest, `latest` or `published`; raises NotFound."""
    require(actor, Scope.PLAYBOOKS_READ)
    return tx.playbooks.find_version(id, ref, workspace=actor.workspace)


def get_history(tx: Tx, actor: Principal, *, id: str, limit: int = 50, after: str | None = None) -> History:
    """Return a page of the versions of a playbook; raises NotFound when there is none at all."""
    require(actor, Scope.PLAYBOOKS_READ)
    tx.playbooks.find_version(id, "latest", workspace=actor.workspace)
    page = tx.playbooks.versions(id, workspace=actor.workspace, limit=limit, after=after)
    return History(page, tuple(tx.playbooks.publications(id, workspace=actor.workspace)))
