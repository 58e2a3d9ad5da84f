"""`tocsin rehearse`: prove playbooks before they run, with canned answers and a clock of their own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson, DataFolder, Token, Url
from tocsin.cli.replacing import replace
from tocsin.cli.say import FAILED, as_line, put, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from tocsin.connectors.loader import Packs
    from tocsin.core.effects import ActionSpec
    from tocsin.rehearsal.canned import HttpMapping
    from tocsin.rehearsal.report import Report

PIPE_WIDTH = 200


def rehearse(
    paths: Annotated[list[Path], typer.Argument(help="Playbooks, rehearsals, or folders of them.", metavar="PATH...")],
    case: Annotated[str | None, typer.Option(help="Only the cases whose name has this in it.")] = None,
    packs: Annotated[list[Path] | None, typer.Option(help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML here.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the covered lines here.", dir_okay=False)] = None,
    min_coverage: Annotated[float, typer.Option(help="Fail below so many percent of branches.", min=0, max=100)] = 0,
    update: Annotated[bool, typer.Option("--update", help="Write what happened into the cases as what is expected.")] = False,
    record: Annotated[str | None, typer.Option(help="Append a case made from this run; PATH is its playbook or rehearsal.")] = None,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="With --record: swap addresses, mails, hosts and names.")] = False,
    fuzz: Annotated[bool, typer.Option("--fuzz", help="Search the playbooks for a run that breaks, instead of playing cases.")] = False,
    examples: Annotated[int, typer.Option(help="With --fuzz: how many runs to try.", min=1)] = 200,
    seed: Annotated[int | None, typer.Option(help="With --fuzz: try the same runs again.")] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="With --fuzz: a destructive action or step that nobody must be asked about.")
    ] = None,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Rehearse playbooks: no network, no real clock. Exit code 1 when a case fails."""
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs
    from tocsin.rehearsal.bundle import Reader
    from tocsin.rehearsal.playing import play_all

    installed = load_packs([BUILTIN, *(packs or [])])
    reader = Reader(PackCatalogue(installed))
    if record is not None:
        from tocsin.cli.rehearse_record import record_case

        record_case(record, paths, reader, _spec(installed), anonymise=anonymise, url=url, token=token, data=data)
        return
    if fuzz:
        from tocsin.cli.rehearse_fuzz import fuzz_all

        fuzz_all(
            paths, reader, _spec(installed), examples=examples, seed=seed, allowed=frozenset(allow or []), json=json, console=_console()
        )
        return
    report = play_all(paths, reader, _spec(installed), only=case, http=_http(installed))
    if update:
        _update(report)
    _write(report, junit, html)
    if json:
        _put_json(report)
    else:
        from tocsin.cli.rehearse_text import print_report

        print_report(report, _console())
    too_little = report.percent < min_coverage
    if too_little:
        warn(f"tocsin: {report.percent:.1f} % of the branches were taken; --min-coverage asks for {min_coverage:g} %.")
    if (report.failed and not (update and _can_be_updated(report))) or too_little:
        raise typer.Exit(FAILED)


def _spec(packs: "Packs") -> "Callable[[str], ActionSpec]":
    return lambda name: packs.action(name)[1].spec


def _http(packs: "Packs") -> "HttpMapping":
    def mapped(call, exchange):  # type: ignore[no-untyped-def]  # HttpMapping says it; its module is heavy and not imported here
        from tocsin.services.recorded_http import answer_of

        return answer_of(packs, call, exchange)

    return mapped


def _update(report: "Report") -> None:
    from tocsin.rehearsal.update import updated

    for file in report.files:
        failed = [result for result in file.results if not result.is_good]
        over = [result for result in failed if result.played is None or result.played.problem is None]
        for result in failed:
            if result not in over:
                warn(f"'{result.case.name}' was not updated, for it could not be played to its end: {result.differences[0].what}")
        if over:
            replace(file.bundle.file, updated(file.bundle.text, over))
            count = "1 case" if len(over) == 1 else f"{len(over)} cases"
            warn(f"Updated {count} of {file.bundle.file}. Read the difference before you commit it.")


def _can_be_updated(report: "Report") -> bool:
    """Tell whether every failed case was played to its end."""
    failed = [result for file in report.files for result in file.results if not result.is_good]
    return not any(file.bundle.has_errors for file in report.files) and all(one.played is None or not one.played.problem for one in failed)


def _write(report: "Report", junit: Path | None, html: Path | None) -> None:
    if junit is not None:
        from tocsin.rehearsal.report import junit as as_junit

        replace(junit, as_junit(report).encode())
    if html is not None:
        from tocsin.rehearsal.html import page

        replace(html, page(report).encode())


def _put_json(report: "Report") -> None:
    from tocsin.rehearsal.report import report_json

    put(as_line(report_json(report)))


def _console() -> "Console":
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
