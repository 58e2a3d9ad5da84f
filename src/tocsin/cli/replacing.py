"""Write a file as a whole or not at all, so that a full disk or Ctrl-C never costs what was in it."""

import os
import tempfile
from pathlib import Path
from typing import Final

from tocsin.core.errors import Invalid

_NEW: Final = 0o666  # less what the umask takes


def replace(file: Path, text: bytes) -> None:
    """Replace a file, or make it; a link stays a link. Raises Invalid, and then the file is as it was."""
    target = file.resolve()
    part: str | None = None
    try:
        if target.exists() and not target.is_file():  # a pipe or a device has nothing to lose
            target.write_bytes(text)
            return
        mode = target.stat().st_mode & 0o7777 if target.exists() else _NEW & ~_umask()
        handle, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(part, mode)
        os.replace(part, target)
        part = None
    except OSError as error:
        raise Invalid(f"'{file}' cannot be written: {error.strerror}.", hint="It was left as it is.") from None
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
