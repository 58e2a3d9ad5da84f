"""What a sync would change, and what it has done, as a terminal shows it."""

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.text import Text

from tocsin.cli.remote import count, objects, text
from tocsin.cli.say import shown
from tocsin.cli.session import console
from tocsin.cli.version_text import checks_of, failures_of, meaning_line, rehearsals_of
from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.present import render

if TYPE_CHECKING:
    from tocsin.cli.places import Brought

SIGNS: Final = {
    "new": ("+", "green"),
    "changed": ("~", "yellow"),
    "repinned": ("↻", "cyan"),
    "removed": ("−", "red"),
    "unchanged": ("=", "dim"),
}
_SAID: Final = {"repinned": "calls another version now"}
_LEVELS: Final = {"error": Level.ERROR, "warning": Level.WARNING}
_MOST_LINES: Final = 40  # of what has changed in one playbook


def plan_page(planned: JsonObject, brought: "Brought", *, prune: bool) -> None:
    """Show every playbook that changes, and everything that is wrong."""
    out = console()
    out.print(
        Text.assemble(
            ("From ", "dim"),
            shown(brought.source.partition(":")[2]),
            ("  ", ""),
            ("" if brought.message.startswith("From ") else shown(brought.message), "dim"),
        )
    )
    texts = {one.id: one.text for one in brought.playbooks}
    for item in objects(planned.get("items")):
        if text(item.get("change")) != "unchanged" or _is_red(item):
            out.print(_headline(item, prune=prune))
            _details(item, texts.get(text(item.get("id")), ""))


def result_line(done: JsonObject, *, is_dry: bool) -> str:
    """Say what has come of it."""
    items = objects(done.get("items"))
    counts = Counter(text(one.get("change")) for one in items)
    summary = ", ".join(f"{counts[change]} {change}" for change in SIGNS if counts[change]) or "no playbooks"
    if done.get("red") is True:
        red = sum(_is_red(one) for one in items)
        return f"{summary}. Nothing was published: something is wrong with {red} of them."
    if done.get("done") is not True:
        return f"{summary}. Nothing was published{', as this is a dry run' if is_dry else ''}."
    states = Counter(text(one.get("state")) for one in items if one.get("state"))
    disabled = sum(one.get("disabled") is True for one in items)
    said = [f"{states['published']} published"] if states["published"] else []
    said += [f"{states['in_review']} submitted for review: somebody else must approve them"] if states["in_review"] else []
    said += [f"{disabled} disabled"] if disabled else []
    return f"{summary}. {'; '.join(said) if said else 'Nothing to do'}."


def is_anything(planned: JsonObject, *, prune: bool) -> bool:
    """Tell whether publishing would change anything."""
    changes = {text(one.get("change")) for one in objects(planned.get("items"))}
    return bool(changes & {"new", "changed", "repinned"} or (prune and "removed" in changes))


def _headline(item: JsonObject, *, prune: bool) -> Text:
    change = text(item.get("change"))
    sign, style = SIGNS.get(change, ("?", ""))
    if change == "removed":
        note = "will be disabled" if prune else "stays; --prune disables it"
        return Text.assemble((f"{sign} {shown(text(item.get('id')))}", style), (f"  gone from here; {note}", "dim"))
    return Text.assemble(
        (f"{sign} {shown(text(item.get('id')))}", style), (f"  {_SAID.get(change, change)}  ", "dim"),
        "checks ", checks_of(item.get("checks")), "  rehearsals ", rehearsals_of(item.get("rehearsals")),
    )  # fmt: skip


def _details(item: JsonObject, source: str) -> None:
    out = console()
    changes = objects(item.get("changes"))
    for one in changes[:_MOST_LINES]:
        out.print(meaning_line(one, indent="    "), soft_wrap=True)
    if len(changes) > _MOST_LINES:
        out.print(Text(f"    … and {len(changes) - _MOST_LINES} changes more", style="dim"))
    if not changes and text(item.get("change")) == "changed" and not _is_red(item):
        out.print(Text("    Only the form has changed.", style="dim"))
    checks = item.get("checks")
    found = objects(checks.get("diagnostics")) if isinstance(checks, dict) else []
    errors = [_diagnostic(one) for one in found if one.get("severity") == "error"]
    for line in render(errors, source).splitlines() if errors else ():
        out.print(Text(f"    {shown(line)}"), soft_wrap=True)
    for line in failures_of(item.get("rehearsals")):
        out.print(Text(f"    ✗ {shown(line)}", style="red"), soft_wrap=True)


def _is_red(item: JsonObject) -> bool:
    checks, rehearsals = item.get("checks"), item.get("rehearsals")
    return _number(checks, "errors") > 0 or _number(rehearsals, "failed") > 0


def _number(value: Json, name: str) -> int:
    return count(value.get(name)) if isinstance(value, dict) else 0


def _diagnostic(found: JsonObject) -> Diagnostic:
    place = found.get("span")
    span = place if isinstance(place, dict) else {}
    where = Span(text(span.get("file")), *(count(span.get(one)) for one in ("line", "column", "end_line", "end_column")))
    level = _LEVELS.get(text(found.get("severity")), Level.INFO)
    return Diagnostic(where, text(found.get("code")), level, text(found.get("message")), text(found.get("hint")))
