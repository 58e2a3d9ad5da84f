"""Tiers are computed, and claims are checked."""

import shutil
from pathlib import Path

import pytest

from tocsin.connectors.loader import BUILTIN, load_pack
from tocsin.connectors.quality import Tier, check_pack, quality_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUILTIN / "crowdsec", tmp_path / "crowdsec", ignore=shutil.ignore_patterns("__pycache__")))


def claim(folder: Path, rule: str, state: str) -> None:
    lines = (folder / "quality.yaml").read_text().splitlines()
    (folder / "quality.yaml").write_text("\n".join([line for line in lines if not line.startswith(f"{rule}:")] + [f"{rule}: {state}"]))


def tier(folder: Path) -> Tier:
    pack, _ = load_pack(folder)
    assert pack is not None
    return quality_of(pack).tier


def test_tier_is_the_highest_whose_rules_are_all_met(folder: Path) -> None:
    for rule in ("playbook", "redaction", "proven"):
        claim(folder, rule, "todo")
    assert tier(folder) is Tier.SILVER
    claim(folder, "rate", "todo")
    assert tier(folder) is Tier.BRONZE
    claim(folder, "readme", "todo")
    assert tier(folder) is Tier.NONE


def test_exemption_needs_a_reason(folder: Path) -> None:
    claim(folder, "rate", '"exempt: the API has no limit"')
    assert check_pack(folder) == []
    claim(folder, "rate", '"exempt:"')
    assert [found.code for found in check_pack(folder)] == ["PK404"]


@pytest.mark.parametrize(
    ("gone", "words"),
    [("README.md", "README"), ("icon.svg", "icon"), ("cases/actions.yaml", "no case for"), ("cases/actions.yaml", "auth_failed")],
)
def test_claim_that_is_not_true_is_reported(folder: Path, gone: str, words: str) -> None:
    (folder / gone).unlink()
    found = [diagnostic for diagnostic in check_pack(folder) if words in diagnostic.message]
    assert [diagnostic.code for diagnostic in found][:1] == ["PK401"]
    assert found[0].span.file == "crowdsec/quality.yaml"


def test_function_that_code_lacks_is_reported(folder: Path) -> None:
    (folder / "code.py").write_text("async def other(ctx): ...\n")
    assert [found.code for found in check_pack(folder)] == ["PK309"]


def test_rule_that_does_not_exist_is_reported(folder: Path) -> None:
    claim(folder, "beauty", "done")
    assert [found.code for found in check_pack(folder)] == ["PK403"]
