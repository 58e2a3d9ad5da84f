"""`tocsin openapi`: the description of the HTTP interface."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.say import put

if TYPE_CHECKING:
    from tocsin.api.parts import Parts


def openapi(
    output: Annotated[Path | None, typer.Option(help="Write it there instead of to stdout.", dir_okay=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON is what it writes in any case.")] = False,
) -> None:
    """Print the OpenAPI 3.1 description of the HTTP interface. Opens no database and no socket."""
    import json as writer

    from tocsin.api.app import create_app
    from tocsin.core.errors import Invalid

    text = writer.dumps(create_app(inert_parts()).openapi(), indent=2)
    if output is None:
        put(text)
        return
    try:
        output.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise Invalid(f"'{output}' cannot be written: {error.strerror}.") from None


def inert_parts() -> "Parts":
    """Return parts that nothing can be done with, for an app that is only described."""
    from datetime import UTC, datetime

    import tocsin
    from tocsin.api.parts import Parts
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import Packs
    from tocsin.services.hub import Hub

    return Parts()
