"""Save a text as a version: a draft of which it is known what is wrong with it."""

from dataclasses import dataclass

from tocsin.core.access import Principal, Role, Scope, require
from tocsin.core.diagnostics import Diagnostic
from tocsin.core.errors import Invalid
from tocsin.core.playbooks import Review, VersionState
from tocsin.core.values import Instant, JsonObject
from tocsin.playbook.parsing.playbook import KEBAB, MAX_ID
from tocsin.services.versions.lifecycle import OVERRIDE, PUBLISH, put_in_force
from tocsin.services.versions.proof import Proof
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.playbooks import PlaybookVersion
from tocsin.store.tx import Tx

# Once somebody reviews a version, what it was proven with stays.
_OPEN = frozenset({VersionState.DRAFT, VersionState.REJECTED, VersionState.PUBLISHED, VersionState.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class SavedPlaybook:
    """What saving and publishing at once did."""

    id: str
    digest: str
    is_saved: bool  # False when the text has errors
    is_new: bool
    is_published: bool
    diagnostics: tuple[Diagnostic, ...] = ()
    version: PlaybookVersion | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Why a text is saved, and where it comes from: `api`, `file`, `folder:PLACE` or `git:PLACE`."""

    message: str = ""
    source: str = "api"


def save_version(tx: Tx, actor: Principal, *, proof: Proof, origin: Origin, now: Instant) -> tuple[PlaybookVersion, bool]:
    """Keep a text as a draft, with errors or without; return it, or the version that has that very text, and whether it is new."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    version, is_new = keep(tx, actor, proof=proof, origin=origin, now=now)
    details: JsonObject = {"digest": version.digest, "number": version.number, "new": is_new, "errors": proof.checks.errors}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "playbook.save", "playbook", version.playbook, details))
    return version, is_new


def save_playbook(tx: Tx, actor: Principal, *, proof: Proof, origin: Origin, publish: bool, review: Review, now: Instant) -> SavedPlaybook:
    """Keep a text and, if wanted, let new runs take it.

    A text with errors is neither kept nor published; one whose rehearsals fail stays a draft. Where a review is required, it goes
    into review instead; an administrator publishes at once, which the audit log calls an override.
    """
    require(actor, Scope.PLAYBOOKS_WRITE)
    if proof.plan is None:
        return SavedPlaybook(proof.id, proof.digest, False, False, False, proof.diagnostics)
    version, is_new = keep(tx, actor, proof=proof, origin=origin, now=now)
    kind = _kind(actor, version, review) if publish and not proof.is_red else None
    if kind is not None:
        put_in_force(tx, actor, version=version, kind=kind, reason=origin.message, now=now)
    elif publish and not proof.is_red:
        tx.playbooks.move(version.digest, VersionState.IN_REVIEW, workspace=actor.workspace)
    verb = "playbook.publish" if kind else "playbook.submit" if publish and not proof.is_red else "playbook.save"
    details: JsonObject = {"digest": version.digest, "number": version.number, **({"override": True} if kind == OVERRIDE else {})}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, verb, "playbook", version.playbook, details))
    kept = tx.playbooks.version(version.digest, workspace=actor.workspace)
    return SavedPlaybook(proof.id, version.digest, True, is_new, kind is not None, proof.diagnostics, kept)


def keep(tx: Tx, actor: Principal, *, proof: Proof, origin: Origin, now: Instant) -> tuple[PlaybookVersion, bool]:
    """Keep a version, or refresh what is known of the one that is there; raises Invalid for text that no database takes."""
    if "\0" in proof.text or not _is_unicode(proof.text) or not _is_unicode(proof.rehearsal):
        raise Invalid("The text holds characters that cannot be kept.", hint="Save it as UTF-8, without NUL.")
    if not KEBAB.fullmatch(proof.id) or len(proof.id) > MAX_ID:
        raise Invalid(f"'{proof.id[:MAX_ID]}' is not the id of a playbook.", hint="Ids are in kebab-case: small letters, digits and -.")
    current = next((one for one in tx.playbooks.published(workspace=actor.workspace) if one.playbook == proof.id), None)
    version = PlaybookVersion(
        workspace=actor.workspace,
        playbook=proof.id,
        digest=proof.digest,
        text=proof.text,
        title=proof.plan.title if proof.plan else current.title if current else proof.id,
        author=actor.name,
        author_id=actor.user,
        saved_at=now,
        message=origin.message,
        source=origin.source,
        parent=current.digest if current else None,
        calls=proof.calls,
        checks=proof.checks,
        rehearsal=proof.rehearsal,
        rehearsals=proof.rehearsals,
    )
    kept, is_new = tx.playbooks.save(version)
    if kept.playbook != proof.id:
        raise Invalid(f"That text is version {kept.number} of the playbook '{kept.playbook}'.", hint="Make `id:` and the address the same.")
    # A text from elsewhere that brings no rehearsals does not take those away that it has.
    if not is_new and kept.state in _OPEN and (proof.rehearsal or not kept.rehearsal):
        tx.playbooks.prove(
            kept.digest, workspace=actor.workspace, checks=proof.checks, rehearsal=proof.rehearsal, rehearsals=proof.rehearsals
        )
        kept = tx.playbooks.version(kept.digest, workspace=actor.workspace)
    return kept, is_new


def _kind(actor: Principal, version: PlaybookVersion, review: Review) -> str | None:
    """Return how a version may be published at once by this person; None when it must be reviewed first."""
    if review is Review.OFF or version.state in (VersionState.APPROVED, VersionState.PUBLISHED, VersionState.SUPERSEDED):
        return PUBLISH
    return OVERRIDE if Role.ADMIN in actor.roles else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
