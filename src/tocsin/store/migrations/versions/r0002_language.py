"""What the whole language needs: waits for events, schedules, asks that are closed, runs that are paused."""

import sqlalchemy as sa
from alembic import op

from tocsin.core.errors import Unsupported

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "event_waits",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=True),
        sa.Column("names", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("due", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("run_id", "path", name=op.f("pk_event_waits")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event_wait_keys",
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "kind", "hook", "field", "value", "run_id", "path", name=op.f("pk_event_wait_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_event_wait_keys_run", "event_wait_keys", ["run_id", "path"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("last_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("workspace", "playbook", "cron", name=op.f("pk_schedules")),
    )
    op.create_index(
        "ix_schedules_next",
        "schedules",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_table(
        "ask_closings",
        sa.Column("ask_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("ask_id", name=op.f("pk_ask_closings")),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_runs_open", "runs")
    op.create_index(
        "ix_runs_open",
        "runs",
        ["workspace", "status", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('running', 'waiting', 'paused', 'failed')"),
        postgresql_where=sa.text("status IN ('running', 'waiting', 'paused', 'failed')"),
    )


def downgrade() -> None:
    """Refuse: a newer schema is left by restoring a backup."""
    raise Unsupported("A newer schema cannot be taken back.", hint="Restore a backup of before the upgrade.")
