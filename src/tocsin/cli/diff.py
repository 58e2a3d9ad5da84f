"""`tocsin diff`: what a change to a playbook means."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson
from tocsin.cli.say import FAILED, as_line, put

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from tocsin.core.values import Json
    from tocsin.playbook.diff import Change
    from tocsin.playbook.model import Playbook

WIDEST = 160


def diff(
    before: Annotated[Path, typer.Argument(help="A playbook as it was.", metavar="A")],
    after: Annotated[Path, typer.Argument(help="The playbook as it is.", metavar="B")],
    packs: Annotated[list[Path] | None, typer.Option("--packs", help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    json: AsJson = False,
) -> None:
    """Show what changed between two playbooks: steps, conditions, arguments, people, effects and guards.

    Formatting, comments and the order of keys are no change. Exit code 0: the same; 1: they differ; 2: one cannot be read.
    """
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs
    from tocsin.playbook.diff import diff as changes_of

    old, new = read_playbook(before), read_playbook(after)
    changes = changes_of(old, new, catalogue=PackCatalogue(load_packs([BUILTIN, *(packs or [])])))
    if json:
        put(as_line([change.as_json() for change in changes]))
    else:
        show(changes, before=str(before), after=str(after))
    if changes:
        raise typer.Exit(FAILED)


def read_playbook(file: Path) -> "Playbook":
    """Read a playbook; raises NotFound, or Invalid with the first thing that is wrong with it."""
    from tocsin.cli.playbook_files import read_file
    from tocsin.core.diagnostics import Level
    from tocsin.core.errors import Invalid, NotFound
    from tocsin.playbook.findings import Findings
    from tocsin.playbook.parsing.playbook import parse
    from tocsin.playbook.source import decode, load

    found = read_file(file)
    if found.problem and not file.exists():
        raise NotFound(f"There is no file '{file}'.", hint="Check the path.")
    if found.problem:
        raise Invalid(f"'{file}' cannot be read: {found.problem}.", hint="Name two files.")
    findings = Findings()
    text = decode(found.text, file="", findings=findings)
    node = None if text is None else load(text, file="", findings=findings)
    playbook = None if node is None else parse(node, file="", findings=findings)  # without its name: it may be a copy
    errors = [one for one in findings.sorted() if one.level is Level.ERROR]
    if playbook is None or errors:
        place = f":{errors[0].span.line}:{errors[0].span.column}: {errors[0].code} {errors[0].message}" if errors else ": no playbook."
        raise Invalid(f"{file}{place}", hint=f"Correct it first: tocsin check {file}")
    return playbook


def show(changes: "tuple[Change, ...]", *, before: str, after: str) -> None:
    """Write changes for people, those that need a look first."""
    from rich.console import Console

    from tocsin.cli.say import shown

    console = Console(markup=False, highlight=False, emoji=False)
    before, after = shown(before), shown(after)
    if not changes:
        console.print(_text("Nothing changed", "bold green", f" in meaning between {before} and {after}."))
        return
    from tocsin.playbook.diff import Risk

    marks = {Risk.NONE: "·", Risk.NOTICE: "•", Risk.DANGER: "!"}
    dangers = sum(change.risk is Risk.DANGER for change in changes)
    console.print(_text(before, "bold"), _text("→", "dim"), _text(after, "bold"), soft_wrap=True)
    for change in sorted(changes, key=lambda one: one.risk is not Risk.DANGER):
        _show_change(change, console, mark=marks[change.risk])
    console.print()
    danger = f", {dangers} of them dangerous" if dangers else ""
    console.print(_text(f"{len(changes)} change{'' if len(changes) == 1 else 's'}{danger}.", "bold red" if dangers else "bold"))


def _show_change(change: "Change", console: "Console", *, mark: str) -> None:
    from tocsin.cli.say import shown

    style = {"!": "bold red", "•": "yellow", "·": "dim"}[mark]
    console.print()
    name = "DANGER  " if mark == "!" else ""
    line = _text(f" {mark} {name}", style, shown(change.sentence), "bold red" if mark == "!" else "")
    console.print(line, soft_wrap=True)
    console.print(_text(f"   {shown(change.path)}", "dim"), soft_wrap=True)
    for sign, text, colour in _lines(change):
        console.print(_text(f"   {sign} {shown(text)}", colour), soft_wrap=True)


def _lines(change: "Change") -> "list[tuple[str, str, str]]":
    """Return the lines that went and came; of texts of several lines, those that differ."""
    from difflib import ndiff

    before, after = _written(change.before), _written(change.after)
    if len(before) > 1 or len(after) > 1:
        lines = [(line[0], line[2:]) for line in ndiff(before, after) if line[0] in "+-"]
    else:
        lines = [*(("-", line) for line in before), *(("+", line) for line in after)]
    return [(sign, text if len(text) <= WIDEST else f"{text[:WIDEST]} …", "red" if sign == "-" else "green") for sign, text in lines]


def _written(value: "Json") -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines() or [""]
    if isinstance(value, dict) and "kind" in value:
        return [f"{key}: {one if isinstance(one, str) else as_line(one)}" for key, one in value.items()]
    return [as_line(value)]


def _text(*parts: str) -> "Text":
    """Return texts and their styles, in turn."""
    from rich.text import Text

    return Text.assemble(
        *[(text, parts[place + 1] if place + 1 < len(parts) else "") for place, text in enumerate(parts) if place % 2 == 0]
    )
