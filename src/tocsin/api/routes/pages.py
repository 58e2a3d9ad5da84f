"""The pages: sign in, what is open, one ask, one case, one run. Opening a page changes nothing."""

import secrets

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tocsin.api.answers import record_answer
from tocsin.api.auth import Authenticator, Caller
from tocsin.api.pages import STYLE, STYLE_PATH, page, report_response
from tocsin.api.parts import Parts
from tocsin.api.problems import of_error
from tocsin.api.routing import WithAuthenticator, WithParts
from tocsin.core.access import Scope
from tocsin.core.cases import CaseStatus
from tocsin.core.errors import Invalid, TocsinError, Unauthenticated
from tocsin.core.ids import AskId, CaseId, RunId
from tocsin.core.values import JsonObject
from tocsin.services import asks, cases, people, reports, runs
from tocsin.services.asks import AskFile, Reply
from tocsin.services.forms import read_form
from tocsin.services.people import NewSession
from tocsin.store.repos.asks import AskStatus
from tocsin.store.repos.cases import CaseFilter
from tocsin.store.repos.runs import RunFilter
from tocsin.store.tx import Tx

MOST_FIELDS = 200
SHOWN = 20

router = APIRouter(include_in_schema=False)


@router.get(STYLE_PATH)
async def style() -> FileResponse:
    """Return the style sheet."""
    return FileResponse(STYLE, media_type="text/css", headers={"cache-control": "public, max-age=3600"})


@router.get("/")
async def home(request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """Show what is open, or the form to sign in."""
    caller = await authenticator.by_cookie(request)
    if caller is None:
        return _signin_page(parts, "/")
    seen = await parts.units.read(lambda tx: _overview(tx, caller))
    return page("home.html", {**_whoever(caller), **seen, "version": parts.version})


@router.post("/signin")
async def signin(request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """Start a session from an access token."""
    try:
        form = await _form(request)
        authenticator.check_origin(request)
        session = await _sign_in(parts, _field(form, "token"))
    except TocsinError as error:
        return _signin_page(parts, "/", problem=str(error), status=of_error(error).status)
    return _with_cookie(RedirectResponse(_place(_field(form, "next")), 303), authenticator, session)


@router.post("/signout")
async def signout(request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """End the session."""
    try:
        form = await _form(request)
        authenticator.check_origin(request)
        caller = await authenticator.by_cookie(request)
        if caller is not None:
            authenticator.check_csrf(caller, _field(form, "csrf"))
            now = parts.clock()
            await parts.units.write(lambda tx: people.sign_out(tx, caller.principal, token=caller.session, now=now))
            authenticator.forget(caller.session)
    except TocsinError as error:
        return _refused(error, None)
    response = RedirectResponse("/", 303)
    response.delete_cookie(authenticator.cookie, path="/", secure=authenticator.is_https, httponly=True, samesite="lax")
    return response


@router.get("/asks/{id}")
async def show_ask(id: str, request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """Show an ask to whoever has signed in; to others the form to sign in. It never decides: scanners of mail follow links."""
    caller = await authenticator.by_cookie(request)
    if caller is None:
        return _signin_page(parts, f"/asks/{id}")
    try:
        return await _ask_page(parts, caller, AskId(id))
    except TocsinError as error:
        return _refused(error, caller)


@router.post("/asks/{id}")
async def answer_ask(id: str, request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """Record the answer of whoever has signed in, or shows an access token with it."""
    caller: Caller | None = None
    session: NewSession | None = None
    try:
        form = await _form(request)
        authenticator.check_origin(request)
        caller = await authenticator.by_cookie(request)
        if _field(form, "token"):
            session = await _sign_in(parts, _field(form, "token"))
            caller = Caller(session.principal, session.token)
        elif caller is None:
            raise Unauthenticated("Nobody is signed in.", hint="Sign in and answer again.")
        else:
            authenticator.check_csrf(caller, _field(form, "csrf"))
        response = await _answer(parts, caller, AskId(id), form)
    except TocsinError as error:
        response = await _after_refusal(parts, caller, AskId(id), error)
    return _with_cookie(response, authenticator, session)


@router.get("/cases/{id}")
async def show_case(id: str, request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """Show a case's report."""
    caller = await authenticator.by_cookie(request)
    if caller is None:
        return _signin_page(parts, f"/cases/{id}")
    now = parts.clock()
    try:
        report = await parts.units.read(lambda tx: reports.case_report(tx, caller.principal, id=CaseId(id), now=now))
    except TocsinError as error:
        return _refused(error, caller)
    return report_response(report, nonce=secrets.token_urlsafe(16))


@router.get("/runs/{id}")
async def show_run(id: str, request: Request, parts: WithParts, authenticator: WithAuthenticator) -> Response:
    """Show what happened in a run."""
    caller = await authenticator.by_cookie(request)
    if caller is None:
        return _signin_page(parts, f"/runs/{id}")
    try:
        run, entries = await parts.units.read(lambda tx: runs.get_timeline(tx, caller.principal, id=RunId(id)))
    except TocsinError as error:
        return _refused(error, caller)
    return page("run.html", {**_whoever(caller), "run": run, "entries": entries})


def _overview(tx: Tx, caller: Caller) -> dict[str, object]:
    actor, scopes = caller.principal, caller.principal.scopes
    open_asks = asks.find_asks(tx, actor, statuses=frozenset({AskStatus.OPEN})).items if Scope.ASKS_READ in scopes else ()
    open_cases = CaseFilter(statuses=frozenset({CaseStatus.OPEN, CaseStatus.IN_PROGRESS}))
    return {
        "mine": [ask for ask in open_asks if Scope.ASKS_ANSWER in scopes and asks.is_asked(actor, ask.to)],
        "others": [ask for ask in open_asks if Scope.ASKS_ANSWER not in scopes or not asks.is_asked(actor, ask.to)],
        "cases": cases.find_cases(tx, actor, where=open_cases, limit=SHOWN).items if Scope.CASES_READ in scopes else (),
        "closed": cases.find_cases(tx, actor, where=CaseFilter(statuses=frozenset({CaseStatus.CLOSED})), limit=5).items
        if Scope.CASES_READ in scopes
        else (),
        "runs": runs.find_runs(tx, actor, where=RunFilter(), limit=SHOWN).items if Scope.RUNS_READ in scopes else (),
    }


async def _answer(parts: Parts, caller: Caller, id: AskId, form: FormData) -> Response:
    file = await parts.units.read(lambda tx: asks.get_ask(tx, caller.principal, id=id))
    typed = {name.removeprefix("form."): str(value) for name, value in form.items() if name.startswith("form.")}
    reply = Reply(_field(form, "answer"), _field(form, "reason")[:20_000], read_form(file.ask.form, typed), "web")
    return _ask_response(caller, await record_answer(parts, caller.principal, id, reply), reply=reply)


async def _ask_page(parts: Parts, caller: Caller, id: AskId, *, problem: str = "", status: int = 200) -> Response:
    file = await parts.units.read(lambda tx: asks.get_ask(tx, caller.principal, id=id))
    return _ask_response(caller, file, problem=problem, status=status)


def _ask_response(caller: Caller, file: AskFile, *, problem: str = "", status: int = 200, reply: Reply | None = None) -> HTMLResponse:
    actor = caller.principal
    may = file.ask.status is AskStatus.OPEN and Scope.ASKS_ANSWER in actor.scopes and asks.is_asked(actor, file.ask.to)
    has_answered = any(answer.user == actor.user for answer in file.answers)
    values = {
        **_whoever(caller),
        "problem": problem,
        "file": file,
        "ask": file.ask,
        "fields": _fields(file.ask.form),
        "may_answer": may and not has_answered,
        "has_answered": has_answered,
        "just_answered": reply is not None,
    }
    return page("ask.html", values, status=status)


async def _after_refusal(parts: Parts, caller: Caller | None, id: AskId, error: TocsinError) -> Response:
    """Show the ask again with what was wrong; the plain refusal to whom the ask is not to be shown."""
    status = of_error(error).status
    if caller is None:
        return _signin_page(parts, f"/asks/{id}", problem=str(error), status=status)
    try:
        return await _ask_page(parts, caller, id, problem=str(error), status=status)
    except TocsinError:
        return _refused(error, caller)


def _refused(error: TocsinError, caller: Caller | None) -> HTMLResponse:
    problem = of_error(error)
    values = {"title": problem.title, "detail": error.message, "hint": error.hint, **_whoever(caller)}
    return page("problem.html", values, status=problem.status)


def _signin_page(parts: Parts, next: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    return page("signin.html", {"next": next, "version": parts.version, "problem": problem}, status=status)


def _fields(form: JsonObject) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for name, spec in form.items():
        field = spec if isinstance(spec, dict) else {}
        choices = field.get("enum")
        found.append(
            {
                "name": name,
                "title": field.get("title") or name,
                "type": field.get("type", "string"),
                "required": field.get("required", True) and "default" not in field,
                "default": field.get("default", ""),
                "choices": choices if isinstance(choices, list) else [],
            }
        )
    return found


def _whoever(caller: Caller | None) -> dict[str, object]:
    return {"person": caller.principal.name if caller else "", "csrf": caller.csrf if caller else ""}


async def _sign_in(parts: Parts, token: str) -> NewSession:
    now = parts.clock()
    return await parts.units.write(lambda tx: people.sign_in(tx, token=token.strip(), now=now))


def _with_cookie(response: Response, authenticator: Authenticator, session: NewSession | None) -> Response:
    if session is not None:
        life = int(people.SESSION_LIFE.total_seconds())
        response.set_cookie(
            authenticator.cookie, session.token, max_age=life, path="/", secure=authenticator.is_https, httponly=True, samesite="lax"
        )
    return response


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=0, max_fields=MOST_FIELDS)
    except HTTPException as error:
        if error.status_code == 413:
            raise
        raise Invalid("The form cannot be read.", hint="Load the page again and send it anew.") from error


def _field(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _place(next: str) -> str:
    """Return a place of ours to go to: another site's address would make the form a stepping stone."""
    is_ours = next.startswith("/") and not next.startswith(("//", "/\\")) and next.isascii() and next.isprintable() and "\\" not in next
    return next if is_ours else "/"
