"""What happens to a version after it was saved: review, publication, roll back. The author of a version is not its reviewer."""

from typing import Final, assert_never

from tocsin.core.access import Principal, Role, Scope, require
from tocsin.core.errors import Conflict, Forbidden, Invalid, NotFound
from tocsin.core.playbooks import Review, VersionState
from tocsin.core.values import Instant, JsonObject
from tocsin.playbook.compile import PlaybookInvalid
from tocsin.services.versions.proof import Proof
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.playbooks import PlaybookVersion, Published
from tocsin.store.tx import Tx

PUBLISH: Final = "publish"
OVERRIDE: Final = "override"  # an administrator published what nobody had approved
ROLLBACK: Final = "rollback"


def submit_version(tx: Tx, actor: Principal, *, id: str, ref: str, now: Instant) -> PlaybookVersion:
    """Ask for a review of a draft; raises NotFound, Conflict, Invalid when it has errors or red rehearsals."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    version = tx.playbooks.find_version(id, ref, workspace=actor.workspace)
    if version.state not in (VersionState.DRAFT, VersionState.REJECTED):
        raise Conflict(f"{_named(version)} is {_said(version.state)}.", hint="Only drafts and rejected ones are submitted.")
    if version.checks.errors:
        raise Invalid(f"{_named(version)} has {_errors(version.checks.errors)}.", hint="Save a version without, and submit that.")
    _refuse_red(version, id)
    tx.playbooks.move(version.digest, VersionState.IN_REVIEW, workspace=actor.workspace)
    return _told(tx, actor, version, "playbook.submit", {}, now)


def approve_version(tx: Tx, actor: Principal, *, id: str, ref: str, comment: str, now: Instant) -> PlaybookVersion:
    """Approve a version that is in review; raises NotFound, Conflict, Forbidden for its author."""
    return _review(tx, actor, id=id, ref=ref, comment=comment, now=now, state=VersionState.APPROVED)


def reject_version(tx: Tx, actor: Principal, *, id: str, ref: str, comment: str, now: Instant) -> PlaybookVersion:
    """Reject a version that is in review, saying why; raises NotFound, Conflict, Forbidden for its author, Invalid without a reason."""
    if not comment.strip():
        raise Invalid("A rejection needs a comment.", hint="Say what is to be changed.")
    return _review(tx, actor, id=id, ref=ref, comment=comment, now=now, state=VersionState.REJECTED)


def publish_version(
    tx: Tx, actor: Principal, *, proof: Proof, review: Review, override: bool = False, reason: str = "", now: Instant
) -> PlaybookVersion:
    """Let new runs take a version that was proven just now.

    Raises NotFound, PlaybookInvalid, Conflict when it is not approved or its rehearsals fail, Forbidden for an override by somebody else
    than an administrator, Invalid for an override without a reason.
    """
    require(actor, Scope.PLAYBOOKS_WRITE)
    version = tx.playbooks.version(proof.digest, workspace=actor.workspace)
    _refuse_errors(proof)
    kind = _kind(actor, version, review, override=override, reason=reason)
    tx.playbooks.prove(
        version.digest, workspace=actor.workspace, checks=proof.checks, rehearsal=version.rehearsal, rehearsals=proof.rehearsals
    )
    version = tx.playbooks.version(proof.digest, workspace=actor.workspace)
    _refuse_red(version, proof.id)
    put_in_force(tx, actor, version=version, kind=kind, reason=reason, now=now)
    details: JsonObject = {"override": True, "reason": reason} if kind == OVERRIDE else {"reason": reason} if reason else {}
    return _told(tx, actor, version, "playbook.publish", details, now)


def roll_back(tx: Tx, actor: Principal, *, proof: Proof, reason: str, now: Instant) -> PlaybookVersion:
    """Publish a version again that was published before. Needs no review, and failing rehearsals don't hold it up: it has run already.

    Raises NotFound, PlaybookInvalid when its actions are not there any more, Conflict when it was never published.
    """
    require(actor, Scope.PLAYBOOKS_WRITE)
    version = tx.playbooks.version(proof.digest, workspace=actor.workspace)
    if version.state is VersionState.PUBLISHED:
        raise Conflict(f"{_named(version)} is the published one.", hint="Name the version to go back to.")
    if version.state is not VersionState.SUPERSEDED:
        raise Conflict(f"{_named(version)} was never published.", hint="Publish it instead.")
    _refuse_errors(proof)
    before = tx.playbooks.current(proof.id, workspace=actor.workspace)
    put_in_force(tx, actor, version=version, kind=ROLLBACK, reason=reason, now=now)
    return _told(tx, actor, version, "playbook.rollback", {"from": before.number, "reason": reason}, now)


def version_before(tx: Tx, actor: Principal, *, id: str) -> PlaybookVersion:
    """Return the version that was published before the present one; raises NotFound."""
    require(actor, Scope.PLAYBOOKS_READ)
    current = tx.playbooks.current(id, workspace=actor.workspace)
    for one in tx.playbooks.publications(id, workspace=actor.workspace, limit=500):
        if one.digest != current.digest:
            return tx.playbooks.version(one.digest, workspace=actor.workspace)
    raise NotFound(f"No other version of '{id}' was published before.", hint="Publish another, or disable the playbook.")


def switch_playbook(tx: Tx, actor: Principal, *, id: str, enabled: bool, now: Instant) -> Published:
    """Let a playbook be started, or not; raises NotFound. What runs goes on."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    if tx.playbooks.enable(id, enabled, workspace=actor.workspace):
        verb = "playbook.enable" if enabled else "playbook.disable"
        tx.audit.add(AuditLine(actor.workspace, now, actor.user, verb, "playbook", id))
    return next(one for one in tx.playbooks.published(workspace=actor.workspace) if one.playbook == id)


def put_in_force(tx: Tx, actor: Principal, *, version: PlaybookVersion, kind: str, reason: str, now: Instant) -> None:
    """Make a version the one that new runs take, unless it is already. The caller has authorised, and audits."""
    if version.state is not VersionState.PUBLISHED:
        tx.playbooks.publish(version.playbook, version.digest, workspace=actor.workspace, by=actor.name, at=now, kind=kind, reason=reason)


def _review(tx: Tx, actor: Principal, *, id: str, ref: str, comment: str, now: Instant, state: VersionState) -> PlaybookVersion:
    require(actor, Scope.PLAYBOOKS_REVIEW)
    version = tx.playbooks.find_version(id, ref, workspace=actor.workspace)
    if version.author_id == actor.user:
        raise Forbidden(f"{actor.name} has written version {version.number} of '{id}'.", hint="Somebody else must review it.")
    if version.state is not VersionState.IN_REVIEW:
        raise Conflict(f"{_named(version)} is {_said(version.state)}.", hint="Only what was submitted is reviewed.")
    tx.playbooks.review(version.digest, state, workspace=actor.workspace, by=actor.name, comment=comment, at=now)
    verb = "playbook.approve" if state is VersionState.APPROVED else "playbook.reject"
    return _told(tx, actor, version, verb, {"comment": comment}, now)


def _kind(actor: Principal, version: PlaybookVersion, review: Review, *, override: bool, reason: str) -> str:
    """Return how a version may be published; raises Conflict, Forbidden or Invalid."""
    if override and Role.ADMIN not in actor.roles:
        raise Forbidden(f"{actor.name} may not publish without a review.", hint="An administrator may; or have it approved.")
    if override and not reason.strip():
        raise Invalid("Publishing without a review needs a reason.", hint="It goes into the audit log.")
    match version.state:
        case VersionState.APPROVED | VersionState.PUBLISHED | VersionState.SUPERSEDED:
            return PUBLISH
        case VersionState.DRAFT | VersionState.IN_REVIEW:
            if review is Review.OFF:
                return PUBLISH
        case VersionState.REJECTED:
            pass
        case _:
            assert_never(version.state)
    if override:
        return OVERRIDE
    hint = (
        "Submit it, and have somebody else approve it." if version.state is not VersionState.IN_REVIEW else "Somebody else must approve it."
    )
    raise Conflict(f"{_named(version)} is {_said(version.state)}, and not approved.", hint=hint)


def _refuse_errors(proof: Proof) -> None:
    if proof.plan is None:
        first = next((one for one in proof.diagnostics if one.level.name == "ERROR"), None)
        said = f" The first: {first.span.file}:{first.span.line}: {first.code} {first.message}" if first else ""
        message = f"That version of '{proof.id}' has {_errors(proof.checks.errors)}.{said}"
        raise PlaybookInvalid(message, hint="Save a version without errors.", diagnostics=proof.diagnostics)


def _refuse_red(version: PlaybookVersion, id: str) -> None:
    red = version.rehearsals
    if red is not None and not red.are_green:
        first = f" The first: {red.failures[0]}" if red.failures else ""
        raise Conflict(
            f"{red.failed} of the {red.passed + red.failed} rehearsals of version {version.number} of '{id}' fail.{first}",
            hint="Mend the playbook or its rehearsals, and save it again.",
        )


def _told(tx: Tx, actor: Principal, version: PlaybookVersion, verb: str, more: JsonObject, now: Instant) -> PlaybookVersion:
    details: JsonObject = {"digest": version.digest, "number": version.number, **more}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, verb, "playbook", version.playbook, details))
    return tx.playbooks.version(version.digest, workspace=actor.workspace)


def _named(version: PlaybookVersion) -> str:
    return f"Version {version.number} of '{version.playbook}'"


def _said(state: VersionState) -> str:
    return "in review" if state is VersionState.IN_REVIEW else "a draft" if state is VersionState.DRAFT else state.value


def _errors(number: int) -> str:
    return "an error" if number == 1 else f"{number} errors"
