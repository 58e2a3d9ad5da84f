"""One page that shows which lines and branches of playbooks were rehearsed. No scripts, nothing from elsewhere."""

from collections.abc import Iterator
from html import escape

from tocsin.rehearsal.coverage import Branch, Coverage
from tocsin.rehearsal.places import Place
from tocsin.rehearsal.report import FileReport, Report

FULL, PART, NONE = "full", "part", "none"
_STYLE = """
:root{color-scheme:light dark;--bg:#fbfbfa;--card:#fff;--text:#1d2330;--dim:#68707f;--line:#e4e5e3;--full:#2c8a57;--part:#b3790b;
--none:#c23b3b;
--full-bg:#e9f5ee;--part-bg:#fdf3dc;--none-bg:#fbe9e8;--code:#f6f6f4}
@media (prefers-color-scheme:dark){:root{--bg:#12151b;--card:#191d25;--text:#e2e5ea;--dim:#98a0ae;--line:#2a303b;--full:#56c58a;
--part:#e3b04b;
--none:#f07a78;--full-bg:#152c21;--part-bg:#332a15;--none-bg:#3a1e20;--code:#151920}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1080px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:26px;margin:0 0 4px;letter-spacing:-.01em}h2{font-size:19px;margin:0}h3{font-size:14px;margin:24px 0 8px;color:var(--dim);
font-weight:600}
p{margin:0}.dim{color:var(--dim)}.num{font-variant-numeric:tabular-nums}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:24px 0 32px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 18px;min-width:140px}
.tile b{display:block;font-size:24px;font-weight:650;font-variant-numeric:tabular-nums}
.good{color:var(--full)}.bad{color:var(--none)}.warn{color:var(--part)}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:0 0 24px}
header{display:flex;flex-wrap:wrap;gap:6px 16px;align-items:baseline;justify-content:space-between}
.bar{height:8px;border-radius:4px;background:var(--none-bg);overflow:hidden;margin:14px 0 6px}.bar i{display:block;height:100%;
background:var(--full)}
ul{list-style:none;margin:0;padding:0}li{padding:4px 0}
.cases li{display:flex;gap:10px}.cases li>span:nth-child(2){flex:1;min-width:0;overflow-wrap:anywhere}
.missed li a{color:inherit;text-decoration-color:var(--part)}
details{margin-top:14px}summary{cursor:pointer;color:var(--dim)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--code);
border-radius:8px}
td{padding:0 10px;vertical-align:top}td:first-child{width:1%;text-align:right;color:var(--dim);user-select:none;
border-left:4px solid transparent}
td pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}
td:last-child{text-align:right;white-space:nowrap;color:var(--part);font:12px/1.7 system-ui,sans-serif}
tr.full td:first-child{border-left-color:var(--full)}tr.part td:first-child{border-left-color:var(--part)}
tr.none td:first-child{border-left-color:var(--none)}
tr.part{background:var(--part-bg)}tr.none{background:var(--none-bg)}tr.none td:last-child{color:var(--none)}
tr:target{outline:2px solid var(--part);outline-offset:-2px}
.rows{display:grid;grid-template-columns:1fr 1fr;gap:0 16px;font:13px/1.6 ui-monospace,Menlo,Consolas,monospace;background:var(--code);
border-radius:8px;
padding:10px 14px;margin:6px 0 12px}.rows div{overflow-wrap:anywhere;white-space:pre-wrap}
.legend{display:flex;gap:18px;flex-wrap:wrap;font-size:13px;color:var(--dim);margin:10px 0 0}
.legend i{display:inline-block;width:4px;height:13px;vertical-align:-2px;margin-right:7px}
@media (max-width:600px){main{padding:24px 12px}section{padding:16px 14px}td:last-child{white-space:normal;min-width:90px}}
"""


def page(report: Report) -> str:
    """Return the page."""
    body = "\n".join(_body(report))
    view = '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
    head = f"{view}<title>Rehearsals</title><style>{_STYLE}</style>"
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    return f'<!doctype html>\n<html lang="en"><head>{policy}{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def _body(report: Report) -> Iterator[str]:
    yield "<h1>Rehearsals</h1>"
    good = "Every case came out as expected." if not report.failed else f"{report.failed} of {report.cases} cases failed."
    yield f'<p class="dim">{good}</p>'
    taken, total = report.branches
    passed = report.cases - sum(not result.is_good for file in report.files for result in file.results)
    yield '<div class="tiles">'
    yield _tile(f"{passed} of {report.cases}", "cases passed", "good" if not report.failed else "bad")
    yield _tile(f"{report.percent:.0f} %", f"{taken} of {total} branches", "good" if taken == total else "warn")
    yield _tile(f"{report.elapsed_ms:.1f} ms", "for all cases", "")
    yield "</div>"
    for number, file in enumerate(report.files):
        yield from _file(file, f"f{number}")
    if report.unrehearsed:
        yield "<section><h2>Without a rehearsal</h2><ul>"
        yield from (f"<li>{escape(one)}</li>" for one in report.unrehearsed)
        yield "</ul></section>"


def _tile(figure: str, what: str, style: str) -> str:
    return f'<div class="tile"><b class="{style}">{escape(figure)}</b><span class="dim">{escape(what)}</span></div>'


def _file(file: FileReport, key: str) -> Iterator[str]:
    plan = file.bundle.plan
    title = plan.title if plan is not None else str(file.bundle.file)
    place = escape(str(file.bundle.playbook_file or file.bundle.file))
    yield f'<section><header><h2>{escape(title)}</h2><span class="dim">{place}</span></header>'
    if file.coverage is not None:
        coverage = file.coverage
        taken = len(coverage.branches) - len(coverage.missed)
        yield f'<div class="bar"><i style="width:{coverage.percent:.1f}%"></i></div>'
        yield f'<p class="dim num">{taken} of {len(coverage.branches)} branches, {_steps(coverage)} of {len(coverage.steps)} steps</p>'
    yield "<h3>Cases</h3>"
    yield from _cases(file)
    if file.bundle.has_errors:
        yield "<ul>"
        yield from (
            f'<li class="bad">line {one.span.line}: {escape(one.code)} {escape(one.message)}</li>' for one in file.bundle.diagnostics
        )
        yield "</ul>"
    if file.coverage is not None:
        yield from _coverage(file.coverage, file.bundle.source.decode("utf-8", "replace"), key)
    yield "</section>"


def _steps(coverage: Coverage) -> int:
    return sum(place.path in coverage.reached for place in coverage.steps)


def _cases(file: FileReport) -> Iterator[str]:
    yield '<ul class="cases">'
    for result in file.results:
        sign = '<span class="good">✓</span>' if result.is_good else '<span class="bad">✗</span>'
        yield f'<li>{sign}<span>{escape(result.case.name)}</span><span class="dim num">{result.elapsed_ms:.1f} ms</span></li>'
        for difference in result.differences:
            yield f'<li class="bad">{escape(difference.what)}</li>'
            if difference.rows:
                yield '<li><div class="rows wide" style="flex:1"><div class="dim">expected</div><div class="dim">actual</div>'
                for row in difference.rows:
                    left, right = ("bad", "good") if difference.differs(row) else ("", "" if row.expected else "dim")
                    yield f'<div class="{left}">{escape(row.expected or "·")}</div><div class="{right}">{escape(row.actual or "·")}</div>'
                yield "</div></li>"
    yield "</ul>"


def _coverage(coverage: Coverage, source: str, key: str) -> Iterator[str]:
    if coverage.missed:
        yield '<h3>Never taken</h3><ul class="missed">'
        for branch in coverage.missed:
            yield f'<li><a class="num" href="#{key}-{branch.line}">line {branch.line}</a>&ensp;{escape(branch.name)}</li>'
        yield "</ul>"
    yield "<h3>Playbook</h3>"
    marks, notes = line_marks(coverage, source), _notes(coverage)
    yield '<div class="wide"><table>'
    for number, text in enumerate(source.rstrip("\n").split("\n"), start=1):
        mark = marks.get(number, "")
        yield (
            f'<tr id="{key}-{number}" class="{mark}"><td>{number}</td><td><pre>{escape(text) or " "}</pre></td>'
            f"<td>{escape(notes.get(number, ''))}</td></tr>"
        )
    yield "</table></div>"
    yield (
        '<p class="legend"><span><i style="background:var(--full)"></i>rehearsed</span>'
        '<span><i style="background:var(--part)"></i>a branch is missing</span>'
        '<span><i style="background:var(--none)"></i>never reached</span></p>'
    )


def line_marks(coverage: Coverage, source: str) -> dict[int, str]:
    """Return for each line of a step whether its step was rehearsed wholly, in part or not at all."""
    lines = source.split("\n")
    starts = sorted(((_item_start(lines, place.line), place) for place in coverage.steps), key=lambda one: one[0])
    marks: dict[int, str] = {}
    for index, (first, place) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(lines) + 1
        for number in range(first, end):
            text = lines[number - 1]
            if number > first and text.strip() and not text.startswith(" ") and not text.startswith("-"):
                break  # the next key at the top, such as outputs
            if text.strip() and not text.lstrip().startswith("#"):
                marks[number] = _mark(place, coverage)
    return marks


def _item_start(lines: list[str], line: int) -> int:
    """Return where the list item begins whose step says in a line what it is: its id may stand above that."""
    start = line
    while start > 1 and not lines[start - 1].lstrip().startswith("- "):
        start -= 1
    return start if lines[start - 1].lstrip().startswith("- ") else line


def _mark(place: Place, coverage: Coverage) -> str:
    own = [branch for branch in coverage.branches if branch.path == place.path]
    if place.path not in coverage.reached:
        return FULL if any(one in coverage.taken for one in own) and all(one in coverage.taken for one in own) else NONE
    return FULL if all(branch in coverage.taken for branch in own) else PART


def _notes(coverage: Coverage) -> dict[int, str]:
    found: dict[int, list[Branch]] = {}
    lines = {place.path: place.line for place in coverage.steps}  # where the step says what it is
    for branch in coverage.missed:
        found.setdefault(lines.get(branch.path, branch.line), []).append(branch)
    return {line: "never: " + ", ".join(branch.label for branch in branches) for line, branches in found.items()}
