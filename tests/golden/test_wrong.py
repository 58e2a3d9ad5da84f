"""Wrong playbooks, some with several mistakes: each is found at its place, and nothing else is. `# PB221 PB305` says what is on a line."""

import re
from pathlib import Path

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.playbook.compile import check

FOLDER = Path(__file__).parent / "wrong"
EXPECTED = re.compile(r"#((?: PB\d{3})+)$")
FILES = sorted(FOLDER.glob("*.yaml"))


@pytest.fixture(scope="module")
def catalogue() -> PackCatalogue:
    return PackCatalogue(load_packs([BUILTIN]))


def expected(text: str) -> list[tuple[int, str]]:
    found = [(line, code) for line, words in enumerate(text.splitlines(), 1) if (m := EXPECTED.search(words)) for code in m[1].split()]
    assert found, "the file says nothing of what is wrong with it"
    return sorted(found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_mistake_is_found_on_its_line_and_nothing_else(file: Path, catalogue: PackCatalogue) -> None:
    text = file.read_text(encoding="utf-8")
    found = check(text, file=str(file), catalogue=catalogue, playbooks={one.stem: [] for one in FILES}).diagnostics
    assert sorted((one.span.line, one.code) for one in found) == expected(text), "\n".join(map(str, found))


def test_there_are_forty_and_they_show_most_of_what_can_go_wrong() -> None:
    shown = {code for file in FILES for _, code in expected(file.read_text(encoding="utf-8"))}
    assert len(FILES) >= 40
    assert len(shown) >= 50
