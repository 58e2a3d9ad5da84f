"""The page "Your first playbook", followed by somebody who has nothing but it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guide/first-playbook.md").read_text(encoding="utf-8")
FILES = re.findall(r"`([\w.-]+\.yaml)`:\n\n```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = re.findall(r"```sh\ntocsin (.*?)\n```", PAGE)
ALERT = re.search(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    return tmp_path


def tocsin(folder: Path, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *shlex.split(command)],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_page_names_its_files_and_commands() -> None:
    assert [name for name, _ in FILES] == ["block-scanner.yaml", "block-scanner.rehearsal.yaml", "tocsin.yaml"]
    assert COMMANDS == [
        "check block-scanner.yaml",
        "rehearse block-scanner.yaml",
        "up --config tocsin.yaml",
        "run block-scanner --dry-run --alert ALERT",
        "runs list",
    ]


def test_check_and_rehearse_say_what_the_page_says(folder: Path) -> None:
    checked, rehearsed = (tocsin(folder, command) for command in COMMANDS[:2])
    assert (checked.returncode, rehearsed.returncode) == (0, 0), checked.stdout + rehearsed.stdout
    assert "2 passed" in rehearsed.stdout
    file = folder / "block-scanner.yaml"
    file.write_text(file.read_text().replace("known.verdict ==", "known.verdit =="))
    wrong = tocsin(folder, COMMANDS[0])
    shown = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    assert wrong.returncode == 1
    assert shown[1].rstrip() in wrong.stdout


def test_a_dry_run_sends_nothing_and_the_real_run_waits(folder: Path) -> None:
    assert ALERT is not None
    up = subprocess.Popen(
        [sys.executable, "-m", "tocsin.cli", *shlex.split(COMMANDS[2]), "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE
    )
    assert up.stdout is not None
    try:
        ready = json.loads(up.stdout.readline())
        access = {"TOCSIN_URL": str(ready["url"]), "TOCSIN_TOKEN": str(ready["token"])}
        headers = {"authorization": f"Bearer {ready['token']}"}
        took = httpx.post(f"{ready['url']}/api/v1/alerts/ids", headers=headers, json=json.loads(ALERT[1]), timeout=20)
        (alert,) = took.raise_for_status().json()["ids"]
        dry = tocsin(folder, COMMANDS[3].replace("ALERT", alert), **access)
        listed = tocsin(folder, COMMANDS[4], **access)
        blocked = httpx.get(f"{ready['url']}/api/v1/runs", headers=headers, timeout=20).json()["items"]
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(30)
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert "blocklist.block_ip" in dry.stdout
    assert listed.returncode == 0, listed.stderr
    assert "block-scanner" in listed.stdout
    assert [run["playbook"] for run in blocked] == ["block-scanner"]
