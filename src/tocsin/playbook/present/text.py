"""Diagnostics as text: for a log line by line, for a terminal file by file, in colour where it can show it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.playbook.codes import Code
from tocsin.playbook.present.excerpt import Excerpt, excerpt_of
from tocsin.playbook.present.reviewed import Reviewed, counted, findings_of, lines_of, severity

_COLOURS: Final = {Level.ERROR: "31", Level.WARNING: "33", Level.INFO: "36"}
_NAMES: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_BOLD: Final = "1"
_DIM: Final = "2"


def render(diagnostics: Sequence[Diagnostic], text: str | bytes) -> str:
    """Write diagnostics with the line that each is about, a caret below it and the hint."""
    lines = lines_of(text)
    return "\n".join(_one(found, lines) for found in diagnostics)


def report(reviewed: Sequence[Reviewed], *, codes: Mapping[str, Code], colour: bool = False) -> str:
    """Write findings for a terminal, grouped by file; files without any are left out. Nothing in it is obeyed by a terminal."""
    pen = Pen(colour)
    return "\n".join(_file(one, codes, pen) for one in reviewed if one.diagnostics)


def summary(reviewed: Sequence[Reviewed], *, colour: bool = False) -> str:
    """Write the last line: how much was checked, and what was found."""
    pen, found = Pen(colour), findings_of(reviewed)
    worst = min((one.level for one in found), default=None)
    sign = {Level.ERROR: "✗", Level.WARNING: "!"}.get(worst or Level.INFO, "✓")
    mark = pen.paint(sign, "32" if sign == "✓" else _COLOURS[worst or Level.INFO])
    many = f"{len(reviewed)} file{'' if len(reviewed) == 1 else 's'} checked"
    return f"{mark} {many}: {counted(found, levels=(Level.ERROR, Level.WARNING))}."


def harmless(text: str) -> str:
    """Return text on one line in which control, format and bidirectional characters are named instead of obeyed."""
    return text if text.isprintable() else "".join(one if one.isprintable() else f"⟨U+{ord(one):04X}⟩" for one in text)


@dataclass(frozen=True, slots=True)
class Pen:
    """Write in colour, or not."""

    colour: bool

    def paint(self, text: str, *styles: str) -> str:
        """Return text in styles of a terminal."""
        return f"\x1b[{';'.join(styles)}m{text}\x1b[0m" if self.colour and text else text


def _one(found: Diagnostic, lines: Sequence[str]) -> str:
    span = found.span
    shown = [f"{span.file}:{span.line}:{span.column}: {severity(found.level)} {found.code}: {found.message}"]
    excerpt = excerpt_of(span, lines)
    if excerpt is not None:
        margin = f"{excerpt.line:>5} | "
        shown += [margin + excerpt.text, f"{' ' * (len(margin) - 2)}| {' ' * excerpt.indent}{'^' * excerpt.width}"]
    if found.hint:
        shown.append(f"  = {found.hint}")
    return "\n".join([*shown, ""])


def _file(one: Reviewed, codes: Mapping[str, Code], pen: Pen) -> str:
    head = f"{pen.paint(harmless(one.file), _BOLD)}  {pen.paint(counted(one.diagnostics), _DIM)}"
    lines = one.lines if one.text else []
    margin = max(len(str(found.span.line)) for found in one.diagnostics) + 3
    shown = [line for found in one.diagnostics for line in _finding(found, codes.get(found.code), lines, margin, pen)]
    return "\n".join([head, "", *shown])


def _finding(found: Diagnostic, code: Code | None, lines: Sequence[str], margin: int, pen: Pen) -> Iterable[str]:
    span, tint = found.span, _COLOURS[found.level]
    level, slug = pen.paint(f"{_NAMES[found.level]} {found.code}", _BOLD, tint), "" if code is None else pen.paint(f" {code.slug}", _DIM)
    yield f"  {harmless(span.file)}:{span.line}:{span.column}  {level}{slug}"
    yield f"  {harmless(found.message)}"
    excerpt = excerpt_of(span, lines)
    if excerpt is not None:
        yield from _excerpt(excerpt, margin, tint, pen)
    if found.hint:
        yield f"{' ' * margin} {pen.paint('=', _DIM)} {harmless(found.hint)}"
    yield ""


def _excerpt(excerpt: Excerpt, margin: int, tint: str, pen: Pen) -> Iterable[str]:
    bar, number = pen.paint("│", _DIM), pen.paint(f"{excerpt.line:>{margin}}", _DIM)
    yield f"{number} {bar} {excerpt.before}{pen.paint(excerpt.marked, tint)}{excerpt.after}".rstrip()
    yield f"{' ' * margin} {bar} {' ' * excerpt.indent}{pen.paint('^' * excerpt.width, _BOLD, tint)}"
