"""Tocsin's own objects as actions see them: each writing verb is done once per key, whatever happens in between."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from tocsin.connectors.extract import extract
from tocsin.connectors.warning import WarningLists
from tocsin.core.cases import Case, CaseStatus, Entry, EntryKind
from tocsin.core.errors import Invalid, NotFound
from tocsin.core.ids import AlertId, CaseId, Ids, RunId, WorkspaceId
from tocsin.core.observables import Observable
from tocsin.core.severity import Severity
from tocsin.core.tlp import Tlp
from tocsin.core.values import JsonObject, iso
from tocsin.core.verdicts import Judgement, Verdict
from tocsin.engine.ports import Clock
from tocsin.services.case_news import CaseNews
from tocsin.store.repos.lists import ListEntry
from tocsin.store.tx import Tx
from tocsin.store.units import Units

E = TypeVar("E", bound=StrEnum)
BY = "tocsin"  # who wrote it, when a run did


class StorePlatform:
    """Implements `connectors.sdk.Platform` on the store, for one run."""

    def __init__(
        self, units: Units, *, clock: Clock, ids: Ids, warnings: WarningLists, news: CaseNews, workspace: WorkspaceId, run: RunId
    ) -> None:
        self._units, self._clock, self._ids, self._news = units, clock, ids, news
        self._warnings, self._workspace, self._run = warnings, workspace, run

    async def _once(self, key: str, work: Callable[[Tx], JsonObject]) -> JsonObject:
        def unit(tx: Tx) -> JsonObject:
            before = tx.once.get(key, workspace=self._workspace)
            if before is not None and isinstance(before[0], dict):
                return before[0]
            result = work(tx)
            tx.once.put(key, result, workspace=self._workspace, at=self._clock())
            return result

        return await self._units.write(unit)

    async def open_case(self, fields: JsonObject, *, key: str) -> JsonObject:
        """Open a case; return it."""
        now = self._clock()
        case = Case(
            id=CaseId(self._ids("cas")),
            workspace=self._workspace,
            title=_text(fields, "title") or "Untitled case",
            severity=_member(Severity, fields, "severity", Severity.MEDIUM),
            status=CaseStatus.OPEN,
            tlp=_member(Tlp, fields, "tlp", Tlp.AMBER),
            owner=_text(fields, "owner"),
            verdict=_member(Verdict, fields, "verdict", Verdict.UNKNOWN),
            reason="",
            opened_at=now,
            tags=tuple(_texts(fields.get("tags"))),
        )
        alert, run, text = _text(fields, "alert"), self._run, _text(fields, "description")

        def work(tx: Tx) -> JsonObject:
            tx.cases.add(case)
            tx.cases.tell(case.id, [Entry(EntryKind.OPENED, now, BY, text or case.title, run)], workspace=self._workspace)
            if run:
                tx.runs.set_case(run, case.id, workspace=self._workspace)
            if alert:
                self._link(tx, case.id, AlertId(alert))
            self._news.tell(tx, None, case, by=BY, now=now, run=run or None)
            return case.as_json()

        return await self._once(key, work)

    def _link(self, tx: Tx, case: CaseId, alert: AlertId) -> None:
        found = tx.alerts.get(alert, workspace=self._workspace)
        tx.alerts.set_case(alert, case, workspace=self._workspace)
        entry = Entry(EntryKind.ALERT, self._clock(), BY, found.finding.title, alert)
        tx.cases.tell(case, [entry], workspace=self._workspace)

    async def note_case(self, case: str, text: str, *, key: str) -> JsonObject:
        """Add a note to a case's timeline."""

        def work(tx: Tx) -> JsonObject:
            tx.cases.tell(CaseId(case), [Entry(EntryKind.NOTE, self._clock(), BY, text)], workspace=self._workspace)
            return {"case": case}

        return await self._once(key, work)

    async def close_case(self, case: str, verdict: str, reason: str, *, key: str) -> JsonObject:
        """Close a case."""
        belief = _verdict(verdict)

        def work(tx: Tx) -> JsonObject:
            now = self._clock()
            before = tx.cases.get(CaseId(case), workspace=self._workspace)
            after = replace(before, status=CaseStatus.CLOSED, verdict=belief, reason=reason, closed_at=now)
            tx.cases.save(after)
            tx.cases.tell(after.id, [Entry(EntryKind.CLOSED, now, BY, f"{belief.value}: {reason}")], workspace=self._workspace)
            self._news.tell(tx, before, after, by=BY, now=now, run=self._run or None)
            return after.as_json()

        return await self._once(key, work)

    async def link_alert(self, case: str, alert: str, *, key: str) -> JsonObject:
        """Put an alert into a case."""

        def work(tx: Tx) -> JsonObject:
            tx.cases.get(CaseId(case), workspace=self._workspace)
            self._link(tx, CaseId(case), AlertId(alert))
            return {"case": case, "alert": alert}

        return await self._once(key, work)

    async def close_alert(self, alert: str, verdict: str, reason: str, *, key: str) -> JsonObject:
        """Resolve an alert."""
        belief = _verdict(verdict)

        def work(tx: Tx) -> JsonObject:
            closed = tx.alerts.close(AlertId(alert), workspace=self._workspace, verdict=belief, reason=reason, at=self._clock())
            return {"alert": alert, "status": closed.status.value, "verdict": closed.verdict.value, "reason": closed.reason}

        return await self._once(key, work)

    async def set_verdict(self, observable: Observable, verdict: str, reason: str, source: str, *, key: str) -> JsonObject:
        """Record a verdict about an observable."""
        belief = _verdict(verdict)

        def work(tx: Tx) -> JsonObject:
            tx.observables.judge(observable, Judgement(belief, source or BY, reason, self._clock()), workspace=self._workspace)
            return {**observable.as_json(), "verdict": belief.value, "reason": reason}

        return await self._once(key, work)

    async def look_up(self, observable: Observable) -> JsonObject:
        """Return what is known of an observable."""

        def work(tx: Tx) -> JsonObject:
            alerts = [str(one) for one in tx.observables.alerts_with(observable, workspace=self._workspace)]
            cases = [str(one) for one in tx.observables.cases_with(observable, workspace=self._workspace)]
            found: JsonObject = {
                "known": False,
                "verdict": Verdict.UNKNOWN.value,
                "reason": "",
                "source": "",
                "first_seen": None,
                "last_seen": None,
                "sightings": 0,
                "alerts": [*alerts],
                "cases": [*cases],
            }
            try:
                seen = tx.observables.get(observable, workspace=self._workspace)
            except NotFound:
                return found
            found |= {"known": True, "first_seen": iso(seen.first_seen), "last_seen": iso(seen.last_seen), "sightings": seen.count}
            if seen.judgement is not None:
                judged = seen.judgement
                found |= {"verdict": judged.verdict.value, "reason": judged.reason, "source": judged.source}
            return found

        return await self._units.read(work)

    async def list_add(self, name: str, observable: Observable, expires_at: datetime | None, reason: str, *, key: str) -> JsonObject:
        """Put a value on a hosted block list, or move its expiry."""

        def work(tx: Tx) -> JsonObject:
            entry = ListEntry(name, observable, reason, BY, self._clock(), expires_at, self._run or None)
            added = tx.lists.put(entry, workspace=self._workspace)
            return {
                **observable.as_json(),
                "list": name,
                "listed": True,
                "added": added,
                "expires_at": iso(expires_at) if expires_at else None,
            }

        return await self._once(key, work)

    async def list_remove(self, name: str, observable: Observable, *, key: str) -> JsonObject:
        """Take a value off a hosted block list."""

        def work(tx: Tx) -> JsonObject:
            removed = tx.lists.remove(name, observable, workspace=self._workspace, at=self._clock())
            return {**observable.as_json(), "list": name, "listed": False, "removed": removed}

        return await self._once(key, work)

    async def list_find(self, name: str, observable: Observable) -> JsonObject:
        """Return {listed, expires_at, reason} of a value on a hosted block list."""

        def work(tx: Tx) -> JsonObject:
            live = tx.lists.entries(name, workspace=self._workspace, now=self._clock())
            entry = next((one for one in live if one.observable == observable), None)
            if entry is None:
                return {"listed": False, "expires_at": None, "reason": ""}
            return {"listed": True, "expires_at": iso(entry.expires_at) if entry.expires_at else None, "reason": entry.reason}

        return await self._units.read(work)

    async def extract(self, text: str) -> list[JsonObject]:
        """Find the observables in a text."""
        return [seen.as_json() for seen in await asyncio.to_thread(extract, text)]

    async def warning_lists(self, observable: Observable) -> list[str]:
        """Return the names of the warning lists that an observable is on."""
        # The first question reads the lists, which takes a second.
        return await asyncio.to_thread(self._warnings.hits, observable)


def _text(fields: JsonObject, key: str) -> str:
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _verdict(text: str) -> Verdict:
    try:
        return Verdict(text)
    except ValueError:
        raise Invalid(f"'{text}' is not a verdict.", hint=f"Use one of {', '.join(Verdict)}.") from None


def _member(kind: type[E], fields: JsonObject, key: str, default: E) -> E:
    text = _text(fields, key)
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        raise Invalid(f"'{text}' is not a {key}.", hint=f"Use one of {', '.join(kind)}.") from None
