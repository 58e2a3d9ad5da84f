"""Playbooks: every version that was ever saved, and which one is published."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, text

playbook_versions = sa.Table(
    "playbook_versions",
    metadata,
    text("workspace", key=True),
    text("digest", key=True),
    text("playbook"),
    text("text"),
    text("title"),
    text("author"),
    number("saved_at"),
)
sa.Index("ix_playbook_versions_playbook", playbook_versions.c.workspace, playbook_versions.c.playbook, playbook_versions.c.saved_at)

playbooks = sa.Table(
    "playbooks",
    metadata,
    text("workspace", key=True),
    text("id", key=True),
    text("digest"),  # the published version
    text("published_by"),
    number("published_at"),
    sa.Column("enabled", sa.Boolean, nullable=False),
)
