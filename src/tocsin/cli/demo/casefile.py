"""A case as a person reads it in a terminal; addresses are defanged, for they are somebody's trap."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tocsin.cli.demo.tally import Ended
from tocsin.cli.remote import count, objects, text
from tocsin.cli.say import shown
from tocsin.cli.timeline import EFFECTS, arguments, outcomes
from tocsin.core.observables import ObservableType, defang
from tocsin.core.values import JsonObject
from tocsin.services.inert import inert

_ADDRESSES = frozenset({ObservableType.IP, ObservableType.DOMAIN, ObservableType.URL, ObservableType.EMAIL, ObservableType.HOST})
_VERDICTS = {"malicious": "bold red", "suspicious": "yellow", "benign": "green"}


def case_panel(case: JsonObject, ended: Ended) -> RenderableType:
    """Draw a case: what was seen, who decided what, what was done, how it ended."""
    alerts = {text(alert.get("id")) for alert in objects(case.get("alerts"))}
    runs = [run for run in ended.runs if text(run.get("alert")) in alerts or run.get("case") == case.get("id")]
    ids = {text(run.get("id")) for run in runs}
    entries = [one for run in runs for one in outcomes(ended.timelines[text(run.get("id"))])]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("seen", _lines(_alert(one) for one in objects(case.get("alerts"))))
    rows.add_row("observables", _lines(_observable(one) for one in objects(case.get("observables"))))
    rows.add_row("decided", _lines(_decision(one) for one in ended.asks if text(one.get("run")) in ids))
    rows.add_row("done", _lines(_deed(one) for one in entries if _is_deed(one)))
    verdict = text(case.get("verdict"))
    ending = Text.assemble(text(case.get("status")), ", ", (verdict, _VERDICTS.get(verdict, "")), ": ", _safe(case.get("reason")))
    rows.add_row("ended", ending)
    title = Text.assemble(("Case  ", "dim"), (_safe(case.get("title")), "bold"), ("  " + text(case.get("severity")), "yellow"))
    return Panel(Group(rows), title=title, title_align="left", border_style="blue")


def _alert(alert: JsonObject) -> Text:
    times = count(alert.get("count"))
    return Text.assemble(
        _safe(alert.get("title")), (f"  {text(alert.get('product'))}, {times} {'event' if times == 1 else 'events'}", "dim")
    )


def _observable(seen: JsonObject) -> Text:
    value, kind, verdict = shown(text(seen.get("value"))), text(seen.get("type")), text(seen.get("verdict"))
    line = Text.assemble((f"{kind} ", "dim"), defang(value) if kind in _ADDRESSES else value)
    return line if verdict in ("", "unknown") else line.append(f"  {verdict}", style=_VERDICTS.get(verdict, ""))


def _decision(ask: JsonObject) -> Text:
    who, at = text(ask.get("answered_by")) or "the deadline", text(ask.get("answered_at"))
    return Text.assemble(
        _safe(ask.get("title")), " ", (text(ask.get("answer")) or "open", "bold green"), (f" by {shown(who)}, {at[11:19]} UTC", "dim")
    )


def _is_deed(entry: JsonObject) -> bool:
    return entry.get("kind") == "action" and entry.get("effect") != "read"


def _deed(entry: JsonObject) -> Text:
    effect, title = text(entry.get("effect")), _safe(entry.get("title")).removesuffix(" done")
    at = text(entry.get("at"))[11:19]
    return Text.assemble((at, "dim"), f" {title}", (arguments(entry), "cyan"), (f"  {effect}", EFFECTS.get(effect, "")))


def _safe(value: object) -> str:
    return shown(inert(value)) if isinstance(value, str) else ""


def _lines(lines: object) -> RenderableType:
    found = [one for one in lines if isinstance(one, Text)] if hasattr(lines, "__iter__") else []
    return Group(*found) if found else Text("nothing", style="dim")
