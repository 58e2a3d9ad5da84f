"""Find for each step the one that it was: by its id, else by its kind and how much it is alike."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.diff.outline import Outline
from tocsin.playbook.model import Kind

_ALIKE: Final = 0.5
_RENAMED: Final = 0.6  # two ids that differ need more than this to be one step
_WORD: Final = re.compile(r"\w+")
_MOST: Final = 40_000  # pairs that are looked at


@dataclass(slots=True)
class Pairs:
    """The steps that are one and the same, both ways."""

    after: dict[int, Outline] = field(default_factory=dict)  # by the id() of the step before
    before: dict[int, Outline] = field(default_factory=dict)

    def add(self, one: Outline, other: Outline) -> None:
        """Note that two steps are the same."""
        self.after[id(one)], self.before[id(other)] = other, one

    def is_pair(self, one: Outline | None, other: Outline | None) -> bool:
        """Say whether two steps are the same; nothing is the same as nothing."""
        return other is None if one is None else self.after.get(id(one)) is other and other is not None


def match(before: list[Outline], after: list[Outline]) -> Pairs:
    """Pair the steps of two playbooks."""
    pairs = Pairs()
    _by_id([one for step in before for one in step.walk()], [one for step in after for one in step.walk()], pairs)
    _by_equality(before, after, pairs)
    _by_likeness(before, after, pairs)
    return pairs


def _by_id(before: list[Outline], after: list[Outline], pairs: Pairs) -> None:
    """Pair equal ids: those in the same place first, then those that occur once."""
    for name in (_scoped, _named):
        places = dict(_once(after, name, pairs.before))
        for key, one in _once(before, name, pairs.after):
            if key in places:
                pairs.add(one, places[key])


def _once(steps: list[Outline], name: Callable[[Outline], str], taken: dict[int, Outline]) -> list[tuple[str, Outline]]:
    free = [(name(one), one) for one in steps if one.id and id(one) not in taken]
    counts = Counter(key for key, _ in free)
    return [(key, one) for key, one in free if counts[key] == 1]


def _scoped(step: Outline) -> str:
    loops, one = [step.id or ""], step.parent
    while one is not None:
        if one.kind in (Kind.FOR_EACH, Kind.WHILE):
            loops.append(one.id or "")
        one = one.parent
    return "/".join(loops)


def _named(step: Outline) -> str:
    return step.id or ""


def _by_equality(before: list[Outline], after: list[Outline], pairs: Pairs) -> None:
    """Pair steps that say the same with all that is inside them, in their order: nearly all of a playbook that was changed little."""
    for name in (_placed, _whole):  # in the same place first
        waiting: dict[str, list[Outline]] = {}
        for other in (one for step in after for one in step.walk() if id(one) not in pairs.before):
            waiting.setdefault(name(other), []).append(other)
        for one in (one for step in before for one in step.walk() if id(one) not in pairs.after):
            same = waiting.get(name(one))
            if same:
                pairs.add(one, same.pop(0))


def _placed(step: Outline) -> str:
    return f"{'' if step.parent is None else step.parent.id or _gist(step.parent)}\n{_whole(step)}"


def _whole(step: Outline) -> str:
    return "\n".join(f"{one.block} {_gist(one)}" for one in step.walk())


def _by_likeness(before: list[Outline], after: list[Outline], pairs: Pairs) -> None:
    """Pair what is left, the best first; of equals, those that stand nearest to each other."""
    left = [one for step in before for one in step.walk() if id(one) not in pairs.after]
    right = [one for step in after for one in step.walk() if id(one) not in pairs.before]
    if len(left) * len(right) > _MOST:
        left, right = left[:200], right[:200]
    found: list[tuple[float, int, int, int]] = []
    for place, one in enumerate(left):
        for other_place, other in enumerate(right):
            score = _likeness(one, other, pairs) if one.kind is other.kind else 0.0
            if score >= (_RENAMED if one.id and other.id else _ALIKE):
                found.append((-score, abs(place - other_place), place, other_place))
    for _, _, place, other_place in sorted(found):
        if id(left[place]) not in pairs.after and id(right[other_place]) not in pairs.before:
            pairs.add(left[place], right[other_place])


def _likeness(one: Outline, other: Outline, pairs: Pairs) -> float:
    """Say from 0 to 1 how much two steps of one kind are alike."""
    if one.action != other.action:
        return 0.0
    fields = set(one.fields) | set(other.fields)
    same = sum(_same(one.fields[key], other.fields[key]) for key in fields if key in one.fields and key in other.fields)
    score = same / len(fields) if fields else 1.0
    inside, others = _inside(one), _inside(other)
    if inside and others:
        known = {id(step) for step in others}
        kept = sum(1 for step in inside if id(pairs.after.get(id(step))) in known)
        free = Counter(_gist(step) for step in inside if id(step) not in pairs.after)
        free &= Counter(_gist(step) for step in others if id(step) not in pairs.before)
        score = 0.5 * score + 0.5 * (kept + free.total()) / max(len(inside), len(others))
    if one.action:
        score = 0.4 + 0.6 * score
    return score + 0.1 * (pairs.is_pair(one.parent, other.parent) and one.block == other.block)


def _same(one: Json, other: Json) -> float:
    """Say from 0 to 1 how much of two values is the same; of texts, how many of their words."""
    if one == other:
        return 1.0
    if not isinstance(one, str) or not isinstance(other, str):
        return 0.0
    words, others = _words(one), _words(other)
    return len(words & others) / len(words | others) if words or others else 0.0


@lru_cache(2048)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _inside(step: Outline) -> list[Outline]:
    return [one for block in step.blocks.values() for inner in block for one in inner.walk()]


def _gist(step: Outline) -> str:
    return f"{step.kind} {step.id} {sorted(step.fields.items(), key=lambda one: one[0])}"
