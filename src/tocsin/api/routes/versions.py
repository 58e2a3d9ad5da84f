"""Versions of playbooks: check, save, review, publish, roll back, compare; and the release of many at once."""

import asyncio
from typing import Annotated

from fastapi import Query

from tocsin.api.parts import Parts
from tocsin.api.published import tell_published
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.base import PageIn
from tocsin.api.schemas.playbooks import PlaybookSummary
from tocsin.api.schemas.versions import (
    ChangeOut,
    CheckedOut,
    CheckIn,
    CommentIn,
    DiffOut,
    DiffQuery,
    HistoryOut,
    PublishIn,
    ReleaseIn,
    ReleaseOut,
    RollbackIn,
    VersionIn,
    VersionOut,
    VersionSummary,
)
from tocsin.core.access import Principal, Scope, require
from tocsin.core.playbooks import Manuscript
from tocsin.services import playbooks
from tocsin.services.versions import lifecycle, saving
from tocsin.services.versions.changes import unified
from tocsin.services.versions.proof import Proof, known_playbooks
from tocsin.services.versions.release import look_up, plan_release, release
from tocsin.services.versions.saving import Origin
from tocsin.store.repos.playbooks import PlaybookVersion

router = api_router(tag="playbooks")


@router.post("/playbooks/check", summary="Check a playbook", operation_id="check_playbook")
async def check_playbook(given: CheckIn, parts: WithParts, actor: Actor) -> CheckedOut:
    """Check a text, and play its rehearsals; nothing is kept."""
    require(actor, Scope.PLAYBOOKS_READ)
    known = await parts.units.read(lambda tx: known_playbooks(tx, workspace=actor.workspace))
    file = f"{given.id}.yaml" if given.id else "playbook"
    proof = await asyncio.to_thread(
        lambda: parts.prover().prove(given.text, id=given.id or "", known=known, rehearsal=given.rehearsal, file=file)
    )
    return CheckedOut.of(proof)


@router.post(
    "/playbooks/release",
    summary="Release playbooks together",
    description="All are checked and rehearsed, each with the others. They are published when nothing is wrong with any; else nothing is "
    "done, and `items` say why. What follows for a review is as with `PUT /playbooks/{id}`.",
    operation_id="release_playbooks",
    responses=refusals(409),
)
async def release_playbooks(given: ReleaseIn, parts: WithParts, actor: Actor) -> ReleaseOut:
    """Release what is in a folder or repository, or say what that would do."""
    manuscripts = [Manuscript(one.id, one.text, one.rehearsal, one.file) for one in given.playbooks]
    ids = [one.id for one in manuscripts]
    shelved = await parts.units.read(lambda tx: look_up(tx, actor, ids=ids))
    planned = await asyncio.to_thread(lambda: plan_release(parts.prover(), shelved, manuscripts=manuscripts, source=given.source))
    if given.dry_run or planned.is_red:
        return ReleaseOut.of(planned, is_done=False)
    now, origin = parts.clock(), Origin(given.message, given.source)
    done = await parts.units.write(
        lambda tx: release(tx, actor, planned=planned, origin=origin, prune=given.prune, review=parts.review, now=now)
    )
    await asyncio.to_thread(parts.plans.refresh)
    for item in done.items:
        if item.saved is not None and item.saved.is_published:
            parts.hub.tell("playbook.published", {"id": item.id, "digest": item.saved.digest})
    return ReleaseOut.of(done, is_done=True)


@router.get("/playbooks/{id}/versions", summary="List versions", operation_id="list_versions", responses=refusals(404))
async def list_versions(id: str, query: Annotated[PageIn, Query()], parts: WithParts, actor: Actor) -> HistoryOut:
    """Return a page of a playbook's versions, latest first, and when which of them was published."""
    return HistoryOut.of(await parts.units.read(lambda tx: playbooks.get_history(tx, actor, id=id, limit=query.limit, after=query.after)))


@router.post(
    "/playbooks/{id}/versions",
    status_code=201,
    summary="Save a version",
    description="It is kept as a draft, with errors or without; `checks` say what is wrong. The version that has this very text, if there "
    "is one, is returned as it is.",
    operation_id="save_version",
)
async def save_version(id: str, new: VersionIn, parts: WithParts, actor: Actor) -> VersionOut:
    """Save a draft."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    known = await parts.units.read(lambda tx: known_playbooks(tx, workspace=actor.workspace))
    proof = await asyncio.to_thread(lambda: parts.prover().prove(new.text, id=id, known=known, rehearsal=new.rehearsal))
    now, origin = parts.clock(), Origin(new.message)
    version, _ = await parts.units.write(lambda tx: saving.save_version(tx, actor, proof=proof, origin=origin, now=now))
    return VersionOut.of_version(version)


@router.get("/playbooks/{id}/versions/{version}", summary="Get a version", operation_id="get_version", responses=refusals(404))
async def get_version(id: str, version: str, parts: WithParts, actor: Actor) -> VersionOut:
    """Return a version by its number, its digest, or as `published` or `latest`."""
    return VersionOut.of_version(await parts.units.read(lambda tx: playbooks.get_version(tx, actor, id=id, ref=version)))


@router.post(
    "/playbooks/{id}/versions/{version}/submit",
    summary="Submit a version for review",
    operation_id="submit_version",
    responses=refusals(404, 409),
)
async def submit_version(id: str, version: str, parts: WithParts, actor: Actor) -> VersionSummary:
    """Ask for a review of a draft."""
    now = parts.clock()
    found = await parts.units.write(lambda tx: lifecycle.submit_version(tx, actor, id=id, ref=version, now=now))
    return _moved(parts, found)


@router.post(
    "/playbooks/{id}/versions/{version}/approve",
    summary="Approve a version",
    description="For anybody who may review, but not for its author.",
    operation_id="approve_version",
    responses=refusals(404, 409),
)
async def approve_version(id: str, version: str, said: CommentIn, parts: WithParts, actor: Actor) -> VersionSummary:
    """Approve a version that is in review."""
    now = parts.clock()
    found = await parts.units.write(lambda tx: lifecycle.approve_version(tx, actor, id=id, ref=version, comment=said.comment, now=now))
    return _moved(parts, found)


@router.post(
    "/playbooks/{id}/versions/{version}/reject",
    summary="Reject a version",
    description="For anybody who may review, but not for its author. The comment says what is to be changed.",
    operation_id="reject_version",
    responses=refusals(404, 409),
)
async def reject_version(id: str, version: str, said: CommentIn, parts: WithParts, actor: Actor) -> VersionSummary:
    """Reject a version that is in review."""
    now = parts.clock()
    found = await parts.units.write(lambda tx: lifecycle.reject_version(tx, actor, id=id, ref=version, comment=said.comment, now=now))
    return _moved(parts, found)


@router.post(
    "/playbooks/{id}/versions/{version}/publish",
    summary="Publish a version",
    description="It must have no errors, no failing rehearsals and, where a review is required, an approval.",
    operation_id="publish_version",
    responses=refusals(404, 409),
)
async def publish_version(id: str, version: str, how: PublishIn, parts: WithParts, actor: Actor) -> VersionSummary:
    """Let new runs take a version."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    proof = await _prove_again(parts, actor, id, version)
    now = parts.clock()
    found = await parts.units.write(
        lambda tx: lifecycle.publish_version(tx, actor, proof=proof, review=parts.review, override=how.override, reason=how.reason, now=now)
    )
    await tell_published(parts, id, found.digest)
    return VersionSummary.of(found)


@router.post(
    "/playbooks/{id}/rollback",
    summary="Roll a playbook back",
    description="Publishes a version again that was published before. Runs that have started stay with theirs.",
    operation_id="roll_back_playbook",
    responses=refusals(404, 409),
)
async def roll_back_playbook(id: str, where: RollbackIn, parts: WithParts, actor: Actor) -> VersionSummary:
    """Let new runs take an earlier version."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    ref = where.to or (await parts.units.read(lambda tx: lifecycle.version_before(tx, actor, id=id))).digest
    proof = await _prove_again(parts, actor, id, ref)
    now = parts.clock()
    found = await parts.units.write(lambda tx: lifecycle.roll_back(tx, actor, proof=proof, reason=where.reason, now=now))
    await tell_published(parts, id, found.digest)
    return VersionSummary.of(found)


@router.post("/playbooks/{id}/disable", summary="Disable a playbook", operation_id="disable_playbook", responses=refusals(404))
async def disable_playbook(id: str, parts: WithParts, actor: Actor) -> PlaybookSummary:
    """Start no run of a playbook any more. What runs goes on, and versions that are pinned to it still call it."""
    return await _switch(parts, actor, id, enabled=False)


@router.post("/playbooks/{id}/enable", summary="Enable a playbook", operation_id="enable_playbook", responses=refusals(404))
async def enable_playbook(id: str, parts: WithParts, actor: Actor) -> PlaybookSummary:
    """Let a playbook be started again."""
    return await _switch(parts, actor, id, enabled=True)


@router.get("/playbooks/{id}/diff", summary="Compare two versions", operation_id="compare_versions", responses=refusals(404))
async def compare_versions(id: str, query: Annotated[DiffQuery, Query()], parts: WithParts, actor: Actor) -> DiffOut:
    """Return what has changed between two versions."""

    def both() -> tuple[PlaybookVersion, PlaybookVersion]:
        return parts.units.read_now(
            lambda tx: (
                playbooks.get_version(tx, actor, id=id, ref=query.before),
                playbooks.get_version(tx, actor, id=id, ref=query.after),
            )
        )

    def compared() -> DiffOut:
        (before, after), prover = both(), parts.prover()
        plans = [prover.plan_of(one.digest) for one in (before, after)]
        names = (f"{id} version {before.number}", f"{id} version {after.number}")
        return DiffOut(
            before=before.number,
            after=after.number,
            readable=None not in plans,
            changes=[ChangeOut.of(one) for one in prover.compare(*plans)],
            text=unified(before.text, after.text, names=names),
        )

    return await asyncio.to_thread(compared)


async def _prove_again(parts: Parts, actor: Principal, id: str, ref: str) -> Proof:
    version = await parts.units.read(lambda tx: playbooks.get_version(tx, actor, id=id, ref=ref))
    known = await parts.units.read(lambda tx: known_playbooks(tx, workspace=actor.workspace))
    return await asyncio.to_thread(lambda: parts.prover().prove_again(version, known=known))


async def _switch(parts: Parts, actor: Principal, id: str, *, enabled: bool) -> PlaybookSummary:
    now = parts.clock()
    found = await parts.units.write(lambda tx: lifecycle.switch_playbook(tx, actor, id=id, enabled=enabled, now=now))
    await asyncio.to_thread(parts.plans.refresh)
    parts.hub.tell("playbook.enabled" if enabled else "playbook.disabled", {"id": id})
    return PlaybookSummary.of(found)


def _moved(parts: Parts, version: PlaybookVersion) -> VersionSummary:
    parts.hub.tell("playbook.version", {"id": version.playbook, "number": version.number, "state": version.state.value})
    return VersionSummary.of(version)
