"""Write docs/reference from the code: one module a generator, all of them listed in GENERATORS."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from references import commands, errors, openapi, packs, settings

ROOT = Path(__file__).resolve().parents[2]
Pages: TypeAlias = dict[str, str]  # path under docs/reference -> text


@dataclass(frozen=True, slots=True)
class Generator:
    """Make some pages; `pages` returns None while the code that they describe does not exist yet."""

    name: str
    pages: Callable[[Path], Pages | None]
    owns: str  # a glob under docs/reference: what is there and was not made again is stale


GENERATORS = (
    Generator("errors", errors.pages, "errors/*.md"),
    Generator("packs", packs.pages, "packs.md"),
    Generator("settings", settings.pages, "settings.md"),
    Generator("commands", commands.pages, "commands.md"),
    Generator("openapi", openapi.pages, "openapi.json"),
)


def write(generator: Generator, *, root: Path, output: Path) -> bool:
    """Write the generator's pages and remove those that it no longer makes; False if there is nothing to describe yet."""
    pages = generator.pages(root)
    if pages is None:
        return False
    for stale in output.glob(generator.owns):
        if stale.relative_to(output).as_posix() not in pages:
            stale.unlink()
    for name, text in pages.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return True


def differences(generator: Generator, *, root: Path, published: Path) -> list[str]:
    """Return a line for each page that is missing, stale or no longer made."""
    pages = generator.pages(root) or {}
    there = {path.relative_to(published).as_posix(): path.read_text(encoding="utf-8") for path in published.glob(generator.owns)}
    missing = [f"{name} is missing" for name in pages if name not in there]
    stale = [f"{name} is stale" for name, text in pages.items() if name in there and there[name] != text]
    extra = [f"{name} describes something that is gone" for name in there if name not in pages]
    return sorted(missing + stale + extra)
