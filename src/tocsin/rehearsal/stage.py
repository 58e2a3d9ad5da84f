"""A stage: runs played on the real decider, at once, with a cast for the world and a clock that is moved.

Nothing here does I/O or waits. Answers, people and events come from the cast; when only time is left, the clock goes on to the next
instant at which something is due.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

import msgspec

from tocsin.core.effects import ActionSpec, Probe
from tocsin.core.errors import Invalid
from tocsin.core.ids import DEFAULT_WORKSPACE, Ids, RunId, WorkspaceId
from tocsin.core.values import JsonObject, iso
from tocsin.engine.attempts import Pending
from tocsin.engine.children import child_started
from tocsin.engine.decide import decide
from tocsin.engine.events import (
    AskAnswered,
    AskClosed,
    AskOpened,
    CallEnded,
    CallStarted,
    EventArrived,
    EventAwaited,
    Outcome,
    RunCancelled,
    RunEnded,
    RunEvent,
    RunStarted,
    Signal,
    StepFailed,
)
from tocsin.engine.facts import Facts
from tocsin.engine.outcomes import answered, probe_failed, probed, refused
from tocsin.engine.ports import Plans
from tocsin.engine.state import RunState
from tocsin.playbook.inputs import with_defaults
from tocsin.playbook.plan import Plan
from tocsin.rehearsal.cast import Answer, Call, Cast, Exchange, Found, Refusal, Unplayable, Value
from tocsin.rehearsal.clock import StageClock

MAX_EVENTS = 100_000
MAX_RUNS = 1_000
EPOCH = 1
Interruption: TypeAlias = tuple[float, Signal]  # seconds after the start, and what comes from outside then


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a run. `outcome` is None when it still waits, or could not be played on: `problem` says why."""

    run: RunId
    plan: Plan
    events: tuple[RunEvent, ...]
    calls: tuple[Exchange, ...]  # of this run, not of its children
    children: tuple["Played", ...] = ()
    problem: Unplayable | None = None

    @property
    def ended(self) -> RunEnded | None:
        """Return the end, if it has come."""
        last = self.events[-1]
        return last if isinstance(last, RunEnded) else None

    @property
    def outcome(self) -> Outcome | None:
        """Return how the run ended."""
        return self.ended.outcome if self.ended else None

    @property
    def outputs(self) -> JsonObject:
        """Return what the run gave back."""
        return self.ended.outputs if self.ended else {}

    @property
    def reason(self) -> str:
        """Return why it ended so."""
        return self.ended.reason if self.ended else ""


@dataclass(slots=True)
class _Part:
    """One run on the stage."""

    run: RunId
    plan: Plan
    state: RunState
    events: list[RunEvent]
    parent: "tuple[_Part, CallStarted] | None" = None
    calls: list[Exchange] = field(default_factory=list)
    in_flight: set[str] = field(default_factory=set)
    asks: set[str] = field(default_factory=set)  # ids of the open ones
    waits: set[str] = field(default_factory=set)  # paths that wait for an event
    children: "list[_Part]" = field(default_factory=list)
    wake_at: datetime | None = None

    def played(self, problem: Unplayable | None) -> Played:
        children = tuple(child.played(None) for child in self.children)
        return Played(self.run, self.plan, tuple(self.events), tuple(self.calls), children, problem)


_Due: TypeAlias = tuple[datetime, int, _Part, Callable[[], RunEvent | None]]


class Stage:
    """A place for plays: the plans that can be called, the actions' declarations, a cast, a clock and ids."""

    def __init__(
        self,
        plans: Plans,
        *,
        spec: Callable[[str], ActionSpec],
        cast: Cast,
        clock: StageClock,
        ids: Ids,
        workspace: WorkspaceId = DEFAULT_WORKSPACE,
        expect: Callable[[Sequence[Call]], None] | None = None,
    ) -> None:
        """`expect` is told of the calls that a run makes at once, before the cast is asked for their answers one by one."""
        self.plans, self.spec, self.cast, self.clock, self.ids, self.workspace = plans, spec, cast, clock, ids, workspace
        self.expect = expect or _surprised

    def play(
        self,
        plan: Plan,
        *,
        trigger: JsonObject,
        alert: JsonObject | None = None,
        case: JsonObject | None = None,
        inputs: JsonObject | None = None,
        interruptions: Sequence[Interruption] = (),
    ) -> Played:
        """Play a run from its start until it has ended or waits for what never comes."""
        started = RunStarted(
            at=iso(self.clock()),
            playbook=plan.id,
            digest=plan.digest,
            trigger=trigger,
            alert=alert,
            case=case,
            inputs=with_defaults(plan, inputs or {}),
        )
        return self.play_from([started], plan, interruptions=interruptions)

    def play_from(self, events: Sequence[RunEvent], plan: Plan, *, interruptions: Sequence[Interruption] = ()) -> Played:
        """Play a run on from the events that it has; the first is its RunStarted."""
        play = _Play(self)
        part = play.enter(RunId(self.ids("run")), plan, events)
        for after_s, signal in interruptions:
            play.schedule(part, after_s, lambda signal=signal: _at(signal, iso(self.clock())))  # type: ignore[misc]  # a default binds it now
        try:
            play.run()
        except Unplayable as problem:
            return part.played(problem)
        return part.played(None)


class _Play:
    def __init__(self, stage: Stage) -> None:
        self.stage, self.clock, self.cast = stage, stage.clock, stage.cast
        self.parts: list[_Part] = []
        self.restless: dict[RunId, _Part] = {}  # something has happened to them since they were last looked at
        self.agenda: list[_Due] = []
        self.history: list[Exchange] = []
        self.order = itertools.count()
        self.count = 0

    def enter(self, run: RunId, plan: Plan, events: Sequence[RunEvent], parent: "tuple[_Part, CallStarted] | None" = None) -> _Part:
        if len(self.parts) == MAX_RUNS:
            raise Unplayable(f"The run starts more than {MAX_RUNS:,} runs.", hint="Do playbooks start each other in a circle?")
        first = events[0]
        if not isinstance(first, RunStarted):
            raise Invalid("A run's events begin with its start.")
        part = _Part(run, plan, RunState(first), [first], parent)
        self.parts.append(part)
        self.restless[run] = part
        self.count += 1
        for event in events[1:]:
            part.state.apply(event)
        self._keep(part, events[1:])
        return part

    def run(self) -> None:
        while True:
            while self.restless:
                run = next(iter(self.restless))
                self._decide(self.restless.pop(run))
            if not self._move_on():
                return

    def schedule(self, part: _Part, after_s: float, make: Callable[[], RunEvent | None]) -> None:
        heapq.heappush(self.agenda, (self.clock() + timedelta(seconds=after_s), next(self.order), part, make))

    def _decide(self, part: _Part) -> None:
        if part.state.ended is not None:
            return
        stage, now = self.stage, self.clock()
        facts = Facts(
            run=part.run,
            workspace=stage.workspace,
            now=now,
            epoch=EPOCH,
            in_flight=frozenset(part.in_flight),
            spec=stage.spec,
            current=stage.plans.current,
            version=stage.plans.by_digest,
            ids=stage.ids,
        )
        decision = decide(part.plan, part.state, facts)
        part.wake_at = decision.wake_at
        self._keep(part, decision.events)
        calls = [self._call_of(part, pending) for pending in decision.calls]
        stage.expect(calls)
        for call in calls:
            self._call(part, call)
        for run in decision.cancels:
            self._cancel(run)
        if part.wake_at is not None and part.wake_at <= now:
            if not decision.events and not decision.calls:
                raise Unplayable(f"The run makes no progress at {iso(now)}.", hint="This is a defect of Tocsin: report it.")
            self.restless[part.run] = part

    def _keep(self, part: _Part, events: Iterable[RunEvent]) -> None:
        """Note events that the state knows already, and let the cast answer them."""
        for event in events:
            part.events.append(event)
            self.count += 1
            if self.count > MAX_EVENTS:
                raise Unplayable(f"The run has more than {MAX_EVENTS:,} events and does not end.", hint="Does a loop go on for ever?")
            self._react(part, event)

    def _react(self, part: _Part, event: RunEvent) -> None:
        match event:
            case AskOpened():
                self._ask(part, event)
            case AskAnswered() | AskClosed():
                part.asks.discard(event.ask)
            case EventAwaited():
                self._await(part, event)
            case EventArrived() | StepFailed():
                part.waits.discard(event.path)
            case CallStarted():
                self._start(part, event)
            case RunEnded():
                self._end(part, event)
            case _:
                pass

    def _call_of(self, part: _Part, pending: Pending) -> Call:
        started = part.state.started
        context: JsonObject = {
            "alert": (started.alert or {}).get("id"),
            "case": (started.case or {}).get("id"),
            "playbook": started.playbook,
        }
        return Call(part.run, started.playbook, pending, self.clock(), context)

    def _call(self, part: _Part, call: Call) -> None:
        pending = call.pending
        answer = self.cast.answer(call, self.history)
        exchange = Exchange(call, answer)
        self.history.append(exchange)
        part.calls.append(exchange)
        part.in_flight.add(pending.path)

        def come() -> RunEvent:
            part.in_flight.discard(pending.path)
            return event_of(pending, answer, at=iso(self.clock()))

        self.schedule(part, answer.after_s, come)

    def _ask(self, part: _Part, ask: AskOpened) -> None:
        part.asks.add(ask.ask)
        reply = self.cast.decide(ask, playbook=part.plan.id)
        if reply is None:
            return

        def come() -> RunEvent | None:
            if ask.ask not in part.asks:
                return None  # too late: the deadline or a join was first
            at = iso(self.clock())
            return AskAnswered(at=at, path=ask.path, ask=ask.ask, answer=reply.answer, by=reply.by, form=reply.form, reason=reply.reason)

        self.schedule(part, reply.after_s, come)

    def _await(self, part: _Part, wait: EventAwaited) -> None:
        part.waits.add(wait.path)
        arrival = self.cast.event(wait, playbook=part.plan.id)
        if arrival is None:
            return

        def come() -> RunEvent | None:
            return EventArrived(at=iso(self.clock()), path=wait.path, event=arrival.event) if wait.path in part.waits else None

        self.schedule(part, arrival.after_s, come)

    def _start(self, part: _Part, call: CallStarted) -> None:
        ending = self.cast.child(call, playbook=part.plan.id)
        if ending is None:
            plan = self.stage.plans.by_digest(call.digest)
            started = child_started(part.state.started, call, parent=part.run)
            part.children.append(self.enter(RunId(call.run), plan, [started], (part, call)))
        elif call.waits:
            self.schedule(part, ending.after_s, lambda: self._ended(call, ending.outcome, ending.outputs, ending.reason))

    def _end(self, part: _Part, ended: RunEnded) -> None:
        if part.parent is not None:
            above, call = part.parent
            if call.waits:
                self.schedule(above, 0, lambda: self._ended(call, ended.outcome, ended.outputs, ended.reason))

    def _cancel(self, run: RunId) -> None:
        for part in self.parts:
            if part.run == run and part.state.ended is None:
                self.schedule(part, 0, lambda: RunCancelled(at=iso(self.clock()), by="tocsin", reason="Nobody waits for it any more."))

    def _ended(self, call: CallStarted, outcome: Outcome, outputs: JsonObject, reason: str) -> CallEnded:
        return CallEnded(at=iso(self.clock()), path=call.path, run=call.run, outcome=outcome, outputs=outputs, reason=reason)

    def _move_on(self) -> bool:
        """Go on to the next instant at which something is due; False when nothing is."""
        times = [part.wake_at for part in self.parts if part.wake_at is not None and part.state.ended is None]
        if self.agenda:
            times.append(self.agenda[0][0])
        if not times:
            return False
        self.clock.move_to(min(times))
        now = self.clock()
        while self.agenda and self.agenda[0][0] <= now:
            _, _, part, make = heapq.heappop(self.agenda)
            event = None if part.state.ended is not None else make()
            if event is not None:
                part.state.apply(event)
                self._keep(part, [event])
                self.restless[part.run] = part
        for part in self.parts:
            if part.wake_at is not None and part.wake_at <= now:
                self.restless[part.run] = part
        return True


def event_of(call: Pending, answer: Answer, *, at: str) -> RunEvent:
    """Return the event that an answer to a call becomes."""
    match answer:
        case Value():
            return (
                probed(call, Probe.UNKNOWN, at=at) if call.probe else answered(call, answer.output, at=at, elapsed_ms=answer.after_s * 1000)
            )
        case Refusal():
            return probe_failed(call, answer.error, at=at) if call.probe else refused(call, answer.error, at=at)
        case Found():
            return probed(call, answer.probe, at=at)
        case _:
            assert_never(answer)


def _surprised(calls: Sequence[Call]) -> None:
    """Expect nothing."""


def _at(signal: Signal, at: str) -> Signal:
    return msgspec.structs.replace(signal, at=at)
