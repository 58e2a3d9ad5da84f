"""The report of a case: what was seen, what was done, who decided, how it ended."""

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.core.access import Principal, Scope, require
from tocsin.core.alerts import Alert
from tocsin.core.cases import Case, Entry
from tocsin.core.errors import JournalCorrupt
from tocsin.core.ids import CaseId
from tocsin.core.observables import Observable
from tocsin.core.values import Instant
from tocsin.services.asks import AskFile, ask_files
from tocsin.services.cases import get_case
from tocsin.services.inert import inert, inert_observable, shown
from tocsin.services.timeline import TimelineEntry, read_timeline
from tocsin.store.repos.observables import Sighting
from tocsin.store.repos.paging import LONGEST_PAGE
from tocsin.store.repos.runs import Run, RunFilter
from tocsin.store.tx import Tx

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run and what it did."""

    run: Run
    entries: tuple[TimelineEntry, ...]
    problem: str = ""  # why its history cannot be read

    @property
    def deeds(self) -> tuple[TimelineEntry, ...]:
        """Return what changed something, or may have, in order."""
        return tuple(one for one in self.entries if one.kind == "action" and one.effect != "read" and one.status != "intended")

    @property
    def reads(self) -> tuple[tuple[str, int], ...]:
        """Return the lookups with how often each was done."""
        names = (str(one.details.get("action", "")) for one in self.entries if one.kind == "action" and one.effect == "read")
        return tuple(Counter(names).most_common())


@dataclass(frozen=True, slots=True)
class CaseReport:
    """Everything that the report of a case says."""

    case: Case
    timeline: tuple[Entry, ...]
    alerts: tuple[Alert, ...]
    observables: tuple[Sighting, ...]
    runs: tuple[RunReport, ...]
    asks: tuple[AskFile, ...]
    made_at: Instant
    made_by: str

    @property
    def addresses(self) -> tuple[Observable, ...]:
        """Return what must not be opened by accident."""
        return tuple(seen.observable for seen in self.observables)


def case_report(tx: Tx, actor: Principal, *, id: CaseId, now: Instant) -> CaseReport:
    """Gather the report of a case; raises NotFound."""
    require(actor, Scope.CASES_READ)
    require(actor, Scope.RUNS_READ)
    file = get_case(tx, actor, id=id)
    runs = _runs(tx, actor, id, file.alerts)
    return CaseReport(
        file.case,
        file.timeline,
        file.alerts,
        file.observables,
        tuple(_run_report(tx, actor, run) for run in runs),
        tuple(ask for run in runs for ask in ask_files(tx, actor, run=run.id)),
        now,
        actor.name,
    )


def as_html(report: CaseReport, *, nonce: str = "") -> str:
    """Return the report as one page that needs nothing else; `nonce` is what the page's style is allowed by."""
    return _template().render(report=report, nonce=nonce)


def _runs(tx: Tx, actor: Principal, case: CaseId, alerts: tuple[Alert, ...]) -> list[Run]:
    wheres = [RunFilter(case=case), *(RunFilter(alert=alert.id) for alert in alerts)]
    found = {run.id: run for where in wheres for run in tx.runs.find(where, workspace=actor.workspace, limit=LONGEST_PAGE).items}
    return [found[id] for id in sorted(found)]


def _run_report(tx: Tx, actor: Principal, run: Run) -> RunReport:
    try:
        events = tx.runs.events(run.id, workspace=actor.workspace)
    except JournalCorrupt as error:
        return RunReport(run, (), str(error))
    return RunReport(run, tuple(read_timeline([event for _, event in events])))


@lru_cache(maxsize=1)
def _template() -> "Template":
    import jinja2  # a page that is seldom asked for should not cost the start anything

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"inert": _inert, "value": inert_observable, "shown": shown, "minute": _minute, "detail": _detail}
    return environment.get_template("case_report.html")


def _inert(text: object, report: CaseReport) -> str:
    return inert(str(text), known=report.addresses)


def _minute(at: Instant | str | None) -> str:
    """Write an instant to the minute, in UTC."""
    if at is None:
        return "–"
    text = at if isinstance(at, str) else at.isoformat()
    return f"{text[:10]} {text[11:16]} UTC"


def _detail(value: object) -> str:
    """Write a value of a step as compact JSON, cut to a line or two."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 300 else f"{text[:297]}…"
