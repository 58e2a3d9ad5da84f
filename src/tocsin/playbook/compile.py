"""From the text of a playbook to its plan: read, parse, check, and make the plan if nothing is wrong."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.errors import Invalid
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.checks import ALL, context_of
from tocsin.playbook.directory import PlaybookDirectory
from tocsin.playbook.findings import Enough, Findings
from tocsin.playbook.model import CallNode, Playbook, steps_of
from tocsin.playbook.parsing.playbook import parse
from tocsin.playbook.plan import Plan
from tocsin.playbook.planning import plan_of
from tocsin.playbook.source import decode, load

NO_PINS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Written:
    """A text that has been read. `playbook` is None if nothing could be made out of it."""

    text: str | bytes
    playbook: Playbook | None
    findings: Findings


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a text. `plan` is None when there is an error among the diagnostics."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


class PlaybookInvalid(Invalid):
    """A playbook has errors; `diagnostics` are all of them, with warnings."""

    code = "playbook-invalid"

    def __init__(self, message: str, *, hint: str = "", diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = diagnostics


def check(
    text: str | bytes,
    *,
    file: str,
    catalogue: Catalogue,
    playbooks: PlaybookDirectory | Collection[str] | None = None,
    pins: Mapping[str, str] = NO_PINS,
) -> Checked:
    """Check a text and make its plan.

    `playbooks` are the ids of the playbooks that exist; a mapping from each to the ids that it calls finds circles, and a directory
    checks what is handed over and given back as well.
    `pins` are the digests of the playbooks that are published: the versions that the plan will call.
    """
    return check_written(read(text, file=file), catalogue=catalogue, playbooks=playbooks, pins=pins)


def read(text: str | bytes, *, file: str) -> Written:
    """Read and parse a text: what a check of several playbooks needs to know of each before it checks any."""
    findings = Findings()
    try:
        return Written(text, _read(text, file, findings), findings)
    except Enough:
        return Written(text, None, findings)


def check_written(
    written: Written,
    *,
    catalogue: Catalogue,
    playbooks: PlaybookDirectory | Collection[str] | None = None,
    pins: Mapping[str, str] = NO_PINS,
) -> Checked:
    """Check what has been read, once: its findings are added to."""
    playbook, findings = written.playbook, written.findings
    if playbook is None:
        return Checked(None, findings.sorted())
    try:
        context = context_of(playbook, catalogue=catalogue, playbooks=playbooks, findings=findings)
        for run in ALL:
            run(context)
    except Enough:
        return Checked(None, findings.sorted())
    return Checked(None if findings.has_errors else _plan(playbook, written.text, pins), findings.sorted())


def _plan(playbook: Playbook, text: str | bytes, pins: Mapping[str, str]) -> Plan:
    used = {name: pins[name] for name in sorted(pinned_calls(playbook)) if name in pins}
    return plan_of(playbook, digest_of(text, used), pins=used)


def pinned_calls(playbook: Playbook) -> frozenset[str]:
    """Return the playbooks that are called in the version of the save."""
    steps = (*steps_of(playbook.steps), *steps_of(playbook.final))
    return frozenset(step.playbook.text for step in steps if isinstance(step, CallNode) and not step.is_latest)


def _read(text: str | bytes, file: str, findings: Findings) -> Playbook | None:
    decoded = decode(text, file=file, findings=findings)
    node = None if decoded is None else load(decoded, file=file, findings=findings)
    return None if node is None else parse(node, file=file, findings=findings)


def compile_playbook(text: str | bytes, *, file: str, catalogue: Catalogue, pins: Mapping[str, str] = NO_PINS) -> Plan:
    """Return the plan of a text; raises PlaybookInvalid with everything that is wrong."""
    checked = check(text, file=file, catalogue=catalogue, pins=pins)
    if checked.plan is not None:
        return checked.plan
    errors = [found for found in checked.diagnostics if found.level is Level.ERROR]
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = f"{first.span.file}:{first.span.line}:{first.span.column}: {first.code} {first.message}{more}"
    raise PlaybookInvalid(message, hint=first.hint, diagnostics=checked.diagnostics)


def digest_of(text: str | bytes, pins: Mapping[str, str] = NO_PINS) -> str:
    """Return the sha256 of a text and of the versions that it calls, which names a version of a playbook."""
    whole = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if pins:
        whole += b"\0" + json.dumps(dict(pins), sort_keys=True).encode()
    return hashlib.sha256(whole).hexdigest()
