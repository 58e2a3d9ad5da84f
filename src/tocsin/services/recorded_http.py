"""What a pack makes of a recorded HTTP exchange: its own request and response mapping, over a transport that is no network."""

import asyncio
import json

import httpx

from tocsin.connectors.connections import ConnectionConfig, SecretRef
from tocsin.connectors.loader import Packs
from tocsin.connectors.manifest import Pack
from tocsin.connectors.runtime import Connectors
from tocsin.connectors.sdk import Platform
from tocsin.connectors.ssrf import Egress
from tocsin.core.errors import TocsinError
from tocsin.core.ids import DEFAULT_WORKSPACE
from tocsin.core.values import Json, JsonObject
from tocsin.engine.ports import ActionCall
from tocsin.rehearsal.cast import Answer, Call, Refusal, Unplayable, Value
from tocsin.rehearsal.model import Http
from tocsin.rehearsal.samples import sample_of

ADDRESS = "http://recorded.example"
SECRET = "a-secret-of-the-rehearsal"  # noqa: S105  it opens nothing


def answer_of(packs: Packs, call: Call, exchange: Http) -> Answer:
    """Return what the action answers when its target answers so; raises Unplayable for an action that is code."""
    pack, action = packs.action(call.action)
    if action.code or action.request is None:
        raise Unplayable(f"{call.action} is code and makes no declared request.", hint="Write returns: instead of http:.")
    try:
        return Value(asyncio.run(_perform(packs, pack, call, exchange)))
    except TocsinError as error:
        return Refusal(error)


async def _perform(packs: Packs, pack: Pack, call: Call, exchange: Http) -> Json:
    body = exchange.body if isinstance(exchange.body, str) else json.dumps(exchange.body, ensure_ascii=False)
    kind = "text/plain" if isinstance(exchange.body, str) else "application/json"
    content = b"" if exchange.body is None else body.encode()

    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(exchange.status, headers={"content-type": kind, **exchange.headers}, content=content, request=request)

    connectors = Connectors(
        packs,
        connections=[_connection(pack)],
        egress=Egress(()),
        platform=_no_platform,
        now=lambda: call.at,
        environ=dict.fromkeys(pack.connection.secrets if pack.connection else (), SECRET),
        transport=lambda guard, binding, tls: httpx.MockTransport(respond),
    )
    pending = call.pending
    request = ActionCall(
        run=call.run, workspace=DEFAULT_WORKSPACE, path=call.path, action=call.action, connection=None, arguments=call.arguments,
        effect=pending.effect, key=pending.key, attempt=pending.attempt, timeout_s=pending.timeout_s, context=call.context,
    )  # fmt: skip
    try:
        return await connectors.execute(request)
    finally:
        await connectors.aclose()


def _connection(pack: Pack) -> ConnectionConfig:
    if pack.connection is None:
        return ConnectionConfig(name="", pack=pack.id)
    sample = sample_of(pack.connection.config)
    config: JsonObject = sample if isinstance(sample, dict) else {}
    properties = pack.connection.config.get("properties")
    if isinstance(properties, dict) and "url" in properties:
        config = {**config, "url": ADDRESS}
    return ConnectionConfig("recorded", pack.id, config, {name: SecretRef(env=name) for name in pack.connection.secrets})


def _no_platform(call: ActionCall) -> Platform:
    raise Unplayable(f"{call.action} acts on Tocsin itself.", hint="Write returns: instead of http:.")
