"""The HTTP interface.

Everything under /api/v1 needs `Authorization: Bearer tocsin_<id>_<secret>`, or a session (cookie; unsafe methods then also need an
`Origin` of our own and `X-CSRF-Token`).

    POST /api/v1/alerts/{source}        a JSON object, an array, or NDJSON; 202 {received, alerts, folded, runs, skipped, rejected, ids}
    GET  /api/v1/alerts                 ?status=&severity=&source=&verdict=&case=&text=&since=&until=&order=&limit=&after=  -> {items, next}
    GET  /api/v1/alerts/{id}
    POST /api/v1/alerts/{id}/close      {verdict, reason}
    GET  /api/v1/cases                  ?status=&severity=&owner=&text=&limit=&after=  -> {items, next}
    POST /api/v1/cases                  {title, severity?, tlp?, description?, alerts?, tags?, owner?} -> 201
    GET  /api/v1/cases/{id}             the case with `timeline`, `alerts`, `observables`
    POST /api/v1/cases/{id}/close       {verdict, reason}
    POST /api/v1/cases/{id}/notes       {text} -> 201
    GET  /api/v1/cases/{id}/report      HTML
    GET  /api/v1/runs                   ?status=&playbook=&alert=&case=&limit=&after=  -> {items, next}
    POST /api/v1/runs                   {playbook, inputs?, alert?} -> 201
    GET  /api/v1/runs/{id}
    POST /api/v1/runs/dry               {playbook, text?, inputs?, alert?, answers?} -> what it would do
    POST /api/v1/runs/{id}/replay       {from, version?, inputs?} -> 201 {run, reused, repeats}
    GET  /api/v1/runs/{id}/compare/{other}
    GET  /api/v1/runs/{id}/timeline     {run, entries: [{at, path, title, kind, status, details, effect, attempt}]}
    GET  /api/v1/asks                   ?status=&run=&mine=&limit=&after=  -> {items, next}
    GET  /api/v1/asks/{id}              the ask with `answers`
    POST /api/v1/asks/{id}/answer       {answer, reason?, form?}
    GET  /api/v1/playbooks              {items}
    GET  /api/v1/playbooks/{id}         the published version with `text`
    PUT  /api/v1/playbooks/{id}         {text, publish?, message?, rehearsal?} -> {id, digest, published, number, state, diagnostics}
    POST /api/v1/playbooks/check        {text, id?, rehearsal?} -> {digest, checks, rehearsals}
    POST /api/v1/playbooks/release      {source, message, playbooks: [{id, text, rehearsal?}], dry_run?, prune?} -> {red, done, items}
    GET  /api/v1/playbooks/{id}/versions            ?limit=&after=  -> {items, next, publications}
    POST /api/v1/playbooks/{id}/versions            {text, message, rehearsal?} -> 201, a draft
    GET  /api/v1/playbooks/{id}/versions/{version}  by number, digest, `published` or `latest`
    POST /api/v1/playbooks/{id}/versions/{version}/submit
    POST /api/v1/playbooks/{id}/versions/{version}/approve, …/reject   {comment?}
    POST /api/v1/playbooks/{id}/versions/{version}/publish             {override?, reason?}
    POST /api/v1/playbooks/{id}/rollback            {to?, reason?}
    POST /api/v1/playbooks/{id}/disable, …/enable
    GET  /api/v1/playbooks/{id}/diff                ?from=&to=  -> {before, after, changes, text}
    POST /api/v1/playbooks/{id}/backtest {text?, version?, since?, until?, against?, reads?, limit?} -> {totals, alerts}, or NDJSON
    GET  /api/v1/packs                  {items}
    GET  /api/v1/me
    GET  /api/v1/people                 {items}
    POST /api/v1/people                 {name, email, roles} -> 201
    POST /api/v1/people/{id}/keys       {name, roles?, expires_in?} -> 201 {id, token}, the only time that the token is shown
    DELETE /api/v1/people/{id}/keys/{key}
    POST /api/v1/people/{id}/disable
    GET  /api/v1/events                 server-sent events; Last-Event-ID

    GET  /health/live, /health/ready    public
    POST /hooks/{source}                signed by the vendor, or X-Tocsin-Secret
    GET  /feeds/{list}.{txt|rpz|json}   Bearer, or Basic with an API key as the password

    GET  /                              pages for people: sign in, asks to decide, cases, runs
    POST /signin, /signout
    GET  /asks/{id}                     shows; never decides
    POST /asks/{id}                     answer, reason, form.*, csrf or token
    GET  /cases/{id}, /runs/{id}
    GET  /api/docs, /api/openapi.json   public
"""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tocsin.api import problems
from tocsin.api.auth import Authenticator
from tocsin.api.edge import API, Edge
from tocsin.api.openapi import describe
from tocsin.api.parts import Parts
from tocsin.api.routes import (
    alerts,
    asks,
    backtests,
    cases,
    documents,
    events,
    feeds,
    health,
    hooks,
    pages,
    people,
    playbooks,
    runs,
    trials,
    versions,
)
from tocsin.api.routing import BadBody
from tocsin.core.errors import TocsinError


def create_app(parts: Parts) -> FastAPI:
    """Make the application."""
    app = FastAPI(title="Tocsin", version=parts.version, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.parts = parts
    app.state.authenticator = Authenticator(parts)
    for module in (alerts, cases, trials, runs, asks, backtests, versions, playbooks, people, events):
        app.include_router(module.router, prefix=API)
    for module in (health, hooks, feeds, documents, pages):
        app.include_router(module.router)
    app.add_middleware(Edge, authenticator=app.state.authenticator)
    app.add_exception_handler(TocsinError, _of_error)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    describe(app)
    return app


# Starlette types a handler's second argument as Exception, whatever it is registered for.
async def _of_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, TocsinError):
        raise error
    return problems.of_error(error, instance=problems.instance_of(request)).response()


async def _of_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problems.of_validation(error, instance=problems.instance_of(request)).response()


async def _of_http(request: Request, error: Exception) -> Response:
    if isinstance(error, BadBody):
        return await _of_error(request, error.error)
    if not isinstance(error, HTTPException):
        raise error
    return problems.of_http(error, instance=problems.instance_of(request)).response()
