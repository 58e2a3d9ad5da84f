"""What lies at a place is no playbook, cannot be written, or wants to be obeyed by the terminal: a sentence, no harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tocsin.cli import replacing
from tocsin.cli.application import application
from tocsin.core.errors import Invalid, TocsinError

PLAYBOOK = """\
schema: tocsin/playbook@1
id: x
title: X
steps:
  - id: a
    wait: 2d
"""
REHEARSAL = "schema: tocsin/rehearsal@1\ncases:\n  - name: one   # kept\n    expect: {outcome: failed}\n"
RUNNER = CliRunner()


def tocsin(*arguments: str, out: str = os.devnull) -> subprocess.CompletedProcess[str]:
    with open(out, "w") as stdout:
        command = [sys.executable, "-m", "tocsin.cli", *arguments]
        return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=30, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.yaml").write_text(PLAYBOOK)
    (tmp_path / "x.rehearsal.yaml").write_text(REHEARSAL)
    return tmp_path


@pytest.mark.parametrize("command", [["rehearse"], ["rehearse", "--update"], ["rehearse", "--fuzz"], ["diff", "x.yaml"]])
def test_a_pipe_is_refused_instead_of_waited_for(command: list[str], folder: Path) -> None:
    name = "pipe.yaml" if command[-1] in ("--fuzz", "x.yaml") else "pipe.rehearsal.yaml"
    os.mkfifo(folder / name)
    done = tocsin(*[str(folder / one) if one == "x.yaml" else one for one in command], str(folder / name))
    assert done.returncode == 2
    assert "it is not a file" in done.stderr


def test_the_names_of_compared_files_are_not_obeyed(folder: Path) -> None:
    other = folder / "\x1b[31m\u202ex.yaml"
    other.write_text(PLAYBOOK.replace("2d", "3d"))
    done = RUNNER.invoke(application(), ["diff", str(folder / "x.yaml"), str(other)])
    assert done.exit_code == 1
    assert not {"\x1b", "\u202e"} & {*done.stdout}
    same = RUNNER.invoke(application(), ["diff", str(other), str(other)])
    assert not {"\x1b", "\u202e"} & {*same.stdout}


def test_a_full_disk_costs_no_rehearsal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = RUNNER.invoke(application(), ["rehearse", "--update", str(folder)])
    assert isinstance(done.exception, Invalid)
    assert "It was left as it is" in str(done.exception)
    assert (folder / "x.rehearsal.yaml").read_text() == REHEARSAL
    assert sorted(one.name for one in folder.iterdir()) == ["x.rehearsal.yaml", "x.yaml"]


def test_a_replaced_file_keeps_its_rights_and_its_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    replacing.replace(link, b"new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)
    replacing.replace(Path(os.devnull), b"gone")
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("option", ["--junit", "--html"])
def test_a_report_that_cannot_be_written_is_a_sentence(option: str, folder: Path) -> None:
    done = RUNNER.invoke(application(), ["rehearse", str(folder), option, str(folder / "nowhere" / "report")])
    assert isinstance(done.exception, TocsinError)
    assert "cannot be written" in str(done.exception)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["schema"], ["check"], ["rehearse"]])
def test_a_full_disk_under_stdout_is_a_sentence(command: list[str], folder: Path) -> None:
    done = tocsin(*command, *([] if command == ["schema"] else [str(folder)]), out="/dev/full")
    assert done.returncode == 2
    assert done.stderr == "tocsin: The disk is full. Make room, and say it again.\n"


@pytest.mark.parametrize("clock", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_a_clock_at_the_end_of_time_is_refused(clock: str, folder: Path) -> None:
    rehearsal = folder / "x.rehearsal.yaml"
    rehearsal.write_text(REHEARSAL.replace("    expect", f'    clock: "{clock}"\n    expect'))
    done = RUNNER.invoke(application(), ["rehearse", str(folder)])
    assert done.exit_code == 1
    assert "is out of reach" in done.output


def test_fuzz_names_the_first_error_and_no_note(folder: Path) -> None:
    (folder / "x.yaml").write_text(PLAYBOOK.replace("steps", "inputs:\n  unread: {type: string}\nsteps").replace("2d", "900000d"))
    done = RUNNER.invoke(application(), ["rehearse", "--fuzz", str(folder / "x.yaml")])
    assert "PB502" not in str(done.exception)
    assert "PB213" in str(done.exception)


def test_fuzz_does_not_call_good_what_it_never_started(folder: Path) -> None:
    trigger = "triggers:\n  - alert: ${{ alert.title | length > 1000 }}\n"
    (folder / "x.yaml").write_text(PLAYBOOK.replace("steps", f"{trigger}steps"))
    done = RUNNER.invoke(application(), ["rehearse", "--fuzz", "--examples", "10", str(folder / "x.yaml")])
    assert "Nothing was tried" in done.output
    assert "✓" not in done.output
    assert "Nothing broke" not in done.output


def test_fuzz_gets_past_a_trigger_that_is_a_regular_expression(folder: Path) -> None:
    trigger = "triggers:\n  - alert: ${{ alert.title | lower | regex_test('(?i)^impossible travel') }}\n"
    (folder / "x.yaml").write_text(PLAYBOOK.replace("steps", f"{trigger}steps"))
    done = RUNNER.invoke(application(), ["rehearse", "--fuzz", "--examples", "5", "--seed", "1", str(folder / "x.yaml"), "--json"])
    assert '"started":0' not in done.stdout
    assert '"started":' in done.stdout
