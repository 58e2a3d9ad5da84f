"""The data folder: one process at a time."""

import fcntl
import os
from pathlib import Path

from tocsin.store.errors import FolderInUse, StoreFailed

_LOCK = "tocsin.lock"


class DataFolder:
    """A folder that this process alone uses, until it closes it or dies."""

    def __init__(self, path: Path) -> None:
        """Make the folder if need be and lock it; raises FolderInUse."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailed(
                f"The data folder {path} cannot be used: {error.strerror}.", hint="Choose one that you may write to."
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise FolderInUse(
                f"Another Tocsin (process {holder or 'unknown'}) uses the data folder {path}.",
                hint="Stop it first, or give this one a folder of its own.",
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let others have the folder."""
        os.close(self._descriptor)
