"""Everything that differs between the databases. Today: SQLite."""

import errno
import sqlite3
from pathlib import Path

import sqlalchemy as sa

# Never called here. DBOS imports it in a thread of its own, and a statement built meanwhile finds it half imported and fails.
import sqlalchemy.orm
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from tocsin.core.errors import TocsinError
from tocsin.store.errors import AlreadyExists, StoreBusy, StoreFailed, StoreFull, StoreUnreadable

_PRAGMAS = (
    "busy_timeout = 10000",
    "journal_mode = wal",
    "synchronous = full",  # an acknowledged write survives the loss of power
    "foreign_keys = on",
    "temp_store = memory",
    "cache_size = -16384",
    "journal_size_limit = 67108864",
)


def sqlite_engine(path: Path, *, writes: bool) -> sa.Engine:
    """Make an engine whose transactions either take the write lock at once or can only read."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False})

    def connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver's own guesses at BEGIN are off
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")
        if not writes:
            connection.execute("pragma query_only = on")

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
    return engine


def table_names(connection: sa.Connection) -> frozenset[str]:
    """Return the names of the tables that exist."""
    rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return frozenset(str(row.name) for row in rows)


def append_only(table: str) -> tuple[str, ...]:
    """Return the statements that forbid changing or deleting a table's rows."""
    return tuple(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    )


def checkpoint(connection: sa.Connection) -> None:
    """Fold the write-ahead log into the database file."""
    connection.exec_driver_sql("pragma wal_checkpoint(truncate)")


def translate(error: BaseException) -> TocsinError | None:
    """Return the error that callers understand, or None when this one is not the database's fault."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
        return _full()
    if not isinstance(cause, sqlite3.Error):
        return None
    name = getattr(cause, "sqlite_errorname", None) or ""
    text = str(cause)
    if name.startswith("SQLITE_FULL"):
        return _full()
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy("Another program holds the database's lock.", hint="Close other programs that have the file open.")
    if name.startswith("SQLITE_CONSTRAINT_TRIGGER"):
        return None
    if name.startswith("SQLITE_CONSTRAINT"):
        return AlreadyExists(f"That is there already ({text}).", hint="Read it again and decide.")
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreUnreadable(f"The database cannot be read ({text}).", hint="Restore it from a backup, or choose another data folder.")
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return StoreFailed(f"The database file could not be used ({text}).", hint="Check the disk and the rights on the data folder.")
    return None


def is_storage_trouble(error: TocsinError) -> bool:
    """Tell whether the disk refused, so that trying the units one by one is of no use."""
    return isinstance(error, StoreFull | StoreFailed | StoreBusy | StoreUnreadable)


def _full() -> StoreFull:
    return StoreFull("The disk of the data folder is full.", hint="Free some space; nothing was written.", retry_after=5.0)
