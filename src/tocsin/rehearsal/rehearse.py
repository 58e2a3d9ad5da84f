"""Rehearse: play every case of a file and compare what came of it with what is expected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

from tocsin.core.diagnostics import Diagnostic
from tocsin.core.effects import ActionSpec
from tocsin.core.errors import PlaybookNotFound
from tocsin.core.values import iso
from tocsin.engine.events import RunCancelled, RunPaused, RunResumed, Signal
from tocsin.playbook.plan import CallStep, Plan
from tocsin.rehearsal.canned import CannedCast, HttpMapping
from tocsin.rehearsal.clock import START, CountingIds, StageClock
from tocsin.rehearsal.codes import UNUSED_ANSWER, RehearsalFindings
from tocsin.rehearsal.compare import Difference, compare
from tocsin.rehearsal.model import Case, Interrupt, Rehearsal
from tocsin.rehearsal.path import path_of
from tocsin.rehearsal.places import places_of
from tocsin.rehearsal.stage import Interruption, Played, Stage
from tocsin.rehearsal.starts import beginning_of


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case. `played` is None when the playbook was not started."""

    case: Case
    played: Played | None
    path: tuple[str, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[Diagnostic, ...]
    elapsed_ms: float

    @property
    def is_good(self) -> bool:
        """Tell whether everything that was expected came."""
        return not self.differences


class StagePlans:
    """Implements `engine.ports.Plans` over the plans beside a rehearsal."""

    def __init__(self, plans: Mapping[str, Plan]) -> None:
        self._plans = dict(plans)
        self._versions = {plan.digest: plan for plan in plans.values()}

    def by_digest(self, digest: str) -> Plan:
        """Return the plan of one version."""
        if digest not in self._versions:
            raise PlaybookNotFound("The version of the playbook that is called is not beside the rehearsal.")
        return self._versions[digest]

    def current(self, playbook: str) -> Plan:
        """Return the plan of a playbook."""
        if playbook not in self._plans:
            hint = "Put it beside the playbook, or give it an end: calls: {its-id: {outputs: {…}}}."
            raise PlaybookNotFound(f"There is no playbook '{playbook}' beside the rehearsal.", hint=hint)
        return self._plans[playbook]


def called_by(plan: Plan, plans: Mapping[str, Plan]) -> dict[str, Plan]:
    """Return the playbooks that a plan calls, and those that they call, as far as they are there."""
    found: dict[str, Plan] = {}
    waiting = [plan]
    while waiting:
        for place in places_of(waiting.pop()).values():
            step = place.step
            if isinstance(step, CallStep) and step.playbook in plans and step.playbook not in found:
                found[step.playbook] = plans[step.playbook]
                waiting.append(plans[step.playbook])
    return found


def rehearse(
    case: Case,
    rehearsal: Rehearsal,
    plan: Plan,
    *,
    plans: Mapping[str, Plan],
    spec: Callable[[str], ActionSpec],
    http: HttpMapping | None = None,
) -> Result:
    """Play one case."""
    begun = perf_counter()
    start = case.clock or rehearsal.clock or START
    beginning = beginning_of(case.start, plan, start)
    if beginning.refusal or not case.expect.starts:
        return _not_started(case, beginning.refusal, begun)
    cast = CannedCast(case, rehearsal, playbook=plan.id, spec=spec, http=http)
    stage = Stage(StagePlans(plans), spec=spec, cast=cast, clock=StageClock(start), ids=CountingIds(start))
    played = stage.play(
        plan,
        trigger=beginning.trigger,
        alert=beginning.alert,
        case=beginning.case,
        inputs=beginning.inputs,
        interruptions=[_interruption(one, iso(start)) for one in case.interrupts],
    )
    path = path_of(plan, played.events)
    differences = compare(case, played, path)
    return Result(case, played, path, differences, _unused(case, cast), (perf_counter() - begun) * 1000)


def _not_started(case: Case, refusal: str, begun: float) -> Result:
    found: tuple[Difference, ...] = ()
    if refusal and case.expect.starts:
        found = (Difference(f"The playbook is not started: {refusal}.", case.start.span),)
    elif not refusal:
        found = (Difference("The playbook was not to be started, and its trigger accepts what the case gives.", case.expect.span),)
    return Result(case, None, (), found, (), (perf_counter() - begun) * 1000)


def _interruption(one: Interrupt, at: str) -> Interruption:
    signal: Signal
    if one.kind == "cancel":
        signal = RunCancelled(at=at, by=one.by)
    else:
        signal = RunPaused(at=at, by=one.by) if one.kind == "pause" else RunResumed(at=at, by=one.by)
    return one.after_s, signal


def _unused(case: Case, cast: CannedCast) -> tuple[Diagnostic, ...]:
    findings = RehearsalFindings()
    for kind in (case.answers, case.people, case.events, case.calls):
        for name, lines in kind.items():
            if name not in cast.used and lines:
                hint = "Remove it, or see in the path why the run never comes there."
                findings.add(UNUSED_ANSWER, lines[0].span, f"Nothing asked for '{name}' in this case.", hint)
    return findings.sorted()
