"""A dry run as a table for a terminal."""

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tocsin.cli.remote import count, objects, text
from tocsin.cli.say import shown
from tocsin.cli.session import brief
from tocsin.cli.timeline import EFFECTS, SIGNS, STYLES
from tocsin.core.values import Json, JsonObject
from tocsin.services.inert import inert

RULINGS = {"allow": "green", "ask": "yellow", "deny": "bold red"}
MOST_TARGETS = 6


def dry_table(found: JsonObject) -> Group:
    """Draw what a dry run would do: its steps in order, then what it comes to."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", width=1)
    table.add_column("step", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("with, and what would come of it", overflow="fold")
    for step in objects(found.get("steps")):
        table.add_row(_sign(step), _name(step), _what(step), _details(step))
    return Group(_head(found), Text(), table, Text(), _sum(found))


def _head(found: JsonObject) -> Text:
    outcome = text(found.get("outcome")) or "waiting"
    playbook, ending = (shown(text(found.get("playbook"))), "bold"), (outcome, STYLES.get(outcome, "yellow"))
    head = Text.assemble("Dry run of ", playbook, ": it would ", ("be " if outcome == "waiting" else "have ", ""), ending)
    reason = text(found.get("reason")) or text(found.get("problem"))
    return head.append(f": {shown(inert(reason))}", style="italic") if reason else head


def _sign(step: JsonObject) -> Text:
    how, status = text(step.get("how")), text(step.get("status"))
    if how == "shown" and status != "failed":
        return Text("✉", style="yellow") if "ask" in step else Text("◇", style="bold magenta")
    if how == "passed":
        return Text("»", style="dim")
    return Text(SIGNS.get(status, "·"), style=STYLES.get(status, ""))


def _name(step: JsonObject) -> Text:
    return Text("  " * count(step.get("depth"))).append(shown(text(step.get("path"))), style="bold" if step.get("how") == "shown" else "")


def _what(step: JsonObject) -> Text:
    effect, action = text(step.get("effect")), shown(text(step.get("action")))
    if effect:
        return Text.assemble((action, "cyan"), "  ", (effect, EFFECTS.get(effect, "")))
    return Text(f"{text(step.get('kind'))} {action}".strip(), style="dim")


def _details(step: JsonObject) -> Text:
    if "blast_radius" in step:
        return _effect(step)
    if "ask" in step:
        return _ask(step["ask"])
    error = step.get("error")
    if isinstance(error, dict):
        return Text(shown(inert(text(error.get("message")))), style="red")
    wait = step.get("wait")
    if isinstance(wait, dict):
        return Text(f"not waited for, until {_when(wait.get('until'))}", style="dim")
    return _plain(step)


def _plain(step: JsonObject) -> Text:
    if text(step.get("kind")) == "branch":
        branch = step.get("branch")
        return Text("took the other branch" if branch == -1 else f"took branch {count(branch) + 1}", style="dim")
    given, output = step.get("arguments"), step.get("output")
    line = Text(brief(given, most=70), style="cyan") if given else Text()
    if output is not None and step.get("status") == "done":
        line.append("  → " if given else "→ ", style="dim").append(brief(output, most=90))
    if step.get("how") == "assumed":
        line.append("  assumed: an effect before it was not sent", style="yellow")
    return line


def _effect(step: JsonObject) -> Text:
    radius, verdict = step.get("blast_radius"), step.get("verdict")
    known, ruled = (radius if isinstance(radius, dict) else {}), (verdict if isinstance(verdict, dict) else {})
    line = Text("NOT SENT", style="bold magenta")
    connection = text(step.get("connection"))
    line.append(f" over {shown(connection)}" if connection else "", style="dim")
    line.append("  ").append(brief(step.get("arguments"), most=110), style="cyan")
    line.append("\ntouches  ", style="dim").append(_targets(known), style="bold")
    undo = text(known.get("undo"))
    line.append("\nundo     ", style="dim").append(undo or "not from here", style="" if undo else "red")
    undone = text(known.get("undone_at"))
    line.append(f", by itself at {_when(undone)}" if undone else "")
    line.append("\nunknown  ", style="dim").append(text(known.get("if_unknown")) or "a person is asked")
    ruling = text(ruled.get("ruling"))
    line.append("\nrules    ", style="dim").append(ruling, style=RULINGS.get(ruling, ""))
    rule = text(ruled.get("rule"))
    return line.append(f" by {shown(rule)}" if rule else "  no rule speaks of it", style="" if rule else "dim")


def _targets(radius: JsonObject) -> str:
    targets = objects(radius.get("targets"))
    named = [f"{text(one.get('type'))} {brief(one.get('value'), most=50)}" for one in targets[:MOST_TARGETS]]
    left = count(radius.get("count")) - len(named)
    return ", ".join(named) + (f" and {left} more" if left > 0 else "") or "nothing that its arguments name"


def _ask(asked: Json) -> Text:
    ask = asked if isinstance(asked, dict) else {}
    line = Text("NOT ASKED  ", style="bold yellow").append(shown(inert(text(ask.get("title")))), style="bold")
    to, via, options = (", ".join(text(one) for one in _list(ask.get(name))) for name in ("to", "via", "options"))
    people = ", ".join(text(one) for one in _list(ask.get("people")))
    line.append("\nwho      ", style="dim").append(f"{shown(to)}{f' ({shown(people)})' if people else ''} by {shown(via)}")
    if not people:
        line.append("  nobody has that role", style="red")
    deadline, default = text(ask.get("deadline")), text(ask.get("on_deadline"))
    until = f"{_when(deadline)}, then '{default}'" if default else (f"{_when(deadline)}, then it fails" if deadline else "somebody answers")
    line.append("\nuntil    ", style="dim").append(until)
    how = "as you chose" if ask.get("chosen") else f"the first of {options}"
    return line.append("\nanswer   ", style="dim").append(text(ask.get("answer")), style="green").append(f"  {how}", style="dim")


def _sum(found: JsonObject) -> Panel:
    counts = found.get("counts")
    known = counts if isinstance(counts, dict) else {}
    effects, destructive, asks, reads = (count(known.get(name)) for name in ("effects", "destructive", "asks", "reads"))
    line = Text.assemble(
        (f"{effects} effect{'' if effects == 1 else 's'} not sent", "bold"),
        f" ({destructive} destructive, {count(known.get('targets'))} targets), ",
        f"{asks} question{'' if asks == 1 else 's'} not put, {reads} read{'' if reads == 1 else 's'} real. Nothing was changed.",
    )
    unused = _list(found.get("unused_answers"))
    if unused:
        line.append(f"\nNobody asked: {', '.join(map(str, unused))}", style="yellow")
    return Panel(line, expand=False, border_style="dim")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _when(value: Json) -> str:
    return text(value)[:16].replace("T", " ") + " UTC" if value else ""
