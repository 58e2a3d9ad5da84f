"""The blast radius of an effect: what it touches, how many, how it is undone, and what happens when nobody knows whether it was done."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import Json, JsonObject

MOST_TARGETS = 100  # that are listed; all are counted
_BY_NAME: Mapping[str, str] = {
    "host": "host", "hostname": "host", "device": "host", "machine": "host", "computer": "host", "endpoint": "host", "server": "host",
    "user": "user", "username": "user", "account": "user", "login": "user", "principal": "user",
    "ip": "ip", "address": "ip", "addresses": "ip", "src_ip": "ip", "dst_ip": "ip",
    "domain": "domain", "name": "name", "names": "name",
    "url": "url", "link": "url",
    "email": "email", "mail": "email", "to": "email", "cc": "email", "recipient": "email", "mailbox": "email", "message_id": "mail",
    "file": "file", "path": "file", "hash": "hash", "sha256": "hash", "md5": "hash",
    "case": "case", "alert": "alert", "ticket": "ticket", "issue": "ticket", "group": "group",
}  # fmt: skip
_PROSE = frozenset({"reason", "text", "title", "message", "description", "comment", "note", "body", "html", "subject"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_EMAIL = re.compile(r"[^@\s<>\"]{1,64}@[^@\s<>\"]+\.[^@\s<>\"]+")
_HASH = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.I)
_UNKNOWN: Mapping[OnUnknown, str] = {
    OnUnknown.REPEAT: "it is sent again: twice changes nothing",
    OnUnknown.KEY: "it is sent again with the same key: the target does it once",
    OnUnknown.VERIFY: "the target is asked whether it happened",
    OnUnknown.ASK: "a person is asked",
}


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One thing that an effect touches, and the argument that names it."""

    type: str
    value: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What an effect touches. `undo` is the inverse action; None: it cannot be undone from here."""

    effect: Effect
    targets: tuple[Target, ...]
    undo: str | None
    on_unknown: OnUnknown | None

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        return {
            "effect": self.effect.value,
            "count": len(self.targets),
            "targets": [{"type": one.type, "value": one.value, "argument": one.argument} for one in self.targets[:MOST_TARGETS]],
            "undo": self.undo,
            "on_unknown": None if self.on_unknown is None else self.on_unknown.value,
            "if_unknown": None if self.on_unknown is None else _UNKNOWN[self.on_unknown],
        }


def blast_radius(spec: ActionSpec, arguments: JsonObject, *, effect: Effect) -> BlastRadius:
    """Return what an effect with these arguments touches."""
    return BlastRadius(effect, targets_of(arguments), spec.undo, spec.on_unknown or OnUnknown.ASK)


def targets_of(arguments: JsonObject) -> tuple[Target, ...]:
    """Return the addresses, people, machines and the like that arguments name, each once, in order."""
    return tuple(dict.fromkeys(_targets(arguments, "")))


def _targets(value: Json, argument: str) -> Iterator[Target]:
    if isinstance(value, dict):
        kind, named = value.get("type"), value.get("value")
        if isinstance(kind, str) and isinstance(named, str):  # an observable
            yield Target(kind, named, argument or "value")
            return
        for name, one in value.items():
            yield from _targets(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _targets(one, argument)
    elif isinstance(value, str) and value and argument not in _PROSE:
        kind = _kind(argument, value)
        if kind:
            yield Target(kind, value, argument)


def _kind(argument: str, value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        pass
    else:
        return "network" if "/" in value else "ip"
    if _URL.fullmatch(value):
        return "url"
    if _EMAIL.fullmatch(value):
        return "email"
    if _HASH.fullmatch(value):
        return "hash"
    return _BY_NAME.get(argument.lower(), "")
