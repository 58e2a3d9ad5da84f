"""Bring a database to the schema that this version knows."""

from pathlib import Path

import sqlalchemy as sa

from tocsin.store import dialect
from tocsin.store.errors import SchemaTooNew, StoreUnreadable

HEAD = "0003"
_VERSIONS = "alembic_version"


def upgrade(connection: sa.Connection) -> None:
    """Create or migrate the tables in the connection's transaction; raises SchemaTooNew, StoreUnreadable."""
    revision = current_revision(connection)
    if revision == HEAD:
        return
    # Alembic takes half a second to import, and a database is up to date at all starts but one.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaTooNew(
            f"A newer Tocsin has written this database (schema {revision}, this one knows up to {HEAD}).",
            hint="Install that version again, or restore a backup of before the upgrade.",
        )
    command.upgrade(config, "head")


def current_revision(connection: sa.Connection) -> str | None:
    """Return the schema's revision, or None when the database is empty; raises StoreUnreadable when it is somebody else's."""
    tables = dialect.table_names(connection)
    if _VERSIONS not in tables:
        if tables:
            raise StoreUnreadable("The database holds tables of another program.", hint="Choose another data folder.")
        return None
    row = connection.exec_driver_sql(f"SELECT version_num FROM {_VERSIONS}").first()  # noqa: S608 - a constant
    return None if row is None else str(row.version_num)
