"""The description of the API, for machines and for people."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from tocsin.api.pages import page
from tocsin.api.routing import WithParts

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as the page shows it."""

    method: str
    path: str
    id: str
    summary: str
    description: str
    refusals: tuple[str, ...]


@router.get("/api/openapi.json")
async def get_openapi(request: Request) -> JSONResponse:
    """Return the OpenAPI description."""
    return JSONResponse(request.app.openapi())


@router.get("/api/docs")
async def get_docs(request: Request, parts: WithParts) -> HTMLResponse:
    """Return a page of every operation, without a script and without anything from elsewhere."""
    described = request.app.openapi()
    groups: dict[str, list[Operation]] = {tag["name"]: [] for tag in described["tags"]}
    for path, item in described["paths"].items():
        for method, found in item.items():
            refusals = tuple(code for code in found["responses"] if code.isdecimal() and int(code) >= 400)
            text = found.get("description", "")
            groups[found["tags"][-1]].append(Operation(method.upper(), path, found["operationId"], found["summary"], text, refusals))
    values = {"groups": groups, "tags": described["tags"], "about": described["info"]["description"], "version": parts.version}
    return page("docs.html", values)
