"""Runs: a row that says where each stands, its events, and what came for it from outside."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, partial_index, text

runs = sa.Table(
    "runs",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("playbook"),
    text("digest"),
    text("status"),
    text("trigger_kind"),
    text("started_by"),
    text("alert_id", null=True),
    text("case_id", null=True),
    text("parent_id", null=True),
    text("parent_path", null=True),
    number("depth"),
    number("started_at"),
    number("ended_at", null=True),
    number("wake_at", null=True),  # only while nobody holds it
    text("lease_owner", null=True),
    number("lease_epoch"),
    number("lease_until", null=True),
    number("next_seq"),
    number("actions"),
    number("asks"),
    text("reason"),
    text("outputs", null=True),  # JSON
)
sa.Index("ix_runs_queue", runs.c.workspace, runs.c.id)
sa.Index("ix_runs_playbook", runs.c.workspace, runs.c.playbook, runs.c.id)
partial_index("ix_runs_alert", runs.c.alert_id, where="alert_id IS NOT NULL")
partial_index("ix_runs_case", runs.c.case_id, where="case_id IS NOT NULL")
partial_index("ix_runs_parent", runs.c.parent_id, where="parent_id IS NOT NULL")
partial_index("ix_runs_wake", runs.c.wake_at, where="wake_at IS NOT NULL")
partial_index("ix_runs_lease", runs.c.lease_until, where="lease_until IS NOT NULL")
partial_index("ix_runs_open", runs.c.workspace, runs.c.status, runs.c.id, where="status IN ('running', 'waiting', 'paused', 'failed')")

run_events = sa.Table(
    "run_events",
    metadata,
    text("run_id", key=True),
    number("seq", key=True),
    text("type"),
    text("body", null=True),  # JSON
    text("blob", null=True),  # the digest, when the body is long
    number("at"),
    sqlite_with_rowid=False,
)

run_signals = sa.Table(
    "run_signals",
    metadata,
    # Never a number again that a worker may still have in hand.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    text("run_id"),
    text("type"),
    text("body"),  # JSON
    number("at"),
    sqlite_autoincrement=True,
)
sa.Index("ix_run_signals_run", run_signals.c.run_id, run_signals.c.id)
