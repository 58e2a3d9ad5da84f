"""Show diagnostics to people and to machines."""

from collections.abc import Sequence

from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.values import JsonObject

_WIDEST = 120  # columns of a source line that are shown


def render(diagnostics: Sequence[Diagnostic], text: str | bytes) -> str:
    """Write diagnostics with the line that each is about, a caret below it and the hint."""
    source = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    lines = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_one(found, lines) for found in diagnostics)


def severity(level: Level) -> str:
    """Name a level: error, warning or info."""
    return level.name.lower()


def as_json(found: Diagnostic) -> JsonObject:
    """Return a diagnostic as the API and `tocsin check --format json` give it."""
    span = found.span
    return {
        "code": found.code,
        "severity": severity(found.level),
        "message": found.message,
        "hint": found.hint,
        "span": {
            "file": span.file,
            "line": span.line,
            "column": span.column,
            "end_line": span.end_line,
            "end_column": span.end_column,
        },
    }


def _one(found: Diagnostic, lines: Sequence[str]) -> str:
    span = found.span
    shown = [f"{span.file}:{span.line}:{span.column}: {severity(found.level)} {found.code}: {found.message}"]
    if 1 <= span.line <= len(lines):
        shown += _excerpt(found, lines[span.line - 1])
    if found.hint:
        shown.append(f"  = {found.hint}")
    return "\n".join([*shown, ""])


def _excerpt(found: Diagnostic, line: str) -> list[str]:
    span = found.span
    start = max(0, span.column - 1 - _WIDEST // 2) if span.column > _WIDEST else 0
    part = "".join(one if one.isprintable() or one == "\t" else "\ufffd" for one in line[start : start + _WIDEST]).replace("\t", " ")
    first = span.column - 1 - start
    last = span.end_column - 1 - start if span.end_line == span.line else len(part)
    width = max(1, min(last, max(len(part), first + 1)) - first)
    margin = f"{span.line:>5} | "
    return [margin + part, " " * (len(margin) - 2) + "| " + " " * first + "^" * width]
