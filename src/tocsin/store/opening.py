"""Open the store of a data folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from tocsin.core.errors import Unsupported
from tocsin.store import dialect
from tocsin.store.blobs import Blobs
from tocsin.store.folder import DataFolder
from tocsin.store.units import Units
from tocsin.store.upgrade import upgrade

DATABASE = "tocsin.db"


@dataclass(frozen=True, slots=True)
class Store:
    """An open store; close it, or use it in a `with`."""

    units: Units
    blobs: Blobs
    folder: DataFolder

    def close(self) -> None:
        """Commit what waits, and let others have the data folder."""
        self.units.close()
        self.folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(address: str | Path) -> Store:
    """Open a data folder, or `sqlite:///FOLDER/FILE.db`, making what is missing.

    Raises FolderInUse, SchemaTooNew, StoreUnreadable, StoreBusy, StoreFailed, Unsupported.
    """
    path = _database(address)
    folder = DataFolder(path.parent)
    try:
        return _open(path, folder)
    except BaseException:
        folder.close()
        raise


def _open(path: Path, folder: DataFolder) -> Store:
    writer = dialect.sqlite_engine(path, writes=True)
    # What is in it is nobody else's to read; SQLite gives its -wal and -shm the same rights.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    try:
        with writer.begin() as connection:
            upgrade(connection)
        blobs = Blobs(path.parent / "blobs")
        units = Units(writer, dialect.sqlite_engine(path, writes=False), blobs=blobs)
    except sa.exc.DBAPIError as error:
        raise dialect.translate(error) or error from error
    return Store(units, blobs, folder)


def _database(address: str | Path) -> Path:
    if isinstance(address, Path) or "://" not in address:
        return Path(address) / DATABASE
    url = sa.make_url(address)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise Unsupported(f"The database {url.render_as_string()} cannot be used yet.", hint="Give a folder, or sqlite:///FOLDER/FILE.db.")
    return Path(url.database)
