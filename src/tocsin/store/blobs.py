"""Long payloads, content-addressed: files in the data folder, named by their sha256."""

import hashlib
import os
import tempfile
from pathlib import Path

from tocsin.core.errors import NotFound
from tocsin.store.errors import StoreFailed, StoreFull

LONGEST_INLINE = 64 * 1024
_NO_SPACE = frozenset({28, 122})  # ENOSPC, EDQUOT


class Blobs:
    """Keep bytes under the digest of their content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Store durably and return the digest; storing the same again costs nothing."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if path.exists():
            return digest
        try:
            self._write(path, content)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise StoreFull("The disk of the data folder is full.", hint="Free some space; nothing was written.") from error
            raise StoreFailed(f"A blob could not be written: {error}.", hint=f"Check the folder {self._folder}.") from error
        return digest

    def get(self, digest: str) -> bytes:
        """Return the content; raises NotFound."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"The blob {digest} is missing from {self._folder}.", hint="Restore the folder from a backup.") from None

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
        # The row that refers to the blob is committed after this, so the name must be on disk first.
        for folder in (path.parent, self._folder):
            _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
