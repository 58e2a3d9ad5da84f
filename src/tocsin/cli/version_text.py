"""Versions of playbooks as a terminal shows them."""

from rich.table import Table
from rich.text import Text

from tocsin.cli.remote import count, objects, text
from tocsin.cli.say import shown
from tocsin.cli.session import console
from tocsin.core.values import Json, JsonObject

STATES = {
    "draft": "dim",
    "in_review": "yellow",
    "approved": "cyan",
    "rejected": "red",
    "published": "bold green",
    "superseded": "dim",
}
RISKS = {"danger": ("!", "bold red"), "notice": ("~", "yellow"), "none": ("·", "")}
DIGEST = 12  # characters that are shown
DAY = 16  # of an instant: to the minute


def playbook_table(items: list[JsonObject]) -> None:
    """List published playbooks."""
    if not items:
        console().print("No playbook is published. `tocsin sync FOLDER` publishes some.")
        return
    table = Table("playbook", "version", "title", "published", "by", "", pad_edge=False, box=None)
    for one in items:
        off = Text("" if one.get("enabled") else "disabled", style="red")
        cells = [text(one.get("id")), str(count(one.get("number"))), text(one.get("title")), _at(one.get("published_at"))]
        table.add_row(*[shown(cell) for cell in (*cells, text(one.get("published_by")))], off)
    console().print(table)


def history_table(found: JsonObject) -> None:
    """List versions, then publications."""
    table = Table("#", "state", "saved", "author", "checks", "rehearsals", "message", pad_edge=False, box=None)
    for one in objects(found.get("items")):
        table.add_row(
            str(count(one.get("number"))),
            state_of(one),
            _at(one.get("saved_at")),
            shown(text(one.get("author"))),
            checks_of(one.get("checks")),
            rehearsals_of(one.get("rehearsals")),
            shown(text(one.get("message")).split("\n")[0] or _review(one)),
        )
    console().print(table)
    for one in objects(found.get("publications")):
        verb = "rolled back to" if one.get("kind") == "rollback" else "published"
        unreviewed = " without a review" if one.get("kind") == "override" else ""
        reason = f": {text(one.get('reason'))}" if one.get("reason") else ""
        console().print(
            Text(shown(f"{_at(one.get('at'))}  {text(one.get('by'))} {verb} {count(one.get('number'))}{unreviewed}{reason}"), style="dim")
        )


def version_page(found: JsonObject) -> None:
    """Show a version with its text."""
    out = console()
    out.print(
        Text.assemble(
            (shown(text(found.get("playbook"))), "bold"), f" version {count(found.get('number'))} ", state_of(found), "  ",
            (text(found.get("digest"))[:DIGEST], "dim"),
        )
    )  # fmt: skip
    said = f": {text(found.get('message'))}" if found.get("message") else ""
    out.print(shown(f"{_at(found.get('saved_at'))}  saved by {text(found.get('author'))} from {text(found.get('source'))}{said}"))
    if found.get("reviewer"):
        out.print(shown(f"{_at(found.get('reviewed_at'))}  {text(found.get('reviewer'))}: {text(found.get('review')) or 'no comment'}"))
    calls = found.get("calls")
    for id, digest in sorted(calls.items()) if isinstance(calls, dict) else ():
        out.print(shown(f"calls {id} {text(digest)[:DIGEST]}"))
    out.print(Text.assemble("checks: ", checks_of(found.get("checks")), "  rehearsals: ", rehearsals_of(found.get("rehearsals"))))
    for line in failures_of(found.get("rehearsals")):
        out.print(Text(f"  {shown(line)}", style="red"))
    out.print()
    for line in text(found.get("text")).split("\n"):
        out.print(shown(line), soft_wrap=True)


def diff_page(id: str, found: JsonObject, *, with_lines: bool) -> None:
    """Show what has changed."""
    out = console()
    out.print(shown(f"{id}: version {count(found.get('before'))} → {count(found.get('after'))}"))
    changes, lines = objects(found.get("changes")), text(found.get("text"))
    for one in changes:
        out.print(meaning_line(one))
    if not changes:
        out.print(f"  {_no_meaning(found, lines)}")
    if lines and (with_lines or found.get("readable") is False):
        for line in lines.split("\n"):
            out.print(change_line(line, indent=""), soft_wrap=True)


def meaning_line(change: JsonObject, *, indent: str = "  ") -> Text:
    """Say what one change means; what is dangerous stands out."""
    sign, style = RISKS.get(text(change.get("risk")), ("·", ""))
    return Text(f"{indent}{sign} {shown(text(change.get('sentence')))}", style=style)


def change_line(line: str, *, indent: str = "  ") -> Text:
    """Colour one line of what has changed."""
    style = {"+": "green", "-": "red", "~": "yellow", "@": "cyan"}.get(line[:1], "")
    return Text(f"{indent}{shown(line)}", style=style)


def state_of(version: JsonObject) -> Text:
    """Name a version's state."""
    state = text(version.get("state"))
    return Text(state.replace("_", " "), style=STATES.get(state, ""))


def checks_of(checks: Json) -> Text:
    """Say what checking found."""
    found = checks if isinstance(checks, dict) else {}
    errors, warnings = count(found.get("errors")), count(found.get("warnings"))
    if errors:
        return Text(_many(errors, "error"), style="red")
    return Text(_many(warnings, "warning"), style="yellow") if warnings else Text("✓", style="green")


def rehearsals_of(rehearsals: Json) -> Text:
    """Say how the rehearsals went."""
    if not isinstance(rehearsals, dict):
        return Text("–", style="dim")
    passed, failed, share = count(rehearsals.get("passed")), count(rehearsals.get("failed")), rehearsals.get("coverage")
    if failed:
        return Text(f"✗ {failed} of {passed + failed} fail", style="red")
    covered = f", {share:.0%} of branches" if isinstance(share, int | float) else ""
    return Text(f"✓ {passed}{covered}", style="green")


def verdict_of(version: JsonObject) -> str:
    """Say in a sentence what was found in a version."""
    checks, rehearsals = checks_of(version.get("checks")).plain, rehearsals_of(version.get("rehearsals")).plain
    said = "no errors" if checks == "✓" else checks
    return said if rehearsals == "–" else f"{said}; rehearsals {rehearsals}"


def is_red(version: JsonObject) -> bool:
    """Tell whether a version has an error, or a rehearsal that fails."""
    checks, rehearsals = version.get("checks"), version.get("rehearsals")
    has_errors = isinstance(checks, dict) and count(checks.get("errors")) > 0
    return has_errors or (isinstance(rehearsals, dict) and count(rehearsals.get("failed")) > 0)


def failures_of(rehearsals: Json) -> list[str]:
    """Return a line for each rehearsal that fails."""
    found = rehearsals.get("failures") if isinstance(rehearsals, dict) else None
    return [text(one) for one in found] if isinstance(found, list) else []


def _no_meaning(found: JsonObject, lines: str) -> str:
    if not lines:
        return "Nothing has changed."
    return "Only the form has changed." if found.get("readable") else "One of them has errors, so only the lines are compared."


def _review(version: JsonObject) -> str:
    return f"{text(version.get('reviewer'))}: {text(version.get('review'))}" if version.get("reviewer") else ""


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _at(value: Json) -> str:
    return text(value)[:DAY].replace("T", " ")
