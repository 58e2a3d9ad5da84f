"""Asks and what people answered."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, partial_index, text

asks = sa.Table(
    "asks",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("run_id"),
    text("path"),
    text("about"),
    text("title"),
    text("message"),
    text("recipients"),  # JSON list
    text("via"),  # JSON list
    text("options"),  # JSON list
    text("form"),  # JSON object
    number("quorum"),
    number("deadline", null=True),
    text("on_deadline", null=True),
    text("binding"),
    text("status"),
    number("opened_at"),
    text("answer", null=True),
    text("answered_by", null=True),
    number("answered_at", null=True),
)
sa.Index("ix_asks_queue", asks.c.workspace, asks.c.id)
sa.Index("ix_asks_run", asks.c.run_id)
partial_index("ix_asks_open", asks.c.workspace, asks.c.id, where="status = 'open'")

ask_answers = sa.Table(
    "ask_answers",
    metadata,
    text("ask_id", key=True),
    text("user_id", key=True),
    text("answer"),
    text("form"),  # JSON object
    text("reason"),
    text("channel"),
    number("at"),
    sqlite_with_rowid=False,
)

# A row of its own, because SQLite adds a column to a table in a way that no new table has.
ask_closings = sa.Table(
    "ask_closings",
    metadata,
    text("ask_id", key=True),
    text("reason"),
    number("at"),
    sqlite_with_rowid=False,
)
