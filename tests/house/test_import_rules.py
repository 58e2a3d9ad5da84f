"""The import contracts of pyproject.toml hold on the tree, and break on planted mistakes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Each planted file breaks the contract beside it.
MISTAKES = {
    "services/planted.py": ("import tocsin.api\n", "Layers point down"),
    "core/planted.py": ("import socket\n", "Pure heart: no I/O libraries in core, playbook, engine"),
    "api/planted.py": ("import tocsin.settings\n", "Only the composition root reads settings"),
    "packs/first/code.py": ("import tocsin.core.ids\n", "Packs see the connector SDK and nothing else"),
    "packs/second/code.py": ("import tocsin.packs.first.code\n", "Packs never import each other"),
    "connectors/planted.py": ("import tocsin.packs.first.code\n", "Nobody imports packs"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy the source and its contracts."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "samples", "_ui"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("settings.py", "wiring.py"):  # contracts name them
        (tmp_path / "src" / "tocsin" / name).touch()
    return tmp_path


def plant(tree: Path, file: str, text: str) -> None:
    path = tree / "src" / "tocsin" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (path.parent / "__init__.py").touch()


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache", "--no-logo"]
    # The editable install points at the real tree; this path comes before it.
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(program, cwd=tree, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_contracts_hold_on_the_tree(tree: Path) -> None:
    ran = lint(tree)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_each_contract_breaks_on_its_planted_mistake(tree: Path) -> None:
    for file, (text, _) in MISTAKES.items():
        plant(tree, file, text)

    said = lint(tree).stdout

    kept = [contract for _, contract in MISTAKES.values() if f"{contract} BROKEN" not in said]
    assert kept == [], said


def test_package_that_no_layer_names_is_refused(tree: Path) -> None:
    plant(tree, "extras/code.py", "")
    ran = lint(tree)
    assert ran.returncode != 0
    assert "extras" in ran.stdout + ran.stderr


def test_right_imports_of_a_pack_are_kept(tree: Path) -> None:
    plant(tree, "packs/first/code.py", "from tocsin.connectors import sdk\nimport httpx\n")

    said = lint(tree).stdout

    assert "Packs see the connector SDK and nothing else KEPT" in said
    assert "Packs never import each other KEPT" in said
    assert "Nobody imports packs KEPT" in said
