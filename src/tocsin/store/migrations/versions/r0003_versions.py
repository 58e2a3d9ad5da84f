"""Versions of playbooks get a number, a message, a state and what was found in them; publications are remembered."""

import sqlalchemy as sa
from alembic import op

from tocsin.core.errors import Unsupported

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    # Copied out and in again, so that the table is the same as in a new database, column by column.
    op.execute("CREATE TABLE playbook_versions_before AS SELECT * FROM playbook_versions")
    op.drop_table("playbook_versions")
    op.create_table(
        "playbook_versions",
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("calls", sa.Text(), nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("rehearsal", sa.Text(), nullable=False),
        sa.Column("rehearsed", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("review", sa.Text(), nullable=False),
        sa.Column("reviewed_at", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("workspace", "digest", name=op.f("pk_playbook_versions")),
    )
    # What is not published now was once, or could have been at any time: nobody reviewed then.
    op.execute(
        "INSERT INTO playbook_versions (workspace, digest, playbook, number, text, title, state, author, author_id, message, saved_at, "
        "source, parent, calls, checks, rehearsal, rehearsed, reviewer, review, reviewed_at) "
        "SELECT v.workspace, v.digest, v.playbook, "
        "ROW_NUMBER() OVER (PARTITION BY v.workspace, v.playbook ORDER BY v.saved_at, v.digest), v.text, v.title, "
        "CASE WHEN p.digest IS NULL THEN 'superseded' ELSE 'published' END, v.author, '', '', v.saved_at, "
        "CASE WHEN v.author = 'tocsin.yaml' THEN 'file' ELSE 'api' END, NULL, '{}', "
        "'{}', '', NULL, '', '', NULL "
        "FROM playbook_versions_before v "
        "LEFT JOIN playbooks p ON p.workspace = v.workspace AND p.id = v.playbook AND p.digest = v.digest"
    )
    op.drop_table("playbook_versions_before")
    op.create_index("ix_playbook_versions_playbook", "playbook_versions", ["workspace", "playbook", "number"], unique=True)
    op.create_table(
        "playbook_publications",
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "playbook", "seq", name=op.f("pk_playbook_publications")),
    )
    op.execute(
        "INSERT INTO playbook_publications (workspace, playbook, seq, digest, kind, published_by, published_at, reason) "
        "SELECT workspace, id, 1, digest, 'publish', published_by, published_at, '' FROM playbooks"
    )


def downgrade() -> None:
    """Refuse: a newer schema is left by restoring a backup."""
    raise Unsupported("A newer schema cannot be taken back.", hint="Restore a backup of before the upgrade.")
