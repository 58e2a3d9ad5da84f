"""Compare two playbooks: what changed, in the order of the text, and how much it matters."""

import re
from collections.abc import Iterator
from typing import Final

from tocsin.core.effects import Effect
from tocsin.core.values import Json
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.compile import pinned_calls
from tocsin.playbook.diff.change import Change, ChangeKind, Risk
from tocsin.playbook.diff.fields import field_change
from tocsin.playbook.diff.guards import Guard, effect_of, guards_of, is_louder
from tocsin.playbook.diff.matching import Pairs, match
from tocsin.playbook.diff.outline import Outline, flat, inputs_of, outlines, trigger_text
from tocsin.playbook.model import Kind, Playbook
from tocsin.playbook.plan import Plan
from tocsin.playbook.planning import plan_of

_PINNED: Final = "pinned"


def diff(before: Playbook | Plan, after: Playbook | Plan, *, catalogue: Catalogue | None = None) -> tuple[Change, ...]:
    """Return what changed from one playbook to another; with a catalogue, what that does to effects and their guards too.

    Raises Invalid for a Playbook in which an expression is wrong.
    """
    is_mixed = isinstance(before, Playbook) != isinstance(after, Playbook)
    before, after = _planned(before), _planned(after)
    old = [*outlines(before.steps, "steps"), *outlines(before.final, "finally")]
    new = [*outlines(after.steps, "steps"), *outlines(after.final, "finally")]
    for step in (one for top in (*old, *new) for one in top.walk()) if is_mixed else ():
        step.fields.pop("version", None)  # a text alone does not say which version a call is pinned to
    return (*_head(before, after), *_Comparison(old, new, catalogue).changes(), *_outputs(before, after))


def _planned(one: Playbook | Plan) -> Plan:
    if isinstance(one, Plan):
        return one
    return plan_of(one, "", pins=dict.fromkeys(pinned_calls(one), _PINNED))


def _head(before: Plan, after: Plan) -> Iterator[Change]:
    for path, old, new in (("id", before.id, after.id), ("title", before.title, after.title)):
        if old != new:
            risk = Risk.NOTICE if path == "id" else Risk.NONE
            yield Change(ChangeKind.HEAD, path, old, new, risk, f"The {path} is '{new}', no longer '{old}'.")
    starts, now = [trigger_text(one) for one in before.triggers], [trigger_text(one) for one in after.triggers]
    for text in dict.fromkeys(starts):
        if text not in now:
            yield Change(ChangeKind.TRIGGER_REMOVED, "triggers", text, None, Risk.NOTICE, f"It is no longer started by {text}.")
    for text in dict.fromkeys(now):
        if text not in starts:
            yield Change(ChangeKind.TRIGGER_ADDED, "triggers", None, text, Risk.NOTICE, f"It is started by {text}.")
    yield from _inputs(before, after)


def _inputs(before: Plan, after: Plan) -> Iterator[Change]:
    old, new = inputs_of(before.inputs), inputs_of(after.inputs)
    for name in dict.fromkeys((*old, *new)):
        path = f"inputs/{name}"
        if name not in new:
            yield Change(ChangeKind.INPUT, path, old[name], None, Risk.NOTICE, f"The input '{name}' is gone.")
        elif name not in old:
            needed = new[name]["required"] is True
            sentence = f"The input '{name}' is new{' and must be given' if needed else ''}."
            yield Change(ChangeKind.INPUT, path, None, new[name], Risk.NOTICE if needed else Risk.NONE, sentence)
        elif old[name] != new[name]:
            yield Change(ChangeKind.INPUT, path, old[name], new[name], Risk.NOTICE, f"The input '{name}' is declared otherwise.")


def _outputs(before: Plan, after: Plan) -> Iterator[Change]:
    old = {} if before.outputs is None else flat(before.outputs.value, "outputs")
    new = {} if after.outputs is None else flat(after.outputs.value, "outputs")
    for path in dict.fromkeys((*old, *new)):
        if old.get(path) != new.get(path) or (path in old) != (path in new):
            name = path.partition("/")[2] or "outputs"
            what = "is gone" if path not in new else "is new" if path not in old else "has another value"
            risk = Risk.NOTICE if path not in new else Risk.NONE
            yield Change(ChangeKind.OUTPUT, path, old.get(path), new.get(path), risk, f"The output '{name}' {what}.")


class _Comparison:
    """The steps of two playbooks, paired."""

    def __init__(self, before: list[Outline], after: list[Outline], catalogue: Catalogue | None) -> None:
        self.before = [one for step in before for one in step.walk()]
        self.after = [one for step in after for one in step.walk()]
        self.catalogue = catalogue
        self.pairs: Pairs = match(before, after)
        self.moved = _moved(self.after, self.pairs)
        self.renames = {
            old.id: new.id for new in self.after if (old := self.pairs.before.get(id(new))) is not None and old.id and new.id != old.id
        }

    def changes(self) -> Iterator[Change]:
        """Yield what changed: removals first, then by the order of the text after."""
        for step in self.before:
            if id(step) not in self.pairs.after and (step.parent is None or id(step.parent) in self.pairs.after):
                yield self._removed(step)
        for step in self.after:
            old = self.pairs.before.get(id(step))
            if old is None:
                yield from self._added(step)
            else:
                yield from self._changed(old, step)

    def _removed(self, step: Outline) -> Change:
        risk = Risk.NOTICE if step.kind is not Kind.SET else Risk.NONE
        sentence = f"{_capital(step.label)} is gone{_inside(step, self.pairs.after)}."
        return Change(ChangeKind.STEP_REMOVED, step.path, _gist(step), None, risk, sentence)

    def _added(self, step: Outline) -> Iterator[Change]:
        effect = effect_of(step, self.catalogue)
        is_destructive = effect is Effect.DESTRUCTIVE
        if step.parent is None or id(step.parent) in self.pairs.before:
            risk = Risk.NOTICE if is_destructive or effect is Effect.WRITE else Risk.NONE
            told = f", which is {effect.value}" if effect is not None and effect is not Effect.READ else ""
            sentence = f"{_capital(step.label)} is new{_doing(step)}{told}{_inside(step, self.pairs.before)}."
            yield Change(ChangeKind.STEP_ADDED, step.path, None, _gist(step), risk, sentence)
        if is_destructive and not guards_of(step, self.after):
            sentence = f"{_capital(step.label)} is destructive and new, and nothing guards it: no condition and no answer of a person."
            yield Change(ChangeKind.UNGUARDED, step.path, None, step.action, Risk.DANGER, sentence)

    def _changed(self, old: Outline, new: Outline) -> Iterator[Change]:
        if old.id != new.id:
            sentence = f"{_capital(old.label)} is called {new.label} now." if new.id else f"{_capital(old.label)} has no id any more."
            yield Change(ChangeKind.STEP_RENAMED, new.path, old.id, new.id, Risk.NONE, sentence)
        if id(new) in self.moved:
            sentence = f"{_capital(new.label)} moved{self._from(old, new)}."
            yield Change(ChangeKind.STEP_MOVED, new.path, old.path, new.path, Risk.NOTICE, sentence)
        if old.kind is not new.kind:
            sentence = f"{_capital(new.label)} is of the kind '{new.kind.value}', no longer '{old.kind.value}'."
            yield Change(ChangeKind.KIND, new.path, old.kind.value, new.kind.value, Risk.NOTICE, sentence)
        else:
            yield from self._fields(old, new)
        yield from self._effects(old, new)
        yield from self._lost_guards(old, new)

    def _from(self, old: Outline, new: Outline) -> str:
        if self.pairs.is_pair(old.parent, new.parent) and old.block == new.block:
            place = new.around.index(new)
            return f" to behind {new.around[place - 1].label}" if place else " to the front of its block"
        return f" from {_place(old)} to {_place(new)}"

    def _fields(self, old: Outline, new: Outline) -> Iterator[Change]:
        for path in dict.fromkeys((*old.fields, *new.fields)):
            if path == "effect" and effect_of(old, self.catalogue) and effect_of(new, self.catalogue):
                continue  # what it comes to is said of the effects
            before, after = self._renamed(old.fields.get(path)), new.fields.get(path)
            if before != after or type(before) is not type(after) or (path in old.fields) != (path in new.fields):
                yield field_change(new, path, old.fields.get(path), after)

    def _renamed(self, value: Json) -> Json:
        """Write the new ids of steps into an old value: that they are called otherwise was said once."""
        if isinstance(value, str):
            for one, other in self.renames.items():
                value = re.sub(rf"\bsteps\.{one}\b", f"steps.{other}", value) if other else value
            return value
        if isinstance(value, list):
            return [self._renamed(one) for one in value]
        return {key: self._renamed(one) for key, one in value.items()} if isinstance(value, dict) else value

    def _effects(self, old: Outline, new: Outline) -> Iterator[Change]:
        before, after = effect_of(old, self.catalogue), effect_of(new, self.catalogue)
        if before is None or after is None or before is after:
            return
        raised = is_louder(after, before)
        kind = ChangeKind.EFFECT_RAISED if raised else ChangeKind.EFFECT_LOWERED
        risk = Risk.DANGER if raised and after is Effect.DESTRUCTIVE else Risk.NOTICE
        sentence = f"{_capital(new.label)} is {after.value} now; it was {before.value}."
        yield Change(kind, f"{new.path}/effect", before.value, after.value, risk, sentence)

    def _lost_guards(self, old: Outline, new: Outline) -> Iterator[Change]:
        if effect_of(new, self.catalogue) is not Effect.DESTRUCTIVE:
            return
        before, after = guards_of(old, self.before), guards_of(new, self.after)
        asks_left = {id(ask) for guard in after for ask in guard.asks}
        lost_asks = [ask for guard in before for ask in guard.asks if id(self.pairs.after.get(id(ask))) not in asks_left]
        if lost_asks and not asks_left:
            sentence = f"{_capital(new.label)} is destructive, and no longer waits for an answer to {lost_asks[0].label}."
            yield Change(ChangeKind.GUARD_REMOVED, new.path, _asked(lost_asks[0]), None, Risk.DANGER, sentence)
            return
        for guard in before:
            if not any(self._is_same_guard(guard, other) for other in after):
                news = [one for one in after if not any(self._is_same_guard(other, one) for other in before)]
                replaced = bool(news) and not any(self._renamed(guard.text) == one.text for one in news)  # the opposite is no replacement
                rest = "another condition stands there" if replaced else "nothing of the kind stands there"
                sentence = f"{_capital(new.label)} is destructive, and no longer guarded by `{guard}`; {rest}."
                risk = Risk.NOTICE if replaced else Risk.DANGER
                yield Change(ChangeKind.GUARD_REMOVED, new.path, str(guard), None, risk, sentence)

    def _is_same_guard(self, old: Guard, new: Guard) -> bool:
        if self.pairs.is_pair(old.step, new.step) and old.block == new.block:
            return True
        return self._renamed(old.text) == new.text and old.is_negated == new.is_negated


def _moved(after: list[Outline], pairs: Pairs) -> set[int]:
    """Return the steps that stand in another block, or in another order in theirs: as few as say it all."""
    moved: set[int] = set()
    blocks: dict[int, list[Outline]] = {}
    for new in after:
        old = pairs.before.get(id(new))
        if old is None:
            continue
        if pairs.is_pair(old.parent, new.parent) and old.block == new.block:
            blocks.setdefault(id(new.around), []).append(new)
        else:
            moved.add(id(new))
    for steps in blocks.values():
        places = [old.around.index(old) for new in steps if (old := pairs.before.get(id(new))) is not None]
        stay = _rising(places)
        moved |= {id(new) for place, new in enumerate(steps) if place not in stay}
    return moved


def _rising(places: list[int]) -> set[int]:
    """Return the indexes of a longest rising part of a list."""
    best: list[int] = []
    before: list[int] = []
    for at, place in enumerate(places):
        earlier = [one for one in range(at) if places[one] < place]
        last = max(earlier, key=lambda one: best[one], default=-1)
        best.append(1 + (best[last] if last >= 0 else 0))
        before.append(last)
    stay: set[int] = set()
    at = max(range(len(places)), key=lambda one: best[one], default=-1)
    while at >= 0:
        stay.add(at)
        at = before[at]
    return stay


def _place(step: Outline) -> str:
    if step.parent is None:
        return f"'{step.block}'"
    return f"'{step.block}' of {step.parent.label}"


def _inside(step: Outline, paired: dict[int, Outline]) -> str:
    count = sum(1 for one in step.walk() if one is not step and id(one) not in paired)
    return f", with {count} step{'' if count == 1 else 's'} inside" if count else ""


def _doing(step: Outline) -> str:
    return f" ({step.action})" if step.id and step.action else f" ({step.kind.value})" if step.id else ""


def _gist(step: Outline) -> Json:
    return {"kind": step.kind.value, **({"id": step.id} if step.id else {}), **step.fields}


def _asked(ask: Outline) -> str:
    return f"ask: {ask.fields.get('ask/title')}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
