"""Diagnostics as the workflow commands that GitHub Actions turns into annotations of the changed lines."""

from collections.abc import Iterable
from typing import Final

from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.playbook.present.reviewed import Reviewed, findings_of

_COMMANDS: Final = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def commands(reviewed: Iterable[Reviewed]) -> str:
    """Write one command a finding, each on a line."""
    return "".join(f"{command(found)}\n" for found in findings_of(reviewed))


def command(found: Diagnostic) -> str:
    """Write a finding as a command: `::error file=…,line=…::message`."""
    span = found.span
    places = {"file": span.file, "line": str(span.line)}
    if span.end_line == span.line:  # over several lines GitHub takes no columns; its ends are inclusive
        places |= {"col": str(span.column), "endLine": str(span.line), "endColumn": str(max(span.end_column - 1, span.column))}
    else:
        places |= {"endLine": str(span.end_line)}
    fields = ",".join(f"{key}={_property(value)}" for key, value in {**places, "title": f"Tocsin {found.code}"}.items())
    return f"::{_COMMANDS[found.level]} {fields}::{_data(f'{found.message} {found.hint}'.strip())}"


def _data(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # the name of a file may be any bytes
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
