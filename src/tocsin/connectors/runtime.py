"""The connector runtime: `engine.ports.Actions` over packs and connections."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import httpx

from tocsin.connectors.code import action_code, probe_code, source_code
from tocsin.connectors.connections import ConnectionConfig, connect
from tocsin.connectors.drift import Drift, DriftKind, OnDrift
from tocsin.connectors.line import DEFAULT_TIMEOUT_S, Line, TransportFor, guarded_transport
from tocsin.connectors.loader import Packs
from tocsin.connectors.manifest import Action, MappingSpec, Pack
from tocsin.connectors.redact import Redactor
from tocsin.connectors.request import Performance, as_tocsin
from tocsin.connectors.sdk import Connection, Context, Platform, SourceContext
from tocsin.connectors.ssrf import Egress, Guard, Resolve
from tocsin.connectors.validation import checked, problems
from tocsin.core.effects import ActionSpec, Effect, Probe
from tocsin.core.errors import (
    ConnectionNotFound,
    Invalid,
    OutcomeUnknown,
    PackNotFound,
    TocsinError,
    TooLarge,
    Transient,
)
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Json, JsonObject
from tocsin.engine.ports import ActionCall

MAX_OUTPUT = 5 * 1024 * 1024
CHECK_TIMEOUT_S = 20.0

PlatformFor = Callable[[ActionCall], Platform]
Emit = Callable[[Json, Json], Awaitable[None]]
Reject = Callable[[str, str, Json], Awaitable[None]]
Result = TypeVar("Result")


class Connectors:
    """Do what actions say, over the connections that are configured."""

    def __init__(
        self,
        packs: Packs,
        *,
        connections: Sequence[ConnectionConfig],
        egress: Egress,
        platform: PlatformFor,
        now: Callable[[], datetime],
        environ: Mapping[str, str],
        on_drift: OnDrift | None = None,
        resolve: Resolve | None = None,
        transport: TransportFor = guarded_transport,
    ) -> None:
        """`platform` gives the platform on whose behalf a call acts: its workspace and run."""
        self._packs = packs
        self._configs = {config.name: config for config in connections}
        self._platform = platform
        self._now = now
        self._environ = environ
        self._guard = Guard(egress, resolve=resolve)
        self._transport = transport
        self._lines: dict[str, Line] = {}
        self._tls: ssl.SSLContext | None = None
        self.drift = Drift(now=now, on_drift=on_drift)

    def spec(self, action: str) -> ActionSpec:
        """Return what the action declares; raises PackNotFound or ActionNotFound."""
        return self._packs.action(action)[1].spec

    def mapping(self, pack: str, source: str = "") -> MappingSpec | None:
        """Return the mapping of a source of a pack; raises PackNotFound."""
        return self._packs.pack(pack).mapping_for(source)

    def configured(self) -> list[ConnectionConfig]:
        """Return the connections, in the order of their configuration."""
        return list(self._configs.values())

    def problems(self) -> list[str]:
        """Say what is wrong with the configured connections, complete; nothing is connected to."""
        found = []
        for config in self._configs.values():
            try:
                self._connection(config)
            except TocsinError as error:
                found.append(str(error))
        return found

    async def execute(self, call: ActionCall) -> Json:
        """Do it. Raises Transient, AuthFailed, Invalid, NotFound, Unavailable (nothing happened) or OutcomeUnknown."""
        pack, action = self._packs.action(call.action)
        effect = _stricter(action.spec.effect, call.effect)
        line = self._line(pack, call.connection)
        arguments = checked(
            call.arguments, action.spec.input_schema, what=f"The input of {call.action}", hint="Correct 'with' of the step."
        )
        output = await self._guarded(
            lambda: self._perform(call, line, action, arguments, effect), effect=effect, line=line, timeout_s=_timeout(call)
        )
        return self._finished(line.redactor.json(output), action, line, effect)

    async def probe(self, call: ActionCall) -> Probe:
        """Find out whether an earlier attempt happened, for `on_unknown: verify`."""
        pack, action = self._packs.action(call.action)
        verify = action.verify
        if verify is None:
            return Probe.UNKNOWN
        line = self._line(pack, call.connection)
        arguments = checked(call.arguments, action.spec.input_schema, what=f"The input of {call.action}")

        async def ask() -> Probe:
            if verify.code:
                return await probe_code(pack, verify.code)(self._context(call, line, action), arguments)
            return await self._performance(call, line, action, arguments, Effect.READ).probe(verify)

        return await self._guarded(ask, effect=Effect.READ, line=line, timeout_s=_timeout(call))

    async def check(self, connection: str) -> Json:
        """Prove that a connection works, by its pack's `check` action."""
        config = self._configs.get(connection)
        if config is None:
            raise self._no_connection(connection)
        pack = self._packs.pack(config.pack)
        if not pack.check:
            raise Invalid(f"The pack '{pack.id}' has no check.", hint="Add 'check:' to its pack.yaml.")
        return await self.execute(
            ActionCall(
                run=RunId(""), workspace=WorkspaceId(""), path="check", action=f"{pack.id}.{pack.check}", connection=connection,
                arguments={}, effect=Effect.READ, key="", attempt=1, timeout_s=CHECK_TIMEOUT_S,
            )
        )  # fmt: skip

    async def follow(
        self, pack: str, source: str, *, connection: str | None, options: JsonObject, cursor: Json, emit: Emit, reject: Reject
    ) -> None:
        """Run a source until it is cancelled. Raises what its code raises, as errors of `core.errors`."""
        owner = self._packs.pack(pack)
        if source not in owner.sources:
            raise PackNotFound(f"The pack '{pack}' has no source '{source}'.", hint=f"It has: {', '.join(owner.sources) or 'none'}.")
        spec = owner.sources[source]
        line = self._line(owner, connection)
        context = SourceContext(
            connection=line.connection,
            options=checked(options, spec.options, what=f"The options of the source {pack}.{source}", hint="Correct tocsin.yaml."),
            cursor=cursor,
            emit=emit,
            reject=reject,
            now=self._now,
            connect=self._guard.check,
            http=line.client(),
        )
        await self._guarded(lambda: source_code(owner, spec.code)(context), effect=Effect.READ, line=line, timeout_s=None)

    async def aclose(self) -> None:
        """Close every connection."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            await line.aclose()

    async def _perform(self, call: ActionCall, line: Line, action: Action, arguments: JsonObject, effect: Effect) -> Json:
        if not action.code:
            return await self._performance(call, line, action, arguments, effect).run()
        await line.take_turn(action)
        return await action_code(line.pack, action.code)(self._context(call, line, action), arguments)

    def _performance(self, call: ActionCall, line: Line, action: Action, arguments: JsonObject, effect: Effect) -> Performance:
        return Performance(
            line=line, action=action, input=arguments, key=call.key, effect=effect, drift=self.drift, timeout_s=call.timeout_s
        )

    def _context(self, call: ActionCall, line: Line, action: Action) -> Context:
        alert, case = call.context.get("alert"), call.context.get("case")
        return Context(
            connection=line.connection,
            http=line.client(action.auth),
            platform=self._platform(call),
            workspace=call.workspace,
            run=call.run,
            step=call.path,
            key=call.key,
            alert=alert if isinstance(alert, str) else None,
            case=case if isinstance(case, str) else None,
            timeout_s=_timeout(call),
            now=self._now,
            connect=self._guard.check,
        )

    async def _guarded(self, work: Callable[[], Awaitable[Result]], *, effect: Effect, line: Line, timeout_s: float | None) -> Result:
        """Run with a time limit, and turn whatever comes out into an error whose kind says whether it happened."""
        try:
            async with asyncio.timeout(timeout_s):
                return await work()
        except TimeoutError:
            raise self._timed_out(line, effect, timeout_s) from None
        except Exception as error:
            # Code of packs may raise anything; what that means for the outcome is decided here, once for all of them.
            raise _redacted(self._meaning(error, line, effect), line.redactor) from None

    def _timed_out(self, line: Line, effect: Effect, timeout_s: float | None) -> TocsinError:
        said = f"{line.target} did not finish within {timeout_s:g} s." if timeout_s else f"{line.target} did not finish in time."
        if effect is Effect.READ:
            return Transient(said, hint="Raise the step's timeout if it is known to be slow.")
        return OutcomeUnknown(said, hint="Look there whether it happened.")

    def _meaning(self, error: Exception, line: Line, effect: Effect) -> TocsinError:
        known = as_tocsin(error, effect=effect, target=line.target)
        if known is not None:
            return known
        said = f"The code of the pack '{line.pack.id}' failed: {type(error).__name__}: {error}."
        if effect is Effect.READ:
            return Invalid(said, hint="Report this to the author of the pack.")
        return OutcomeUnknown(said, hint="Look at the target whether it happened, and report this to the author of the pack.")

    def _finished(self, output: Json, action: Action, line: Line, effect: Effect) -> Json:
        size = len(json.dumps(output, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        wrong = problems(output, action.spec.output_schema)
        if size > MAX_OUTPUT:
            if effect is Effect.READ:
                raise TooLarge(f"The output of {action.spec.name} has {size:,} bytes; {MAX_OUTPUT:,} are allowed.", hint="Ask for less.")
            return {"problem": f"It was done, but its output of {size:,} bytes is too large to keep."}
        if wrong:
            said = f"The output of {action.spec.name} is not what the pack promises: {'; '.join(wrong)}."
            if effect is Effect.READ:
                raise Invalid(line.redactor.text(said), hint="The target has changed, or the pack is wrong: `tocsin pack drift`.")
            # it has happened: an error would make somebody do it again
            self.drift.add(
                connection=line.connection.name, action=action.spec.name, path="(output)", kind=DriftKind.OUTPUT, detail=wrong[0]
            )
        return output

    def _line(self, pack: Pack, name: str | None) -> Line:
        config = self._choose(pack, name)
        key = f"{config.name}" if config.name else f"pack:{pack.id}"
        if key not in self._lines:
            self._lines[key] = Line(
                pack, self._connection(config), guard=self._guard, now=self._now, transport=self._transport, tls=self._default_tls
            )
        return self._lines[key]

    def _connection(self, config: ConnectionConfig) -> Connection:
        return connect(config, self._packs.pack(config.pack), environ=self._environ)

    def _choose(self, pack: Pack, name: str | None) -> ConnectionConfig:
        mine = [config for config in self._configs.values() if config.pack == pack.id]
        if name is not None:
            config = self._configs.get(name)
            if config is None:
                raise self._no_connection(name)
            if config.pack != pack.id:
                raise Invalid(f"The connection '{name}' is one of the pack '{config.pack}', not of '{pack.id}'.", hint="Name another one.")
            return config
        if len(mine) == 1:
            return mine[0]
        if mine:
            names = ", ".join(config.name for config in mine)
            raise ConnectionNotFound(f"The pack '{pack.id}' has {len(mine)} connections.", hint=f"Name one with 'connection:': {names}.")
        if pack.connection is not None and pack.connection.required:
            raise ConnectionNotFound(
                f"No connection is configured for the pack '{pack.id}'.", hint="Add one under 'connections' in tocsin.yaml."
            )
        return ConnectionConfig(name="", pack=pack.id)

    def _no_connection(self, name: str) -> ConnectionNotFound:
        known = ", ".join(self._configs) or "none"
        return ConnectionNotFound(f"There is no connection '{name}'.", hint=f"Configured connections: {known}.")

    def _default_tls(self) -> ssl.SSLContext:
        # one for all: reading the certificate authorities takes 20 ms and a megabyte
        if self._tls is None:
            self._tls = httpx.create_ssl_context(trust_env=False)
        return self._tls


def _timeout(call: ActionCall) -> float:
    return call.timeout_s if call.timeout_s is not None else DEFAULT_TIMEOUT_S * 2


def _stricter(first: Effect, second: Effect) -> Effect:
    order = list(Effect)
    return max(first, second, key=order.index)


def _redacted(error: TocsinError, redactor: Redactor) -> TocsinError:
    error.message = redactor.text(error.message)
    error.hint = redactor.text(error.hint)
    error.args = (error.message,)
    return error
