"""Hosted lists, as firewalls fetch them."""

from dataclasses import dataclass

from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import NotFound
from tocsin.core.values import Instant
from tocsin.store.repos.lists import ListEntry
from tocsin.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Feed:
    """What is on a list now; `revision` differs whenever that does."""

    name: str
    revision: str
    entries: tuple[ListEntry, ...]


def feed_revision(tx: Tx, actor: Principal, *, name: str, now: Instant) -> str:
    """Return a list's revision without reading it; raises NotFound."""
    require(actor, Scope.FEEDS_READ)
    if name not in tx.lists.names(workspace=actor.workspace):
        raise NotFound(f"There is no list '{name}'.", hint="A list exists once a playbook has put something on it.")
    return tx.lists.etag(name, workspace=actor.workspace, now=now)


def get_feed(tx: Tx, actor: Principal, *, name: str, now: Instant) -> Feed:
    """Return what is on a list now; raises NotFound."""
    revision = feed_revision(tx, actor, name=name, now=now)
    return Feed(name, revision, tuple(tx.lists.entries(name, workspace=actor.workspace, now=now)))
