"""The OpenAPI description, as `tocsin openapi` prints it."""

import json
import subprocess
import sys
from pathlib import Path

from references import commands


def pages(root: Path) -> dict[str, str] | None:
    """Make the file; None while there is no such command."""
    tree = commands.command_tree(root)
    if tree is None or ("tocsin", "openapi") not in {words for words, _ in commands.walk(tree, ("tocsin",))}:
        return None
    program = [sys.executable, "-c", "from tocsin.cli import main; main()", "openapi"]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"tocsin openapi failed:\n{ran.stderr}")
    return {"openapi.json": json.dumps(json.loads(ran.stdout), indent=1, sort_keys=True, ensure_ascii=False) + "\n"}
