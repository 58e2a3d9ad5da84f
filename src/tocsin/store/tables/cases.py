"""Cases, their timeline and their observables."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, text

cases = sa.Table(
    "cases",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("title"),
    number("severity"),
    text("status"),
    text("tlp"),
    text("owner"),
    text("verdict"),
    text("reason"),
    number("opened_at"),
    number("closed_at", null=True),
    text("tags"),  # JSON list
)
sa.Index("ix_cases_status", cases.c.workspace, cases.c.status, cases.c.id)
sa.Index("ix_cases_queue", cases.c.workspace, cases.c.id)

entries = sa.Table(
    "case_entries",
    metadata,
    text("case_id", key=True),
    number("seq", key=True),
    text("kind"),
    number("at"),
    text("author"),
    text("text"),
    text("ref"),
    text("details"),  # JSON
    sqlite_with_rowid=False,
)

case_observables = sa.Table(
    "case_observables",
    metadata,
    text("case_id", key=True),
    text("type", key=True),
    text("value", key=True),
    text("workspace"),
    sqlite_with_rowid=False,
)
sa.Index(
    "ix_case_observables_value",
    case_observables.c.workspace,
    case_observables.c.type,
    case_observables.c.value,
    case_observables.c.case_id,
)
