"""What the README shows is true."""

import json
import re
from pathlib import Path

import pytest

from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, Packs, load_packs
from tocsin.connectors.mapping import Skipped, apply
from tocsin.core.diagnostics import Level
from tocsin.core.severity import Severity
from tocsin.playbook.compile import check
from tocsin.playbook.format import format_playbook
from tocsin.testing.clock import START

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def packs() -> Packs:
    return load_packs([BUILTIN])


def playbook() -> str:
    found = re.search(r"```yaml\n(schema: tocsin/playbook@1\n.*?)```", README.read_text("utf-8"), re.S)
    assert found is not None
    return found.group(1)


def errors(text: str, packs: Packs) -> list[str]:
    found = check(text, file="block-scanner.yaml", catalogue=PackCatalogue(packs))
    return [one.message for one in found.diagnostics if one.level is Level.ERROR]


def test_the_playbook_has_no_mistake(packs: Packs) -> None:
    assert errors(playbook(), packs) == []


def test_the_misspelt_field_is_an_error_that_names_the_right_one(packs: Packs) -> None:
    (message,) = errors(playbook().replace("steps.known.sightings", "steps.known.sightingz"), packs)
    assert "sightingz" in message


def test_the_alert_of_the_curl_command_maps(packs: Packs) -> None:
    found = re.search(r"-d '(\{.*?\})'", README.read_text("utf-8"), re.S)
    assert found is not None
    mapping = packs.pack("suricata").mapping_for()
    assert mapping is not None
    finding = apply(mapping, json.loads(found.group(1)), source="ids", received=START)
    assert not isinstance(finding, Skipped)
    assert (finding.title, finding.severity, finding.problem) == ("Beacon", Severity.HIGH, "")


def test_every_shipped_playbook_is_formatted_and_checks_without_an_error_or_warning(packs: Packs) -> None:
    files = [one for one in sorted((README.parent / "playbooks").glob("*.yaml")) if not one.stem.endswith(".rehearsal")]
    assert len(files) >= 2
    for file in files:
        found = check(file.read_bytes(), file=str(file), catalogue=PackCatalogue(packs))
        assert [one for one in found.diagnostics if one.level is not Level.INFO] == []
        assert format_playbook(file.read_text("utf-8")) == file.read_text("utf-8"), "run: tocsin fmt playbooks"
