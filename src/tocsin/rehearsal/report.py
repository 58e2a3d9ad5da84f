"""What came of rehearsals: by file, in sum, as JSON and as JUnit XML."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.present import as_json
from tocsin.rehearsal.bundle import Bundle
from tocsin.rehearsal.compare import Difference, Row
from tocsin.rehearsal.coverage import Coverage
from tocsin.rehearsal.rehearse import Result


@dataclass(frozen=True, slots=True)
class FileReport:
    """One rehearsal file. `coverage` is None when it could not be played."""

    bundle: Bundle
    results: tuple[Result, ...]
    coverage: Coverage | None

    @property
    def is_good(self) -> bool:
        """Tell whether every case came out as expected."""
        return not self.bundle.has_errors and all(result.is_good for result in self.results)

    @property
    def elapsed_ms(self) -> float:
        """Return how long the cases took."""
        return sum(result.elapsed_ms for result in self.results)


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `unrehearsed` are playbooks that have no rehearsal."""

    files: tuple[FileReport, ...]
    unrehearsed: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """Return how many cases were played."""
        return sum(len(file.results) for file in self.files)

    @property
    def failed(self) -> int:
        """Return how many cases, and files that could not be read, failed."""
        return sum(sum(not result.is_good for result in file.results) + file.bundle.has_errors for file in self.files)

    @property
    def branches(self) -> tuple[int, int]:
        """Return how many branches were taken, and how many there are."""
        known = [file.coverage for file in self.files if file.coverage is not None]
        return sum(len(one.branches) - len(one.missed) for one in known), sum(len(one.branches) for one in known)

    @property
    def percent(self) -> float:
        """Return how many of a hundred branches were taken; a playbook without a rehearsal is not counted."""
        taken, total = self.branches
        return 100.0 if total == 0 else 100.0 * taken / total

    @property
    def elapsed_ms(self) -> float:
        """Return how long all cases took."""
        return sum(file.elapsed_ms for file in self.files)


def report_json(report: Report) -> JsonObject:
    """Return the report for machines."""
    taken, total = report.branches
    return {
        "cases": report.cases,
        "failed": report.failed,
        "elapsed_ms": round(report.elapsed_ms, 2),
        "branches": {"taken": taken, "total": total, "percent": round(report.percent, 1)},
        "files": [_file_json(file) for file in report.files],
        "unrehearsed": [*report.unrehearsed],
    }


def _file_json(file: FileReport) -> JsonObject:
    diagnostics = [*file.bundle.diagnostics, *(one for result in file.results for one in result.warnings)]
    return {
        "file": str(file.bundle.file),
        "playbook": file.bundle.plan.id if file.bundle.plan else None,
        "diagnostics": [as_json(one) for one in diagnostics],
        "cases": [_case_json(result) for result in file.results],
        "coverage": _coverage_json(file.coverage),
    }


def _case_json(result: Result) -> JsonObject:
    played = result.played
    return {
        "name": result.case.name,
        "line": result.case.span.line,
        "passed": result.is_good,
        "elapsed_ms": round(result.elapsed_ms, 3),
        "outcome": played.outcome.value if played is not None and played.outcome is not None else None,
        "path": [*result.path],
        "differences": [_difference_json(one) for one in result.differences],
    }


def _difference_json(difference: Difference) -> JsonObject:
    rows: list[Json] = [{"expected": row.expected, "actual": row.actual} for row in difference.rows]
    return {"message": difference.what, "line": difference.span.line, "rows": rows}


def _coverage_json(coverage: Coverage | None) -> JsonObject | None:
    if coverage is None:
        return None
    return {
        "branches": {"taken": len(coverage.branches) - len(coverage.missed), "total": len(coverage.branches)},
        "percent": round(coverage.percent, 1),
        "steps": {"reached": len(coverage.reached), "total": len(coverage.steps)},
        "missed": [{"path": one.path, "branch": one.label, "line": one.line} for one in coverage.missed],
    }


def junit(report: Report) -> str:
    """Return the report as JUnit XML, a suite a file."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>']
    lines.append(f'<testsuites name="tocsin rehearse" tests="{_count(report)}" failures="{report.failed}" time="{_s(report.elapsed_ms)}">')
    for file in report.files:
        lines += _suite(file)
    return "\n".join([*lines, "</testsuites>", ""])


def _count(report: Report) -> int:
    return sum(len(file.results) + file.bundle.has_errors for file in report.files)


def _suite(file: FileReport) -> Sequence[str]:
    failed = sum(not result.is_good for result in file.results) + file.bundle.has_errors
    count = len(file.results) + file.bundle.has_errors
    name = _attribute(str(file.bundle.file))
    lines = [f'  <testsuite name={name} tests="{count}" failures="{failed}" errors="0" time="{_s(file.elapsed_ms)}">']
    if file.bundle.has_errors:
        text = "\n".join(f"{one.span.line}:{one.span.column} {one.code} {one.message}" for one in file.bundle.diagnostics)
        lines += [f'    <testcase name="the file can be read" classname={name} time="0">', *_failure(text), "    </testcase>"]
    for result in file.results:
        head = f'    <testcase name={_attribute(result.case.name)} classname={name} time="{_s(result.elapsed_ms)}"'
        if result.is_good:
            lines.append(head + "/>")
        else:
            lines += [head + ">", *(line for one in result.differences for line in _failure(_text(one))), "    </testcase>"]
    return [*lines, "  </testsuite>"]


def _failure(text: str) -> list[str]:
    return [f"      <failure message={_attribute(text.split(chr(10))[0])}>{_escaped(text)}</failure>"]


def _text(difference: Difference) -> str:
    return "\n".join([difference.what, *(line for row in difference.rows for line in _signed(row))])


def _signed(row: Row) -> list[str]:
    if row.expected is not None and row.actual is not None and row.is_same:
        return [f"  {row.actual}"]
    return [f"{sign} {text}" for sign, text in (("-", row.expected), ("+", row.actual)) if text is not None]


def _s(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.6f}"


def _attribute(text: str) -> str:
    return quoteattr(_legal(text), {"\n": "&#10;"})


def _escaped(text: str) -> str:
    return _legal(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _legal(text: str) -> str:
    """Return the text without what XML cannot hold."""
    return "".join(
        one if one in "\t\n" or (one >= " " and not 0xD800 <= ord(one) <= 0xDFFF and one not in "\ufffe\uffff") else "\ufffd"
        for one in text
    )
