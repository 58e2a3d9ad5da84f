"""The documents keep together: links resolve, targets exist, decisions are complete, no registry is named."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
# Written so that this file does not name what it forbids.
REGISTRIES = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.](org|com)|yarnpkg[.]com|deb(ian)?[.]debian[.]org|snapshot[.]debian[.]org|nodesource[.]com"
)
ADR_SECTIONS = ["## Context", "## Decision", "## Consequences", "## Alternatives", "## Held by"]


@cache
def own_files() -> tuple[Path, ...]:
    """Return what is committed or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: what belongs to the project is not known")
    return tuple(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())


def markdown() -> list[Path]:
    return [path for path in own_files() if path.suffix == ".md"]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def test_links_between_documents_resolve() -> None:
    dangling = []
    for path in markdown():
        for found in LINK.finditer(re.sub(r"`[^`\n]*`", "", prose(path))):
            target = found["target"].split("#")[0]
            if target and "://" not in target and not target.startswith(("mailto:", "/")) and not (path.parent / target).exists():
                dangling.append(f"{path.relative_to(ROOT)} -> {target}")
    assert dangling == []


def test_make_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in markdown()
        for name in re.findall(r"(?:`|^|\$ )make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert [f"{document}: make {name}" for document, name in sorted(named) if name not in targets] == []


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    promised = {"setup", "demo", "test", "check", "fuzz", "range", "lock", "docs", "bench", "format", "clean", "wheel"}
    assert promised <= set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))


def test_no_file_names_a_package_registry() -> None:
    naming = []
    for path in own_files():
        content = path.read_bytes()
        if b"\0" not in content[:4096] and REGISTRIES.search(content.decode("utf-8", "replace")):
            naming.append(str(path.relative_to(ROOT)))
    assert naming == []


def test_every_decision_is_complete_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    wrong = []
    for path in sorted(folder.glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        headings = [line.strip() for line in text.splitlines() if line.startswith("## ")]
        wrong += [f"{path.name} has no '{section}'" for section in ADR_SECTIONS if section not in headings]
        wrong += [f"{path.name} is not in the index"] if path.name not in index else []
        wrong += [
            f"{path.name} names {test}, which is not there"
            for test in re.findall(r"`(tests/[\w/]+\.py)", text)
            if not (ROOT / test).exists()
        ]
    assert wrong == []


def test_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert all(f"\n   {number}. " in text for number in range(1, 10))


def test_changelog_tells_of_the_version() -> None:
    version = re.search(r'__version__ = "([^"]+)"', (ROOT / "src" / "tocsin" / "__init__.py").read_text(encoding="utf-8"))
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
