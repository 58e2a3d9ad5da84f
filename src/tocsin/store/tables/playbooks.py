"""Playbooks: every version that was ever saved, which one is published, and when each was."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, text

playbook_versions = sa.Table(
    "playbook_versions",
    metadata,
    text("workspace", key=True),
    text("digest", key=True),
    text("playbook"),
    number("number"),  # 1, 2, 3 ... of one playbook
    text("text"),
    text("title"),
    text("state"),
    text("author"),
    text("author_id"),
    text("message"),
    number("saved_at"),
    text("source"),  # where the text comes from: api, file, folder:PLACE, git:PLACE
    text("parent", null=True),  # the version that was published when this one was saved
    text("calls"),  # JSON: the id of each playbook that it calls -> the digest it is pinned to
    text("checks"),  # JSON
    text("rehearsal"),  # the text of its rehearsals; empty when there are none
    text("rehearsed", null=True),  # JSON: how they went
    text("reviewer"),
    text("review"),  # what the reviewer said
    number("reviewed_at", null=True),
)
sa.Index(
    "ix_playbook_versions_playbook", playbook_versions.c.workspace, playbook_versions.c.playbook, playbook_versions.c.number, unique=True
)

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

playbook_publications = sa.Table(
    "playbook_publications",
    metadata,
    text("workspace", key=True),
    text("playbook", key=True),
    number("seq", key=True),  # 1, 2, 3 ... of one playbook
    text("digest"),
    text("kind"),  # publish, rollback, override
    text("published_by"),
    number("published_at"),
    text("reason"),
)
