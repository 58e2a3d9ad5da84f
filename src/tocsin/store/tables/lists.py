"""Hosted lists: values that firewalls and proxies fetch to block."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, partial_index, text

list_entries = sa.Table(
    "list_entries",
    metadata,
    text("workspace", key=True),
    text("list", key=True),
    text("type", key=True),
    text("value", key=True),
    number("expires_at", null=True),
    text("reason"),
    text("added_by"),
    number("added_at"),
    text("run_id", null=True),
    sqlite_with_rowid=False,
)
partial_index("ix_list_entries_expires", list_entries.c.expires_at, where="expires_at IS NOT NULL")

lists = sa.Table(
    "lists",
    metadata,
    text("workspace", key=True),
    text("name", key=True),
    number("revision"),
    number("changed_at"),
)
