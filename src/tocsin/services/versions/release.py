"""Release many playbooks together, from a folder or a repository: all of them, or none when anything is wrong with one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tocsin.core.access import Principal, Role, Scope, require
from tocsin.core.errors import Conflict, Invalid
from tocsin.core.playbooks import Manuscript, Review
from tocsin.core.values import Instant, JsonObject
from tocsin.playbook import diff
from tocsin.playbook.plan import Plan
from tocsin.services.versions.changes import unified
from tocsin.services.versions.order import callees_first, calls_in
from tocsin.services.versions.proof import Known, Proof, Prover, known_of
from tocsin.services.versions.saving import Origin, SavedPlaybook, keep, save_playbook
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.playbooks import PlaybookVersion, Published
from tocsin.store.tx import Tx


class Change(StrEnum):
    """What a release does to a playbook."""

    NEW = "new"
    CHANGED = "changed"
    REPINNED = "repinned"  # the same text; what it calls has changed
    UNCHANGED = "unchanged"
    REMOVED = "removed"  # came from this place before, and is not there any more


@dataclass(frozen=True, slots=True)
class Shelved:
    """What is published now: the playbooks, and the texts of those that the release is about."""

    published: tuple[Published, ...]
    texts: Mapping[str, PlaybookVersion]

    @property
    def digests(self) -> dict[str, str]:
        """Return the published digest of each, those that are switched off too."""
        return {one.playbook: one.digest for one in self.published}


@dataclass(frozen=True, slots=True)
class Item:
    """What a release does to one playbook, and the proof that it may. `changes` are what it means, `lines` what was written."""

    id: str
    change: Change
    proof: Proof | None = None  # None: removed
    changes: tuple[diff.Change, ...] = ()
    lines: str = ""
    digest: str = ""  # of what is published now; empty when nothing is
    saved: SavedPlaybook | None = None  # None: not done, or nothing to do
    is_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """What a release would do, or has done."""

    items: tuple[Item, ...]
    shelved: Mapping[str, str]  # what was published when it was planned

    @property
    def is_red(self) -> bool:
        """Tell whether anything is wrong with any of it."""
        return any(one.proof is not None and one.proof.is_red for one in self.items)


def look_up(tx: Tx, actor: Principal, *, ids: Sequence[str]) -> Shelved:
    """Return what a release will be compared with."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    published = tx.playbooks.published(workspace=actor.workspace)
    wanted = {one.playbook for one in published} & set(ids)
    return Shelved(tuple(published), {id: tx.playbooks.current(id, workspace=actor.workspace) for id in sorted(wanted)})


def plan_release(prover: Prover, shelved: Shelved, *, manuscripts: Sequence[Manuscript], source: str) -> Release:
    """Check and rehearse everything, those first that others call, and say what would change. Computes; call it in a thread.

    Raises Invalid when two manuscripts are of one playbook.
    """
    given = {one.id: one for one in manuscripts}
    if len(given) < len(manuscripts):
        twice = next(one for index, one in enumerate(manuscripts) if one.id in {other.id for other in manuscripts[:index]})
        raise Invalid(f"The playbook '{twice.id}' is there twice.", hint="Keep one of the files.")
    calls = {id: calls_in(one.text).all for id, one in given.items()}
    known = known_of([one for one in shelved.published if one.enabled or one.playbook in given])
    known = Known({k: v for k, v in known.digests.items() if k not in given}, {**known.calls, **calls})
    plans: dict[str, Plan] = {}
    items = []
    for id in callees_first(calls):
        one = given[id]
        proof = prover.prove(one.text, id=id, known=known, rehearsal=one.rehearsal, file=one.file, plans=plans)
        if proof.plan is not None:
            plans[id] = proof.plan
            known = known.having(id, digest=proof.digest, calls=calls[id])
        items.append(_item(prover, proof, shelved, is_whole=calls[id].isdisjoint(given.keys() - plans.keys())))
    here = [one for one in shelved.published if one.source == source and one.enabled and one.playbook not in given]
    items += [Item(one.playbook, Change.REMOVED, digest=one.digest) for one in here]
    return Release(tuple(items), shelved.digests)


def release(tx: Tx, actor: Principal, *, planned: Release, origin: Origin, prune: bool, review: Review, now: Instant) -> Release:
    """Save and publish what has changed, and with `prune` switch off what is gone.

    Raises Invalid when anything is red, Conflict when something else was published since it was planned.
    """
    require(actor, Scope.PLAYBOOKS_WRITE)
    if planned.is_red:
        red = ", ".join(one.id for one in planned.items if one.proof is not None and one.proof.is_red)
        raise Invalid(f"Nothing was published, for something is wrong with: {red}.", hint="See `items`; mend it and try again.")
    published = {one.playbook: one.digest for one in tx.playbooks.published(workspace=actor.workspace)}
    if published != dict(planned.shelved):
        raise Conflict("Another version was published meanwhile.", hint="Look at the changes again.")
    done = tuple(_carry_out(tx, actor, item, origin=origin, prune=prune, review=review, now=now) for item in planned.items)
    details: JsonObject = {
        "source": origin.source,
        "message": origin.message,
        "playbooks": [one.id for one in done if one.saved is not None],
        "disabled": [one.id for one in done if one.is_disabled],
        "override": review is Review.REQUIRED and Role.ADMIN in actor.roles,
    }
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "playbook.release", "playbook", origin.source, details))
    return Release(done, planned.shelved)


def _item(prover: Prover, proof: Proof, shelved: Shelved, *, is_whole: bool) -> Item:
    """Return what happens to a playbook; `is_whole` when nothing that it calls has errors, else nobody knows what it is pinned to."""
    before = shelved.texts.get(proof.id)
    if before is None:
        return Item(proof.id, Change.NEW, proof)
    if before.text == proof.text:
        change = Change.UNCHANGED if before.digest == proof.digest or proof.plan is None or not is_whole else Change.REPINNED
        meaning = prover.compare(prover.plan_of(before.digest), proof.plan) if change is Change.REPINNED else ()
        return Item(proof.id, change, proof, meaning, digest=before.digest)
    meaning = prover.compare(prover.plan_of(before.digest), proof.plan)
    return Item(proof.id, Change.CHANGED, proof, meaning, unified(before.text, proof.text), before.digest)


def _carry_out(tx: Tx, actor: Principal, item: Item, *, origin: Origin, prune: bool, review: Review, now: Instant) -> Item:
    if item.proof is None:
        if prune:
            tx.playbooks.enable(item.id, False, workspace=actor.workspace)
            details: JsonObject = {"source": origin.source}
            tx.audit.add(AuditLine(actor.workspace, now, actor.user, "playbook.disable", "playbook", item.id, details))
        return Item(item.id, item.change, digest=item.digest, is_disabled=prune)
    if item.change is Change.UNCHANGED:
        # The text of the rehearsals may be another all the same.
        if item.proof.rehearsal != tx.playbooks.version(item.digest, workspace=actor.workspace).rehearsal:
            keep(tx, actor, proof=item.proof, origin=origin, now=now)
        return item
    saved = save_playbook(tx, actor, proof=item.proof, origin=origin, publish=True, review=review, now=now)
    return Item(item.id, item.change, item.proof, item.changes, item.lines, item.digest, saved)
