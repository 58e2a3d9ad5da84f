"""What a unit of work sees: the repositories, all on one connection, in one transaction."""

from dataclasses import dataclass

import sqlalchemy as sa

from tocsin.core.ids import RunId
from tocsin.store.blobs import Blobs
from tocsin.store.repos.alerts import Alerts
from tocsin.store.repos.asks import Asks
from tocsin.store.repos.audit import Audit
from tocsin.store.repos.cases import Cases
from tocsin.store.repos.keys import Keys
from tocsin.store.repos.lists import Lists
from tocsin.store.repos.observables import Observables
from tocsin.store.repos.once import Once
from tocsin.store.repos.outbox import Outbox
from tocsin.store.repos.people import Users
from tocsin.store.repos.playbooks import Playbooks
from tocsin.store.repos.runs import Runs
from tocsin.store.repos.schedules import Schedules
from tocsin.store.repos.sources import Sources
from tocsin.store.repos.waits import Waits
from tocsin.store.sql import Sql


@dataclass(frozen=True, slots=True)
class Tx:
    """The repositories of one transaction. Don't keep it, or anything lazy from it, past the unit of work."""

    alerts: Alerts
    asks: Asks
    audit: Audit
    cases: Cases
    keys: Keys
    lists: Lists
    observables: Observables
    once: Once
    outbox: Outbox
    playbooks: Playbooks
    runs: Runs
    schedules: Schedules
    sources: Sources
    users: Users
    waits: Waits
    woken: list[RunId]  # runs to look at once this is committed; the repositories fill it


def open_tx(connection: sa.Connection, *, blobs: Blobs) -> Tx:
    """Bind the repositories to a connection."""
    sql = Sql(connection)
    woken: list[RunId] = []
    observables = Observables(sql)
    return Tx(
        alerts=Alerts(sql, blobs=blobs, observables=observables),
        asks=Asks(sql),
        audit=Audit(sql),
        cases=Cases(sql),
        keys=Keys(sql),
        lists=Lists(sql),
        observables=observables,
        once=Once(sql),
        outbox=Outbox(sql),
        playbooks=Playbooks(sql),
        runs=Runs(sql, blobs=blobs, woken=woken),
        schedules=Schedules(sql),
        sources=Sources(sql),
        users=Users(sql),
        waits=Waits(sql),
        woken=woken,
    )
