"""Read one file of `actions/`."""

import re

from tocsin.connectors.manifest import (
    Action,
    BodyKind,
    ConnectionSpec,
    ErrorRule,
    Fault,
    Page,
    PageKind,
    PathPart,
    Request,
    Response,
    Target,
    Verify,
)
from tocsin.connectors.nodes import Members, Node
from tocsin.connectors.read_connection import read_rate
from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import JsonObject
from tocsin.playbook.expr import ExprError, Template, compile_expression
from tocsin.playbook.expr.scan import pieces_of

_KNOWN = (
    "action", "title", "description", "effect", "on_unknown", "undo", "minutes_saved", "target", "input", "output", "auth", "request",
    "response", "page", "rate", "key_header", "key_window", "code", "verify", "settle",
)  # fmt: skip
_REQUEST = ("method", "path", "url", "query", "headers", "json", "form", "text", "omit_null", "timeout")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def read_action(node: Node, *, pack: str, name: str, connection: ConnectionSpec | None) -> Action:
    """Read an action; `name` is the file's."""
    parts = node.members(known=_KNOWN, required=("action", "title", "effect"))
    if parts.text("action", name) != name:
        parts.need("action").report("PK208", f"The action's name differs from its file's, '{name}'.", hint="Make them the same.")
    effect = parts.need("effect").choice(Effect) if "effect" in parts else Effect.READ
    on_unknown = _on_unknown(parts, effect)
    _one_way(parts)
    _check_auth(parts.get("auth"), connection)
    request, response, page, rate = parts.get("request"), parts.get("response"), parts.get("page"), parts.get("rate")
    if page is not None and effect is not Effect.READ:
        page.report("PK308", "Only a read can be paged.", hint="Remove 'page'.")
    minutes, verify, target, schema = parts.get("minutes_saved"), parts.get("verify"), parts.get("target"), parts.get("output")
    settle = parts.duration("settle")
    return Action(
        name=name,
        spec=ActionSpec(
            name=f"{pack}.{name}",
            title=parts.text("title"),
            effect=effect,
            on_unknown=on_unknown,
            input_schema=_input(parts.get("input")),
            output_schema={} if schema is None else schema.schema(),
            undo=f"{pack}.{parts.text('undo')}" if "undo" in parts else None,
            key_window_s=parts.duration("key_window"),
            settle_s=2.0 if settle is None else settle,
            minutes_saved=0.0 if minutes is None else minutes.number(),
        ),
        description=parts.text("description"),
        target=None if target is None else _target(target),
        code=parts.text("code"),
        auth=parts.text("auth") if "auth" in parts else None,
        request=None if request is None else _request(request),
        response=Response() if response is None else _response(response),
        page=None if page is None else _page(page),
        rate=None if rate is None else read_rate(rate),
        verify=None if verify is None else _verify(verify),
        key_header=parts.text("key_header"),
    )


def _on_unknown(parts: Members, effect: Effect) -> OnUnknown | None:
    node = parts.get("on_unknown")
    if effect is Effect.READ:
        if node is not None:
            node.report("PK301", "A read has no unknown outcome.", hint="Remove 'on_unknown'.")
        return None
    if node is None:
        parts.node.report(
            "PK301",
            f"An action with effect '{effect}' must say what to do when nobody knows whether it happened.",
            hint="Add on_unknown: repeat (doing it again changes nothing), key (the target honours an idempotency key), verify or ask.",
        )
        return None
    policy = node.choice(OnUnknown)
    if policy is OnUnknown.VERIFY and "verify" not in parts:
        node.report("PK302", "on_unknown: verify needs a probe.", hint="Add 'verify:' with code or request.")
    if policy is OnUnknown.KEY and "request" in parts and "key_header" not in parts and "key" not in _texts(parts.need("request")):
        node.report("PK302", "on_unknown: key needs a place for the key.", hint="Add key_header, or use ${{ key }} in the request.")
    return policy


def _texts(node: Node) -> str:
    return " ".join(re.findall(r"\bkey\b", " ".join(_EXPRESSION.findall(str(node.value)))))


def _one_way(parts: Members) -> None:
    if ("request" in parts) == ("code" in parts):
        parts.node.report("PK306", "An action needs exactly one of 'request' and 'code'.", hint="Say it in data where you can.")
    if "code" in parts and "response" in parts:
        parts.need("response").report("PK306", "'response' belongs to 'request'.", hint="Remove it, or write 'request'.")


def _check_auth(node: Node | None, connection: ConnectionSpec | None) -> None:
    if node is None or node.text() == "none":
        return
    if connection is None or node.text() not in connection.auths:
        node.report("PK305", f"The scheme '{node.value}' is not declared.", hint="Add it under connection.auths, or write none.")


def _input(node: Node | None) -> JsonObject:
    if node is None:
        return {"type": "object", "additionalProperties": False}
    schema = node.schema()
    if schema.get("type", "object") != "object":
        node.report("PK206", "The input must be an object.", hint="Write type: object.")
    # a misspelt argument must be an error where the pack does not say otherwise
    return {"additionalProperties": False, **schema, "type": "object"}


def _target(node: Node) -> Target:
    parts = node.members(known=("type", "value"), required=("type", "value"))
    return Target(type=parts.need("type").template(), value=parts.need("value").template())


def _request(node: Node) -> Request:
    parts = node.members(known=_REQUEST)
    if ("path" in parts) == ("url" in parts):
        node.report("PK306", "A request needs exactly one of 'path' and 'url'.", hint="Write path: /… for the connection's address.")
    method, path, omit = parts.get("method"), parts.get("path"), parts.get("omit_null")
    return Request(
        method=_method(method or Node.nowhere("GET")),
        path=None if path is None else _path(path),
        url=parts.template("url"),
        query=parts.template("query"),
        headers=parts.template("headers"),
        json=parts.template("json"),
        form=parts.template("form"),
        text=parts.template("text"),
        omit_null=False if omit is None else omit.boolean(),
        timeout_s=parts.duration("timeout"),
    )


def _method(node: Node) -> Template:
    if "${{" not in node.text():
        node.one_of(*METHODS)
    return node.template()


def _path(node: Node) -> tuple[PathPart, ...]:
    text = node.text()
    if not text.startswith("/"):
        node.report("PK203", "'path' must begin with a slash.", hint="Write /…, or use url.")
    try:
        parts = [piece if isinstance(piece, str) else compile_expression(piece.source) for piece in pieces_of(text)]
    except ExprError as error:
        node.report("PK205", error.message, hint=error.hint or "See the expression reference.")
        return ()
    return tuple(part for part in parts if part != "")


def _response(node: Node) -> Response:
    parts = node.members(known=("ok", "body", "schema", "output", "errors"))
    ok, body, schema, errors = parts.get("ok"), parts.get("body"), parts.get("schema"), parts.get("errors")
    return Response(
        ok=() if ok is None else tuple(item.integer() for item in ok.items()),
        body=BodyKind.AUTO if body is None else body.choice(BodyKind),
        schema=None if schema is None else schema.schema(),
        output=parts.template("output"),
        errors=() if errors is None else tuple(_error(item) for item in errors.items()),
    )


def _error(node: Node) -> ErrorRule:
    parts = node.members(known=("when", "kind", "message"), required=("when", "kind"))
    kind = parts.get("kind")
    return ErrorRule(
        when=parts.need("when").condition(),
        fault=Fault.INVALID if kind is None else kind.choice(Fault),
        message=parts.template("message"),
    )


def _page(node: Node) -> Page:
    known = ("kind", "items", "param", "next", "size_param", "size", "first", "max_pages", "max_items")
    parts = node.members(known=known, required=("kind", "items"))
    kind = parts.need("kind").choice(PageKind) if "kind" in parts else PageKind.LINK
    needed = {PageKind.CURSOR: ("param", "next"), PageKind.OFFSET: ("param",), PageKind.PAGE: ("param",), PageKind.LINK: ()}
    for key in needed[kind]:
        if key not in parts:
            node.report("PK202", f"Paging by {kind} needs '{key}'.", hint=f"Add '{key}:'.")
    following = parts.get("next")
    numbers = {key: part.integer() for key in ("size", "first", "max_pages", "max_items") if (part := parts.get(key)) is not None}
    return Page(
        kind=kind,
        items=parts.need("items").expression(),
        param=parts.text("param"),
        next=None if following is None else following.expression(),
        size_param=parts.text("size_param"),
        size=numbers.get("size", 100),
        first=numbers.get("first", 1),
        max_pages=numbers.get("max_pages", 50),
        max_items=numbers.get("max_items", 10_000),
    )


def _verify(node: Node) -> Verify:
    parts = node.members(known=("code", "request", "ok", "body", "applied", "not_applied"))
    request, applied, not_applied = parts.get("request"), parts.get("applied"), parts.get("not_applied")
    if (request is None) == ("code" not in parts):
        node.report("PK306", "A probe needs exactly one of 'request' and 'code'.", hint="Say it in data where you can.")
    if request is not None and applied is None and not_applied is None:
        node.report("PK202", "A probe by request needs 'applied' or 'not_applied'.", hint="Add applied: ${{ … }}.")
    ok, body = parts.get("ok"), parts.get("body")
    return Verify(
        code=parts.text("code"),
        request=None if request is None else _request(request),
        response=Response(
            ok=() if ok is None else tuple(item.integer() for item in ok.items()),
            body=BodyKind.AUTO if body is None else body.choice(BodyKind),
        ),
        applied=None if applied is None else applied.condition(),
        not_applied=None if not_applied is None else not_applied.condition(),
    )
