"""Diagnostics as JSON: a list of `{code, severity, message, hint, span}`."""

from tocsin.core.diagnostics import Diagnostic
from tocsin.core.values import JsonObject
from tocsin.playbook.present.reviewed import severity


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
