"""`tocsin map`: what a pack makes of raw events, without a server and without a database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.say import FAILED, as_line, shown, warn

if TYPE_CHECKING:
    from tocsin.connectors.manifest import MappingSpec


def map_events(
    pack: Annotated[str, typer.Argument(help="The pack whose mapping is used, such as suricata.")],
    files: Annotated[list[Path], typer.Argument(help="NDJSON, a JSON array, or .eml; - is stdin.", metavar="FILE...")],
    mapping: Annotated[str, typer.Option(help="A mapping of the pack by name; left out, its usual one.")] = "",
    packs: Annotated[list[Path] | None, typer.Option(help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON is what it writes in any case.")] = False,
) -> None:
    """Print each alert in FILE, normalised, as a line of JSON. What is no alert is skipped; what cannot be read goes to stderr."""
    import sys
    from datetime import UTC, datetime

    from tocsin.cli.events import raw_lines
    from tocsin.connectors.mapping import Skipped, apply
    from tocsin.core.errors import Invalid

    spec = find_mapping(pack, mapping, folders=packs or [])
    alerts = skipped = troubles = 0
    for raw in raw_lines(files):
        try:
            found = apply(spec, raw.read(), source=pack, received=datetime.now(UTC))
        except Invalid as error:
            troubles += 1
            warn(f"{raw.file}:{raw.line}: {error.message}")
            continue
        if isinstance(found, Skipped):
            skipped += 1
        elif found.problem:
            troubles += 1
            warn(f"{raw.file}:{raw.line}: {found.problem}")
        else:
            alerts += 1
            sys.stdout.write(as_line(found.as_json()) + "\n")
    sys.stdout.flush()
    if skipped:
        warn(f"{alerts} alerts; {skipped} events are no alerts.")
    if troubles:
        warn(shown(f"{troubles} events could not be read or mapped."))
        raise typer.Exit(FAILED)


def find_mapping(pack: str, name: str, *, folders: list[Path]) -> "MappingSpec":
    """Return a mapping of a pack; raises PackNotFound or Invalid naming what there is."""
    from tocsin.connectors.loader import BUILTIN, load_pack, load_packs
    from tocsin.core.diagnostics import Level
    from tocsin.core.errors import Invalid, PackNotFound

    places = [BUILTIN, *folders]
    folder = next((place / pack for place in places if pack.isidentifier() and (place / pack / "pack.yaml").is_file()), None)
    if folder is None:
        known = ", ".join(sorted(load_packs(places).packs))
        raise PackNotFound(f"There is no pack '{pack}'.", hint=f"There are: {known}.")
    loaded, diagnostics = load_pack(folder)
    if loaded is None:
        first = next(one for one in diagnostics if one.level is Level.ERROR)
        raise Invalid(f"The pack '{pack}' is broken: {first.span.file}:{first.span.line}: {first.message}", hint="See `tocsin pack check`.")
    found = loaded.mappings.get(name) if name else loaded.mapping_for()
    if found is None:
        has = ", ".join(loaded.mappings) or "none"
        raise Invalid(f"The pack '{pack}' has no mapping '{name or 'alert'}'.", hint=f"It has: {has}.")
    return found
