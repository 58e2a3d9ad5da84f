"""`tocsin pack`: the connectors, and what their packs lack."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson
from tocsin.cli.say import FAILED, as_line, put, shown

if TYPE_CHECKING:
    from tocsin.connectors.manifest import Pack
    from tocsin.core.values import JsonObject

Folders = Annotated[list[Path] | None, typer.Option("--packs", help="A folder of packs beside the shipped ones; may be repeated.")]


def group() -> typer.Typer:
    """Return the command group."""
    packs = typer.Typer(help="List and check connector packs.", no_args_is_help=True, rich_markup_mode=None)
    packs.command("list")(list_packs)
    packs.command("check")(check_packs)
    return packs


def list_packs(packs: Folders = None, json: AsJson = False) -> None:
    """List the packs with their actions, sources and tier."""
    from tocsin.cli.say import warn
    from tocsin.connectors.loader import BUILTIN, load_packs

    loaded = load_packs([BUILTIN, *(packs or [])])
    rows = [_described(loaded.packs[name]) for name in sorted(loaded.packs)]
    if json:
        put(as_line([*rows]))
    else:
        _table(rows)
    if loaded.diagnostics:
        warn("tocsin: some packs have problems; see `tocsin pack check`.")


def _described(pack: "Pack") -> "JsonObject":
    from tocsin.connectors.quality import quality_of

    return {
        "id": pack.id,
        "product": pack.product,
        "version": pack.version,
        "actions": [*sorted(pack.actions)],
        "sources": [*sorted(pack.sources)],
        "mappings": [*sorted(pack.mappings)],
        "tier": quality_of(pack).tier.value,
    }


def _table(rows: "list[JsonObject]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("pack", "product", "actions", "sources", "tier", pad_edge=False, box=None)
    for row in rows:
        cells = [row["id"], row["product"], row["actions"], row["sources"], row["tier"]]
        table.add_row(*[shown(", ".join(map(str, cell)) if isinstance(cell, list) else str(cell)) for cell in cells])
    Console(markup=False, highlight=False, emoji=False).print(table)


def check_packs(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders of packs; left out, the shipped ones.", metavar="[PATH]...")] = None,
    json: AsJson = False,
) -> None:
    """Check packs and say what stands between each and its next tier. Exit code 1 when there is an error."""
    from tocsin.connectors.loader import load_pack
    from tocsin.connectors.quality import check_pack, quality_of
    from tocsin.core.diagnostics import Level
    from tocsin.playbook.present import as_json, severity

    report: list[JsonObject] = []
    errors = 0
    for folder in pack_folders(paths or []):
        found = check_pack(folder)
        pack, _ = load_pack(folder)
        quality = quality_of(pack) if pack is not None else None
        errors += sum(one.level is Level.ERROR for one in found)
        tier, unmet = (quality.tier.value, quality.unmet) if quality else ("none", ())
        report.append({"pack": folder.name, "tier": tier, "unmet": [*unmet], "diagnostics": [as_json(one) for one in found]})
        if not json:
            missing = f"; for the next tier: {', '.join(unmet)}" if unmet else ""
            put(shown(f"{folder.name}: {tier}{missing}"))
            for one in found:
                hint = f" {one.hint}" if one.hint else ""
                put(shown(f"  {one.span.file}:{one.span.line}:{one.span.column}: {severity(one.level)} {one.code}: {one.message}{hint}"))
    if json:
        put(as_line([*report]))
    if errors:
        raise typer.Exit(FAILED)


def pack_folders(paths: list[Path]) -> list[Path]:
    """Return the packs at paths, each a pack or a folder of packs; none means the shipped ones. Raises NotFound."""
    from tocsin.connectors.loader import BUILTIN
    from tocsin.core.errors import NotFound

    found: list[Path] = []
    for path in paths or [BUILTIN]:
        inside = [path] if (path / "pack.yaml").is_file() else sorted(one.parent for one in path.glob("*/pack.yaml"))
        if not inside:
            raise NotFound(f"There is no pack in '{path}'.", hint="A pack is a folder with a pack.yaml.")
        found += inside
    return found
