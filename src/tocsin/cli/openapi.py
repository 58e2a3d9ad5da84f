"""`tocsin openapi`: the description of the HTTP interface."""

from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.say import put


def openapi(
    output: Annotated[Path | None, typer.Option(help="Write it there instead of to stdout.", dir_okay=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON is what it writes in any case.")] = False,
) -> None:
    """Print the OpenAPI 3.1 description of the HTTP interface. Opens no database and no socket."""
    import json as writer

    from tocsin.api.app import create_app
    from tocsin.cli.inert_parts import inert_parts
    from tocsin.core.errors import Invalid

    text = writer.dumps(create_app(inert_parts()).openapi(), indent=2)
    if output is None:
        put(text)
        return
    try:
        output.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise Invalid(f"'{output}' cannot be written: {error.strerror}.") from None
