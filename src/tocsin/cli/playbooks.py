"""`tocsin playbooks`: the playbooks of a running server, their versions, reviews and publications."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson, DataFolder, Token, Url
from tocsin.cli.say import FAILED, as_line, put, shown

if TYPE_CHECKING:
    from tocsin.cli.remote import Remote
    from tocsin.core.values import JsonObject

Id = Annotated[str, typer.Argument(help="The playbook's id.")]
Version = Annotated[str, typer.Argument(help="A version's number or digest, or `latest` or `published`.")]
Comment = Annotated[str, typer.Option("--comment", "-c", help="What you say about it.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the history and the audit log.")]


def group() -> typer.Typer:
    """Return the command group."""
    playbooks = typer.Typer(help="Playbooks of a running server, and their versions.", no_args_is_help=True, rich_markup_mode=None)
    for name, command in (
        ("list", list_playbooks),
        ("history", history),
        ("show", show),
        ("diff", diff),
        ("save", save),
        ("submit", submit),
        ("approve", approve),
        ("reject", reject),
        ("publish", publish),
        ("rollback", rollback),
        ("disable", disable),
        ("enable", enable),
    ):
        playbooks.command(name)(command)
    return playbooks


def list_playbooks(url: Url = None, token: Token = None, data: DataFolder = None, json: AsJson = False) -> None:
    """List the published playbooks."""
    from tocsin.cli.remote import objects
    from tocsin.cli.session import ask_server

    async def work(remote: "Remote") -> "JsonObject":
        return await remote.get("/playbooks")

    items = objects(ask_server(work, url=url, token=token, data=data).get("items"))
    if json:
        put(as_line([*items]))
        return
    from tocsin.cli.version_text import playbook_table

    playbook_table(items)


def history(
    id: Id,
    limit: Annotated[int, typer.Option(help="How many versions at most, latest first.", min=1, max=500)] = 20,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Show the versions of a playbook: who saved them and why, what was found, and when they were published."""
    from tocsin.cli.session import ask_server

    async def work(remote: "Remote") -> "JsonObject":
        return await remote.get(_path(id, "versions"), limit=str(limit))

    found = ask_server(work, url=url, token=token, data=data)
    if json:
        put(as_line(found))
        return
    from tocsin.cli.version_text import history_table

    history_table(found)


def show(
    id: Id, version: Version = "published", url: Url = None, token: Token = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """Show a version with its text, and what was found in it."""
    from tocsin.cli.session import ask_server

    async def work(remote: "Remote") -> "JsonObject":
        return await remote.get(_path(id, "versions", version))

    found = ask_server(work, url=url, token=token, data=data)
    if json:
        put(as_line(found))
        return
    from tocsin.cli.version_text import version_page

    version_page(found)


def diff(
    id: Id,
    before: Annotated[str, typer.Argument(help="A version's number or digest, or `published` or `latest`.")] = "published",
    after: Annotated[str, typer.Argument(help="Another one.")] = "latest",
    lines: Annotated[bool, typer.Option("--lines", help="Show the changed lines too.")] = False,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Show what has changed between two versions."""
    from tocsin.cli.session import ask_server

    async def work(remote: "Remote") -> "JsonObject":
        return await remote.get(_path(id, "diff"), **{"from": before, "to": after})

    found = ask_server(work, url=url, token=token, data=data)
    if json:
        put(as_line(found))
        return
    from tocsin.cli.version_text import diff_page

    diff_page(id, found, with_lines=lines)


def save(
    file: Annotated[Path, typer.Argument(help="A playbook; its rehearsals stand beside it.", dir_okay=False, exists=True)],
    message: Annotated[str, typer.Option("--message", "-m", help="What has changed, and why.")],
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Save a file as a new version, a draft. Exit code 1 when there is an error in it, or a rehearsal that fails."""
    from tocsin.cli.places import read_manuscript
    from tocsin.cli.session import ask_server

    one = read_manuscript(file)

    async def work(remote: "Remote") -> "JsonObject":
        body: JsonObject = {"text": one.text, "rehearsal": one.rehearsal, "message": message}
        return await remote.post(_path(one.id, "versions"), body)

    found = ask_server(work, url=url, token=token, data=data)
    from tocsin.cli.version_text import is_red, verdict_of

    if json:
        put(as_line(found))
    else:
        put(shown(f"Version {found.get('number')} of {one.id} is {found.get('state')}: {verdict_of(found)}."))
    if is_red(found):
        raise typer.Exit(FAILED)


def submit(
    id: Id, version: Version = "latest", url: Url = None, token: Token = None, data: DataFolder = None, json: AsJson = False
) -> None:
    """Ask for a review of a draft."""
    _do(id, version, "submit", {}, url=url, token=token, data=data, json=json)


def approve(
    id: Id,
    version: Version,
    comment: Comment = "",
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Approve a version that is in review; its author may not."""
    _do(id, version, "approve", {"comment": comment}, url=url, token=token, data=data, json=json)


def reject(
    id: Id,
    version: Version,
    comment: Annotated[str, typer.Option("--comment", "-c", help="What is to be changed.")],
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Reject a version that is in review; its author may not."""
    _do(id, version, "reject", {"comment": comment}, url=url, token=token, data=data, json=json)


def publish(
    id: Id,
    version: Version = "latest",
    override: Annotated[bool, typer.Option("--override", help="Without the approval that is required; for administrators.")] = False,
    reason: Reason = "",
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Let new runs take a version. It must have no errors, no failing rehearsals and, where one is required, an approval."""
    _do(id, version, "publish", {"override": override, "reason": reason}, url=url, token=token, data=data, json=json)


def rollback(
    id: Id,
    to: Annotated[str | None, typer.Option(help="A version that was published once; without it, the one before.")] = None,
    reason: Reason = "",
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Publish an earlier version again. Runs that have started stay with theirs."""
    body: JsonObject = {"reason": reason, **({"to": to} if to else {})}
    _tell(_path(id, "rollback"), body, url=url, token=token, data=data, json=json)


def disable(id: Id, url: Url = None, token: Token = None, data: DataFolder = None) -> None:
    """Start no run of a playbook any more. What runs goes on."""
    _switch(id, "disable", url=url, token=token, data=data)


def enable(id: Id, url: Url = None, token: Token = None, data: DataFolder = None) -> None:
    """Let a playbook be started again."""
    _switch(id, "enable", url=url, token=token, data=data)


def _do(id: str, version: str, verb: str, body: "JsonObject", *, url: str | None, token: str | None, data: str | None, json: bool) -> None:
    _tell(_path(id, "versions", version, verb), body, url=url, token=token, data=data, json=json)


def _tell(path: str, body: "JsonObject", *, url: str | None, token: str | None, data: str | None, json: bool) -> None:
    from tocsin.cli.session import ask_server

    async def work(remote: "Remote") -> "JsonObject":
        return await remote.post(path, body)

    found = ask_server(work, url=url, token=token, data=data)
    state = str(found.get("state")).replace("_", " ")
    put(as_line(found) if json else shown(f"Version {found.get('number')} of {found.get('playbook')} is {state}."))


def _switch(id: str, verb: str, *, url: str | None, token: str | None, data: str | None) -> None:
    from tocsin.cli.session import ask_server

    async def work(remote: "Remote") -> "JsonObject":
        return await remote.post(_path(id, verb), {})

    ask_server(work, url=url, token=token, data=data)
    put(shown(f"{id} is {verb}d."))


def _path(id: str, *rest: str) -> str:
    from urllib.parse import quote

    return "/playbooks/" + "/".join(quote(one, safe="") for one in (id, *rest))
