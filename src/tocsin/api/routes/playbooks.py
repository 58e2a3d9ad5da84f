"""Playbooks and packs."""

import asyncio

from tocsin.api.routing import Actor, WithParts, api_router, refusals
from tocsin.api.schemas.packs import PackList, PackOut
from tocsin.api.schemas.playbooks import PlaybookIn, PlaybookList, PlaybookOut, PlaybookSummary, SavedOut
from tocsin.core.access import Scope, require
from tocsin.playbook.compile import check
from tocsin.services import playbooks

router = api_router(tag="playbooks")


@router.get("/playbooks", summary="List playbooks", operation_id="list_playbooks")
async def list_playbooks(parts: WithParts, actor: Actor) -> PlaybookList:
    """Return every published playbook."""
    found = await parts.units.read(lambda tx: playbooks.find_playbooks(tx, actor))
    return PlaybookList(
        items=[
            PlaybookSummary(
                id=one.playbook,
                title=one.title,
                digest=one.digest,
                published_by=one.published_by,
                published_at=one.published_at,
                enabled=one.enabled,
            )
            for one in found
        ]
    )


@router.get("/playbooks/{id}", summary="Get a playbook", operation_id="get_playbook", responses=refusals(404))
async def get_playbook(id: str, parts: WithParts, actor: Actor) -> PlaybookOut:
    """Return the published version with its text."""
    found = await parts.units.read(lambda tx: playbooks.get_playbook(tx, actor, id=id))
    return PlaybookOut(
        id=found.playbook, title=found.title, digest=found.digest, author=found.author, saved_at=found.saved_at, text=found.text
    )


@router.put(
    "/playbooks/{id}",
    summary="Save and publish a playbook",
    description="The text is checked in full. With an error in it, it is neither kept nor published, and `diagnostics` says why.",
    operation_id="save_playbook",
    responses=refusals(404, 409),
)
async def save_playbook(id: str, new: PlaybookIn, parts: WithParts, actor: Actor) -> SavedOut:
    """Save a text and let new runs take it."""
    require(actor, Scope.PLAYBOOKS_WRITE)
    checked = await asyncio.to_thread(check, new.text, file=f"{id}.yaml", catalogue=parts.catalogue)
    now = parts.clock()
    saved = await parts.units.write(
        lambda tx: playbooks.save_playbook(tx, actor, id=id, text=new.text, checked=checked, publish=new.publish, now=now)
    )
    if saved.is_published:
        await asyncio.to_thread(parts.plans.refresh)
        parts.hub.tell("playbook.published", {"id": id, "digest": saved.digest})
    return SavedOut.of(saved)


@router.get("/packs", summary="List packs", operation_id="list_packs", tags=["packs"])
async def list_packs(parts: WithParts, actor: Actor) -> PackList:
    """Return the packs that are loaded, with their actions."""
    require(actor, Scope.PLAYBOOKS_READ)
    return PackList(items=[PackOut.of(parts.packs.packs[name]) for name in sorted(parts.packs.packs)])
