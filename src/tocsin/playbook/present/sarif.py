"""Diagnostics as SARIF 2.1.0, which code scanning takes."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.codes import Code
from tocsin.playbook.codes.pages import page_of
from tocsin.playbook.present.reviewed import Reviewed

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_LONGEST: Final = 1_000  # characters of a line that is quoted
_FAMILIES: Final = {
    "PB1": "syntax",
    "PB2": "types-and-names",
    "PB3": "flow",
    "PB4": "safety",
    "PB5": "style",
    "PB6": "folder",
    "RH1": "rehearsal",
}


def as_sarif(reviewed: Sequence[Reviewed], *, codes: Mapping[str, Code], root: str, version: str) -> JsonObject:
    """Return the findings as one run. Files below `root`, an absolute path, are named relative to it."""
    used = sorted({found.code for one in reviewed for found in one.diagnostics})
    rules: list[Json] = [_rule(codes[id]) if id in codes else {"id": id} for id in used]
    index = {id: place for place, id in enumerate(used)}
    results: list[Json] = []
    for one in reviewed:
        lines = one.lines if one.text else []
        seen: dict[str, int] = {}
        results += [_result(found, lines, index[found.code], root, seen) for found in one.diagnostics]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "Tocsin", "semanticVersion": version, "rules": rules}},
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {"SRCROOT": {"uri": f"file://{_quoted(root.rstrip('/'))}/"}},
                "invocations": [{"executionSuccessful": True}],
                "results": results,
            }
        ],
    }


def _rule(code: Code) -> JsonObject:
    return {
        "id": code.id,
        "name": "".join(part.capitalize() for part in code.slug.split("-")),
        "shortDescription": {"text": f"{code.title}."},
        "fullDescription": {"text": code.reason},
        "help": {"text": f"{code.title}. {code.reason}", "markdown": page_of(code)},
        "defaultConfiguration": {"level": _LEVELS[code.level]},
        "properties": {"tags": [_FAMILIES.get(code.id[:3], "playbook")]},
    }


def _result(found: Diagnostic, lines: Sequence[str], rule: int, root: str, seen: dict[str, int]) -> JsonObject:
    place: JsonObject = {"artifactLocation": _artifact(found.span.file, root), "region": _region(found.span, lines)}
    return {
        "ruleId": found.code,
        "ruleIndex": rule,
        "level": _LEVELS[found.level],
        "message": {"text": f"{found.message} {found.hint}".strip()},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"tocsin/v1": _fingerprint(found, lines, seen)},
    }


def _artifact(file: str, root: str) -> JsonObject:
    path = PurePosixPath(file)
    if not path.is_absolute() and ".." in path.parts:  # no way up may stand in a relative URI: from where it is read it leads elsewhere
        path = _resolved(PurePosixPath(root) / path)
    if path.is_absolute() and not path.is_relative_to(root):
        return {"uri": f"file://{_quoted(str(path))}"}
    inside = path.relative_to(root) if path.is_absolute() else path
    return {"uri": _quoted(str(inside)), "uriBaseId": "SRCROOT"}


def _quoted(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"))  # the name of a file may be any bytes


def _resolved(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts[1:]:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return PurePosixPath("/", *parts)


def _region(span: Span, lines: Sequence[str]) -> JsonObject:
    region: JsonObject = {
        "startLine": span.line,
        "startColumn": units(span.line, span.column, lines),
        "endLine": span.end_line,
        "endColumn": units(span.end_line, span.end_column, lines),
    }
    if span.line == span.end_line and span.line <= len(lines) and len(lines[span.line - 1]) <= _LONGEST:
        region["snippet"] = {"text": lines[span.line - 1]}
    return region


def units(line: int, column: int, lines: Sequence[str]) -> int:
    """Return a column counted in UTF-16 code units: characters beyond the first 65,536 are two of them."""
    before = lines[line - 1][: column - 1] if 1 <= line <= len(lines) else ""
    return column if before.isascii() else column + sum(ord(one) > 0xFFFF for one in before)


def _fingerprint(found: Diagnostic, lines: Sequence[str], seen: dict[str, int]) -> str:
    """Name a finding by what it is about, not by its line number: edits above it leave the name as it is."""
    line = lines[found.span.line - 1].strip() if found.span.line <= len(lines) else ""
    what = f"{found.code}\0{found.message}\0{line}"
    seen[what] = seen.get(what, 0) + 1
    return hashlib.sha256(f"{what}\0{seen[what]}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
