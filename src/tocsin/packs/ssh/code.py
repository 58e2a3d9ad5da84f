"""Run the commands that a connection allows, with checked arguments, on a host whose key is pinned."""

import asyncio
import ipaddress
import re
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tocsin.connectors.sdk import (
    AuthFailed,
    Connection,
    Context,
    Invalid,
    Json,
    JsonObject,
    OutcomeUnknown,
    Transient,
    Unreachable,
    parse_duration,
)

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection, SSHClientProcess, SSHReader

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")
_LONGEST_ARGUMENT = 1000
_HOST_NAME = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_FORMATS: dict[str, Callable[[str], object]] = {
    "ip": ipaddress.ip_address,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "cidr": ipaddress.ip_network,
    "hostname": lambda text: _match(_HOST_NAME, text),
    "integer": lambda text: _match(re.compile(r"-?[0-9]{1,18}"), text),
    "word": lambda text: _match(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*"), text),
}


@dataclass(frozen=True, slots=True)
class Param:
    """What an argument may look like."""

    name: str
    format: str = ""
    pattern: str = ""
    dash: bool = False  # may begin with '-', and so be taken for an option

    def check(self, value: Json) -> str:
        """Return the value as text; raises Invalid."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Invalid(f"The argument '{self.name}' must be a text or a whole number.")
        text = str(value)
        if not text or len(text) > _LONGEST_ARGUMENT or _CONTROL.search(text):
            raise Invalid(f"The argument '{self.name}' must have 1 to {_LONGEST_ARGUMENT} characters and no control characters.")
        if text.startswith("-") and not self.dash and self.format != "integer":
            raise Invalid(f"The argument '{self.name}' may not begin with '-'.", hint="Allow it with 'dash: true' at the parameter.")
        if "%" in text and self.format in ("ip", "ipv6", "cidr"):
            raise Invalid(f"The argument '{self.name}' may not name a network card.")  # ipaddress takes any text after '%'
        if not self._fits(text):
            raise Invalid(f"The argument '{self.name}' does not fit: {self.format or self.pattern} is wanted.")
        return text

    def _fits(self, text: str) -> bool:
        if self.pattern:
            import re2  # type: ignore[import-untyped]  # it ships no types; linear time, whatever text comes

            return re2.fullmatch(self.pattern, text) is not None
        try:
            _FORMATS[self.format](text)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Command:
    """A command that may be run."""

    name: str
    argv: tuple[str, ...]
    params: dict[str, Param]
    writes: bool
    timeout_s: float

    def line(self, arguments: JsonObject) -> str:
        """Return the command line for a POSIX shell, every word quoted; raises Invalid."""
        if unknown := sorted(set(arguments) - set(self.params)):
            known = ", ".join(sorted(self.params)) or "none"
            raise Invalid(f"The command '{self.name}' has no argument '{unknown[0]}'.", hint=f"It knows: {known}.")
        if missing := sorted(set(self.params) - set(arguments)):
            raise Invalid(f"The command '{self.name}' needs the argument '{missing[0]}'.")
        values = {name: param.check(arguments[name]) for name, param in self.params.items()}
        return " ".join(shlex.quote(_PLACEHOLDER.sub(lambda found: values[found[1]], word)) for word in self.argv)


async def run(ctx: Context, input: JsonObject) -> JsonObject:
    """Run an allowed command that may change the host."""
    return await _run(ctx, input, may_write=True)


async def run_read(ctx: Context, input: JsonObject) -> JsonObject:
    """Run an allowed command that the connection declares as reading only."""
    return await _run(ctx, input, may_write=False)


async def check(ctx: Context, input: JsonObject) -> JsonObject:
    """Log in and run nothing."""
    commands = read_commands(ctx.connection)
    async with _session(ctx) as session:
        version = session.get_extra_info("server_version")
    return {"host": ctx.connection.text("host"), "server": str(version), "commands": [*sorted(commands)]}


def read_commands(connection: Connection) -> dict[str, Command]:
    """Read the allow-list; raises Invalid."""
    listed = connection.config.get("commands", {})
    if not isinstance(listed, dict):
        raise Invalid("'commands' must be a mapping of names to commands.")
    return {name: _command(name, part) for name, part in listed.items()}


def _command(name: str, part: Json) -> Command:
    argv = part.get("argv") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        raise Invalid(f"The command '{name}' needs 'argv', a list of texts.")
    words = tuple(str(word) for word in argv)
    described = part.get("params", {})
    if not isinstance(described, dict):
        raise Invalid(f"'params' of the command '{name}' must be a mapping.")
    params = {key: _param(name, key, value) for key, value in described.items()}
    used = {found for word in words for found in _PLACEHOLDER.findall(word)}
    if used != set(params):
        odd = sorted(used ^ set(params))[0]
        raise Invalid(f"The command '{name}' must use each of its params and declare each it uses: '{odd}'.")
    if _PLACEHOLDER.search(words[0]):
        raise Invalid(f"The program of the command '{name}' must be fixed: its first word may hold no argument.")
    if part.get("effect", "write") not in ("read", "write"):
        raise Invalid(f"'effect' of the command '{name}' is read or write.")
    timeout_s = parse_duration(str(part.get("timeout", "60s"))).total_seconds()
    return Command(name, words, params, part.get("effect", "write") == "write", timeout_s)


def _param(command: str, name: str, part: Json) -> Param:
    described = part if isinstance(part, dict) else {}
    format, pattern = str(described.get("format", "")), str(described.get("pattern", ""))
    if bool(format) == bool(pattern) or (format and format not in _FORMATS):
        raise Invalid(f"The param '{name}' of the command '{command}' needs a 'pattern' or one 'format' of {', '.join(_FORMATS)}.")
    if pattern:
        import re2  # lazily: few connections have patterns

        try:
            re2.compile(pattern)
        except re2.error as error:
            raise Invalid(f"The pattern of '{name}' in the command '{command}' is wrong: {error}.") from None
    return Param(name, format, pattern, described.get("dash") is True)


def _match(pattern: re.Pattern[str], text: str) -> None:
    if not pattern.fullmatch(text):
        raise ValueError(text)


async def _run(ctx: Context, input: JsonObject, *, may_write: bool) -> JsonObject:
    commands = read_commands(ctx.connection)
    command = commands.get(str(input.get("command", "")))
    if command is None:
        known = ", ".join(sorted(commands)) or "none"
        raise Invalid(f"'{input.get('command')}' is no command of the connection '{ctx.connection.name}'.", hint=f"It allows: {known}.")
    if command.writes and not may_write:
        raise Invalid(
            f"The command '{command.name}' may change the host.", hint="Run it with ssh.run, or declare 'effect: read' if it reads only."
        )
    arguments = input.get("args", {})
    if not isinstance(arguments, dict):
        raise Invalid("'args' must be a mapping of names to values.")
    line = command.line(arguments)
    async with _session(ctx) as session:
        return {"command": command.name, "host": ctx.connection.text("host"), **await _execute(ctx, session, command, line)}


async def _execute(ctx: Context, session: "SSHClientConnection", command: Command, line: str) -> JsonObject:
    import asyncssh

    limit = int(ctx.connection.number("max_output", 32 * 1024))
    timeout_s = min(ctx.timeout_s, command.timeout_s)
    try:
        process: SSHClientProcess[bytes] = await session.create_process(line, encoding=None, stdin=asyncssh.DEVNULL)
    except asyncssh.ChannelOpenError as error:
        raise Transient(f"The host opened no session: {error}.") from error
    except (OSError, asyncssh.Error) as error:
        raise _no_answer(command, f"The connection ended before '{command.name}' did: {error}.") from error
    try:
        async with asyncio.timeout(timeout_s):
            (out, out_cut), (err, err_cut) = await asyncio.gather(_capped(process.stdout, limit), _capped(process.stderr, limit))
            await process.wait_closed()
    except TimeoutError:
        process.terminate()
        raise _no_answer(command, f"'{command.name}' did not end within {timeout_s:g} s.") from None
    except (OSError, asyncssh.Error) as error:
        raise _no_answer(command, f"The connection ended before '{command.name}' did: {error}.") from error
    status, signal = process.exit_status, process.exit_signal
    if status is None and signal is None:
        raise _no_answer(command, f"The connection ended before '{command.name}' did.")
    return {
        "ok": status == 0,
        "exit_status": status,
        "signal": str(signal[0]) if signal else "",
        "stdout": out.decode(errors="backslashreplace"),
        "stderr": err.decode(errors="backslashreplace"),
        "truncated": out_cut or err_cut,
    }


async def _capped(reader: "SSHReader[bytes]", limit: int) -> tuple[bytes, bool]:
    """Read to the end and keep the first `limit` bytes: a command whose output nobody reads would never end."""
    kept, cut = bytearray(), False
    while chunk := await reader.read(16 * 1024):
        cut = cut or len(kept) + len(chunk) > limit
        kept += chunk[: limit - len(kept)]
    return bytes(kept), cut


def _no_answer(command: Command, message: str) -> OutcomeUnknown | Transient:
    return OutcomeUnknown(message) if command.writes else Transient(message)


@asynccontextmanager
async def _session(ctx: Context) -> "AsyncIterator[SSHClientConnection]":
    import asyncssh  # 100 ms to import

    connection = ctx.connection
    host, port, user = connection.text("host"), int(connection.number("port", 22)), connection.text("user")
    try:
        trusted = [asyncssh.import_public_key(line) for line in connection.text("host_key").splitlines() if line.strip()]
        keys = [asyncssh.import_private_key(connection.secret("private_key"))] if "private_key" in connection.secrets else None
    except asyncssh.KeyImportError as error:
        raise Invalid(f"A key of the connection '{connection.name}' cannot be read: {error}.") from None
    if not trusted:
        raise Invalid("The connection needs 'host_key'.", hint="'ssh-keyscan HOST' shows the key; compare it on the host itself.")
    password = connection.secret("password") if keys is None else None
    address = await ctx.connect(host, port)
    try:
        session = await asyncssh.connect(
            address, port, username=user, client_keys=keys, password=password, known_hosts=(trusted, [], []), config=None, agent_path=None,
            connect_timeout=ctx.timeout_s, login_timeout=ctx.timeout_s, keepalive_interval=15,
        )  # fmt: skip
    except asyncssh.HostKeyNotVerifiable:
        raise AuthFailed(f"{host} shows another host key than 'host_key'.", hint="Find out why before you change it.") from None
    except asyncssh.PermissionDenied:
        raise AuthFailed(f"{host} refused the user '{user}' and its credential.") from None
    except (OSError, TimeoutError, asyncssh.Error) as error:
        raise Unreachable(f"No SSH connection to {host}:{port}: {error}.") from error
    async with session:
        yield session
