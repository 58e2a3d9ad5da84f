"""`tocsin check`: what is wrong with playbooks, before they run."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.say import FAILED, as_line, put

if TYPE_CHECKING:
    from tocsin.core.diagnostics import Diagnostic


class Format(StrEnum):
    """How diagnostics are written."""

    TEXT = "text"
    JSON = "json"


def check(
    paths: Annotated[list[Path], typer.Argument(help="Playbooks, or folders of them.", metavar="PATH...")],
    format: Annotated[Format, typer.Option(help="How to write what was found.")] = Format.TEXT,
    packs: Annotated[list[Path] | None, typer.Option(help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check playbooks with the actions of the installed packs. Exit code 1 when there is an error."""
    from tocsin.core.diagnostics import Level
    from tocsin.playbook.present import as_json, render

    checked = check_all(paths, packs=packs or [])
    found = [one for _, diagnostics in checked for one in diagnostics]
    errors = sum(one.level is Level.ERROR for one in found)
    if json or format is Format.JSON:
        put(as_line([as_json(one) for one in found]))
    else:
        for text, diagnostics in checked:
            if diagnostics:
                put("\n".join(_harmless(line) for line in render(diagnostics, text).split("\n")))
        put(f"{len(checked)} playbooks checked: {errors} errors, {len(found) - errors} warnings.")
    if errors:
        raise typer.Exit(FAILED)


def check_all(paths: list[Path], *, packs: list[Path]) -> "list[tuple[bytes, tuple[Diagnostic, ...]]]":
    """Return each playbook's text with what is wrong with it; raises Invalid for a place that is not there."""
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs
    from tocsin.playbook.compile import check

    texts = {file: _read(file) for file in playbook_files(paths)}
    catalogue = PackCatalogue(load_packs([BUILTIN, *packs]))
    # Of a single file nobody knows what it will be published with.
    known = calls_of(list(texts.values())) if any(path.is_dir() for path in paths) else None
    return [(text, check(text, file=str(file), catalogue=catalogue, playbooks=known).diagnostics) for file, text in texts.items()]


def playbook_files(places: list[Path]) -> list[Path]:
    """Return the playbooks in files and folders, without their rehearsals; raises NotFound or Invalid."""
    from tocsin.core.errors import Invalid, NotFound

    found: list[Path] = []
    for place in places:
        if place.is_dir():
            inside = sorted(one for one in place.rglob("*") if one.suffix in (".yaml", ".yml") and not one.stem.endswith(".rehearsal"))
            if not inside:
                raise Invalid(f"There is no playbook in '{place}'.", hint="Playbooks are files that end in .yaml.")
            found += inside
        elif place.exists():
            found.append(place)
        else:
            raise NotFound(f"There is no file or folder '{place}'.", hint="Check the path.")
    return found


def calls_of(texts: list[bytes]) -> dict[str, list[str]]:
    """Return the id of each playbook that can be read at all, with the ids that it calls."""
    from tocsin.playbook.findings import Enough, Findings
    from tocsin.playbook.model import CallNode, steps_of
    from tocsin.playbook.parse import parse
    from tocsin.playbook.source import decode, load

    found: dict[str, list[str]] = {}
    for text in texts:
        findings = Findings()
        with contextlib.suppress(Enough):
            decoded = decode(text, file="", findings=findings)
            node = None if decoded is None else load(decoded, file="", findings=findings)
            playbook = None if node is None else parse(node, file="", findings=findings)
            if playbook is not None:
                found[playbook.id.text] = [step.playbook.text for step in steps_of(playbook.steps) if isinstance(step, CallNode)]
    return found


def _read(file: Path) -> bytes:
    from tocsin.core.errors import Invalid

    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"'{file}' cannot be read: {error.strerror}.") from None


def _harmless(line: str) -> str:
    from tocsin.services.inert import shown

    return shown(line)
