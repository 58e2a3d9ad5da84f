"""Which playbooks call which, read from their texts alone; and the order in which they are pinned: callees first."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.playbook.compile import pinned_calls
from tocsin.playbook.findings import Enough, Findings
from tocsin.playbook.model import CallNode, Playbook, steps_of
from tocsin.playbook.parsing.playbook import parse
from tocsin.playbook.source import decode, load


@dataclass(frozen=True, slots=True)
class Calls:
    """What a text calls: all of it, and that of which a version is pinned at save."""

    all: frozenset[str] = frozenset()
    pinned: frozenset[str] = frozenset()


def calls_in(text: str | bytes) -> Calls:
    """Return what a text calls; nothing when it cannot be read."""
    playbook = _read(text)
    if playbook is None:
        return Calls()
    steps = (*steps_of(playbook.steps), *steps_of(playbook.final))
    return Calls(frozenset(step.playbook.text for step in steps if isinstance(step, CallNode)), pinned_calls(playbook))


def callees_first(calls: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the playbooks in an order in which each comes after those that it calls; a circle is cut somewhere."""
    found: dict[str, None] = {}
    entered: set[str] = set()
    # A stack of our own: a chain of calls may be longer than Python's.
    for start in sorted(calls):
        stack = [(start, False)]
        while stack:
            id, is_done = stack.pop()
            if is_done:
                found[id] = None
            elif id not in entered:
                entered.add(id)
                stack.append((id, True))
                stack += [(one, False) for one in sorted(calls[id], reverse=True) if one in calls and one not in entered]
    return list(found)


def _read(text: str | bytes) -> Playbook | None:
    findings = Findings()
    with contextlib.suppress(Enough):
        decoded = decode(text, file="", findings=findings)
        node = None if decoded is None else load(decoded, file="", findings=findings)
        return None if node is None else parse(node, file="", findings=findings)
    return None
