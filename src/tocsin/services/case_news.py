"""What a change of a case does: it reaches the runs that wait for one, and starts the playbooks that are for it, in its transaction.

A run that a case has started may change cases itself, and must not go on for ever: its trigger carries the chain of cases and
playbooks that led to it. No playbook is started twice on one case in a chain, and no chain is longer than `LONGEST_CHAIN`.
"""

from collections.abc import Sequence
from typing import Protocol

import structlog

from tocsin.core.cases import Case, CaseHappening, happenings
from tocsin.core.ids import Ids, RunId
from tocsin.core.values import Instant, Json, JsonObject, iso
from tocsin.engine.events import RunStarted
from tocsin.playbook.inputs import with_defaults
from tocsin.playbook.plan import Awaited, Plan
from tocsin.services.waits import tell_waiting
from tocsin.store.repos.runs import NewRun
from tocsin.store.repos.waits import Place
from tocsin.store.tx import Tx

log = structlog.get_logger()
LONGEST_CHAIN = 5  # runs that start each other by changing cases
_DEEPEST = 20  # runs that call each other, looked through for the one that a case has started


class CaseStarters(Protocol):
    """Find the playbooks that a happening starts."""

    def on_case(self, happening: CaseHappening) -> list[Plan]:
        """Return their plans."""
        ...


class CaseNews:
    """Tell of changes of cases."""

    def __init__(self, starters: CaseStarters, *, ids: Ids) -> None:
        self._starters, self._ids = starters, ids

    def tell(self, tx: Tx, before: Case | None, after: Case, *, by: str, now: Instant, run: RunId | None = None) -> None:
        """Tell of one change; `before` is None for a new case, `run` is what changed it if no person did."""
        if before == after:
            return
        described = after.as_json()
        tell_waiting(tx, [described], place=Place(after.workspace, Awaited.CASE), now=now)
        starting = self._starting(happenings(before, after))
        if starting:
            chain = [] if run is None else _chain(tx, run)
            new = [
                self._run(plan, happening, after, described, by=by, now=now, chain=chain)
                for plan, happening in starting.values()
                if _may_start(plan, after, chain)
            ]
            tx.runs.insert(new, lease=None)

    def _starting(self, happened: Sequence[CaseHappening]) -> dict[str, tuple[Plan, CaseHappening]]:
        """Return each playbook once, with the first happening that it is for."""
        found: dict[str, tuple[Plan, CaseHappening]] = {}
        for happening in happened:
            for plan in self._starters.on_case(happening):
                found.setdefault(plan.id, (plan, happening))
        return found

    def _run(
        self, plan: Plan, happening: CaseHappening, case: Case, described: JsonObject, *, by: str, now: Instant, chain: list[Json]
    ) -> NewRun:
        trigger: JsonObject = {"kind": "case", "case": case.id, "happening": happening.value, "by": by}
        if chain:
            trigger["chain"] = chain
        started = RunStarted(
            at=iso(now), playbook=plan.id, digest=plan.digest, trigger=trigger, case=described, inputs=with_defaults(plan, {})
        )
        return NewRun(RunId(self._ids("run")), case.workspace, started)


def _may_start(plan: Plan, case: Case, chain: Sequence[Json]) -> bool:
    if {"case": case.id, "playbook": plan.id} in chain:
        return False
    if len(chain) >= LONGEST_CHAIN:
        log.warning("case_trigger.chain_cut", playbook=plan.id, case=case.id, chain=len(chain))
        return False
    return True


def _chain(tx: Tx, run: RunId) -> list[Json]:
    """Return the cases and playbooks that led to a run, oldest first; empty when no case did. Calls are followed upwards."""
    for _ in range(_DEEPEST):
        started = tx.runs.started(run)
        if started is None:
            return []
        trigger = started.trigger
        if trigger.get("kind") == "case":
            before = trigger.get("chain")
            return [*(before if isinstance(before, list) else []), {"case": trigger.get("case"), "playbook": started.playbook}]
        above = trigger.get("run")
        if not isinstance(above, str):
            return []
        run = RunId(above)
    return []
