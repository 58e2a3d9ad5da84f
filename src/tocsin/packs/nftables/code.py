"""Keep addresses in nftables sets, on this machine or over SSH.

What is run is one of two fixed commands, `nft -f -` and `nft -j list set FAMILY TABLE SET`; addresses travel on standard input,
as `ipaddress` spells them.
"""

import asyncio
import ipaddress
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from tocsin.connectors.sdk import (
    AuthFailed,
    Connection,
    Context,
    Invalid,
    Json,
    JsonObject,
    NotFound,
    OutcomeUnknown,
    Transient,
    Unreachable,
    iso,
    parse_duration,
)

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+|nft")
_UNSAFE_IN_COMMENT = re.compile(r"[^A-Za-z0-9 ._:@/#,+()=-]+")
_LONGEST_COMMENT = 100  # nft takes 128 bytes
_LONGEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Firewall:
    """Which sets of which table, and how nft is started."""

    nft: tuple[str, ...]
    family: str
    table: str
    set_v4: str
    set_v6: str
    hooks: tuple[str, ...]
    create: bool
    protected: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    def set_for(self, address: Address) -> str:
        """Return the set that holds addresses of that version; raises Invalid when the table's family has none."""
        version = "ip" if address.version == 4 else "ip6"
        if self.family not in ("inet", version):
            raise Invalid(f"A table of family '{self.family}' cannot hold {address}.", hint="Configure family: inet.")
        return self.set_v4 if address.version == 4 else self.set_v6

    def sets(self) -> tuple[str, ...]:
        """Return the names of the sets that exist for the table's family."""
        return {"ip": (self.set_v4,), "ip6": (self.set_v6,)}.get(self.family, (self.set_v4, self.set_v6))

    def element(self, address: Address, tail: str = "") -> str:
        """Return `FAMILY TABLE SET { ELEMENT }`."""
        return f"{self.family} {self.table} {self.set_for(address)} {{ {address}{tail} }}"


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Host:
    """The machine whose firewall it is: `run(argv, stdin, changes)`, and the addresses that must stay reachable."""

    run: Callable[[tuple[str, ...], str, bool], Awaitable[Ran]]
    is_own: Callable[[Address], bool]


async def block_ip(ctx: Context, input: JsonObject) -> JsonObject:
    """Put an address into the set until the duration is over; an address that is there gets the new time."""
    firewall = read_firewall(ctx.connection)
    address = parse_address(input.get("ip"))
    duration = parse_duration(str(input.get("duration", "24h")))
    if not timedelta(seconds=1) <= duration <= _LONGEST:
        raise Invalid("'duration' must be between 1s and 3650d.")
    _refuse_harm(firewall, address)
    until = ctx.now() + duration
    comment = _comment(ctx, str(input.get("reason", "")))
    element = firewall.element(address, f' timeout {int(duration.total_seconds())}s comment "{comment}"')
    # One transaction. The first line makes the second one possible, the second makes the third set a new time.
    script = f"add element {firewall.element(address)}\ndelete element {firewall.element(address)}\nadd element {element}\n"
    async with _host(ctx) as host:
        if host.is_own(address):
            raise Invalid(f"{address} is an address of the firewall or of the connection to it: blocking it would cut us off.")
        await _change(host, firewall, script)
    return {"ip": str(address), "set": firewall.set_for(address), "expires_at": iso(until), "comment": comment}


async def unblock_ip(ctx: Context, input: JsonObject) -> JsonObject:
    """Take an address out of the set."""
    firewall = read_firewall(ctx.connection)
    address = parse_address(input.get("ip"))
    async with _host(ctx) as host:
        listed = await _list(host, firewall, firewall.set_for(address))
        was_blocked = any(entry["ip"] == str(address) for entry in listed)
        if was_blocked:
            # With `add` first, so that one that expires this moment is no error.
            await _change(host, firewall, f"add element {firewall.element(address)}\ndelete element {firewall.element(address)}\n")
    return {"ip": str(address), "set": firewall.set_for(address), "was_blocked": was_blocked}


async def list_blocked(ctx: Context, input: JsonObject) -> JsonObject:
    """Return what the sets hold, or what they hold of one address."""
    firewall = read_firewall(ctx.connection)
    wanted = parse_address(input["ip"]) if input.get("ip") else None
    names = firewall.sets() if wanted is None else (firewall.set_for(wanted),)
    async with _host(ctx) as host:
        found = [entry for name in names for entry in await _list(host, firewall, name)]
    if wanted is not None:
        found = [entry for entry in found if entry["ip"] == str(wanted)]
    return {"count": len(found), "blocked": [*found]}


def read_firewall(connection: Connection) -> Firewall:
    """Read the connection's settings; raises Invalid."""
    config = connection.config
    names = {key: _name(connection, key) for key in ("table", "set_v4", "set_v6")}
    family = connection.text("family", "inet")
    if family not in ("inet", "ip", "ip6"):
        raise Invalid(f"'{family}' is no table family that can block addresses.", hint="Use inet, ip or ip6.")
    path = connection.text("nft", "nft")
    if not _PATH.fullmatch(path):
        raise Invalid(f"'{path}' is no path of the nft program.", hint="Write it like /usr/sbin/nft.")
    hooks = tuple(str(hook) for hook in _list_of(config, "hooks", ["input", "forward", "output"]))
    if not set(hooks) <= {"input", "forward", "output", "prerouting"}:
        raise Invalid("'hooks' may name input, forward, output and prerouting.")
    try:
        protected = tuple(ipaddress.ip_network(str(net), strict=False) for net in _list_of(config, "protected", []))
    except ValueError as error:
        raise Invalid(f"'protected' must be a list of addresses and networks: {error}.") from None
    nft = ("sudo", "-n", path) if config.get("sudo") is True else (path,)
    return Firewall(nft, family, names["table"], names["set_v4"], names["set_v6"], hooks, config.get("create") is True, protected)


def parse_address(value: Json) -> Address:
    """Read one address; an IPv4 address in IPv6 clothes becomes the IPv4 address; raises Invalid."""
    if not isinstance(value, str):
        raise Invalid("'ip' must be an address, as text.")
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        raise Invalid(f"'{value}' is not an IP address.", hint="Give one address, no network, no name.") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise Invalid(f"'{value}' names a network card; give the address alone.")
        return address.ipv4_mapped or address
    return address


def _name(connection: Connection, key: str) -> str:
    name = connection.text(key, {"table": "tocsin", "set_v4": "blocked_v4", "set_v6": "blocked_v6"}[key])
    if not _NAME.fullmatch(name):
        raise Invalid(f"'{name}' cannot be the name of a {key}.", hint="Use letters, digits and _, at most 32, a letter first.")
    return name


def _list_of(config: JsonObject, key: str, default: list[Json]) -> list[Json]:
    value = config.get(key, default)
    if not isinstance(value, list):
        raise Invalid(f"'{key}' must be a list.")
    return value


def _refuse_harm(firewall: Firewall, address: Address) -> None:
    wrong = (
        "a loopback address" if address.is_loopback
        else "no address of a machine" if address.is_unspecified or address == ipaddress.IPv4Address("255.255.255.255")
        else "a multicast address" if address.is_multicast
        else "a link-local address" if address.is_link_local
        else ""
    )  # fmt: skip
    if wrong:
        raise Invalid(f"{address} is {wrong} and is never blocked.")
    for network in firewall.protected:
        if address in network:
            raise Invalid(f"{address} is in {network}, which this connection's 'protected' never lets be blocked.")


def _comment(ctx: Context, reason: str) -> str:
    words = ["tocsin", *([f"case {ctx.case}"] if ctx.case else []), f"run {ctx.run}", *([reason] if reason else [])]
    return _UNSAFE_IN_COMMENT.sub("_", " ".join(words))[:_LONGEST_COMMENT].strip()


async def _change(host: Host, firewall: Firewall, script: str) -> None:
    argv = (*firewall.nft, "-f", "-")
    ran = await host.run(argv, script, True)
    if ran.status and firewall.create:
        made = await host.run(argv, _creation(firewall), True)
        # It fails when the table is there: made by somebody else this moment, or not the trouble. The second try tells.
        ran = await host.run(argv, script, True)
        if ran.status and made.status:
            _raise_refusal(firewall, made if "exists" not in made.err else ran)
    if ran.status:
        _raise_refusal(firewall, ran)


def _creation(firewall: Firewall) -> str:
    where = f"{firewall.family} {firewall.table}"
    kinds = {firewall.set_v4: ("ipv4_addr", "ip"), firewall.set_v6: ("ipv6_addr", "ip6")}
    lines = [f"create table {where}"]
    lines += [f"add set {where} {name} {{ type {kinds[name][0]}; flags timeout; }}" for name in firewall.sets()]
    for hook in firewall.hooks:
        lines.append(f"add chain {where} tocsin_{hook} {{ type filter hook {hook} priority -10; policy accept; }}")
        for name in firewall.sets():
            lines += [f"add rule {where} tocsin_{hook} {kinds[name][1]} {side} @{name} counter drop" for side in ("saddr", "daddr")]
    return "\n".join(lines) + "\n"


async def _list(host: Host, firewall: Firewall, name: str) -> list[JsonObject]:
    ran = await host.run((*firewall.nft, "-j", "list", "set", firewall.family, firewall.table, name), "", False)
    if ran.status:
        if firewall.create and "No such file" in ran.err:
            return []  # not made yet
        _raise_refusal(firewall, ran)
    try:
        return [_entry(element, name) for element in _elements(json.loads(ran.out))]
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"What nft answered cannot be read: {error!r}.", hint="nftables 0.9 or newer with JSON support is needed.") from error


def _elements(answer: dict[str, list[dict[str, dict[str, list[Json]]]]]) -> list[Json]:
    return [element for part in answer["nftables"] if "set" in part for element in part["set"].get("elem", [])]


def _entry(element: Json, name: str) -> JsonObject:
    details = element.get("elem") if isinstance(element, dict) else None
    if isinstance(details, dict):
        kept = {"timeout_s": details.get("timeout"), "expires_in_s": details.get("expires"), "comment": details.get("comment", "")}
        return {"ip": _value(details.get("val")), "set": name, **kept}
    return {"ip": _value(element), "set": name, "timeout_s": None, "expires_in_s": None, "comment": ""}


def _value(value: Json) -> str:
    if isinstance(value, dict) and isinstance(prefix := value.get("prefix"), dict):
        return f"{prefix.get('addr')}/{prefix.get('len')}"
    if isinstance(value, dict) and isinstance(ends := value.get("range"), list):
        return "-".join(str(end) for end in ends)
    return str(value)


def _raise_refusal(firewall: Firewall, ran: Ran) -> None:
    said = (ran.err or ran.out).strip().splitlines()[:1] or [f"it ended with status {ran.status} and said nothing"]
    if ran.status == 127 or "command not found" in ran.err:
        raise Invalid(f"The program '{firewall.nft[-1]}' was not found.", hint="Install nftables there, or configure 'nft: /usr/sbin/nft'.")
    if "not permitted" in ran.err or "password is required" in ran.err:
        raise AuthFailed(f"nft may not be used: {said[0]}.", hint="It needs root or CAP_NET_ADMIN, or 'sudo: true'.")
    if "No such file" in ran.err:
        raise NotFound(
            f"There is no table '{firewall.family} {firewall.table}' with the sets {', '.join(firewall.sets())}.",
            hint="Make them (this pack's README shows how), or configure 'create: true'.",
        )
    raise Invalid(f"nft refused: {said[0]}.")


@asynccontextmanager
async def _host(ctx: Context) -> AsyncIterator[Host]:
    if ctx.connection.text("mode", "local") == "local":
        yield Host(lambda argv, stdin, changes: _run_here(ctx, argv, stdin, changes), _is_of_this_machine)
        return
    async with _remote(ctx) as host:
        yield host


async def _run_here(ctx: Context, argv: tuple[str, ...], stdin: str, changes: bool) -> Ran:
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )  # fmt: skip
    except FileNotFoundError:
        return Ran(127, "", f"{argv[0]}: command not found")
    except PermissionError:
        return Ran(126, "", f"{argv[0]}: Operation not permitted")
    try:
        async with asyncio.timeout(ctx.timeout_s):
            out, err = await process.communicate(stdin.encode())
    except TimeoutError:
        raise _no_answer(changes, f"nft did not end within {ctx.timeout_s:g} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


def _no_answer(changes: bool, message: str) -> OutcomeUnknown | Transient:
    return OutcomeUnknown(message) if changes else Transient(message)


def _is_of_this_machine(address: Address) -> bool:
    """Tell whether the address is configured here: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


@asynccontextmanager
async def _remote(ctx: Context) -> AsyncIterator[Host]:
    import asyncssh  # 100 ms to import: only for connections that need it

    connection = ctx.connection
    host, port = connection.text("host"), int(connection.number("port", 22))
    try:
        trusted = [asyncssh.import_public_key(line) for line in connection.text("host_key").splitlines() if line.strip()]
        key = asyncssh.import_private_key(connection.secret("private_key"))
    except asyncssh.KeyImportError as error:
        raise Invalid(f"A key of the connection '{connection.name}' cannot be read: {error}.") from None
    if not host or not trusted:
        raise Invalid("Mode 'ssh' needs 'host' and 'host_key'.", hint="'ssh-keyscan HOST' shows the key; compare it there.")
    address = await ctx.connect(host, port)
    try:
        session = await asyncssh.connect(
            address, port, username=connection.text("user", "root"), client_keys=[key], known_hosts=(trusted, [], []), config=None,
            agent_path=None, password=None, connect_timeout=ctx.timeout_s, login_timeout=ctx.timeout_s, keepalive_interval=15,
        )  # fmt: skip
    except asyncssh.HostKeyNotVerifiable:
        raise AuthFailed(f"{host} shows another host key than 'host_key'.", hint="Find out why before you change it.") from None
    except asyncssh.PermissionDenied:
        raise AuthFailed(f"{host} refused the user '{connection.text('user', 'root')}' and its key.") from None
    except (OSError, TimeoutError, asyncssh.Error) as error:
        raise Unreachable(f"No SSH connection to {host}:{port}: {error}.") from error
    async with session:
        ends = [session.get_extra_info(end) for end in ("peername", "sockname")]
        own = {parse_address(str(end[0]).partition("%")[0]) for end in ends if end}

        async def run(argv: tuple[str, ...], stdin: str, changes: bool) -> Ran:
            try:
                # An empty `input` would leave the other side's standard input open.
                given = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
                done = await session.run(" ".join(argv), check=False, timeout=ctx.timeout_s, **given)
            except asyncssh.ChannelOpenError as error:
                raise Transient(f"{host} opened no session: {error}.") from error
            except (OSError, TimeoutError, asyncssh.Error) as error:
                raise _no_answer(changes, f"The connection to {host} ended before nft did: {error}.") from error
            if done.exit_status is None or done.exit_status < 0:
                raise _no_answer(changes, f"The connection to {host} ended before nft did.")
            return Ran(done.exit_status, str(done.stdout or ""), str(done.stderr or ""))

        yield Host(run, lambda address: address in own)
