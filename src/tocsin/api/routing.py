"""What the route modules share: their router, who acts, and the parts."""

from collections.abc import Callable, Coroutine
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tocsin.api.auth import Authenticator, Caller
from tocsin.api.parts import Parts
from tocsin.api.problems import TITLES
from tocsin.api.schemas.problem import ProblemOut
from tocsin.api.strict_json import read_json
from tocsin.core.access import Principal
from tocsin.core.errors import Invalid, Unauthenticated
from tocsin.core.values import Json

Responses: TypeAlias = "dict[int | str, dict[str, object]]"


class BadBody(HTTPException):
    """A body that is no JSON of ours. An HTTPException, because FastAPI lets only that through while it reads a body."""

    def __init__(self, error: Invalid) -> None:
        super().__init__(422, error.message)
        self.error = error


class _StrictRequest(Request):
    async def json(self) -> Json:
        """Read the body with all its limits."""
        try:
            return read_json(await self.body())
        except Invalid as error:
            raise BadBody(error) from error


class StrictRoute(APIRoute):
    """A route whose JSON is read strictly: no key twice, no NaN, not too deep."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """Return the handler."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict


def api_router(*, tag: str) -> APIRouter:
    """Make the router of one noun."""
    return APIRouter(tags=[tag], route_class=StrictRoute)


def refusals(*statuses: int) -> Responses:
    """Describe the problems that a route may answer with, beside those of every route."""
    return {status: {"model": ProblemOut, "description": TITLES[status]} for status in statuses}


# Dependencies are coroutines: FastAPI would send plain functions to a thread, which costs more than they do.
async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _authenticator(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator


async def _caller(request: Request) -> Caller:
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise Unauthenticated("Nobody is signed in.", hint="Send `Authorization: Bearer tocsin_…`.")
    return caller


async def _actor(request: Request) -> Principal:
    return (await _caller(request)).principal


WithParts = Annotated[Parts, Depends(_parts)]
WithAuthenticator = Annotated[Authenticator, Depends(_authenticator)]
WithCaller = Annotated[Caller, Depends(_caller)]
Actor = Annotated[Principal, Depends(_actor)]
