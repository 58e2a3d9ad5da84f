"""`tocsin check` as a person and a CI job use it."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest

from tocsin.cli.bench.checking import write_playbooks
from tocsin.cli.checking import review
from tocsin.cli.playbook_files import read_places
from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.playbook.parsing.playbook import parse

ROOT = Path(__file__).parents[2]
GOOD = """\
schema: tocsin/playbook@1
id: good
title: Good
steps:
  - action: case.note
    with: {text: "${{ run.id }}"}
"""
WRONG = GOOD.replace("id: good", "id: wrong").replace("run.id", "run.ids")
DOUBTFUL = """\
schema: tocsin/playbook@1
id: doubtful
title: Doubtful
steps:
  - id: sure
    ask: {title: Go on?, to: [role:responder]}
  - if: ${{ steps.sure.answer == 'approve' }}
    then:
      - action: case.note
        with: {text: a}
"""


def check(*arguments: str, cwd: Path | None = None, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tocsin.cli", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=cwd, env={**os.environ, **environment}, check=False)


def found_in(*arguments: str) -> list[tuple[str, str]]:
    ran = check(*arguments, "--format", "json")
    assert ran.returncode in (0, 1), ran.stderr
    return [(one["code"], Path(one["span"]["file"]).name) for one in json.loads(ran.stdout)]


def test_json_is_a_list_of_exactly_these_keys(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    ran = check(str(tmp_path), "--format", "json")
    found = json.loads(ran.stdout)
    assert ran.returncode == 1
    assert [list(one) for one in found] == [["code", "severity", "message", "hint", "span"]]
    assert found[0]["span"] == {"file": f"{tmp_path}/wrong.yaml", "line": 6, "column": 27, "end_line": 6, "end_column": 30}
    assert ran.stdout == check(str(tmp_path), "--json").stdout


def test_a_pipe_gets_no_colour_and_a_terminal_does_unless_it_is_not_wanted(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    assert "\x1b" not in check(str(file)).stdout
    assert "\x1b[1;31m" in _on_a_terminal(str(file))
    assert "\x1b" not in _on_a_terminal(str(file), NO_COLOR="1")


def _on_a_terminal(*arguments: str, **environment: str) -> str:
    ours, theirs = pty.openpty()
    env = {**{key: value for key, value in os.environ.items() if key != "NO_COLOR"}, "TERM": "xterm", **environment}
    process = subprocess.Popen([sys.executable, "-m", "tocsin.cli", "check", *arguments], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass  # on Linux the end of a terminal is an error
    os.close(ours)
    assert process.wait(timeout=60) == 1
    return shown.decode()


def test_sarif_names_files_relative_to_where_it_runs(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "wrong.yaml").write_text(WRONG)
    log = json.loads(check("in", "--format", "sarif", cwd=tmp_path).stdout)
    run = log["runs"][0]
    assert run["tool"]["driver"]["rules"][0]["id"] == run["results"][0]["ruleId"] == "PB221"
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "in/wrong.yaml", "uriBaseId": "SRCROOT"}
    assert run["originalUriBaseIds"]["SRCROOT"]["uri"] == f"{tmp_path.as_uri()}/"


def test_github_gets_a_command_a_finding_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "good.yaml").write_text(GOOD)
    ran = check(str(tmp_path), "--format", "github")
    assert re.fullmatch(r"::error file=[^,]+/wrong\.yaml,line=6,col=27,endLine=6,endColumn=29,title=Tocsin PB221::.+\n", ran.stdout)


def test_strict_fails_for_a_warning_and_names_playbooks_without_a_rehearsal(tmp_path: Path) -> None:
    (tmp_path / "doubtful.yaml").write_text(DOUBTFUL)
    assert check(str(tmp_path)).returncode == 0
    assert check(str(tmp_path), "--strict").returncode == 1
    (tmp_path / "doubtful.yaml").unlink()
    (tmp_path / "good.yaml").write_text(GOOD)
    ran = check(str(tmp_path), "--strict")
    assert ran.returncode == 0
    assert "PB604 no-rehearsal" in ran.stdout
    rehearsal = "schema: tocsin/rehearsal@1\ncases:\n  - name: One\n    inputs: {}\n    expect: {outcome: succeeded}\n"
    (tmp_path / "good.rehearsal.yaml").write_text(rehearsal)
    assert found_in(str(tmp_path), "--strict") == []


def test_rules_between_files_hold_in_a_folder(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "good.yaml").write_text(GOOD)
    calls = "schema: tocsin/playbook@1\nid: {id}\ntitle: Calls\nsteps:\n  - call: {other}\n"
    (tmp_path / "one.yaml").write_text(calls.format(id="one", other="two"))
    (tmp_path / "two.yaml").write_text(calls.format(id="two", other="one"))
    (tmp_path / "lost.yaml").write_text(calls.format(id="lost", other="nobody"))
    (tmp_path / "alone.rehearsal.yaml").write_text(
        "schema: tocsin/rehearsal@1\ncases:\n  - name: One\n    inputs: {}\n    expect: {outcome: succeeded}\n"
    )
    assert set(found_in(str(tmp_path))) == {
        ("PB602", "good.yaml"),
        ("PB310", "one.yaml"),
        ("PB310", "two.yaml"),
        ("PB232", "lost.yaml"),
        ("RH126", "alone.rehearsal.yaml"),
    }


def test_whatever_lies_in_a_folder_is_told_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "around").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "empty.yaml").write_bytes(b"")
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "large.yaml").write_bytes(b"x" * 10_000_000)
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / ".hidden.yaml").write_text("nothing")
    os.mkfifo(tmp_path / "pipe.yaml")
    begun = time.monotonic()
    found = found_in(str(tmp_path))
    assert time.monotonic() - begun < 60
    assert sorted(found) == [
        ("PB102", "large.yaml"),
        ("PB109", "binary.yaml"),
        ("PB111", "empty.yaml"),
        ("PB601", "loop.yaml"),
        ("PB601", "pipe.yaml"),
    ]
    assert "✗ 6 files checked: 5 errors, 0 warnings." in check(str(tmp_path)).stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_rights_is_told(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "good.yaml").chmod(0)
    assert found_in(str(tmp_path)) == [("PB601", "good.yaml")]


def test_a_code_is_explained_by_its_id_or_slug() -> None:
    ran = check("--explain", "pb221")
    assert ran.returncode == 0
    assert ran.stdout.startswith("# PB221 unknown-field\n")
    assert check("--explain", "unknown-field").stdout == ran.stdout
    assert check("--explain", "PB602").returncode == 0
    assert check("--explain", "RH122").returncode == 0
    wrong = check("--explain", "PB2222")
    assert wrong.returncode == 2
    assert "Did you mean" in wrong.stderr


def test_nothing_to_check_and_places_that_are_not_there_are_wrong_usage(tmp_path: Path) -> None:
    assert check().returncode == 2
    assert check(str(tmp_path / "nowhere")).returncode == 2
    assert "There is no playbook in" in check(str(tmp_path)).stderr


def test_a_folder_of_200_is_right_and_each_file_is_parsed_once(tmp_path: Path) -> None:
    write_playbooks(tmp_path, 200)
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is parse.__code__:
            calls["parse"] += 1

    catalogue, sources = PackCatalogue(load_packs([BUILTIN])), read_places([tmp_path])
    sys.setprofile(count)
    try:
        found = review(sources, catalogue=catalogue, whole=True)
    finally:
        sys.setprofile(None)
    assert (len(found), [one for file in found for one in file.diagnostics], calls["parse"]) == (200, [], 200)
