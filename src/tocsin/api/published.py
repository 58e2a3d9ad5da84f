"""What follows when another version of a playbook is published, whichever way it came over HTTP."""

import asyncio

from tocsin.api.parts import Parts


async def tell_published(parts: Parts, id: str, digest: str) -> None:
    """Have new runs take it, and tell whoever listens."""
    await asyncio.to_thread(parts.plans.refresh)
    parts.hub.tell("playbook.published", {"id": id, "digest": digest})
