import re
import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tocsin.core.errors import Unsupported
from tocsin.store import upgrade
from tocsin.store.errors import FolderInUse, SchemaTooNew, StoreBusy, StoreUnreadable
from tocsin.store.opening import DATABASE, open_store
from tocsin.store.tables import metadata


def schema(path):
    rows = sqlite3.connect(path).execute("select type, name, tbl_name, sql from sqlite_master where name not like 'sqlite_%'")
    return {(kind, name): re.sub(r"\s+", " ", sql or "") for kind, name, _, sql in rows if kind != "trigger" and name != "alembic_version"}


def test_the_tables_are_what_the_migrations_make(tmp_path):
    open_store(tmp_path / "migrated").close()
    created = tmp_path / "created.db"
    engine = sa.create_engine(f"sqlite:///{created}")
    metadata.create_all(engine)
    assert schema(tmp_path / "migrated" / DATABASE) == schema(created)
    with sa.create_engine(f"sqlite:///{tmp_path / 'migrated' / DATABASE}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_head_that_is_compared_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(upgrade.Path(upgrade.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [upgrade.HEAD]


def test_an_up_to_date_database_opens_without_alembic(tmp_path):
    open_store(tmp_path).close()
    code = "import sys; from tocsin.store.opening import open_store; open_store(sys.argv[1]).close(); assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(SchemaTooNew, match=r"schema 9999.*Install that version"):
        open_store(tmp_path)
    assert sqlite3.connect(tmp_path / DATABASE).execute("select version_num from alembic_version").fetchone() == ("9999",)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"not a database, but long enough to have a header" * 100)
    with pytest.raises(StoreUnreadable, match="cannot be read"):
        open_store(tmp_path)


def test_a_database_of_another_program_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / DATABASE) as database:
        database.execute("create table recipes (title)")
    with pytest.raises(StoreUnreadable, match="another program"):
        open_store(tmp_path)


def test_a_database_that_another_program_locks_is_refused(tmp_path, monkeypatch):
    open_store(tmp_path).close()
    monkeypatch.setattr("tocsin.store.dialect._PRAGMAS", ("busy_timeout = 50",))
    locker = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    locker.execute("begin exclusive")
    with pytest.raises(StoreBusy, match="Another program"):
        open_store(tmp_path)
    locker.execute("rollback")
    open_store(tmp_path).close()


def test_a_second_process_on_the_folder_is_refused_until_the_first_is_gone(tmp_path):
    code = "import sys; from tocsin.store.opening import open_store; s = open_store(sys.argv[1]); print('up', flush=True); sys.stdin.read()"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "up\n"
    with pytest.raises(FolderInUse, match=rf"process {other.pid}.*Stop it first"):
        open_store(tmp_path)
    other.kill()
    other.communicate()
    open_store(tmp_path).close()


def test_a_refused_open_does_not_keep_the_folder(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"not a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreUnreadable):
            open_store(tmp_path)


def test_an_address_may_be_a_folder_or_a_url(tmp_path):
    open_store(str(tmp_path / "a")).close()
    open_store(f"sqlite:///{tmp_path}/b/x.db").close()
    assert (tmp_path / "a" / DATABASE).exists()
    assert (tmp_path / "b" / "x.db").exists()
    with pytest.raises(Unsupported, match="cannot be used yet"):
        open_store("postgresql://u:secret@h/d")


def test_others_may_not_read_the_folder(tmp_path):
    open_store(tmp_path / "data").close()
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / DATABASE).stat().st_mode & 0o777 == 0o600


def test_commits_are_synced_to_the_disk(store):
    def pragmas(tx):
        return [tx.once._sql.row(f"pragma {name}", {})[0] for name in ("journal_mode", "synchronous", "foreign_keys")]

    assert store.units.write_now(pragmas) == ["wal", 2, 1]


def test_no_thread_can_meet_a_half_imported_orm():
    """Dispatch imports it late, in a thread of its own; a statement that is built at that moment fails."""
    look = "import sys, tocsin.store.opening as _; print('sqlalchemy.orm' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"
