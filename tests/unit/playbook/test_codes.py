"""Each code's own examples: the bad one is found, the good one is clean."""

import pytest

from tocsin.core.diagnostics import Level
from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.codes import ALL, Code, playbook_of
from tocsin.playbook.compile import check
from tocsin.playbook.directory import FixedDirectory

ISOLATE: JsonObject = {
    "type": "object",
    "properties": {"host": {"type": "string"}, "minutes": {"type": "integer"}},
    "required": ["host"],
    "additionalProperties": False,
}
PLAYBOOKS = FixedDirectory({"example": ["example"], "notify-user": [], "isolate-host": []}, inputs={"isolate-host": ISOLATE})
MADE = {"PB102": "a: " + "x" * 300_000, "PB109": b"title: f\xfcr", "PB206": None}


def _bad(code: Code) -> str | bytes:
    return MADE.get(code.id) or playbook_of(code.bad)


def _codes(text: str | bytes, catalogue: Catalogue) -> dict[str, list[Level]]:
    found: dict[str, list[Level]] = {}
    for one in check(text, file="example.yaml", catalogue=catalogue, playbooks=PLAYBOOKS).diagnostics:
        found.setdefault(one.code, []).append(one.level)
    return found


def test_ids_and_slugs_are_unique_and_well_formed() -> None:
    assert len({code.id for code in ALL}) == len({code.slug for code in ALL}) == len(ALL) >= 40
    assert [code.id for code in ALL] == sorted(code.id for code in ALL)


@pytest.mark.parametrize("code", ALL, ids=lambda code: code.slug)
def test_bad_example_is_found_with_its_level(code: Code, catalogue: Catalogue) -> None:
    found = _codes(_bad(code), catalogue)
    assert code.id in found, found
    assert set(found[code.id]) == {code.level}


@pytest.mark.parametrize("code", ALL, ids=lambda code: code.slug)
def test_good_example_has_no_errors_and_not_the_code(code: Code, catalogue: Catalogue) -> None:
    checked = check(playbook_of(code.good), file="example.yaml", catalogue=catalogue, playbooks=PLAYBOOKS)
    assert checked.plan is not None, checked.diagnostics
    assert code.id not in {one.code for one in checked.diagnostics}
    assert not [one for one in checked.diagnostics if one.level is not Level.INFO], checked.diagnostics


@pytest.mark.parametrize("code", ALL, ids=lambda code: code.slug)
def test_bad_example_shows_one_idea(code: Code, catalogue: Catalogue) -> None:
    others = set(_codes(_bad(code), catalogue)) - {code.id}
    assert not others
