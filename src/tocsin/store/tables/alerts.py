"""Alerts and the observables that were seen in them."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, partial_index, text

alerts = sa.Table(
    "alerts",
    metadata,
    text("id", key=True),
    text("workspace"),
    text("source"),
    text("fingerprint"),
    text("title"),
    number("severity"),  # OCSF severity_id
    text("category"),
    text("product"),
    text("status"),
    text("verdict"),
    text("reason"),
    text("case_id", null=True),
    number("hits"),
    number("time"),
    number("first_seen"),
    number("last_seen"),
    number("received_at"),
    number("closed_at", null=True),
    text("problem"),
    text("body"),  # JSON: description, context, observables, identity
    text("raw", null=True),  # JSON
    text("raw_blob", null=True),  # the digest, when raw is long
)
# Findings fold into the alert that is still open; a resolved one is history and gets a successor.
partial_index("ux_alerts_open", alerts.c.workspace, alerts.c.source, alerts.c.fingerprint, where="status <> 'resolved'", unique=True)
sa.Index("ix_alerts_queue", alerts.c.workspace, alerts.c.id)
sa.Index("ix_alerts_status", alerts.c.workspace, alerts.c.status, alerts.c.id)
sa.Index("ix_alerts_source", alerts.c.workspace, alerts.c.source, alerts.c.id)
# One for each order a queue can have, with and without a status; a page over a million alerts is read off one of them.
sa.Index("ix_alerts_status_severity", alerts.c.workspace, alerts.c.status, alerts.c.severity, alerts.c.id)
sa.Index("ix_alerts_status_seen", alerts.c.workspace, alerts.c.status, alerts.c.last_seen, alerts.c.id)
sa.Index("ix_alerts_severity", alerts.c.workspace, alerts.c.severity, alerts.c.id)
sa.Index("ix_alerts_seen", alerts.c.workspace, alerts.c.last_seen, alerts.c.id)
partial_index("ix_alerts_case", alerts.c.case_id, where="case_id IS NOT NULL")

observables = sa.Table(
    "observables",
    metadata,
    text("workspace", key=True),
    text("type", key=True),
    text("value", key=True),
    number("first_seen"),
    number("last_seen"),
    number("hits"),
    text("verdict"),
    text("verdict_source"),
    text("verdict_reason"),
    number("verdict_at", null=True),
    sqlite_with_rowid=False,
)

sightings = sa.Table(
    "alert_observables",
    metadata,
    text("alert_id", key=True),
    text("type", key=True),
    text("value", key=True),
    text("workspace"),
    sqlite_with_rowid=False,
)
sa.Index("ix_alert_observables_value", sightings.c.workspace, sightings.c.type, sightings.c.value, sightings.c.alert_id)

judgements = sa.Table(
    "observable_judgements",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    text("workspace"),
    text("type"),
    text("value"),
    text("verdict"),
    text("source"),
    text("reason"),
    number("at"),
)
sa.Index("ix_observable_judgements_value", judgements.c.workspace, judgements.c.type, judgements.c.value, judgements.c.seq)
