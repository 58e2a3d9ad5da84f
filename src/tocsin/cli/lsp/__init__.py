"""`tocsin lsp`: what editors ask of playbooks, over stdin and stdout."""

import gc
from pathlib import Path
from typing import Annotated

import typer


def lsp(
    packs: Annotated[list[Path] | None, typer.Option(help="A folder of packs beside the shipped ones; may be repeated.")] = None,
    docs: Annotated[str, typer.Option(help="Where the pages of the codes are: an address below which CODE.md is found.")] = "",
) -> None:
    """Serve the Language Server Protocol on stdin and stdout: diagnostics, completion, hover, definitions, renaming, formatting."""
    gc.disable()  # an editor waits: the start makes much, and nothing of it is garbage
    from tocsin.cli.lsp.server import serve
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs

    catalogue = PackCatalogue(load_packs([BUILTIN, *(packs or [])]))
    gc.freeze()
    gc.enable()
    serve(catalogue, pages=docs or shipped_pages())


def shipped_pages() -> str:
    """Return the address of the pages in a source tree; empty where Tocsin is installed without its documentation."""
    folder = Path(__file__).resolve().parents[4] / "docs" / "reference" / "diagnostics"
    return folder.as_uri() if folder.is_dir() else ""
