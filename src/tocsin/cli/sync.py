"""`tocsin sync`: publish the playbooks of a folder or a git repository, all of them or none."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson, Config, DataFolder, Token, Url
from tocsin.cli.say import FAILED, as_line, put

if TYPE_CHECKING:
    from tocsin.cli.places import Brought
    from tocsin.cli.remote import Remote
    from tocsin.cli.sync_local import Release
    from tocsin.core.values import JsonObject


def sync(
    place: Annotated[str, typer.Argument(help="A folder, or a git repository: a path, https://, ssh://, git:// or user@host:path.")],
    ref: Annotated[str, typer.Option(help="Branch, tag or commit of a repository; a commit id pins it.")] = "HEAD",
    path: Annotated[str, typer.Option(help="The folder inside the repository that the playbooks are in.")] = "",
    message: Annotated[str, typer.Option("--message", "-m", help="What has changed; of a repository, the commit's subject.")] = "",
    prune: Annotated[bool, typer.Option("--prune", help="Disable what came from this place before and is gone now.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask, in a terminal, before publishing.")] = False,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    config: Config = None,
    json: AsJson = False,
) -> None:
    """Show what has changed in a place, check and rehearse all of it, and publish it when nothing is wrong with any of it.

    With --url, or while a server runs over --data, that server does it. Else the data folder is opened for it.
    Exit code 1 when something is wrong; nothing is published then.
    """
    brought = bring(place, ref=ref, path=path, message=message)
    release = _release(url, token, data, config)
    planned = release(_body(brought, prune=prune, dry_run=True))
    from tocsin.cli.sync_text import plan_page, result_line

    if not json:
        plan_page(planned, brought, prune=prune)
    is_red = planned.get("red") is True
    done = planned
    if not is_red and not dry_run and _is_confirmed(planned, yes=yes or json, prune=prune):
        done = release(_body(brought, prune=prune, dry_run=False))
    is_red = is_red or done.get("red") is True
    put(as_line({**done, "source": brought.source, "message": brought.message}) if json else result_line(done, is_dry=dry_run))
    if is_red:
        raise typer.Exit(FAILED)


def bring(place: str, *, ref: str, path: str, message: str) -> "Brought":
    """Read a place; raises NotFound, Invalid and the like."""
    from tocsin.cli.places import Brought, read_folder
    from tocsin.cli.repository import address_of, fetch
    from tocsin.core.errors import Invalid, NotFound

    address = address_of(place)
    if address is not None:
        found = fetch(address, ref=ref, path=path)
        inside = f"#{path.strip('/')}" if path.strip("/.") else ""
        return Brought(f"git:{address.shown}{inside}", f"{found.commit} {message or found.subject}".strip(), found.playbooks)
    folder = Path(place).expanduser()
    if not folder.exists():
        raise NotFound(f"There is no folder or repository '{place}'.", hint="Check the path.")
    if not folder.is_dir():
        raise Invalid(f"'{place}' is a file.", hint="Name the folder; `tocsin playbooks save` takes one file.")
    if ref != "HEAD":
        raise Invalid(f"'{place}' is no git repository, so it has no {ref}.", hint="Leave --ref out, or name the repository itself.")
    folder = folder / path if path else folder
    return Brought(f"folder:{folder.resolve()}", message or f"From {folder.resolve()}", read_folder(folder))


def _body(brought: "Brought", *, prune: bool, dry_run: bool) -> "JsonObject":
    return {
        "source": brought.source,
        "message": brought.message,
        "prune": prune,
        "dry_run": dry_run,
        "playbooks": [{"id": one.id, "text": one.text, "rehearsal": one.rehearsal, "file": one.file} for one in brought.playbooks],
    }


def _release(url: str | None, token: str | None, data: str | None, config: Path | None) -> "Release":
    from tocsin.cli.remote import find_url
    from tocsin.cli.session import ask_server
    from tocsin.core.errors import Unavailable

    try:
        found = find_url(url, data=data)
    except Unavailable:
        from tocsin.cli.sync_local import release_into

        return release_into(config, data)

    def release(body: "JsonObject") -> "JsonObject":
        async def work(remote: "Remote") -> "JsonObject":
            return await remote.post("/playbooks/release", body)

        return ask_server(work, url=found, token=token, data=data)

    return release


def _is_confirmed(planned: "JsonObject", *, yes: bool, prune: bool) -> bool:
    from tocsin.cli.sync_text import is_anything

    if yes or not sys.stdin.isatty() or not is_anything(planned, prune=prune):
        return True
    return typer.confirm("Publish this?")
