"""A backtest for a terminal: the shares, then and now, the effects by action, and the alerts that differ most."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tocsin.cli.remote import count, objects, text
from tocsin.cli.say import shown
from tocsin.cli.session import brief
from tocsin.core.values import Json, JsonObject
from tocsin.services.inert import inert

FINDINGS = {"same": "green", "different": "bold yellow", "undecided": "magenta"}
SIGNS = {"added": ("+", "green"), "removed": ("−", "red"), "changed": ("≠", "yellow")}
BAR = 32
MOST_ACTIONS = 8
MOST_CHANGES = 6


def summary(head: JsonObject, totals: JsonObject, alerts: list[JsonObject]) -> Group:
    """Draw what a backtest found."""
    parts: list[RenderableType] = [_head(head, totals), Text(), _shares(totals), Text(), _then_and_now(totals)]
    effects = totals.get("effects_by_action")
    if isinstance(effects, dict) and effects:
        parts += [Text(), _by_action(effects)]
    if alerts:
        parts += [Text(), _alerts(alerts)]
    return Group(*parts, Text(), _foot(totals))


def _head(head: JsonObject, totals: JsonObject) -> Text:
    against = text(head.get("against"))
    other = against if " " in against else f"version {against[:8]}"
    line = Text.assemble(
        "Backtest of ", (shown(text(head.get("playbook"))), "bold"), f"@{text(head.get('digest'))[:8]}", f" against {other}"
    )
    since = text(head.get("since"))[:10]
    until = text(head.get("until"))[:10]
    looked = f"\n{count(totals.get('looked_at')):,} alerts since {since}{f' until {until}' if until else ''}, "
    return line.append(f"{looked}{count(totals.get('considered')):,} of them for this playbook", style="dim")


def _shares(totals: JsonObject) -> Table:
    table = _table()
    considered = count(totals.get("considered"))
    for name, style in FINDINGS.items():
        number = count(totals.get(name))
        share = number / considered if considered else 0.0
        filled = max(round(share * BAR), 1 if number else 0)
        bar = Text.assemble(("█" * filled, style), ("░" * (BAR - filled), "dim"))
        table.add_row(
            Text(name, style=style), Text(f"{number:,}", justify="right"), bar, Text(f"{share:.0%}", justify="right", style="dim")
        )
    return table


def _then_and_now(totals: JsonObject) -> Table:
    table = _table("", "then", "now", "")
    for title, name in (("runs", "starts"), ("questions to people", "asks"), ("effects", "effects"), ("minutes saved", "minutes_saved")):
        pair = totals.get(name)
        known = pair if isinstance(pair, dict) else {}
        before, after = _number(known.get("before")), _number(known.get("after"))
        table.add_row(title, Text(f"{before:,g}", justify="right"), Text(f"{after:,g}", justify="right"), _moved(known, after - before))
    return table


def _moved(known: JsonObject, difference: float) -> Text:
    parts = [
        (count(known.get("more")), "+", "more"),
        (count(known.get("fewer")), "−", "fewer"),
        (count(known.get("changed")), "≠", "changed"),
    ]
    said = [f"{sign}{number} {word}" for number, sign, word in parts if number]
    if said:
        return Text(", ".join(said), style="yellow")
    return Text(f"{difference:+,g}" if difference else "", style="yellow")


def _by_action(effects: JsonObject) -> Table:
    table = _table("", "effects that differ", "alerts")
    for name, number in sorted(effects.items(), key=lambda one: -count(one[1]))[:MOST_ACTIONS]:
        how, _, action = name.partition(" ")
        sign, style = SIGNS.get(how, ("·", ""))
        table.add_row(Text(sign, style=style), shown(action), Text(f"{count(number):,}", justify="right"))
    return table


def _alerts(alerts: list[JsonObject]) -> Table:
    table = _table("", "alert", "what differs")
    table.columns[2].overflow = "fold"
    for one in alerts:
        finding = text(one.get("finding"))
        sign = ("≠", FINDINGS["different"]) if finding == "different" else ("?", FINDINGS["undecided"])
        title = Text.assemble(brief(one.get("title"), most=48), (f"\n{text(one.get('severity'))}  {text(one.get('alert'))}", "dim"))
        table.add_row(Text(*sign), title, _changes(one))
    return table


def _changes(one: JsonObject) -> Text:
    changes = objects(one.get("changes"))
    lines = [_change(change) for change in changes[:MOST_CHANGES]]
    if len(changes) > MOST_CHANGES:
        lines.append(Text(f"and {len(changes) - MOST_CHANGES} more", style="dim"))
    why = text(one.get("why"))
    if why:
        lines.append(Text(shown(inert(why)), style="italic dim"))
    return Text("\n").join(lines)


def _change(change: JsonObject) -> Text:
    kind, how = text(change.get("kind")), text(change.get("how"))
    sign, style = SIGNS.get(how, ("·", ""))
    line = Text.assemble((f"{sign} ", style), (f"{kind:9}", "dim"), brief(change.get("what"), most=60))
    before, after = change.get("before"), change.get("after")
    if kind == "ask":
        answer = text(before) or text(after)
        return line.append(f"  answered {answer}" if answer else "", style="dim")
    if isinstance(before, bool):
        return line
    if how == "changed":
        return line.append("  ").append(brief(before, most=50), style="red").append(" → ").append(brief(after, most=50), style="green")
    return line.append("  ").append(brief(after if how == "added" else before, most=80), style="cyan")


def _foot(totals: JsonObject) -> Text:
    reads = totals.get("reads")
    known = reads if isinstance(reads, dict) else {}
    told = ", ".join(f"{count(known.get(name)):,} {name}" for name in ("recorded", "assumed", "live") if count(known.get(name)))
    speed = f"{_number(totals.get('seconds')):.1f} s, {_number(totals.get('per_minute')):,.0f} alerts a minute"
    return Text(f"Nothing was sent and nobody was asked. {speed}{f'; reads: {told}' if told else ''}.", style="dim")


def _table(*titles: str) -> Table:
    return Table(*titles, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(titles))


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
