"""What must leave or come in exactly once: the outbox, the cursors of sources, idempotency keys."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, partial_index, text

outbox = sa.Table(
    "outbox",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("kind"),
    text("ref"),
    text("recipient"),
    text("body"),  # JSON
    number("created_at"),
    number("attempts"),
    number("next_at", null=True),  # null: sent or given up
    number("sent_at", null=True),
    number("failed_at", null=True),
    text("reason"),
)
partial_index("ix_outbox_due", outbox.c.next_at, where="next_at IS NOT NULL")
sa.Index("ix_outbox_ref", outbox.c.workspace, outbox.c.ref)

source_cursors = sa.Table(
    "source_cursors",
    metadata,
    text("workspace", key=True),
    text("source", key=True),
    text("cursor"),  # JSON
    number("updated_at"),
    text("problem"),
)

once = sa.Table(
    "once",
    metadata,
    text("workspace", key=True),
    text("key", key=True),
    text("result"),  # JSON
    number("at"),
)
sa.Index("ix_once_at", once.c.at)
