"""Who I am, who there is, and their keys."""

from datetime import timedelta

from fastapi import Response

from tocsin.api.routing import Actor, WithCaller, WithParts, api_router, refusals
from tocsin.api.schemas.people import KeyIn, KeyOut, MeOut, PeopleList, PersonIn, PersonOut
from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.ids import KeyId, UserId
from tocsin.services import people

router = api_router(tag="people")


@router.get("/me", summary="Get who I am", operation_id="get_me")
async def get_me(caller: WithCaller) -> MeOut:
    """Return who calls and what they may."""
    return MeOut.of(caller.principal, csrf=caller.csrf)


@router.get("/people", summary="List people", operation_id="list_people")
async def list_people(parts: WithParts, actor: Actor) -> PeopleList:
    """Return everybody by name."""
    found = await parts.units.read(lambda tx: people.find_people(tx, actor))
    return PeopleList(items=[PersonOut.of(user) for user in found])


@router.post("/people", summary="Add a person or a machine", operation_id="create_person", status_code=201, responses=refusals(409))
async def create_person(new: PersonIn, parts: WithParts, actor: Actor) -> PersonOut:
    """Add somebody."""
    now = parts.clock()
    user = await parts.units.write(
        lambda tx: people.create_user(tx, actor, name=new.name, email=new.email, roles=new.roles, now=now, ids=parts.ids)
    )
    return PersonOut.of(user)


@router.post("/people/{id}/keys", summary="Make a key", operation_id="create_key", status_code=201, responses=refusals(404))
async def create_key(id: str, new: KeyIn, parts: WithParts, actor: Actor) -> KeyOut:
    """Make a key for somebody; the token is in the answer and nowhere else."""
    now, life = parts.clock(), _life(new.expires_in)
    key = await parts.units.write(
        lambda tx: people.create_key(tx, actor, user=UserId(id), name=new.name, roles=new.roles, life=life, now=now, ids=parts.ids)
    )
    return KeyOut.of(key)


@router.delete("/people/{id}/keys/{key}", summary="Revoke a key", operation_id="revoke_key", status_code=204, responses=refusals(404))
async def revoke_key(id: str, key: str, parts: WithParts, actor: Actor) -> Response:
    """Make a key open nothing any more, a second from now at the latest."""
    now = parts.clock()
    await parts.units.write(lambda tx: people.revoke_key(tx, actor, user=UserId(id), id=KeyId(key), now=now))
    return Response(status_code=204)


@router.post("/people/{id}/disable", summary="Let somebody in no more", operation_id="disable_person", responses=refusals(404, 409))
async def disable_person(id: str, parts: WithParts, actor: Actor) -> PersonOut:
    """Disable somebody with all keys and sessions."""
    now = parts.clock()
    return PersonOut.of(await parts.units.write(lambda tx: people.disable_user(tx, actor, id=UserId(id), now=now)))


def _life(text: str | None) -> timedelta | None:
    if text is None:
        return None
    life = parse_duration(text)
    if life <= timedelta(0):
        raise Invalid("A key must live for some time.", hint="Leave `expires_in` out for one that does not expire.")
    return life
