"""Write docs/reference again from the code: `make docs`. Pages of code that does not exist yet are left out."""

import argparse
from pathlib import Path

from references import GENERATORS, ROOT, write


def main() -> None:
    """Run every generator and say what it did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "reference")
    parser.add_argument("--only", choices=[generator.name for generator in GENERATORS], action="append")
    options = parser.parse_args()
    for generator in GENERATORS:
        if options.only and generator.name not in options.only:
            continue
        done = write(generator, root=ROOT, output=options.output)
        print(f"docs: {generator.name} {'written' if done else 'left out: the code is not there yet'}")


if __name__ == "__main__":
    main()
