"""Run the cases of packs: no network, the real runtime, a replayed exchange."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tocsin.connectors.connections import ConnectionConfig, SecretRef
from tocsin.connectors.loader import Packs
from tocsin.connectors.manifest import Pack
from tocsin.connectors.mapping import Skipped, apply
from tocsin.connectors.quality import cases_of
from tocsin.connectors.request import read_json
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.ssrf import Egress, Guard
from tocsin.connectors.transport import Binding
from tocsin.core.effects import Effect
from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.ports import ActionCall
from tocsin.testing.platform import MemoryPlatform

CASE_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_KEYS = {"name", "action", "mapping", "input", "connection", "exchange", "expect", "raw", "raw_file"}


@dataclass(frozen=True, slots=True)
class PackCase:
    """One case of one pack."""

    pack: Pack
    file: Path
    name: str
    content: JsonObject

    def __str__(self) -> str:
        return f"{self.pack.id}: {self.name}"


def pack_cases(packs: Packs) -> list[PackCase]:
    """Return every case of every pack."""
    return [
        PackCase(pack, path, str(content.get("name", f"case {number}")), content)
        for pack in packs.packs.values()
        for number, (path, content) in enumerate(cases_of(pack.folder), 1)
    ]


async def run_case(case: PackCase) -> list[str]:
    """Run a case; return what differs from what it expects."""
    unknown = sorted(set(case.content) - _KEYS)
    if unknown:
        return [f"The key '{unknown[0]}' is not known in a case."]
    if "mapping" in case.content:
        return _run_mapping(case)
    if "action" in case.content:
        return await _run_action(case)
    return ["A case needs 'action' or 'mapping'."]


def _run_mapping(case: PackCase) -> list[str]:
    mapping = case.pack.mappings.get(str(case.content["mapping"]))
    if mapping is None:
        return [f"There is no mapping '{case.content['mapping']}'."]
    raw = case.content.get("raw")
    if "raw_file" in case.content:
        raw = read_json((case.pack.folder / str(case.content["raw_file"])).read_bytes())
    found = apply(mapping, raw, source=case.pack.id, received=CASE_NOW)
    expect = case.content.get("expect")
    if isinstance(found, Skipped):
        return [] if expect == {"skipped": True} else [f"The event was skipped: {found.reason}"]
    if not isinstance(expect, dict) or "skipped" in expect:
        return [f"The event was not skipped: {found.title}"]
    problem = expect.get("problem")
    if isinstance(problem, str) and problem:
        return [] if problem in found.problem else [f"problem: expected '{problem}', got '{found.problem}'"]
    if found.problem:
        return [found.problem]
    return list(_missing(expect, found.as_json(), ""))


async def _run_action(case: PackCase) -> list[str]:
    replay = _Replay(_steps(case.content.get("exchange")))
    connectors = _connectors(case, replay)
    action = case.pack.actions.get(str(case.content["action"]))
    if action is None:
        return [f"There is no action '{case.content['action']}'."]
    arguments = case.content.get("input", {})
    call = ActionCall(
        run=RunId("run_case"), workspace=WorkspaceId("default"), path="case", action=action.spec.name, connection=None,
        arguments=arguments if isinstance(arguments, dict) else {}, effect=Effect.READ, key="case-key", attempt=1, timeout_s=10,
    )  # fmt: skip
    expect = case.content.get("expect")
    wanted = expect if isinstance(expect, dict) else {}
    try:
        output = await connectors.execute(call)
    except TocsinError as error:
        differences = _compare_error(wanted, error)
    else:
        differences = _compare_output(wanted, output)
    finally:
        await connectors.aclose()
    return [*replay.problems, *differences]


def _compare_error(wanted: Mapping[str, Json], error: TocsinError) -> list[str]:
    expected = wanted.get("error")
    if not isinstance(expected, dict):
        return [f"It failed: {error.kind}: {error}"]
    if expected.get("kind") != error.kind.value:
        return [f"Expected an error of kind {expected.get('kind')}, got {error.kind}: {error}"]
    message = str(expected.get("message", ""))
    return [] if message in str(error) else [f"Expected '{message}' in the message, got: {error}"]


def _compare_output(wanted: Mapping[str, Json], output: Json) -> list[str]:
    if "error" in wanted:
        return [f"Expected an error, got the output {output}"]
    if "output" not in wanted:
        return ["The case expects neither an output nor an error."]
    return [] if wanted["output"] == output else [f"Expected the output {wanted['output']}, got {output}"]


def _connectors(case: PackCase, replay: "_Replay") -> Connectors:
    pack = case.pack
    config = case.content.get("connection", {})
    spec = pack.connection
    secrets = {} if spec is None else {name: SecretRef(env=f"CASE_{name}") for name in spec.secrets}
    environ = {f"CASE_{name}": f"secret-{name}" for name in secrets}
    connection = ConnectionConfig("case", pack.id, config if isinstance(config, dict) else {}, secrets)

    def transport(guard: Guard, binding: Binding, tls: ssl.SSLContext) -> httpx.AsyncBaseTransport:
        replay.binding = binding
        return replay

    async def resolve(host: str, port: int) -> list[str]:
        return ["1.1.1.1"]

    return Connectors(
        Packs({pack.id: pack}),
        connections=[connection] if spec is not None else [],
        egress=Egress(),
        platform=lambda call: MemoryPlatform(),
        now=lambda: CASE_NOW,
        environ=environ,
        resolve=resolve,
        transport=transport,
    )


def _steps(exchange: Json) -> list[JsonObject]:
    return [step for step in exchange if isinstance(step, dict)] if isinstance(exchange, list) else []


class _Replay(httpx.AsyncBaseTransport):
    """Answer from an exchange, and note every request that differs from it."""

    def __init__(self, steps: Sequence[JsonObject]) -> None:
        self._steps = list(steps)
        self._next = 0
        self._found: list[str] = []
        self.binding: Binding | None = None

    @property
    def problems(self) -> list[str]:
        left = len(self._steps) - self._next
        return [*self._found, *([f"{left} requests of the exchange were not made."] if left > 0 else [])]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        if self.binding is not None:
            self.binding.check(request, content)
        if self._next >= len(self._steps):
            self._found.append(f"An unexpected request was made: {request.method} {request.url}")
            return httpx.Response(500, text="not in the exchange", request=request)
        step = self._steps[self._next]
        self._next += 1
        wanted, answer = step.get("request"), step.get("response")
        if isinstance(wanted, dict):
            self._found += [f"request {self._next}: {reason}" for reason in _request_differences(wanted, request, content)]
        return _answer(answer if isinstance(answer, dict) else {}, request)


def _request_differences(wanted: JsonObject, request: httpx.Request, content: bytes) -> Iterator[str]:
    method, path, url = wanted.get("method"), wanted.get("path"), wanted.get("url")
    if method is not None and method != request.method:
        yield f"expected {method}, got {request.method}"
    if path is not None and path != request.url.raw_path.partition(b"?")[0].decode():
        yield f"expected the path {path}, got {request.url.raw_path.decode()}"
    if url is not None and url != str(request.url).partition("?")[0]:
        yield f"expected the address {url}, got {request.url}"
    query, headers = wanted.get("query"), wanted.get("headers")
    if isinstance(query, dict):
        expected = sorted((key, str(item)) for key, value in query.items() for item in (value if isinstance(value, list) else [value]))
        if expected != sorted(request.url.params.multi_items()):
            yield f"expected the query {expected}, got {request.url.params.multi_items()}"
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if request.headers.get(name) != value:
            yield f"expected the header {name}: {value}, got {request.headers.get(name)}"
    if "json" in wanted:
        try:
            yield from _missing(wanted["json"], read_json(content), "json")
        except Invalid:
            yield f"expected JSON, got {content[:100]!r}"
    if "text" in wanted and wanted["text"] != content.decode("utf-8", "replace"):
        yield f"expected the body {wanted['text']!r}, got {content[:200]!r}"


def _answer(answer: JsonObject, request: httpx.Request) -> httpx.Response:
    match answer.get("fails"):
        case "timeout":
            raise httpx.ReadTimeout("timed out", request=request)
        case "refused":
            raise httpx.ConnectError("connection refused", request=request)
        case "reset":
            raise httpx.ReadError("connection reset", request=request)
    headers = answer.get("headers")
    known = {key: str(value) for key, value in headers.items()} if isinstance(headers, dict) else {}
    status = answer.get("status", 200)
    code = status if isinstance(status, int) else 200
    if "json" in answer:
        return httpx.Response(code, headers=known, json=answer["json"], request=request)
    return httpx.Response(code, headers=known, text=str(answer.get("text", "")), request=request)


def _missing(wanted: Json, found: Json, path: str) -> Iterator[str]:
    """Yield where `found` lacks what `wanted` has: objects are subsets, lists and values are equal."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if key not in found:
                yield f"{path}.{key}".lstrip(".") + " is missing"
            else:
                yield from _missing(value, found[key], f"{path}.{key}".lstrip("."))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _missing(one, other, f"{path}[{index}]")
    elif wanted != found:
        yield f"{path}: expected {wanted!r}, got {found!r}"
