from pathlib import Path

from tocsin.playbook.codes.pages import pages
from tocsin.rehearsal import codes as rehearsal

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "diagnostics"


def test_the_reference_pages_are_what_the_codes_say() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert there == pages(rehearsal.ALL), "run: python scripts/generate_diagnostics.py"
