"""What can go wrong with the store itself, each with what to do next."""

from tocsin.core.errors import Conflict, Transient, Unavailable


class StoreFull(Transient):
    """The disk has no room; nothing of the unit was written."""

    code = "store-full"


class StoreBusy(Transient):
    """Another program holds the database's lock."""

    code = "store-busy"


class StoreFailed(Transient):
    """The disk or the database server refused; nothing of the unit was written."""

    code = "store-failed"


class StoreClosed(Transient):
    """The process is stopping and takes no more work."""

    code = "store-closed"


class StoreUnreadable(Unavailable):
    """What lies at the address is not a database of Tocsin's, or it is damaged."""

    code = "store-unreadable"


class SchemaTooNew(Unavailable):
    """A newer Tocsin has written this database."""

    code = "schema-too-new"


class FolderInUse(Unavailable):
    """Another Tocsin process uses the data folder."""

    code = "folder-in-use"


class AlreadyExists(Conflict):
    """A row that must be unique is there already, or the one it points to is not."""

    code = "already-exists"
