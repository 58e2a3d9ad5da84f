"""`tocsin runs replay` and `tocsin runs compare`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson, DataFolder, Token, Url
from tocsin.cli.say import FAILED, as_line, put, shown
from tocsin.cli.session import ask_server, brief, console, read_inputs

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from tocsin.core.values import Json, JsonObject

SAME = {"same": ("=", "dim"), "different": ("≠", "bold yellow"), "only-first": ("−", "red"), "only-second": ("+", "green")}
MOST_PLACES = 5  # of one value that are shown


def replay_run(
    id: Annotated[str, typer.Argument(help="The run to go on from.")],
    from_step: Annotated[str, typer.Option("--from", help="The step that is done anew, with everything behind it.")],
    latest: Annotated[bool, typer.Option("--latest", help="With the version that is published now.")] = False,
    version: Annotated[str | None, typer.Option(help="With the version of this digest.")] = None,
    input: Annotated[list[str] | None, typer.Option(help="An input to change, as NAME=VALUE; the others stay.")] = None,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Start a new run from a step of an old one; the results before it are taken over, and no effect before it is done again."""
    from urllib.parse import quote

    from tocsin.core.errors import Invalid

    if latest and version:
        raise Invalid("--latest and --version are two versions.", hint="Give one of them.")
    body: JsonObject = {"from": from_step, "version": version or ("published" if latest else "same"), "inputs": read_inputs(input or [])}
    found = ask_server(lambda remote: remote.post(f"/runs/{quote(id, safe='')}/replay", body), url=url, token=token, data=data)
    if json:
        put(as_line(found))
        return
    console().print(_started(found))


def compare_runs(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    every: Annotated[bool, typer.Option("--all", help="Show the steps that are the same too.")] = False,
    url: Url = None,
    token: Token = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Compare two runs step by step. Exit code 1 when they differ."""
    from urllib.parse import quote

    path = f"/runs/{quote(first, safe='')}/compare/{quote(second, safe='')}"
    found = ask_server(lambda remote: remote.get(path), url=url, token=token, data=data)
    if json:
        put(as_line(found))
    else:
        console().print(_comparison(found, first, second, every=every))
    if not found.get("is_same"):
        raise typer.Exit(FAILED)


def _started(found: "JsonObject") -> "Text":
    from rich.text import Text

    from tocsin.cli.remote import objects, text

    run = found.get("run")
    head = run if isinstance(run, dict) else {}
    reused = found.get("reused")
    names = [str(one) for one in reused] if isinstance(reused, list) else []
    line = Text.assemble(
        "Run ", (text(head.get("id")), "bold"), f" goes on from '{shown(text(found.get('from')))}' of {text(found.get('of'))}."
    )
    steps = f"{len(names)} step{'' if len(names) == 1 else 's'}"
    line.append(f"\n  taken over   {steps}{': ' if names else ''}{brief(', '.join(names), most=120)}", style="dim")
    for one in objects(found.get("repeats")):
        line.append(f"\n  may repeat   {shown(text(one.get('path')))}  {text(one.get('action'))}", style="bold magenta")
    return line.append(f"\n`tocsin runs show {text(head.get('id'))}` tells more.")


def _comparison(found: "JsonObject", first: str, second: str, *, every: bool) -> "Group":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from tocsin.cli.remote import objects, text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "step", first[-8:], second[-8:], "difference"):
        table.add_column(title, overflow="fold")
    steps = objects(found.get("steps"))
    for step in steps:
        if every or step.get("same") != "same":
            sign, style = SAME[text(step.get("same"))]
            columns = (_side(step.get("first")), _side(step.get("second")), _differences(step))
            table.add_row(Text(sign, style=style), Text(shown(text(step.get("path"))), style="bold"), *columns)
    same = sum(step.get("same") == "same" for step in steps)
    heads = [_run_line(name, found.get(name), id) for name, id in (("first", first), ("second", second))]
    inputs = _places("inputs", found.get("inputs"))
    verdict = Text(f"{same} of {len(steps)} steps are the same.", style="green" if found.get("is_same") else "yellow")
    return Group(*heads, *([inputs] if inputs else []), Text(), table, Text(), verdict)


def _run_line(name: str, value: "Json", id: str) -> "Text":
    from rich.text import Text

    from tocsin.cli.remote import text
    from tocsin.cli.timeline import STYLES

    run = value if isinstance(value, dict) else {}
    outcome = text(run.get("outcome")) or "open"
    line = Text.assemble(
        (f"{name:7}", "dim"), shown(id), "  ", (shown(text(run.get("playbook"))), "bold"), f"@{text(run.get('digest'))[:8]}  "
    )
    line.append(outcome, style=STYLES.get(outcome, "yellow"))
    reason = text(run.get("reason"))
    return line.append(f"  {brief(reason, most=100)}", style="italic") if reason else line


def _side(value: "Json") -> "Text":
    from rich.text import Text

    from tocsin.cli.remote import text
    from tocsin.cli.timeline import SIGNS, STYLES

    if not isinstance(value, dict):
        return Text("–", style="dim")
    status, took = text(value.get("status")), value.get("duration_ms")
    line = Text.assemble((SIGNS.get(status, "·"), STYLES.get(status, "")), f" {status}")
    return line.append(f"  {_took(took)}", style="dim") if isinstance(took, int | float) else line


def _took(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:.0f} s"


def _differences(step: "JsonObject") -> "Text":
    from rich.text import Text

    changed = step.get("changed")
    names = [str(one) for one in changed] if isinstance(changed, list) else []
    parts = [_places(name, step.get(name)) for name in ("arguments", "output")]
    parts += [_values(step, name) for name in ("branch", "action", "error") if name in names]
    return Text("\n").join([part for part in parts if part])


def _values(step: "JsonObject", name: str) -> "Text":
    from rich.text import Text

    first, second = (side.get(name) if isinstance(side, dict) else None for side in (step.get("first"), step.get("second")))
    return Text.assemble((f"{name} ", "dim"), (brief(first, most=60), "red"), " → ", (brief(second, most=60), "green"))


def _places(name: str, value: "Json") -> "Text":
    from rich.text import Text

    from tocsin.cli.remote import objects, text

    places = objects(value)
    lines = []
    for one in places[:MOST_PLACES]:
        line = Text.assemble((f"{name} ", "dim"), (shown(text(one.get("place")).removeprefix("$.")), "cyan"), " ")
        if one.get("how") != "added":
            line.append(brief(one.get("first"), most=60), style="red")
        line.append(" → " if one.get("how") == "changed" else "")
        if one.get("how") != "removed":
            line.append(brief(one.get("second"), most=60), style="green")
        lines.append(line)
    if len(places) > MOST_PLACES:
        lines.append(Text(f"{name} and {len(places) - MOST_PLACES} more places", style="dim"))
    return Text("\n").join(lines)
