"""Playbooks and packs."""

import asyncio

from tocsin.api.published import tell_published
from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.packs import PackList, PackOut
from tocsin.api.schemas.playbooks import PlaybookIn, PlaybookList, PlaybookOut, PlaybookSummary, SavedOut
from tocsin.core.access import Scope, require
from tocsin.services import playbooks
from tocsin.services.versions import saving
from tocsin.services.versions.proof import known_playbooks
from tocsin.services.versions.saving import Origin

router = api_router(tag="playbooks")


@router.get("/playbooks", summary="List playbooks", operation_id="list_playbooks")
async def list_playbooks(parts: WithParts, actor: Actor) -> PlaybookList:
    """Return every published playbook."""
    found = await parts.units.read(lambda tx: playbooks.find_playbooks(tx, actor))
    return PlaybookList(items=[PlaybookSummary.of(one) for one in found])


@router.get("/playbooks/{id}", summary="Get a playbook", operation_id="get_playbook", responses=refusals(404))
async def get_playbook(id: str, parts: WithParts, actor: Actor) -> PlaybookOut:
    """Return the published version with its text."""
    found = await parts.units.read(lambda tx: playbooks.get_playbook(tx, actor, id=id))
    return PlaybookOut(
        id=found.playbook,
        title=found.title,
        digest=found.digest,
        number=found.number,
        author=found.author,
        saved_at=found.saved_at,
        text=found.text,
    )


@router.put(
    "/playbooks/{id}",
    summary="Save and publish a playbook",
    description="The text is checked in full. With an error in it, it is neither kept nor published, and `diagnostics` says why. Where a "
    "review is required, it goes into review; an administrator publishes at once, which the audit log calls an override.",
    operation_id="save_playbook",
    responses=refusals(404, 409),
)
async def save_playbook(id: str, new: PlaybookIn, parts: WithParts, actor: Actor) -> SavedOut:
    """Save a text and let new runs take it."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    known = await parts.units.read(lambda tx: known_playbooks(tx, workspace=actor.workspace))
    proof = await asyncio.to_thread(lambda: parts.prover().prove(new.text, id=id, known=known, rehearsal=new.rehearsal))
    now, origin = parts.clock(), Origin(new.message)
    saved = await parts.units.write(
        lambda tx: saving.save_playbook(tx, actor, proof=proof, origin=origin, publish=new.publish, review=parts.review, now=now)
    )
    if saved.is_published:
        await tell_published(parts, id, saved.digest)
    return SavedOut.of(saved)


@router.get("/packs", summary="List packs", operation_id="list_packs", tags=["packs"])
async def list_packs(parts: WithParts, actor: Actor) -> PackList:
    """Return the packs that are loaded, with their actions."""
    require(actor, Scope.PLAYBOOKS_READ)
    return PackList(items=[PackOut.of(parts.packs.packs[name]) for name in sorted(parts.packs.packs)])
