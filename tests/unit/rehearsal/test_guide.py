"""The guide's example is true: it checks, passes, and takes as many branches as the page says."""

import json
import re
from pathlib import Path

from typer.testing import CliRunner

from tocsin.cli.application import application

GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "rehearsals.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_first_case_of_the_guide_plays_as_it_says(tmp_path: Path) -> None:
    blocks = BLOCK.findall(GUIDE.read_text("utf-8"))
    (tmp_path / "triage.yaml").write_text(next(one for one in blocks if one.startswith("schema: tocsin/playbook@1")))
    (tmp_path / "triage.rehearsal.yaml").write_text(next(one for one in blocks if one.startswith("schema: tocsin/rehearsal@1")))
    done = CliRunner().invoke(application(), ["rehearse", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    (file,) = json.loads(done.stdout)["files"]
    said = re.search(r"(\d+) of (\d+)  (\d+) %", GUIDE.read_text("utf-8"))
    assert said is not None
    branches = file["coverage"]["branches"]
    assert (str(branches["taken"]), str(branches["total"])) == said.groups()[:2]
    missed = [f"line {one['line']}  {one['path']}: {one['branch']}" for one in file["coverage"]["missed"]]
    assert all(f"never {one}" in GUIDE.read_text("utf-8") for one in missed), missed
