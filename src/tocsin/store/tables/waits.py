"""What starts or wakes runs from outside: the events that they wait for, and schedules."""

import sqlalchemy as sa

from tocsin.store.tables.schema import metadata, number, partial_index, text

event_waits = sa.Table(
    "event_waits",
    metadata,
    text("run_id", key=True),
    text("path", key=True),
    text("workspace"),
    text("kind"),
    text("hook"),
    text("filter", null=True),
    text("names"),  # JSON object: what the filter reads besides the event
    text("shape"),  # digest of filter and names: what accepts one wait of a shape accepts all
    number("due", null=True),  # from then on nothing is accepted
    sqlite_with_rowid=False,
)

# The values of which an event must have one for the filter to hold (`wait_keys`), so that few of many filters are asked.
event_wait_keys = sa.Table(
    "event_wait_keys",
    metadata,
    text("workspace", key=True),
    text("kind", key=True),
    text("hook", key=True),
    text("field", key=True),  # empty: any event may do, and `value` is the wait's shape
    text("value", key=True),
    text("run_id", key=True),
    text("path", key=True),
    sqlite_with_rowid=False,
)
sa.Index("ix_event_wait_keys_run", event_wait_keys.c.run_id, event_wait_keys.c.path)

schedules = sa.Table(
    "schedules",
    metadata,
    text("workspace", key=True),
    text("playbook", key=True),
    text("cron", key=True),
    number("next_at", null=True),  # null: not now, the playbook is disabled or has another schedule
    number("last_at", null=True),
)
partial_index("ix_schedules_next", schedules.c.next_at, where="next_at IS NOT NULL")
