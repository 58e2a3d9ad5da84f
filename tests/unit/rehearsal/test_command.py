"""`tocsin rehearse` over the shipped playbooks and packs."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tocsin.cli.application import application

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
RUNNER = CliRunner()


def test_shipped_playbooks_pass_their_rehearsals_with_good_coverage() -> None:
    done = RUNNER.invoke(application(), ["rehearse", str(PLAYBOOKS), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["failed"] == 0
    assert found["unrehearsed"] == []
    assert {one["playbook"]: one["coverage"]["percent"] >= 90 for one in found["files"]} == {
        one.stem: True for one in PLAYBOOKS.glob("*.yaml") if not one.stem.endswith(".rehearsal")
    }


def test_a_failed_case_is_exit_1_and_writes_junit_and_the_page(tmp_path: Path) -> None:
    for file in PLAYBOOKS.glob("phishing-triage*"):
        shutil.copy(file, tmp_path)
    rehearsal = tmp_path / "phishing-triage.rehearsal.yaml"
    rehearsal.write_text(rehearsal.read_text().replace("score: 7", "score: 2"))
    places = [str(tmp_path), "--junit", str(tmp_path / "j.xml"), "--html", str(tmp_path / "p.html")]
    done = RUNNER.invoke(application(), ["rehearse", *places])
    assert done.exit_code == 1
    assert "▸" in done.output
    assert "<failure" in (tmp_path / "j.xml").read_text()
    assert "<!doctype html>" in (tmp_path / "p.html").read_text()


def test_too_little_coverage_is_exit_1(tmp_path: Path) -> None:
    for file in PLAYBOOKS.glob("phishing-triage*"):
        shutil.copy(file, tmp_path)
    only = ["--case", "another category"]
    assert RUNNER.invoke(application(), ["rehearse", str(tmp_path), *only]).exit_code == 0
    done = RUNNER.invoke(application(), ["rehearse", str(tmp_path), *only, "--min-coverage", "50"])
    assert done.exit_code == 1
    assert "--min-coverage asks for 50 %" in done.stderr


def test_update_makes_a_failed_file_pass(tmp_path: Path) -> None:
    for file in PLAYBOOKS.glob("phishing-triage*"):
        shutil.copy(file, tmp_path)
    rehearsal = tmp_path / "phishing-triage.rehearsal.yaml"
    rehearsal.write_text(rehearsal.read_text().replace("score: 7", "score: 2"))
    RUNNER.invoke(application(), ["rehearse", str(tmp_path), "--update"])
    done = RUNNER.invoke(application(), ["rehearse", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "# What a case does not give is made from the action's schema" in rehearsal.read_text()


def test_update_leaves_a_case_alone_that_cannot_be_played_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        "schema: tocsin/playbook@1\nid: one\ntitle: One\nsteps:\n"
        "  - {id: q, ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}}\n"
        "outputs: {answer: '${{ steps.q.answer }}'}\n"
    )
    text = "schema: tocsin/rehearsal@1\ncases:\n  - {name: Nobody is cast, expect: {outcome: succeeded}}\n"
    (tmp_path / "one.rehearsal.yaml").write_text(text)
    done = RUNNER.invoke(application(), ["rehearse", str(tmp_path), "--update"])
    assert done.exit_code == 1
    assert "was not updated" in done.stderr
    assert (tmp_path / "one.rehearsal.yaml").read_text() == text


@pytest.mark.parametrize(("status", "outcome"), [(201, "succeeded"), (404, "failed")])
def test_a_recorded_http_exchange_goes_through_the_mapping_of_the_pack(status: int, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "post.yaml").write_text(
        "schema: tocsin/playbook@1\nid: post\ntitle: Post\nsteps:\n"
        "  - {id: sent, action: http.request, with: {method: POST, url: 'http://recorded.example/x', json: {a: 1}}, effect: write}\n"
        "outputs: {status: '${{ steps.sent.status }}'}\n"
    )
    body = "{status: 201, body: {id: 7}}" if status == 201 else "{status: 404, body: {message: gone}}"
    (tmp_path / "post.rehearsal.yaml").write_text(
        f"schema: tocsin/rehearsal@1\ncases:\n  - name: One\n    answers: {{sent: {{http: {body}}}}}\n    expect: {{outcome: {outcome}}}\n"
    )
    done = RUNNER.invoke(application(), ["rehearse", str(tmp_path)])
    assert done.exit_code == 0, done.output


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = RUNNER.invoke(application(), ["rehearse", str(tmp_path / "nothing")])
    assert "There is no file or folder" in str(done.exception)
