"""`tocsin fmt`: what it writes, what it leaves alone, and its exit codes."""

import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tocsin.cli.application import application
from tocsin.cli.say import BAD_INPUT, FAILED

ROUGH = "id: x\nschema: tocsin/playbook@1\ntitle: 'X'  # kept\nsteps:\n- wait: 5m\n"
FINE = "schema: tocsin/playbook@1\nid: x\ntitle: X  # kept\n\nsteps:\n  - wait: 5m\n"


@pytest.fixture
def run() -> CliRunner:
    return CliRunner()


def test_files_are_written_in_place_and_keep_their_rights(tmp_path: Path, run: CliRunner) -> None:
    file, other = tmp_path / "x.yaml", tmp_path / "x.rehearsal.yaml"
    file.write_text(ROUGH)
    other.write_text("b: 'b'\na: 'a'\n")
    file.chmod(0o640)
    done = run.invoke(application(), ["fmt", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert file.read_text() == FINE
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert other.read_text() == "b: 'b'\na: 'a'\n"
    assert sorted(os.listdir(tmp_path)) == ["x.rehearsal.yaml", "x.yaml"]


def test_check_lists_what_would_change_and_writes_nothing(tmp_path: Path, run: CliRunner) -> None:
    rough, fine = tmp_path / "rough.yaml", tmp_path / "fine.yaml"
    rough.write_text(ROUGH)
    fine.write_text(FINE)
    done = run.invoke(application(), ["fmt", "--check", str(tmp_path)])
    assert done.exit_code == FAILED
    assert "rough.yaml" in done.stdout
    assert "fine.yaml" not in done.stdout
    assert rough.read_text() == ROUGH
    assert run.invoke(application(), ["fmt", "--check", str(fine)]).exit_code == 0


def test_diff_shows_what_would_change_and_writes_nothing(tmp_path: Path, run: CliRunner) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(ROUGH)
    done = run.invoke(application(), ["fmt", "--diff", str(file)])
    assert done.exit_code == 0
    assert "+title: X  # kept" in done.stdout
    assert file.read_text() == ROUGH


def test_a_dash_reads_stdin_and_writes_stdout(run: CliRunner) -> None:
    assert run.invoke(application(), ["fmt", "-"], input=ROUGH).stdout == FINE


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_written(tmp_path: Path, run: CliRunner) -> None:
    (tmp_path / "bad.yaml").write_text("a: [1\n")
    (tmp_path / "x.yaml").write_text(ROUGH)
    done = run.invoke(application(), ["fmt", str(tmp_path)])
    assert done.exit_code == BAD_INPUT
    assert "bad.yaml: Line 2, column 1: PB101" in done.output
    assert (tmp_path / "x.yaml").read_text() == FINE


def test_a_link_stays_a_link(tmp_path: Path, run: CliRunner) -> None:
    (tmp_path / "real.yaml").write_text(ROUGH)
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    assert run.invoke(application(), ["fmt", str(tmp_path / "link.yaml")]).exit_code == 0
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").read_text() == FINE
