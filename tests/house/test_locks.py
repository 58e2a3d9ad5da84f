"""The requirement locks: complete, hashed, and without the address of any index."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("bootstrap", "runtime", "dev")


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def entries(name: str) -> list[str]:
    """Return the lock's requirements, each with its hashes on one line."""
    joined = lock(name).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]


def locked(name: str) -> dict[str, Requirement]:
    requirements = [Requirement(entry.split("--hash")[0].strip()) for entry in entries(name)]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def group(name: str) -> list[str]:
    wanted: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        wanted += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return wanted


WANTED = {
    "bootstrap": group("bootstrap"),
    "runtime": PROJECT["project"]["dependencies"],
    "dev": [*PROJECT["project"]["dependencies"], *group("dev"), *PROJECT["build-system"]["requires"]],
}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_every_dependency_of_the_project(name: str) -> None:
    held = locked(name)
    missing = []
    for text in WANTED[name]:
        wanted = Requirement(text)
        pin = held.get(canonicalize_name(wanted.name))
        if pin is None or not wanted.specifier.contains(next(iter(pin.specifier)).version, prereleases=True):
            missing.append(text)
    assert missing == [], "the lock is stale: run `make lock`"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_one_version_and_its_hashes(name: str) -> None:
    loose = [
        entry
        for entry in entries(name)
        if not re.fullmatch(r"[\w.\-\[\],]+==[^\s;]+\s*(;[^\\]*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry)
    ]
    assert loose == []


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_no_index(name: str) -> None:
    assert "://" not in lock(name)
    assert "index-url" not in lock(name)
    assert "find-links" not in lock(name)


def test_dev_lock_has_the_versions_that_users_get() -> None:
    development = locked("dev")
    differing = [
        name for name, pin in (locked("runtime") | locked("bootstrap")).items() if str(development[name].specifier) != str(pin.specifier)
    ]
    assert differing == []


def imported() -> dict[str, str]:
    """Return the top-level modules that the package imports from elsewhere, each with a file that does."""
    found: dict[str, str] = {}
    for path in (ROOT / "src" / "tocsin").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and node.level == 0 else []
            found |= {name.split(".")[0]: path.relative_to(ROOT).as_posix() for name in names}
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names and name != "tocsin"}


def test_every_import_comes_from_a_declared_dependency() -> None:
    provided_by = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    undeclared = {
        name: file
        for name, file in imported().items()
        if not declared & {canonicalize_name(distribution) for distribution in provided_by.get(name, [])}
    }
    assert undeclared == {}, "a package that another one happens to bring may go away: declare it in pyproject.toml"
