"""The runtime over real sockets: every status, timeouts, redirects, credentials, sizes, paging, drift, other people's code."""

import asyncio
import base64
import json
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin.connectors.connections import ConnectionConfig, SecretRef
from tocsin.connectors.drift import DriftKind
from tocsin.connectors.loader import load_packs
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.ssrf import Egress
from tocsin.core.effects import Effect, Probe
from tocsin.core.errors import (
    AuthFailed,
    Conflict,
    ConnectionNotFound,
    CredentialMissing,
    EgressRefused,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TocsinError,
    TooLarge,
    Transient,
    Unreachable,
)
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json
from tocsin.engine.ports import ActionCall
from tocsin.testing.http_server import LocalServer, Received, Reply
from tocsin.testing.platform import MemoryPlatform

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
CANARY = 's3cr3t/with+odd="chars"&more'

PACK = """\
schema: tocsin/pack@1
id: acme
title: Acme
product: Acme API
version: 1.0.0
check: look
connection:
  config:
    type: object
    required: [url]
    properties: {url: {type: string}, client: {type: string, default: me}, token_url: {type: string, default: ""}}
  secrets: {token: {title: Token}, other: {title: Other, required: false}}
  auth: {scheme: api_key, name: X-Api-Key, secret: token}
  auths:
    query: {scheme: api_key, in: query, name: k, secret: token}
    basic: {scheme: basic, user: "${{ connection.client }}", secret: token}
    bearer: {scheme: bearer, secret: token}
    signed: {scheme: hmac, header: X-Sig, timestamp_header: X-At, prefix: "v1=", secret: token}
    oauth: {scheme: oauth2, token_url: "${{ connection.token_url }}", client_id: "${{ connection.client }}", secret: token, scope: all}
    other: {scheme: bearer, secret: other}
"""
ACTIONS = {
    "look": """
effect: read
input: {type: object, properties: {id: {type: string, default: "7"}, n: {type: integer}}}
output: {}
request: {path: "/items/${{ input.id }}", query: {n: "${{ input.n | default(none) }}", all: [a, b]}, timeout: 400ms}
""",
    "hit": """
effect: write
on_unknown: key
key_header: Idempotency-Key
input: {type: object, properties: {x: {}}}
request:
  {method: POST, path: /hit, json: {x: "${{ input.x | default(none) }}", at: "${{ now }}", gone: null}, omit_null: true, timeout: 400ms}
response:
  schema: {type: object, required: [id], properties: {id: {type: integer}, state: {enum: [new, old]}}}
  output: {id: "${{ body.id }}"}
  errors: [{when: "${{ status == 418 }}", kind: Conflict, message: "Teapot ${{ body.message }}"}, {when: "${{ status == 410 }}", kind: ok}]
""",
    "go": "effect: read\ninput: {type: object, properties: {url: {type: string}}}\nrequest: {url: '${{ input.url }}'}\n",
    "tell": """
effect: read
input: {type: object, properties: {h: {}}}
request: {path: /tell, headers: {X-H: "${{ input.h }}"}}
response: {output: {headers: "${{ headers }}", body: "${{ body }}"}}
""",
    "cursor": """
effect: read
request: {path: /page}
page: {kind: cursor, param: after, next: "${{ body.next }}", items: "${{ body.items }}"}
response: {output: {items: "${{ items }}"}}
""",
    "offset": """
effect: read
request: {path: /page}
page: {kind: offset, param: start, size_param: limit, size: 2, items: "${{ body }}", max_pages: 3}
response: {output: "${{ items }}"}
""",
    "linked": """
effect: read
request: {path: /page}
page: {kind: link, items: "${{ body }}"}
response: {output: "${{ items }}"}
""",
    "sure": """
effect: write
on_unknown: verify
request: {method: PUT, path: /sure}
verify: {request: {path: /state}, ok: [200, 404], applied: "${{ status == 200 and body.on }}", not_applied: "${{ status == 404 }}"}
""",
    "typed": "effect: read\noutput: {type: object, required: [a], properties: {a: {type: integer}}}\nrequest: {path: /typed}\n",
    "boom": "effect: read\ncode: boom\n",
    "bang": "effect: write\non_unknown: ask\ncode: boom\n",
    "slow": "effect: read\ncode: slow\n",
    "slowly": "effect: write\non_unknown: ask\ncode: slow\n",
    "leak": "effect: write\non_unknown: ask\ncode: leak\n",
    **{
        f"as_{name}": f"effect: read\nauth: {name}\nrequest: {{path: /who, query: {{q: '1'}}}}\n"
        for name in ("query", "basic", "bearer", "signed", "oauth", "other")
    },
}  # fmt: skip
CODE = """\
import asyncio


async def boom(ctx, input):
    raise RuntimeError("no " + ctx.connection.secret("token"))


async def slow(ctx, input):
    await asyncio.sleep(30)


async def leak(ctx, input):
    response = await ctx.http.post("/leak", json={"t": "x"})
    return {"body": response.text, "token": ctx.connection.secret("token"), "key": ctx.key}
"""


@pytest.fixture
def packs(tmp_path: Path):
    folder = tmp_path / "packs" / "acme"
    (folder / "actions").mkdir(parents=True)
    (folder / "pack.yaml").write_text(PACK)
    (folder / "code.py").write_text(CODE)
    for name, text in ACTIONS.items():
        (folder / "actions" / f"{name}.yaml").write_text(f"action: {name}\ntitle: {name}\n{text}")
    loaded = load_packs([folder.parent])
    assert loaded.diagnostics == ()
    return loaded


Run = Callable[..., "asyncio.Future[Json]"]


class Rig:
    """A server, and connectors that are connected to it."""

    def __init__(self, server: LocalServer, connectors: Connectors) -> None:
        self.server = server
        self.connectors = connectors

    def call(self, action: str, *, timeout_s: float | None = 5, effect: Effect = Effect.READ, **arguments: Json) -> ActionCall:
        return ActionCall(
            run=RunId("run_1"), workspace=WorkspaceId("default"), path="s", action=f"acme.{action}", connection=None,
            arguments=arguments, effect=effect, key="the-key", attempt=1, timeout_s=timeout_s,
        )  # fmt: skip

    async def run(self, action: str, **arguments: Json) -> Json:
        return await self.connectors.execute(self.call(action, **arguments))

    async def fail(self, action: str, **arguments: Json) -> TocsinError:
        with pytest.raises(TocsinError) as caught:
            await self.run(action, **arguments)
        return caught.value


@pytest.fixture
def rig(packs):
    @asynccontextmanager
    async def make(answer: Callable[[Received], Reply], *, allow: tuple[str, ...] | None = None, **config: Json) -> AsyncIterator[Rig]:
        with LocalServer(answer) as server:
            connectors = Connectors(
                packs,
                connections=[
                    ConnectionConfig("acme-1", "acme", {"url": server.url, **config}, {"token": SecretRef(env="TOKEN")}),
                ],
                egress=Egress(allow=("127.0.0.1/32",) if allow is None else allow),
                platform=lambda call: MemoryPlatform(),
                now=lambda: NOW,
                environ={"TOKEN": CANARY},
            )
            try:
                yield Rig(server, connectors)
            finally:
                await connectors.aclose()

    return make


def answers(status: int = 200, body: Json = None, **headers: str) -> Callable[[Received], Reply]:
    content = b"" if body is None else json.dumps(body).encode()
    return lambda request: Reply(
        status, content, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


@pytest.mark.parametrize(
    ("status", "read", "effect"),
    [
        (400, Invalid, Invalid), (401, AuthFailed, AuthFailed), (403, AuthFailed, AuthFailed), (404, NotFound, NotFound),
        (408, Transient, Transient), (409, Conflict, Conflict), (422, Invalid, Invalid), (429, RateLimited, RateLimited),
        (500, Transient, OutcomeUnknown), (502, Transient, OutcomeUnknown), (503, Transient, Transient), (504, Transient, OutcomeUnknown),
        (300, Invalid, Invalid), (418, Invalid, Conflict),
    ],
)  # fmt: skip
async def test_every_status_means_what_the_table_says(rig, status: int, read: type[TocsinError], effect: type[TocsinError]) -> None:
    async with rig(answers(status, {"message": "because"})) as one:
        assert type(await one.fail("look")) is read
        error = await one.fail("hit")
        assert type(error) is effect
        assert "because" in error.message


async def test_error_table_can_take_a_status_for_success(rig) -> None:
    async with rig(answers(410, {"id": 4})) as one:
        assert await one.run("hit") == {"id": 4}


async def test_retry_after_is_kept(rig) -> None:
    async with rig(answers(503, None, Retry_After="17")) as one:
        assert (await one.fail("hit")).retry_after == 17
    async with rig(answers(429, None, Retry_After="Wed, 06 May 2026 07:09:09 GMT")) as one:
        assert (await one.fail("look")).retry_after == 60
    async with rig(answers(429, None, Retry_After="soon")) as one:
        assert (await one.fail("look")).retry_after is None


async def test_timeout_after_sending_is_unknown_for_an_effect_and_transient_for_a_read(rig) -> None:
    never = threading.Event()
    async with rig(lambda request: Reply(wait=never)) as one:
        assert type(await one.fail("look")) is Transient
        assert type(await one.fail("hit")) is OutcomeUnknown
        never.set()


async def test_hang_up_after_sending_is_unknown_for_an_effect_and_transient_for_a_read(rig) -> None:
    async with rig(lambda request: Reply(hang_up=True)) as one:
        assert type(await one.fail("look")) is Transient
        assert type(await one.fail("hit")) is OutcomeUnknown


async def test_refused_connection_is_certain_for_both(rig, packs) -> None:
    async with rig(answers()) as one:
        pass
    connectors = Connectors(
        packs,
        connections=[ConnectionConfig("gone", "acme", {"url": one.server.url}, {"token": SecretRef(env="TOKEN")})],
        egress=Egress(allow=("127.0.0.1/32",)),
        platform=lambda call: MemoryPlatform(),
        now=lambda: NOW,
        environ={"TOKEN": CANARY},
    )
    for action in ("look", "hit"):
        with pytest.raises(Unreachable):
            await connectors.execute(one.call(action))


async def test_request_is_built_as_declared(rig) -> None:
    async with rig(answers(200, {"id": 1})) as one:
        await one.run("look", id="a/../b c?d#e", n=3)
        await one.run("hit", x="ä")
    look, hit = one.server.received
    assert look.path == "/items/a%2F..%2Fb%20c%3Fd%23e?n=3&all=a&all=b"
    assert look.headers["x-api-key"] == CANARY
    assert "idempotency-key" not in look.headers
    assert hit.headers["idempotency-key"] == "the-key"
    assert json.loads(hit.body) == {"x": "ä", "at": "2026-05-06T07:08:09.000000Z"}


@pytest.mark.parametrize("value", ["", ".", ".."])
async def test_value_that_would_change_the_path_is_refused(rig, value: str) -> None:
    async with rig(answers()) as one:
        assert type(await one.fail("look", id=value)) is Invalid
        assert one.server.received == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "\x7f"])
async def test_line_break_in_a_header_is_refused_before_anything_is_sent(rig, value: str) -> None:
    async with rig(answers()) as one:
        assert "line break" in str(await one.fail("tell", h=value))
        assert one.server.received == []


async def test_input_that_does_not_fit_is_refused_before_anything_is_sent(rig) -> None:
    async with rig(answers()) as one:
        for arguments in ({"id": 7}, {"idd": "x"}, {"n": "three"}):
            assert type(await one.fail("look", **arguments)) is Invalid
        assert one.server.received == []


async def test_schemes_prove_themselves(rig) -> None:
    async with rig(answers(200, {})) as one:
        for name in ("query", "basic", "bearer", "signed"):
            await one.run(f"as_{name}")
    query, basic, bearer, signed = one.server.received
    assert "k=s3cr3t" in query.path
    assert base64.b64decode(basic.headers["authorization"].removeprefix("Basic ")).decode() == f"me:{CANARY}"
    assert bearer.headers["authorization"] == f"Bearer {CANARY}"
    import hashlib
    import hmac

    text = f"{int(NOW.timestamp())}.GET./who?q=1.".encode()
    assert signed.headers["x-sig"] == "v1=" + hmac.new(CANARY.encode(), text, hashlib.sha256).hexdigest()
    assert signed.headers["x-at"] == str(int(NOW.timestamp()))


async def test_missing_optional_credential_is_named_when_it_is_needed(rig) -> None:
    async with rig(answers(200, {})) as one:
        error = await one.fail("as_other")
        assert type(error) is CredentialMissing
        assert "'other'" in error.message


async def test_oauth_token_is_fetched_once_and_again_after_a_401(rig) -> None:
    tokens = iter(["token-one", "token-two"])
    refused = []

    def answer(request: Received) -> Reply:
        if request.path == "/oauth":
            return Reply(200, json.dumps({"access_token": next(tokens), "expires_in": 3600}).encode())
        if len(one.server.received) == 4:
            refused.append(request)
            return Reply(401)
        return Reply(200, json.dumps({"you": request.headers["authorization"]}).encode())

    async with rig(answer) as one:
        one.connectors._configs["acme-1"] = replace(
            one.connectors._configs["acme-1"], config={"url": one.server.url, "token_url": f"{one.server.url}/oauth"}
        )
        first, second = await asyncio.gather(one.run("as_oauth"), one.run("as_oauth"))
        third = await one.run("as_oauth")
    # the token is a credential too: it does not come back out
    assert first == second == third == {"you": "Bearer •••"}
    assert len(refused) == 1
    logins = [request for request in one.server.received if request.path == "/oauth"]
    assert len(logins) == 2
    assert logins[0].body.startswith(b"grant_type=client_credentials&scope=all&client_id=me&client_secret=s3cr3t")
    assert one.server.received[-1].headers["authorization"] == "Bearer token-two"


async def test_refused_login_is_auth_failed_and_the_action_is_not_sent(rig) -> None:
    async with rig(lambda request: Reply(400, b"{}")) as one:
        one.connectors._configs["acme-1"] = replace(
            one.connectors._configs["acme-1"], config={"url": one.server.url, "token_url": f"{one.server.url}/oauth"}
        )
        assert type(await one.fail("as_oauth")) is AuthFailed
    assert [request.path for request in one.server.received] == ["/oauth"]


async def test_credential_stays_with_its_host(rig) -> None:
    async with rig(answers(200, {})) as one, rig(answers(200, {})) as other:
        await one.run("go", url=f"{one.server.url}/mine")
        await one.run("go", url=f"{other.server.url}/theirs")
    assert one.server.received[0].headers["x-api-key"] == CANARY
    assert "x-api-key" not in other.server.received[0].headers


async def test_redirect_to_another_host_loses_the_credential(rig) -> None:
    async with rig(answers(200, {"at": "other"})) as other, rig(answers(302, None, Location=f"{other.server.url}/next")) as one:
        assert await one.run("look") == {"at": "other"}
    assert one.server.received[0].headers["x-api-key"] == CANARY
    assert "x-api-key" not in other.server.received[0].headers
    assert CANARY not in str(other.server.received)


@pytest.mark.parametrize(
    "url",
    [
        "http://user@127.0.0.1:{port}/",
        "http://api.example.org@127.0.0.1:{port}/",
        "http://127.0.0.1:1/?q=" + CANARY,
        "http://127.0.0.1:1/s3cr3t%2Fwith%2Bodd%3D%22chars%22%26more",
    ],
)
async def test_credential_in_an_address_elsewhere_is_refused_before_a_byte_is_sent(rig, url: str) -> None:
    async with rig(answers(200, {})) as one:
        assert type(await one.fail("go", url=url.replace("{port}", str(one.server.port)))) is EgressRefused
        assert one.server.received == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://x.example/", "unix:///run/x.sock", "//x.example/", ""])
async def test_other_schemes_are_refused(rig, url: str) -> None:
    async with rig(answers()) as one:
        assert type(await one.fail("go", url=url)) in (Invalid, EgressRefused)


async def test_redirect_to_an_address_that_is_not_allowed_is_refused(rig) -> None:
    target = "http://169.254.169.254/latest/meta-data/"
    async with rig(answers(302, None, Location=target)) as one:
        error = await one.fail("look")
    assert type(error) is EgressRefused
    assert "169.254.169.254" in error.message


async def test_address_that_is_not_allowed_is_refused_whether_the_port_is_open_or_not(rig) -> None:
    async with rig(answers(), allow=()) as one:
        with_server = await one.fail("go", url=one.server.url)
        without = await one.fail("go", url="http://127.0.0.1:1")
        assert type(with_server) is type(without) is EgressRefused
        assert with_server.message == without.message
        assert one.server.received == []


async def test_name_that_changes_its_address_after_the_check_is_not_followed(packs) -> None:
    asked = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with LocalServer(answers(200, {"ok": True})) as server:
        connectors = Connectors(
            packs,
            connections=[ConnectionConfig("a", "acme", {"url": f"http://rebind.example:{server.port}"}, {"token": SecretRef(env="T")})],
            egress=Egress(allow=("127.0.0.1/32",)),
            platform=lambda call: MemoryPlatform(),
            now=lambda: NOW,
            environ={"T": CANARY},
            resolve=resolve,
        )
        call = Rig(server, connectors).call("look")
        assert await connectors.execute(call) == {"ok": True}
        assert asked == ["rebind.example"]  # resolved once; what was checked is what was connected to
        await connectors.aclose()
        with pytest.raises(EgressRefused):
            await connectors.execute(call)


async def test_proxies_from_the_environment_are_ignored(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with rig(answers(200, {"ok": 1})) as one:
        assert await one.run("look") == {"ok": 1}


def bomb(size: int, wbits: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join([deflate.compress(b"\0" * 65536) for _ in range(size // 65536)] + [deflate.flush()])


@pytest.mark.parametrize(("name", "wbits"), [("gzip", 31), ("deflate", 15)])
async def test_compressed_bomb_is_stopped_at_the_limit(rig, name: str, wbits: int) -> None:
    content = bomb(64 * 1024 * 1024, wbits)
    async with rig(lambda request: Reply(200, content, {"Content-Encoding": name})) as one:
        assert type(await one.fail("look")) is TooLarge
        assert type(await one.fail("hit")) is OutcomeUnknown


async def test_compressed_answer_is_read(rig) -> None:
    content = zlib.compress(b'{"id": 7}')
    async with rig(lambda request: Reply(200, content, {"Content-Encoding": "deflate"})) as one:
        assert await one.run("hit") == {"id": 7}


async def test_endless_answer_is_stopped_at_the_limit(rig) -> None:
    async with rig(lambda request: Reply(200, chunks=(b"x" * 65536 for _ in range(100_000)))) as one:
        assert type(await one.fail("tell", h="a")) is TooLarge


async def test_slow_drip_ends_with_the_steps_timeout(rig) -> None:
    pause = threading.Event()

    def drip():
        for _ in range(200):
            pause.wait(0.05)
            yield b" "

    async with rig(lambda request: Reply(200, chunks=drip())) as one:
        assert type(await one.fail("look", timeout_s=0.3)) is Transient
        assert type(await one.fail("hit", timeout_s=0.3)) is OutcomeUnknown


@pytest.mark.parametrize("content", [b'{"a": NaN}', b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
async def test_json_bomb_is_no_json(rig, content: bytes) -> None:
    async with rig(lambda request: Reply(200, content, {"Content-Type": "application/json"})) as one:
        output = await one.run("look")
        assert isinstance(output, str)


async def test_lone_surrogates_do_not_get_in(rig) -> None:
    async with rig(lambda request: Reply(200, b'{"a": "x\\ud800y"}', {"Content-Type": "application/json"})) as one:
        assert await one.run("look") == {"a": "x?y"}


async def test_no_spelling_of_the_credential_comes_back(rig) -> None:
    def echo(request: Received) -> Reply:
        secret = request.headers["x-api-key"]
        spellings = [secret, base64.b64encode(secret.encode()).decode(), secret.encode().hex(), json.dumps(secret)]
        return Reply(200, json.dumps({"echo": spellings, secret: 1}).encode(), {"Content-Type": "application/json", "X-Echo": secret})

    async with rig(echo) as one:
        text = json.dumps(await one.run("tell", h="a"))
        assert CANARY not in json.loads(text)["body"]
        assert "s3cr3t" not in text
        assert base64.b64encode(CANARY.encode()).decode()[:20] not in text
        assert CANARY.encode().hex() not in text


async def test_credential_in_an_error_is_redacted_before_the_text_is_cut(rig) -> None:
    def echo(request: Received) -> Reply:
        return Reply(400, ("x" * 290 + request.headers["x-api-key"]).encode())

    async with rig(echo) as one:
        error = await one.fail("look")
        assert "s3cr" not in str(error)
        assert "s3cr" not in repr(error)


async def test_pages_by_cursor_are_put_together(rig) -> None:
    def answer(request: Received) -> Reply:
        last = "after=b" in request.path
        return Reply(200, json.dumps({"items": [3] if last else [1, 2], "next": None if last else "b"}).encode())

    async with rig(answer) as one:
        assert await one.run("cursor") == {"items": [1, 2, 3]}


async def test_pages_by_offset_end_with_a_short_one(rig) -> None:
    def answer(request: Received) -> Reply:
        return Reply(200, b"[1, 2]" if "start=0" in request.path else b"[3]")

    async with rig(answer) as one:
        assert await one.run("offset") == [1, 2, 3]
    assert [request.path for request in one.server.received] == ["/page?limit=2&start=0", "/page?limit=2&start=2"]


async def test_too_many_pages_are_an_error_and_not_a_shorter_list(rig) -> None:
    async with rig(answers(200, [1, 2])) as one:
        assert type(await one.fail("offset")) is TooLarge


async def test_pages_by_link_are_followed(rig) -> None:
    def answer(request: Received) -> Reply:
        link = {} if "p=2" in request.path else {"Link": '</page?p=0>; rel="prev", </page?p=2>; rel="next"'}
        return Reply(200, b"[1]", link)

    async with rig(answer) as one:
        assert await one.run("linked") == [1, 1]


@pytest.mark.parametrize(
    ("status", "body", "probe"),
    [(200, {"on": True}, Probe.APPLIED), (404, {}, Probe.NOT_APPLIED), (200, {"on": False}, Probe.UNKNOWN)],
)
async def test_probe_tells_whether_it_happened(rig, status: int, body: Json, probe: Probe) -> None:
    async with rig(answers(status, body)) as one:
        assert await one.connectors.probe(one.call("sure")) is probe
    assert [request.method for request in one.server.received] == ["GET"]


async def test_output_that_does_not_fit_is_an_error_for_a_read(rig) -> None:
    async with rig(answers(200, {"a": "x"})) as one:
        assert type(await one.fail("typed")) is Invalid


async def test_effect_that_happened_is_no_error_whatever_the_answer_is(rig) -> None:
    async with rig(answers(200, {"unexpected": 1})) as one:
        output = await one.run("hit")
        assert isinstance(output, dict)
        assert output["body"] == {"unexpected": 1}
        kinds = {(record.path, record.kind) for record in one.connectors.drift.records()}
    assert kinds == {("id", DriftKind.MISSING), ("(output)", DriftKind.OUTPUT)}


async def test_drift_is_counted_and_told_once(rig) -> None:
    told = []
    async with rig(answers(200, {"id": "7", "state": "odd"})) as one:
        one.connectors.drift._on_drift = told.append
        await one.run("hit")
        await one.run("hit")
        records = {record.path: record for record in one.connectors.drift.records()}
    assert (records["id"].kind, records["id"].count) == (DriftKind.TYPE, 2)
    assert records["state"].kind is DriftKind.ENUM
    assert [record.path for record in told] == ["id", "state"]


async def test_playbook_can_tighten_a_read_into_an_effect(rig) -> None:
    async with rig(answers(500)) as one:
        with pytest.raises(OutcomeUnknown):
            await one.connectors.execute(one.call("look", effect=Effect.WRITE))


async def test_code_that_breaks_is_unknown_for_an_effect_and_invalid_for_a_read(rig) -> None:
    async with rig(answers()) as one:
        read, effect = await one.fail("boom"), await one.fail("bang")
    assert (type(read), type(effect)) == (Invalid, OutcomeUnknown)
    assert "RuntimeError" in read.message
    assert CANARY not in f"{read}{read!r}{effect}{effect!r}"


async def test_code_that_hangs_is_stopped_by_the_steps_timeout(rig) -> None:
    async with rig(answers()) as one:
        assert type(await one.fail("slow", timeout_s=0.05)) is Transient
        assert type(await one.fail("slowly", timeout_s=0.05)) is OutcomeUnknown


async def test_code_gets_the_guarded_client_with_credentials_and_its_output_is_redacted(rig) -> None:
    async with rig(lambda request: Reply(200, request.headers["x-api-key"].encode())) as one:
        assert await one.run("leak") == {"body": "•••", "token": "•••", "key": "the-key"}


async def test_connection_is_chosen_by_name_or_because_it_is_the_only_one(packs) -> None:
    def connectors(*names: str) -> Connectors:
        return Connectors(
            packs,
            connections=[ConnectionConfig(name, "acme", {"url": "http://x.example"}, {"token": SecretRef(env="T")}) for name in names],
            egress=Egress(),
            platform=lambda call: MemoryPlatform(),
            now=lambda: NOW,
            environ={"T": "abcd"},
        )

    call = ActionCall(RunId("r"), WorkspaceId("w"), "s", "acme.look", None, {}, Effect.READ, "k", 1, 1)
    with pytest.raises(ConnectionNotFound, match="Add one under 'connections'"):
        await connectors().execute(call)
    with pytest.raises(ConnectionNotFound, match="Name one with 'connection:': a, b"):
        await connectors("a", "b").execute(call)
    with pytest.raises(ConnectionNotFound, match="Configured connections: a"):
        await connectors("a").execute(replace(call, connection="c"))
    assert connectors("a").problems() == []


async def test_wrong_connections_are_all_named(packs) -> None:
    connectors = Connectors(
        packs,
        connections=[
            ConnectionConfig("no-url", "acme", {}, {"token": SecretRef(env="T")}),
            ConnectionConfig("no-token", "acme", {"url": "http://x.example"}),
            ConnectionConfig("no-env", "acme", {"url": "http://x.example"}, {"token": SecretRef(env="GONE")}),
            ConnectionConfig("no-file", "acme", {"url": "http://x.example"}, {"token": SecretRef(file="/nowhere/token")}),
            ConnectionConfig("odd", "acme", {"url": "http://x.example"}, {"token": SecretRef(env="T"), "tokken": SecretRef(env="T")}),
            ConnectionConfig("other", "nothing", {}),
        ],
        egress=Egress(),
        platform=lambda call: MemoryPlatform(),
        now=lambda: NOW,
        environ={"T": "abcd"},
    )
    found = connectors.problems()
    assert len(found) == 6
    for word, problem in zip(["'url'", "'token'", "GONE", "/nowhere/token", "'tokken'", "'nothing'"], found, strict=True):
        assert word in problem


async def test_check_proves_a_connection(rig) -> None:
    async with rig(answers(200, {"ok": True})) as one:
        assert await one.connectors.check("acme-1") == {"ok": True}
    async with rig(answers(401)) as one:
        with pytest.raises(AuthFailed):
            await one.connectors.check("acme-1")
