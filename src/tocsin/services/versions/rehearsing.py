"""Run the rehearsals of a text that is about to be saved: everything in memory, nothing is read or sent."""

from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol

from tocsin.connectors.loader import Packs
from tocsin.core.diagnostics import Level
from tocsin.core.effects import ActionSpec
from tocsin.core.errors import ActionNotFound
from tocsin.core.playbooks import Rehearsals
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.findings import Enough
from tocsin.playbook.plan import Plan

if TYPE_CHECKING:
    from tocsin.rehearsal.canned import HttpMapping
    from tocsin.rehearsal.cast import Answer, Call
    from tocsin.rehearsal.model import Http

LONGEST_S: Final = 30.0  # for all cases of a playbook; what comes after that has failed
_MOST_FAILURES: Final = 100


class Rehearse(Protocol):
    """Plays rehearsals."""

    def __call__(self, text: str, plan: Plan, *, plans: Mapping[str, Plan], catalogue: Catalogue) -> Rehearsals:
        """Play every case of a rehearsal against a plan that may call `plans`."""
        ...


def rehearser(packs: Packs) -> Rehearse:
    """Return what plays rehearsals with the mappings of these packs for recorded HTTP exchanges."""
    return partial(run_rehearsals, http=partial(_recorded, packs))


def _recorded(packs: Packs, call: "Call", exchange: "Http") -> "Answer":
    from tocsin.services.recorded_http import answer_of  # few rehearsals have one

    return answer_of(packs, call, exchange)


def run_rehearsals(
    text: str, plan: Plan, *, plans: Mapping[str, Plan], catalogue: Catalogue, http: "HttpMapping | None" = None
) -> Rehearsals:
    """Play every case of a rehearsal against a plan; `plans` are the playbooks that it may call, by id."""
    from tocsin.rehearsal.codes import RehearsalFindings  # only who saves a playbook with rehearsals needs all this
    from tocsin.rehearsal.coverage import coverage_of
    from tocsin.rehearsal.read import SUFFIX, read_rehearsal
    from tocsin.rehearsal.rehearse import called_by, rehearse
    from tocsin.rehearsal.verify import Script, verify

    file, findings = f"{plan.id}{SUFFIX}.yaml", RehearsalFindings()
    called = called_by(plan, plans)
    rehearsal = None
    try:
        rehearsal = read_rehearsal(text, file=file, findings=findings)
        if rehearsal is not None:
            verify(rehearsal, Script(plan, called, catalogue.spec), findings)
    except Enough:
        rehearsal = None
    wrong = [one for one in findings.sorted() if one.level is Level.ERROR]
    if rehearsal is None or wrong:
        return Rehearsals(failed=1, failures=tuple(f"{one.span.file}:{one.span.line}: {one.code} {one.message}" for one in wrong))

    def spec(action: str) -> ActionSpec:
        found = catalogue.spec(action)
        if found is None:
            raise ActionNotFound(f"There is no action '{action}'.", hint="Install its pack, or correct the name.")
        return found

    begun, plays, failures = perf_counter(), [], []
    for case in rehearsal.cases:
        if perf_counter() - begun > LONGEST_S:
            failures.append(f"{case.name}: not played, for the rehearsal has taken {LONGEST_S:.0f} seconds.")
            continue
        result = rehearse(case, rehearsal, plan, plans={**called, plan.id: plan}, spec=spec, http=http)
        plays += [] if result.played is None else [result.played]
        if not result.is_good:
            failures.append(f"{case.name}: {result.differences[0].what}")
    return Rehearsals(
        passed=len(rehearsal.cases) - len(failures),
        failed=len(failures),
        coverage=round(coverage_of(plan, plays).percent / 100, 4),
        failures=tuple(failures[:_MOST_FAILURES]),
    )
