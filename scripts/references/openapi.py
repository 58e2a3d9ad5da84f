"""The OpenAPI description, as `tocsin openapi` prints it."""

import json
import subprocess
import sys
from pathlib import Path

from references import commands


def pages(root: Path) -> dict[str, str] | None:
    """Make the file; None while there is no such command."""
    listed = commands.pages(root)
    if listed is None or "\n### tocsin openapi\n" not in listed["commands.md"]:
        return None
    program = [sys.executable, "-c", "from tocsin.cli import main; main()", "openapi"]
    ran = subprocess.run(program, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if ran.returncode != 0:
        raise SystemExit(f"tocsin openapi failed:\n{ran.stderr}")
    return {"openapi.json": json.dumps(json.loads(ran.stdout), indent=1, sort_keys=True, ensure_ascii=False) + "\n"}
