"""List the longest source files: a reminder that fails nothing."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORTH_A_LOOK = 500


def longest(root: Path, *, at_least: int) -> list[tuple[int, Path]]:
    """Return (lines, file) of the Python files with that many lines or more, longest first."""
    counted = [
        (len(path.read_text().splitlines()), path) for folder in ("src", "tests", "scripts") for path in (root / folder).rglob("*.py")
    ]
    return sorted((entry for entry in counted if entry[0] >= at_least), reverse=True)


def main() -> None:
    """Print the list, if there is one."""
    found = longest(ROOT, at_least=WORTH_A_LOOK)
    if found:
        print(f"reminder, files of {WORTH_A_LOOK} lines or more (cohesion first; does everything in them belong together?):")
    for lines, path in found:
        print(f"  {lines:5} {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
