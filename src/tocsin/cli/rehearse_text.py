"""How rehearsals look in a terminal: a line a case, what differs side by side, and the branches that no case took."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from tocsin.cli.say import shown
from tocsin.core.diagnostics import Diagnostic
from tocsin.playbook.present import render
from tocsin.rehearsal.compare import Difference, Row
from tocsin.rehearsal.coverage import Coverage
from tocsin.rehearsal.rehearse import Result
from tocsin.rehearsal.report import FileReport, Report

WIDEST = 80  # of the column of the cases' names
SIDE = 44  # of one side of a comparison
BAR = 20
CONTEXT = 3  # rows that are alike, shown around one that is not


def print_report(report: Report, console: Console) -> None:
    """Print all of it."""
    for file in report.files:
        _file(file, console)
    for playbook in report.unrehearsed:
        console.print(Text.assemble(("– ", "yellow"), (shown(playbook), "bold"), ("  has no rehearsal", "dim")))
    if report.unrehearsed:
        console.print()
    console.print(_sum(report))


def print_coverage(coverage: Coverage, console: Console) -> None:
    """Print how much of a playbook was taken, and what was not."""
    total, missed = len(coverage.branches), coverage.missed
    if total == 0:
        console.print(Text("  no branches", style="dim"))
        return
    full = round(BAR * coverage.percent / 100)
    style = "green" if not missed else "yellow"
    console.print(
        Text.assemble(
            "  branches ",
            ("█" * full, style),
            ("░" * (BAR - full), "dim"),
            f" {total - len(missed)} of {total}",
            (f"  {coverage.percent:.0f} %", style),
        )
    )
    wide = max((len(str(one.line)) for one in missed), default=0)
    for one in missed:
        console.print(Text.assemble("    ", ("never ", "yellow"), (f"line {one.line:>{wide}}  ", "dim"), shown(one.name)))


def _file(file: FileReport, console: Console) -> None:
    console.print(Text(shown(str(file.bundle.file)), style="bold"))
    _diagnostics(file.bundle.diagnostics, file.bundle.text, console)
    width = min(WIDEST, max((cell_len(shown(result.case.name)) for result in file.results), default=0))
    for result in file.results:
        console.print(_case(result, width))
        for difference in result.differences:
            _difference(difference, console)
        if (
            not result.is_good
            and result.played is not None
            and not any(one.rows and one.what.startswith("The run") for one in result.differences)
        ):
            console.print(Text.assemble("      ", ("path  ", "dim"), (shown(" → ".join(result.path)), "dim")))
        _diagnostics(result.warnings, file.bundle.text, console)
    if file.coverage is not None:
        console.print()
        print_coverage(file.coverage, console)
    console.print()


def _case(result: Result, width: int) -> Text:
    name = shown(result.case.name)
    sign = ("✓", "green") if result.is_good else ("✗", "bold red")
    pad = max(1, width + 2 - cell_len(name))
    return Text.assemble("  ", sign, " ", (name, "" if result.is_good else "bold"), " " * pad, (f"{result.elapsed_ms:6.1f} ms", "dim"))


def _difference(difference: Difference, console: Console) -> None:
    console.print(Text.assemble("      ", (shown(difference.what), "red"), (f"  line {difference.span.line}", "dim")))
    if difference.rows:
        for line in side_by_side(difference):
            console.print(line)


def side_by_side(difference: Difference) -> list[Text]:
    """Return the rows of a comparison, a mark at the first that differs; long stretches that are alike are left out."""
    width = min(SIDE, max([8, *(cell_len(shown(row.expected)) for row in difference.rows if row.expected is not None)]))
    lines = [Text.assemble("          ", ("expected".ljust(width), "underline"), "   ", ("actual", "underline"))]
    wrong = [index for index, row in enumerate(difference.rows) if difference.differs(row)]
    left_out = 0
    for index, row in enumerate(difference.rows):
        if min((abs(index - one) for one in wrong), default=0) > CONTEXT:
            left_out += 1
            continue
        if left_out:
            lines.append(_gap(left_out))
            left_out = 0
        lines.append(_row(difference, row, width, is_first=index == difference.first))
    return [*lines, _gap(left_out)] if left_out else lines


def _gap(count: int) -> Text:
    return Text(f"          … {count} more", style="dim")


def _row(difference: Difference, row: Row, width: int, *, is_first: bool) -> Text:
    left, right = (_cut(text, SIDE) for text in (row.expected, row.actual))
    differs = difference.differs(row)
    mark = ("▸ ", "bold red") if is_first else ("  ", "")
    pad = " " * max(0, width - cell_len(left))
    return Text.assemble(
        "        ",
        mark,
        (left or "·", "red" if differs and left else "" if left else "dim"),
        pad if left else " " * (width - 1),
        "   ",
        (right or "·", "green" if differs and right else "" if left and right else "dim"),
    )


def _cut(text: str | None, width: int) -> str:
    line = "" if text is None else shown(text)
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _diagnostics(found: Sequence[Diagnostic], text: bytes, console: Console) -> None:
    for line in render(found, text).split("\n") if found else ():
        console.print(
            Text(f"  {shown(line)}" if line else "", style="yellow" if "warning RH" in line else "red" if "error RH" in line else "")
        )


def _sum(report: Report) -> Text:
    taken, total = report.branches
    good = report.cases - sum(not result.is_good for file in report.files for result in file.results)
    times = sorted(result.elapsed_ms for file in report.files for result in file.results)
    middle = times[len(times) // 2] if times else 0.0
    parts = [f"{report.cases} case{'' if report.cases == 1 else 's'}", f"{good} passed", f"{report.failed} failed"]
    if total:
        parts.append(f"{taken} of {total} branches ({report.percent:.0f} %)")
    style = "bold red" if report.failed else "bold green"
    return Text.assemble((", ".join(parts), style), (f"  in {report.elapsed_ms:.1f} ms, the median case {middle:.1f} ms", "dim"))
