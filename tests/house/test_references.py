"""docs/reference says what the code says."""

from pathlib import Path

import pytest

from references import GENERATORS, ROOT, Generator, differences, write
from references.errors import BASE, error_classes
from references.settings import undescribed

PUBLISHED = ROOT / "docs" / "reference"


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
def test_reference_is_fresh(generator: Generator) -> None:
    if generator.pages(ROOT) is None:
        pytest.skip(f"the code that the {generator.name} pages describe does not exist yet")
    assert differences(generator, root=ROOT, published=PUBLISHED) == [], "run `make docs`"


def test_stale_missing_and_left_over_pages_are_seen(tmp_path: Path) -> None:
    errors = GENERATORS[0]
    write(errors, root=ROOT, output=tmp_path)
    assert differences(errors, root=ROOT, published=tmp_path) == []

    (tmp_path / "errors" / "invalid.md").write_text("something else")
    (tmp_path / "errors" / "conflict.md").unlink()
    (tmp_path / "errors" / "long-gone.md").write_text("")

    assert differences(errors, root=ROOT, published=tmp_path) == [
        "errors/conflict.md is missing",
        "errors/invalid.md is stale",
        "errors/long-gone.md describes something that is gone",
    ]


def test_every_error_has_a_page_a_code_and_a_sentence() -> None:
    tree = error_classes(ROOT)
    assert {"Invalid", "RateLimited", "JournalCorrupt"} <= {error.name for error in tree}
    without = [f"{error.module}.{error.name}" for error in tree if not (error.code and error.kind and error.summary)]
    assert without == []
    pageless = [error.code for error in tree if error.name != BASE and not (PUBLISHED / "errors" / f"{error.code}.md").exists()]
    assert pageless == [], "run `make docs`"


def test_error_tree_drawn_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawing = (ROOT / "src" / "tocsin" / "core" / "errors.py").read_text(encoding="utf-8").split('"""')[1]
    undrawn = [
        error.name for error in error_classes(ROOT) if error.module == "tocsin.core.errors" and f" {error.name}" not in f" {drawing}"
    ]
    assert [name for name in undrawn if name != BASE] == []


def test_every_setting_says_what_it_is_for() -> None:
    assert undescribed(ROOT) == []
