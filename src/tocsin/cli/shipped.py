"""What comes with Tocsin: playbooks and samples."""

from pathlib import Path

import tocsin
from tocsin.core.errors import Unavailable

_PACKAGE = Path(tocsin.__file__).resolve().parent
SAMPLES = _PACKAGE / "samples"


def shipped_playbooks() -> Path:
    """Return the folder of the shipped playbooks: in the installed package, else in the repository; raises Unavailable."""
    for place in (_PACKAGE / "_playbooks", _PACKAGE.parents[1] / "playbooks"):
        if place.is_dir():
            return place
    raise Unavailable("The shipped playbooks are missing.", hint="Install Tocsin again, or name playbooks with --playbooks.")
