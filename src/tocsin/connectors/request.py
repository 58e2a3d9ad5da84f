"""Perform a declarative request: fill it in, send it, judge the answer, page through the rest."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from tocsin.connectors.drift import Drift, DriftKind
from tocsin.connectors.faults import of_exception, of_fault, of_status, retry_after
from tocsin.connectors.line import DEFAULT_TIMEOUT_S, Line
from tocsin.connectors.manifest import Action, BodyKind, Fault, Page, PageKind, Request, Response, Verify
from tocsin.connectors.read_action import METHODS
from tocsin.core.effects import Effect, Probe
from tocsin.core.errors import EgressRefused, Invalid, OutcomeUnknown, TocsinError, TooLarge
from tocsin.core.values import Json, JsonObject, iso
from tocsin.playbook.expr import ExprError, Template

MAX_REDIRECTS = 5
_SAID = 300  # characters of the target's own words in a message

Names = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: Json

    def names(self, names: Names) -> Names:
        """Return the names that expressions over the answer see."""
        return {**names, "status": self.status, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": self.body}


@dataclass(frozen=True, slots=True)
class Performance:
    """One attempt at one declarative action."""

    line: Line
    action: Action
    input: JsonObject
    key: str
    effect: Effect
    drift: Drift
    timeout_s: float | None = None

    @property
    def names(self) -> Names:
        """Return the names that expressions of the request see."""
        return {"input": self.input, "connection": self.line.connection.config, "key": self.key, "now": iso(self.line.now())}

    async def run(self) -> Json:
        """Do it and return the output. Raises an error of `core.errors` whose kind says whether it happened."""
        if self.action.request is None:
            raise Invalid(f"The action {self.action.spec.name} has no request.", hint="Run `tocsin pack check`.")
        if self.action.page is not None:
            return await self._all_pages(self.action.request, self.action.page)
        answer = await self._ask(self.action.request, self.action.response, {})
        return self._output(answer, self.names)

    async def probe(self, verify: Verify) -> Probe:
        """Ask whether it happened."""
        if verify.request is None:
            return Probe.UNKNOWN
        answer = await self._ask(verify.request, verify.response, {}, effect=Effect.READ, judge_schema=False)
        names = answer.names(self.names)
        if verify.applied is not None and verify.applied.test(names):
            return Probe.APPLIED
        if verify.not_applied is not None and verify.not_applied.test(names):
            return Probe.NOT_APPLIED
        return Probe.UNKNOWN

    def _output(self, answer: Answer, names: Names) -> Json:
        template = self.action.response.output
        if template is None:
            return answer.body
        try:
            return template.render(answer.names(names))
        except ExprError as error:
            if self.effect is Effect.READ:
                raise Invalid(f"The answer of {self.line.target} is not what the pack expects: {error.message}", hint=error.hint) from None
            # it has happened; an error would make somebody do it again
            self._note_drift(str(error))
            return {"problem": f"It was done, but the answer is not what the pack expects: {error.message}", "body": answer.body}

    def _note_drift(self, detail: str) -> None:
        self.drift.add(
            connection=self.line.connection.name, action=self.action.spec.name, path="(output)", kind=DriftKind.OUTPUT, detail=detail
        )

    async def _all_pages(self, request: Request, page: Page) -> Json:
        items: list[Json] = []
        extra: dict[str, Json] = {page.size_param: page.size} if page.size_param else {}
        url: httpx.URL | None = None
        for number in range(page.max_pages):
            if page.kind is PageKind.OFFSET:
                extra = {**extra, page.param: number * page.size}
            elif page.kind is PageKind.PAGE:
                extra = {**extra, page.param: page.first + number}
            answer = await self._ask(request, self.action.response, extra, url=url)
            found = page.items.evaluate(answer.names(self.names))
            if not isinstance(found, list):
                raise Invalid(f"The items of {self.line.target} are not a list.", hint="Check 'page.items' of the pack.")
            items += found
            if len(items) > page.max_items:
                raise TooLarge(f"There are more than {page.max_items:,} items.", hint="Narrow the search.")
            following = self._next(page, answer, found)
            if following is None:
                return self._output(answer, {**self.names, "items": items})
            if isinstance(following, httpx.URL):
                url = following
            else:
                extra = {**extra, **following}
        raise TooLarge(f"There are more than {page.max_pages} pages.", hint="Narrow the search, or raise 'max_pages' in the pack.")

    def _next(self, page: Page, answer: Answer, found: list[Json]) -> dict[str, Json] | httpx.URL | None:
        match page.kind:
            case PageKind.CURSOR:
                cursor = page.next.evaluate(answer.names(self.names)) if page.next else None
                return None if cursor in (None, "", False) else {page.param: cursor}
            case PageKind.OFFSET | PageKind.PAGE:
                return None if len(found) < page.size else {}
            case PageKind.LINK:
                target = _link_next(answer.headers)
                return None if target is None or self.line.base is None else self.line.base.join(target)

    async def _ask(
        self,
        request: Request,
        response: Response,
        extra: Mapping[str, Json],
        *,
        url: httpx.URL | None = None,
        effect: Effect | None = None,
        judge_schema: bool = True,
    ) -> Answer:
        effect = effect or self.effect
        names = self.names
        built = self._build(request, names, extra, url)
        await self.line.take_turn(self.action)
        try:
            answer = await self._send(built, response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise of_exception(error, effect=effect, target=self.line.target) from error
        except (TooLarge, Invalid) as error:
            # an unreadable answer to an effect says nothing about whether it happened
            if effect is Effect.READ or isinstance(error, ExprError):
                raise
            raise OutcomeUnknown(error.message, hint=error.hint) from error
        self._judge(answer, response, names, effect)
        if judge_schema and response.schema is not None and response.accepts(answer.status):
            self.drift.observe(answer.body, response.schema, connection=self.line.connection.name, action=self.action.spec.name)
        return answer

    async def _send(self, built: httpx.Request, response: Response) -> Answer:
        client = self.line.client(self.action.auth)
        answer = await client.send(built)
        for _ in range(MAX_REDIRECTS):
            # only a read is led on; every hop passes the guard and the credentials' binding again
            if built.method not in ("GET", "HEAD") or not answer.has_redirect_location or answer.status_code in response.ok:
                break
            target = built.url.join(answer.headers["location"])
            if target.scheme != built.url.scheme and built.url.scheme == "https":
                raise EgressRefused(f"A redirect from https to {target.scheme} was refused.", hint="Correct the connection's address.")
            headers = self._headers(self.action.request, self.names) if self.line.binding.covers(target) else {}
            built = client.build_request(built.method, target, headers=headers)
            answer = await client.send(built)
        return Answer(answer.status_code, answer.headers, _read_body(answer, response.body))

    def _judge(self, answer: Answer, response: Response, names: Names, effect: Effect) -> None:
        seen = answer.names(names)
        for rule in response.errors:
            if rule.when.test(seen):
                if rule.fault is Fault.OK:
                    return
                said = _text(rule.message.render(seen)) if rule.message is not None else self._said(answer)
                raise of_fault(rule.fault, said, wait=retry_after(answer.headers, now=self.line.now()))
        if not response.accepts(answer.status):
            raise of_status(answer.status, effect=effect, said=self._said(answer), headers=answer.headers, now=self.line.now())

    def _said(self, answer: Answer) -> str:
        body = answer.body
        if isinstance(body, dict):
            words = [body[key] for key in ("message", "error", "detail", "errors", "reason") if isinstance(body.get(key), str)]
            body = words[0] if words else body
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False) if body is not None else ""
        text = " ".join(self.line.redactor.text(text).split())  # redacted before it is cut
        text = text if len(text) <= _SAID else text[:_SAID] + "…"
        return f"{self.line.target} answered with status {answer.status}" + (f": {text}" if text else ".")

    def _build(self, request: Request, names: Names, extra: Mapping[str, Json], url: httpx.URL | None) -> httpx.Request:
        try:
            address = url or self._address(request, names)
            content, kind = self._content(request, names)
            headers = self._headers(request, names)
            if kind and "content-type" not in {key.lower() for key in headers}:
                headers["Content-Type"] = kind
            query = [] if url is not None else [*_pairs(_object(request.query, names)), *_pairs(dict(extra))]
            timeout = min(request.timeout_s or DEFAULT_TIMEOUT_S, self.timeout_s or DEFAULT_TIMEOUT_S * 10)
            return self.line.client(self.action.auth).build_request(
                _method(request.method.render(names)),
                address.copy_merge_params(query) if query else address,
                headers=headers,
                content=content,
                timeout=timeout,
            )
        except ExprError as error:
            raise Invalid(f"The request of {self.action.spec.name} cannot be made: {error.message}", hint=error.hint) from None
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise Invalid(f"The request of {self.action.spec.name} cannot be made: {error}.", hint="Correct the input.") from None

    def _address(self, request: Request, names: Names) -> httpx.URL:
        if request.url is not None:
            text = _text(request.url.render(names))
            _no_control(text, "The address")
            address = httpx.URL(text)
            if address.scheme not in ("http", "https") or not address.host:
                raise Invalid(f"'{text[:200]}' is no web address.", hint="Write http(s)://host[:port]/path.")
            return address
        if self.line.base is None:
            raise Invalid(f"{self.line.target} has no address.", hint="Set 'url' in its config in tocsin.yaml.")
        path = "".join(part if isinstance(part, str) else _segment(part.evaluate(names)) for part in request.path or ())
        head, _, query = path.partition("?")
        raw = self.line.base.raw_path.split(b"?")[0].rstrip(b"/") + quote(head, safe="/%:@!$&'()*+,;=~-._").encode()
        return self.line.base.copy_with(raw_path=raw + (b"?" + quote(query, safe="/%:@!$'()*,;=~-._?&+").encode() if query else b""))

    def _headers(self, request: Request | None, names: Names) -> dict[str, str]:
        headers = {"Accept": "application/json, */*;q=0.5"}
        for name, value in _object(None if request is None else request.headers, names).items():
            if value is None:
                continue
            text = _text(value)
            _no_control(name, "A header's name")
            _no_control(text, f"The header '{name}'")
            headers[name] = text
        if self.action.key_header and self.effect is not Effect.READ:
            headers[self.action.key_header] = self.key
        return headers

    def _content(self, request: Request, names: Names) -> tuple[bytes | None, str]:
        rendered = {
            kind: value
            for kind, template in (("json", request.json), ("form", request.form), ("text", request.text))
            if template is not None and (value := template.render(names)) is not None
        }
        if len(rendered) > 1:
            raise Invalid(f"A request has one body, and {' and '.join(rendered)} are given.", hint="Give one of them.")
        for kind, value in rendered.items():
            if kind == "json":
                kept = _without_null(value) if request.omit_null else value
                return json.dumps(kept, ensure_ascii=False).encode(), "application/json"
            if kind == "form":
                return str(httpx.QueryParams(_pairs(_as_object(value)))).encode(), "application/x-www-form-urlencoded"
            return _text(value).encode(), "text/plain; charset=utf-8"
        return None, ""


def _object(template: Template | None, names: Names) -> JsonObject:
    return _as_object({} if template is None else template.render(names))


def _as_object(value: Json) -> JsonObject:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid("Query, headers and form must be objects.", hint="Check the input and the pack.")
    return value


def _pairs(values: Mapping[str, Json]) -> list[tuple[str, str | int | float | bool | None]]:
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                pairs.append((name, _text(item)))
    return pairs


def _text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _method(value: Json) -> str:
    if value not in METHODS:
        raise Invalid(f"'{value}' is no HTTP method.", hint=f"Write one of {', '.join(METHODS)}.")
    return str(value)


def _segment(value: Json) -> str:
    text = _text(value)
    if text in ("", ".", "..") or not isinstance(value, str | int | float):
        raise Invalid(f"'{text[:60]}' cannot stand in a path.", hint="Give a text that is not empty.")
    return quote(text, safe="")


def _no_control(text: str, what: str) -> None:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise Invalid(f"{what} has a line break or control character in it.", hint="Remove it from the input.")


def _without_null(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value


def _read_body(answer: httpx.Response, kind: BodyKind) -> Json:
    content = answer.content
    if kind is BodyKind.BYTES:
        return base64.b64encode(content).decode("ascii")
    declared = "json" in answer.headers.get("content-type", "").lower()
    if kind is BodyKind.JSON or (kind is BodyKind.AUTO and (declared or content[:1] in (b"{", b"["))):
        try:
            return read_json(content)
        except Invalid:
            if kind is BodyKind.JSON and answer.is_success:
                raise
    if not content:
        return None
    encoding = answer.charset_encoding or "utf-8"
    try:
        return content.decode(encoding, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def read_json(content: bytes) -> Json:
    """Read JSON that a stranger wrote: no NaN, no lone surrogates, no bottomless nesting; raises Invalid."""
    try:
        value: Json = json.loads(content, parse_constant=_no_constant) if content else None
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return _scrubbed(value)
    except (ValueError, RecursionError) as error:
        reason = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        raise Invalid(f"The answer is not JSON: {reason}.", hint="Check the address: is it the API?") from None
    return value


def _no_constant(word: str) -> Json:
    raise ValueError(f"{word} is not JSON")


def _scrubbed(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key.encode("utf-8", "replace").decode("utf-8"): _scrubbed(item) for key, item in value.items()}
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value


def _link_next(headers: httpx.Headers) -> str | None:
    text: str = headers.get("link", "")
    for part in text.split(","):
        target, _, parameters = part.partition(";")
        if 'rel="next"' in parameters.replace(" ", "") or "rel=next" in parameters.replace(" ", ""):
            return target.strip().removeprefix("<").removesuffix(">")
    return None


def as_tocsin(error: Exception, *, effect: Effect, target: str) -> TocsinError | None:
    """Return what an error that a pack's code let through means, if that is known."""
    if isinstance(error, TocsinError):
        return error
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
        return of_exception(error, effect=effect, target=target)
    return None
