"""Every shipped pack: it loads, its schemas are schemas, and its claims about its quality hold."""

import time

import pytest

from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.connectors.quality import Tier, check_pack, quality_of
from tocsin.core.effects import Effect

FOLDERS = sorted(path.parent for path in BUILTIN.glob("*/pack.yaml"))


@pytest.mark.parametrize("name", [path.name for path in FOLDERS])
def test_nothing_is_wrong_with_a_shipped_pack(name: str) -> None:
    assert check_pack(BUILTIN / name) == []


@pytest.mark.parametrize("name", [path.name for path in FOLDERS])
def test_shipped_pack_is_at_least_bronze(name: str) -> None:
    quality = quality_of(load_packs([BUILTIN]).packs[name])
    assert quality.tier is not Tier.NONE, f"unmet: {quality.unmet}"


def test_every_effect_of_every_pack_says_what_an_unknown_outcome_means() -> None:
    actions = [action.spec for pack in load_packs([BUILTIN]).packs.values() for action in pack.actions.values()]
    assert actions
    assert [spec.name for spec in actions if spec.effect is not Effect.READ and spec.on_unknown is None] == []


def test_packs_load_quickly() -> None:
    load_packs([BUILTIN])
    best = min(_seconds() for _ in range(3))
    assert best / len(FOLDERS) < 0.03, f"{best * 1000:.0f} ms for {len(FOLDERS)} packs"


def _seconds() -> float:
    start = time.perf_counter()
    load_packs([BUILTIN])
    return time.perf_counter() - start
