"""`tocsin run`: start a playbook on a running server, or see what it would do."""

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson, DataFolder, Token, Url
from tocsin.cli.say import FAILED, as_line, put, shown
from tocsin.cli.session import ask_server, console, pairs, playbook_and_text, read_inputs

if TYPE_CHECKING:
    from tocsin.core.values import JsonObject


def run(
    playbook: Annotated[str, typer.Argument(help="A published playbook's id; with --dry-run a file too.")],
    input: Annotated[list[str] | None, typer.Option(help="An input as NAME=VALUE; a value that is JSON counts as such.")] = None,
    alert: Annotated[str | None, typer.Option(help="The alert to run it on.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read for real, and show every effect instead of sending it.")] = False,
    answer: Annotated[
        list[str] | None, typer.Option(help="With --dry-run: the answer to an ask, as STEP=OPTION; else its first option.")
    ] = None,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Start a playbook by hand, or show with --dry-run what it would do."""
    from tocsin.core.errors import Invalid

    id, text = playbook_and_text(playbook)
    body: JsonObject = {"playbook": id, "inputs": read_inputs(input or [])}
    if alert:
        body["alert"] = alert
    if not dry_run:
        if text is not None:
            raise Invalid("A file cannot be run before it is published.", hint="Add --dry-run, or save it on the server first.")
        if answer:
            raise Invalid("--answer is for dry runs: in a real one people answer.", hint="Add --dry-run.")
        _started(ask_server(lambda remote: remote.post("/runs", body), url=url, token=token, data=data), json=json)
        return
    body |= {"answers": dict(pairs(answer or [], option="--answer"))}
    if text is not None:
        body["text"] = text
    found = ask_server(lambda remote: remote.post("/runs/dry", body), url=url, token=token, data=data)
    if json:
        put(as_line(found))
    else:
        from tocsin.cli.dry_table import dry_table

        console().print(dry_table(found))
    if found.get("outcome") != "succeeded":
        raise typer.Exit(FAILED)


def _started(found: "JsonObject", *, json: bool) -> None:
    if json:
        put(as_line(found))
        return
    run = found.get("id")
    put(shown(f"Run {run} of {found.get('playbook')} is {found.get('status')}. `tocsin runs show {run}` tells more."))
