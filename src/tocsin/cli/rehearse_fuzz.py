"""`tocsin rehearse --fuzz`: search playbooks for a run that breaks, and print it as a ready case."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from tocsin.cli.say import FAILED, as_line, put, shown
from tocsin.core.diagnostics import Level
from tocsin.core.effects import ActionSpec
from tocsin.core.errors import Invalid
from tocsin.core.values import JsonObject
from tocsin.rehearsal.bundle import Reader, playbooks_at
from tocsin.rehearsal.fuzz import Search, search

if TYPE_CHECKING:
    from tocsin.playbook.plan import Plan


def fuzz_all(
    places: list[Path],
    reader: Reader,
    spec: Callable[[str], ActionSpec],
    *,
    examples: int,
    seed: int | None,
    allowed: frozenset[str],
    json: bool,
    console: Console,
) -> None:
    """Search every playbook at the places; exit code 1 when a run breaks."""
    chosen = seed if seed is not None else secrets.randbelow(1_000_000)
    found: list[JsonObject] = []
    is_broken = False
    for file in playbooks_at(places):
        plan = _plan(file, reader)
        plans = reader.beside(file, plan)
        result = search(plan, plans=plans, spec=spec, examples=examples, seed=chosen, allowed=allowed)
        is_broken = is_broken or result.finding is not None
        if json:
            found.append(_json(file, result))
        else:
            _print(file, result, console)
    if json:
        put(as_line([*found]))
    if is_broken:
        raise typer.Exit(FAILED)


def _plan(file: Path, reader: Reader) -> "Plan":
    _, plan, diagnostics = reader.plan(file)
    if plan is None:
        first = next(found for found in diagnostics if found.level is Level.ERROR)
        raise Invalid(f"'{file}' has errors: {first.code} {first.message}", hint=f"See `tocsin check {file}`.")
    return plan


def _json(file: Path, result: Search) -> JsonObject:
    finding = result.finding
    coverage = result.coverage
    return {
        "file": str(file),
        "runs": result.runs,
        "started": result.started,
        "seed": result.seed,
        "branches": {"taken": len(coverage.branches) - len(coverage.missed), "total": len(coverage.branches)},
        "finding": None if finding is None else {"kind": finding.kind.value, "message": finding.what, "case": finding.case},
    }


def _print(file: Path, result: Search, console: Console) -> None:
    from tocsin.cli.rehearse_text import print_coverage
    from tocsin.rehearsal.yaml_text import case_text

    finding = result.finding
    is_idle = finding is None and result.started == 0
    head = ("! ", "bold yellow") if is_idle else ("✓ ", "green") if finding is None else ("✗ ", "bold red")
    console.print(Text.assemble(head, (shown(str(file)), "bold"), (f"  {result.runs} runs, seed {result.seed}", "dim")))
    if is_idle:
        text = "  Nothing was tried: the triggers accept none of the starts that were made up. Try more --examples, or write cases by hand."
        console.print(Text(text, style="yellow"))
    elif finding is None:
        console.print(Text("  Nothing broke.", style="green"))
    else:
        console.print(Text.assemble("  ", (finding.kind.value, "bold red"), "  ", shown(finding.what)))
        console.print(Text("\n  The smallest run that shows it, as a case for the rehearsal:\n", style="dim"))
        for line in case_text(finding.case).decode().rstrip("\n").split("\n"):
            console.print(Text(f"  {shown(line)}", style="cyan"))
        console.print()
    print_coverage(result.coverage, console)
    console.print()
