"""The OpenAPI 3.1 description: FastAPI's, with our problems as the errors and with who may call."""

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tocsin.api.edge import API
from tocsin.api.problems import MEDIA_TYPE, TITLES
from tocsin.api.schemas.problem import ProblemOut
from tocsin.core.values import Json, JsonObject

ABOUT = """Take alerts in, answer what playbooks ask, follow what they do.

Every error is an RFC 9457 problem: `type` is `urn:tocsin:error:<code>`, `detail` says what is wrong and `hint` what to do next.
Under /api/v1 send `Authorization: Bearer tocsin_…`. A browser's session works too; what changes anything then also needs an `Origin`
of ours and the header `X-CSRF-Token` that `GET /api/v1/me` tells."""
_SCHEMES: JsonObject = {
    "key": {"type": "http", "scheme": "bearer", "bearerFormat": "tocsin_<id>_<secret>", "description": "An API key."},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-tocsin", "description": "A browser that has signed in."},
    "password": {"type": "http", "scheme": "basic", "description": "Any user name, and an API key as the password; for feeds."},
}
_TAGS: list[Json] = [
    {"name": "alerts", "description": "What sources have found."},
    {"name": "cases", "description": "What people work on."},
    {"name": "runs", "description": "What playbooks do."},
    {"name": "asks", "description": "What people decide."},
    {"name": "playbooks", "description": "What is to be done when."},
    {"name": "packs", "description": "What can be connected."},
    {"name": "people", "description": "Who may do what."},
    {"name": "events", "description": "What happens right now."},
    {"name": "hooks", "description": "What vendors call."},
    {"name": "feeds", "description": "What firewalls fetch."},
    {"name": "health", "description": "Whether it is well."},
]


def describe(app: FastAPI) -> None:
    """Give an application its description, made when it is first asked for."""
    made: list[JsonObject] = []

    def openapi() -> JsonObject:
        if not made:
            made.append(_description(app))
        return made[0]

    # FastAPI documents replacing this method as the way to a description of one's own.
    app.openapi = openapi  # type: ignore[method-assign]  # it is meant to be replaced


def _description(app: FastAPI) -> JsonObject:
    found: JsonObject = get_openapi(
        title="Tocsin",
        version=app.version,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    components, paths = found.setdefault("components", {}), found.get("paths")
    if isinstance(components, dict) and isinstance(paths, dict):
        _add_components(components)
        for path, item in paths.items():
            for operation in item.values() if isinstance(item, dict) else ():
                if isinstance(operation, dict):
                    _finish(path, operation)
    found["tags"] = _TAGS
    return found


def _add_components(components: JsonObject) -> None:
    components["securitySchemes"] = _SCHEMES
    schemas = components.setdefault("schemas", {})
    if isinstance(schemas, dict):
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem: JsonObject = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
        inner = problem.pop("$defs", {})
        schemas.update({"ProblemOut": problem, **(inner if isinstance(inner, dict) else {})})


def _finish(path: str, operation: JsonObject) -> None:
    is_api = path.startswith(f"{API}/")
    statuses = [401, 403, 422, 500] if is_api else [500]
    if path.startswith("/feeds/"):
        statuses = [401, 403, 422, 500]
    if path == "/health/ready":
        statuses = [500, 503]
    operation["security"] = _security(path, is_api)
    responses = operation.setdefault("responses", {})
    if not isinstance(responses, dict):
        return
    if not is_api and not path.startswith(("/feeds/", "/hooks/")):
        responses.pop("422", None)
    for status in statuses:
        responses[str(status)] = {}
    for code, response in list(responses.items()):
        if code.isdecimal() and int(code) >= 400:
            described = response.get("description") if isinstance(response, dict) else None
            responses[code] = {
                "description": described or TITLES.get(int(code), "Error"),
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
            }


def _security(path: str, is_api: bool) -> list[Json]:
    if path.startswith("/feeds/"):
        return [{"key": []}, {"password": []}]
    return [{"key": []}, {"session": []}] if is_api else []
