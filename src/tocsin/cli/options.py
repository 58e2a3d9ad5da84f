"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tocsin.settings import Settings

DEFAULT_CONFIG = Path("tocsin.yaml")

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
Config = Annotated[Path | None, typer.Option(help="The settings; without it ./tocsin.yaml, if there is one.", dir_okay=False)]
DataFolder = Annotated[str | None, typer.Option("--data", help="The data folder; one process at a time uses it.")]
Playbooks = Annotated[list[Path] | None, typer.Option("--playbooks", help="A file or folder of playbooks to publish; may be repeated.")]
Url = Annotated[str | None, typer.Option(help="Address of a running server.", envvar="TOCSIN_URL")]
Token = Annotated[str | None, typer.Option(help="API key.", envvar="TOCSIN_TOKEN")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait at most.", min=0.1)]


def read_settings(
    config: Path | None, *, playbooks: list[Path] | None = None, data: str | None = None, host: str | None = None, port: int | None = None
) -> "Settings":
    """Return the settings of file, environment and command line; raises Invalid."""
    import msgspec

    from tocsin.settings import load_settings

    file = config if config is not None else (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    settings = load_settings(file, data=data, host=host, port=port)
    return msgspec.structs.replace(settings, playbooks=[*settings.playbooks, *map(str, playbooks or [])])
