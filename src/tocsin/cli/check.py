"""`tocsin check`: what is wrong with playbooks, before they run."""

import gc
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from tocsin.cli.say import BAD_INPUT, FAILED, as_line, put, warn

if TYPE_CHECKING:
    from tocsin.playbook.present import Reviewed


class Format(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Playbooks and rehearsals, or folders of them.", metavar="PATH...")] = None,
    format: Annotated[Format, typer.Option(help="How to write what was found.")] = Format.TEXT,
    packs: Annotated[list[Path] | None, typer.Option(help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for warnings too, and name playbooks without a rehearsal.")] = False,
    explain: Annotated[str, typer.Option(help="Print the page of a code, such as PB206, and check nothing.", metavar="CODE")] = "",
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check playbooks with the actions of the installed packs, and what is between them. Exit code 1 when there is an error."""
    if explain:
        return put(_page(explain))
    if not paths:
        warn("tocsin: Nothing to check. Name a playbook or a folder: tocsin check playbooks")
        raise typer.Exit(BAD_INPUT)
    from tocsin.core.diagnostics import Level

    gc.disable()  # the process ends soon, and a third of its time would go into looking for garbage
    reviewed = check_all(paths, packs=packs or [], strict=strict)
    _write(reviewed, Format.JSON if json else format)
    gc.freeze()  # nor into looking for it once more at the end
    worst = min((found.level for one in reviewed for found in one.diagnostics), default=Level.INFO)
    if worst is Level.ERROR or (strict and worst is Level.WARNING):
        raise typer.Exit(FAILED)
    return None


def check_all(paths: list[Path], *, packs: list[Path], strict: bool = False) -> "list[Reviewed]":
    """Return each file with what is wrong with it; raises NotFound or Invalid for a place that is not there."""
    from tocsin.cli.checking import review
    from tocsin.cli.playbook_files import read_places
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs

    sources = read_places(paths)
    catalogue = PackCatalogue(load_packs([BUILTIN, *packs]))
    # Of a single file nobody knows what it will be published with.
    return review(sources, catalogue=catalogue, whole=any(path.is_dir() for path in paths), strict=strict)


def is_colourful() -> bool:
    """Say whether stdout shows colours and its reader wants them."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _write(reviewed: "Sequence[Reviewed]", format: Format) -> None:
    match format:
        case Format.TEXT:
            _write_text(reviewed)
        case Format.JSON:
            from tocsin.playbook.present import as_json

            put(as_line([as_json(found) for one in reviewed for found in one.diagnostics]))
        case Format.SARIF:
            import tocsin
            from tocsin.cli.checking import known_codes
            from tocsin.playbook.present.sarif import as_sarif

            put(as_line(as_sarif(reviewed, codes=known_codes(), root=os.getcwd(), version=tocsin.__version__)))
        case Format.GITHUB:
            from tocsin.playbook.present.github import commands

            sys.stdout.write(commands(reviewed))
            sys.stdout.flush()
        case _:
            assert_never(format)


def _write_text(reviewed: "Sequence[Reviewed]") -> None:
    from tocsin.cli.checking import known_codes
    from tocsin.playbook.present.text import report, summary

    found = [one for one in reviewed if one.diagnostics]
    if found:
        put(report(found, codes=known_codes(), colour=is_colourful()))
    put(summary(reviewed, colour=is_colourful()))
    if found:
        put(f"  What a code means: tocsin check --explain {found[0].diagnostics[0].code}")


def _page(code: str) -> str:
    from tocsin.cli.checking import known_codes
    from tocsin.core.errors import NotFound
    from tocsin.playbook.codes.pages import page_of
    from tocsin.playbook.expr.errors import nearest

    known = known_codes()
    if code.upper() not in known:
        by_slug = {one.slug: one.id for one in known.values()}
        if code.lower() not in by_slug:
            raise NotFound(f"There is no code '{code[:40]}'.", hint=nearest(code.upper(), known) or "Codes are PB101 to PB6xx, and RH1xx.")
        code = by_slug[code.lower()]
    return page_of(known[code.upper()]).rstrip()
