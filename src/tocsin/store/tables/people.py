"""Users, their sessions and API keys, and the audit log."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, text

users = sa.Table(
    "users",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("name"),
    text("email"),
    text("roles"),  # JSON list
    text("password", null=True),  # a hash with its parameters
    number("created_at"),
    number("disabled_at", null=True),
    sa.UniqueConstraint("workspace", "email"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    text("hash", key=True),
    text("user_id"),
    number("created_at"),
    number("expires_at"),
    number("seen_at"),
)
sa.Index("ix_sessions_user", sessions.c.user_id)
sa.Index("ix_sessions_expires", sessions.c.expires_at)

api_keys = sa.Table(
    "api_keys",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("user_id"),
    text("name"),
    text("hash"),
    text("roles"),  # JSON list
    number("created_at"),
    number("expires_at", null=True),
    number("used_at", null=True),
    number("revoked_at", null=True),
)
sa.Index("ix_api_keys_user", api_keys.c.workspace, api_keys.c.user_id)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    text("workspace"),
    number("at"),
    text("actor"),
    text("action"),
    text("kind"),
    text("ref"),
    text("details"),  # JSON
    sqlite_autoincrement=True,
)
sa.Index("ix_audit_workspace", audit.c.workspace, audit.c.seq)
sa.Index("ix_audit_ref", audit.c.workspace, audit.c.ref, audit.c.seq)
