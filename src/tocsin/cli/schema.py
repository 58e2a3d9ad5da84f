"""`tocsin schema`: what an editor needs to complete and check playbooks."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.say import put


def schema(
    packs: Annotated[list[Path] | None, typer.Option("--packs", help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="The schema of rehearsal files.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON is what it writes in any case.")] = False,
) -> None:
    """Print the JSON Schema (draft 2020-12) of playbooks, with the actions of the installed packs and their arguments.

    Save it, and name it in the first line of a playbook: # yaml-language-server: $schema=tocsin.schema.json
    """
    import json as writer

    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs
    from tocsin.playbook.editor_schema import playbook_schema
    from tocsin.rehearsal.editor_schema import rehearsal_schema

    made = rehearsal_schema() if rehearsal else playbook_schema(PackCatalogue(load_packs([BUILTIN, *(packs or [])])))
    put(writer.dumps(made, indent=2, ensure_ascii=False))
