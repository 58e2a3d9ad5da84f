"""Every playbook that the guides show is right, and every word of the language is shown."""

import re
from pathlib import Path

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.playbook.compile import check
from tocsin.playbook.model import Kind

GUIDES = Path(__file__).parents[2] / "docs/guide"
BLOCK = re.compile(r"^```yaml\n(schema: tocsin/playbook@1\n.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(file.name, text, id=f"{file.stem}-{number}")
    for file in sorted(GUIDES.glob("*.md"))
    for number, text in enumerate(BLOCK.findall(file.read_text(encoding="utf-8")), 1)
]


@pytest.fixture(scope="module")
def catalogue() -> PackCatalogue:
    return PackCatalogue(load_packs([BUILTIN]))


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_a_playbook_in_a_guide_is_right(page: str, text: str, catalogue: PackCatalogue) -> None:
    identity = re.search(r"^id: (\S+)$", text, re.MULTILINE)
    assert identity is not None
    found = check(text, file=f"{identity[1]}.yaml", catalogue=catalogue).diagnostics
    assert [str(one) for one in found] == []


def test_the_guide_shows_every_kind_of_step() -> None:
    shown = "\n".join(BLOCK.findall((GUIDES / "playbooks.md").read_text(encoding="utf-8")))
    missing = [kind.value for kind in Kind if kind is not Kind.NONE and not re.search(rf"\b{kind.value}:", shown)]
    assert missing == []
