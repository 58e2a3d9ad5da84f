"""What stands between a start and a destructive action: conditions around it, conditions that end the run, answers of people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tocsin.core.effects import Effect
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.diff.outline import Outline
from tocsin.playbook.model import Kind

_STEP: Final = re.compile(r"steps(?:\.|\[['\"])([a-z][a-z0-9_]*)")
_LOUDNESS: Final = (Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE)
_BRANCHES: Final = (Kind.IF, Kind.SWITCH)


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: the step that it is, the block that leads on, its condition, and the asks on whose answers it rests."""

    step: Outline
    block: str
    text: str
    asks: tuple[Outline, ...]

    @property
    def is_negated(self) -> bool:
        """Say whether the way leads on when the condition does not hold."""
        return self.block.startswith("not ") or self.block in ("else", "default")

    def __str__(self) -> str:
        """Return what holds behind the guard."""
        return f"not ({self.text})" if self.is_negated else self.text


def effect_of(step: Outline, catalogue: Catalogue | None) -> Effect | None:
    """Return what an action does to the world; None if nobody knows."""
    spec = None if catalogue is None or not step.action else catalogue.spec(step.action)
    known = [effect for effect in (step.effect, None if spec is None else spec.effect) if effect is not None]
    return max(known, key=_LOUDNESS.index, default=None)


def is_louder(one: Effect, other: Effect) -> bool:
    """Say whether an effect is more than another."""
    return _LOUDNESS.index(one) > _LOUDNESS.index(other)


def guards_of(step: Outline, steps: list[Outline]) -> list[Guard]:
    """Return the guards of a step, the nearest first; `steps` are all of the playbook."""
    asks = {one.id: one for one in steps if one.kind is Kind.ASK and one.id}
    return list(_guards(step, asks))


def _guards(step: Outline, asks: dict[str, Outline]) -> Iterator[Guard]:
    if step.kind is not Kind.IF and "if" in step.fields:
        yield from _guard(step, "if", str(step.fields["if"]), asks)
    one: Outline | None = step
    while one is not None:
        for earlier in one.around[: one.around.index(one)]:
            yield from _endings(earlier, asks)
        around, block = one.parent, one.block
        if around is not None:
            if around.kind in _BRANCHES and block != "on_error":
                yield from _guard(around, block, _condition(around, block), asks)
            elif around.kind is not Kind.IF and "if" in around.fields:
                yield from _guard(around, "if", str(around.fields["if"]), asks)
        one = around


def _endings(step: Outline, asks: dict[str, Outline]) -> Iterator[Guard]:
    """Yield the branches of an earlier step that end the run: what comes after is reached by the others only."""
    for block in step.blocks if step.kind in _BRANCHES else ():
        if any(one.kind is Kind.STOP and "if" not in one.fields for one in step.blocks[block]):
            yield from _guard(step, f"not {block}", _condition(step, block), asks)


def _condition(step: Outline, block: str) -> str:
    if step.kind is Kind.SWITCH:
        return f"{step.fields.get('switch')} is {block.partition('/')[2]}" if "/" in block else str(step.fields.get("switch", ""))
    if block.startswith("elif/"):
        return str(step.fields.get(f"{block}/if", ""))
    return str(step.fields.get("if", ""))


def _guard(step: Outline, block: str, text: str, asks: dict[str, Outline]) -> Iterator[Guard]:
    if text.strip().lower() not in ("true", "false", ""):  # what is always so guards nothing
        yield Guard(step, block, text, tuple(asks[name] for name in dict.fromkeys(_STEP.findall(text)) if name in asks))
