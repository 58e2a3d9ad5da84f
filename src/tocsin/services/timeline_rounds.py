"""Many rounds of a loop on few lines: the first and the last ones are told whole, of those between only what matters."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.services.timeline_entry import TimelineEntry

FIRST, LAST = 3, 3  # rounds that are told whole
_ROUND = re.compile(r"\[(\d+)\](?=/|$)")
_NOTABLE = frozenset({"failed", "unknown", "open", "answered", "closed"})
_EFFECTS = frozenset({"write", "destructive"})


@dataclass(frozen=True, slots=True)
class _Between:
    """The rounds of one loop that are folded: from `first` up to, not including, `end`."""

    first: int
    end: int


def fold_rounds(entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Fold the rounds between the first and the last few of each loop into one line, but for failures, asks and effects. Pure."""
    folded = _between(entries)
    if not folded:
        return list(entries)
    hidden: dict[str, int] = defaultdict(int)
    kept: list[TimelineEntry] = []
    places: dict[str, int] = {}
    for entry in entries:
        path = next((path for path, index in _rounds(entry) if path in folded and folded[path].first <= index < folded[path].end), None)
        if path is None or _matters(entry):
            kept.append(entry)
            continue
        hidden[path] += 1
        if path not in places:
            places[path] = len(kept)
            kept.append(entry)
    for path, place in places.items():
        kept[place] = _line(kept[place].at, path, folded[path], hidden[path])
    return kept


def _between(entries: Sequence[TimelineEntry]) -> dict[str, _Between]:
    counts: dict[str, int] = {}
    for entry in entries:
        index = entry.details.get("index")
        if "polls" in entry.details and isinstance(index, int):
            counts[entry.path] = max(counts.get(entry.path, 0), index + 1)
    return {path: _Between(FIRST, count - LAST) for path, count in counts.items() if count > FIRST + LAST + 1}


def _rounds(entry: TimelineEntry) -> Iterator[tuple[str, int]]:
    """Yield the loops that a line is in, outermost first, with the number of the round."""
    for found in _ROUND.finditer(entry.path):
        yield entry.path[: found.start()], int(found[1])
    index = entry.details.get("index")
    if entry.kind == "loop" and isinstance(index, int):
        yield entry.path, index


def _matters(entry: TimelineEntry) -> bool:
    return entry.status in _NOTABLE or entry.effect in _EFFECTS


def _line(at: str, path: str, between: _Between, lines: int) -> TimelineEntry:
    count = between.end - between.first
    title = f"{count:,} rounds more, {between.first + 1:,} to {between.end:,}; told is only what failed, asked or changed something"
    return TimelineEntry(at, path, title, "loop", "folded", {"first": between.first, "last": between.end - 1, "lines": lines})
