"""Write the reference page of every diagnostic code from the data in `tocsin.playbook.codes` and `tocsin.rehearsal.codes`.

Run: python scripts/generate_diagnostics.py [--check]. With --check nothing is written, and the exit code is 1 if a page is stale.
"""

import argparse
import sys
from pathlib import Path

from tocsin.playbook.codes.pages import pages
from tocsin.rehearsal import codes as rehearsal

FOLDER = Path(__file__).parents[1] / "docs" / "reference" / "diagnostics"


def main(arguments: list[str]) -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is stale")
    is_check = parser.parse_args(arguments).check
    wanted = pages(rehearsal.ALL)
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")} if FOLDER.exists() else {}
    stale = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if is_check:
        print("\n".join(f"stale: {FOLDER / name}" for name in stale) or "fresh")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    print(f"{len(stale)} pages written or removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
