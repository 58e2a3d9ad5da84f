"""A run's timeline as a tree for a terminal."""

from rich.text import Text
from rich.tree import Tree

from tocsin.cli.remote import objects, text
from tocsin.cli.say import shown
from tocsin.core.values import JsonObject
from tocsin.services.inert import inert

SIGNS = {
    "done": "✓",
    "succeeded": "✓",
    "failed": "✗",
    "unknown": "?",
    "intended": "→",
    "skipped": "–",
    "open": "✉",
    "answered": "✓",
    "waiting": "…",
    "closed": "–",
    "folded": "⋮",
    "paused": "‖",
    "resumed": "▸",
    "cancelled": "■",
}
STYLES = {
    "succeeded": "green",
    "done": "green",
    "answered": "green",
    "failed": "red",
    "unknown": "bold red",
    "open": "yellow",
    "waiting": "yellow",
    "running": "cyan",
    "paused": "bold yellow",
    "cancelled": "magenta",
    "folded": "dim",
}
LONGEST = 60  # characters of what an action was given
EFFECTS = {"write": "bold magenta", "destructive": "bold red", "read": "dim"}


def run_tree(timeline: JsonObject) -> Tree:
    """Draw a run with its steps, as the API tells them; addresses are defanged."""
    run = timeline.get("run")
    head = run if isinstance(run, dict) else {}
    status = text(head.get("status"))
    title = Text.assemble(
        (shown(text(head.get("playbook"))), "bold"), " ", (status, STYLES.get(status, "")), ("  " + text(head.get("id")), "dim")
    )
    tree = Tree(title)
    branches: dict[str, Tree] = {}
    for entry in outcomes(timeline):
        if entry.get("kind") == "loop" and entry.get("status") == "done":
            continue
        path = text(entry.get("path"))
        parent = next((branches[up] for up in _above(path) if up in branches), tree)
        branches.setdefault(path, parent.add(entry_line(entry)))
    reason = text(head.get("reason"))
    if reason:
        tree.add(Text(shown(inert(reason)), style="italic"))
    return tree


def entry_line(entry: JsonObject) -> Text:
    """Write one line: when, how it went, what."""
    status, effect = text(entry.get("status")), text(entry.get("effect"))
    line = Text.assemble((text(entry.get("at"))[11:19], "dim"), " ", (SIGNS.get(status, "·"), STYLES.get(status, "")), " ")
    line.append(shown(inert(text(entry.get("title")).removesuffix(" done") if entry.get("kind") == "action" else text(entry.get("title")))))
    line.append(arguments(entry), style="cyan")
    if effect:
        line.append(f"  {effect}", style=EFFECTS.get(effect, ""))
    return line


def outcomes(timeline: JsonObject) -> list[JsonObject]:
    """Return the entries without the intents whose outcome is known; an outcome is told what its intent was given."""
    intents: dict[str, JsonObject] = {}
    found: dict[tuple[str, int], JsonObject] = {}
    for place, entry in enumerate(objects(timeline.get("entries"))):
        path, details = text(entry.get("path")), entry.get("details")
        known = details if isinstance(details, dict) else {}
        if entry.get("status") == "intended":
            intents[path] = known
            found[path, -1] = entry
            continue
        if entry.get("kind") == "action":
            found.pop((path, -1), None)
            if "arguments" not in known and path in intents:
                entry = {**entry, "details": {**known, "arguments": intents[path].get("arguments")}}
        found[path, place] = entry
    return list(found.values())


def arguments(entry: JsonObject) -> str:
    """Return what an action was given, as far as it fits on a line."""
    details = entry.get("details")
    given = details.get("arguments") if isinstance(details, dict) else None
    values = [value for name, value in given.items() if isinstance(value, str) and name != "type"] if isinstance(given, dict) else []
    return f"  {_short(', '.join(values))}" if values else ""


def _short(what: str) -> str:
    line = shown(inert(what))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _above(path: str) -> list[str]:
    """Return the paths that a step may hang below, nearest first: of `a/b[1]/c` those are `a/b[1]`, `a/b` and `a`."""
    parts, found = path.split("/"), []
    for length in range(len(parts) - 1, 0, -1):
        above = "/".join(parts[:length])
        found += [above, above.rpartition("[")[0]] if above.endswith("]") else [above]
    last = parts[-1]
    return [path.rpartition("[")[0], *found] if last.endswith("]") else found
