"""The only loop: claim runs, decide, commit, call, until every run has ended or waits.

A waiting run holds nothing here. What is decided is buffered and committed when it must be durable: before a write is sent, after its
outcome, and when the run comes to rest. One transaction carries what many runs have to say at that moment, because the journal
groups commits.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from tocsin.core.errors import TocsinError
from tocsin.core.ids import Ids, RunId
from tocsin.core.values import JsonObject, iso
from tocsin.engine.attempts import Pending
from tocsin.engine.children import child_started
from tocsin.engine.crashpoints import Crash, CrashPoint, stay_alive
from tocsin.engine.decide import decide
from tocsin.engine.events import (
    ActionIntended,
    AskOpened,
    CallStarted,
    Outcome,
    RunEnded,
    RunEvent,
    UndoScheduled,
)
from tocsin.engine.facts import Facts
from tocsin.engine.outcomes import answered, probe_failed, probed, refused
from tocsin.engine.ports import ActionCall, Actions, Append, ChildRun, ClaimedRun, Clock, Journal, Plans
from tocsin.engine.progress import Decision
from tocsin.engine.state import RunState, fold, is_effect
from tocsin.engine.undo import undo_started

log = structlog.get_logger()
ACTIVE_RUNS = 256  # advanced at once by one process
RENEW_S = 5.0
LOOK_S = 5.0  # how often a run that is busy looks for what another process has signalled
LONGEST_BUFFER = 500  # events that are kept back until the run rests


class Driver:
    """Advances runs for one worker."""

    def __init__(self, *, journal: Journal, actions: Actions, plans: Plans, clock: Clock, ids: Ids, crash: Crash = stay_alive) -> None:
        self.journal, self.actions, self.plans = journal, actions, plans
        self.clock, self.ids, self.crash = clock, ids, crash
        self._slots = asyncio.Semaphore(ACTIVE_RUNS)
        self._active: dict[RunId, tuple[int, asyncio.Task[object]]] = {}
        self._signalled: dict[RunId, asyncio.Event] = {}

    async def advance(self, runs: Sequence[RunId]) -> None:
        """Advance the runs that nobody else holds until each has ended or waits; one in hand is told to look at its signals."""
        for run in runs:
            if run in self._signalled:
                self._signalled[run].set()
        claimed = await self.journal.claim(runs)
        if claimed:
            self.crash(CrashPoint.RUN_CLAIMED)
        await asyncio.gather(*(self.advance_claimed(run) for run in claimed))

    async def advance_claimed(self, run: ClaimedRun) -> None:
        """Advance a run that this worker holds already."""
        async with self._slots:
            task = asyncio.current_task()
            assert task is not None  # a coroutine always runs in a task  # noqa: S101
            self._active[run.id] = (run.epoch, task)
            self._signalled[run.id] = asyncio.Event()
            try:
                await self._advance(run)
            except TocsinError as error:
                # The journal did not take it (lease lost, disk full): whoever holds the lease next goes on from the last commit.
                log.warning("run.dropped", run=run.id, epoch=run.epoch, error=error.code, reason=str(error))
            finally:
                self._active.pop(run.id, None)
                self._signalled.pop(run.id, None)

    async def renew_forever(self) -> None:
        """Extend the leases of the runs in hand; drop a run whose lease another worker has taken."""
        while True:
            await asyncio.sleep(RENEW_S)
            held = [(run, epoch) for run, (epoch, _) in self._active.items()]
            if not held:
                continue
            for run in await self.journal.renew(held):
                if run in self._active:
                    self._active[run][1].cancel("lease lost")

    async def _advance(self, run: ClaimedRun) -> None:
        try:
            session = _Session(self, run, signalled=self._signalled[run.id])
        except TocsinError as error:
            await self._bury(run, len(run.events), str(error))
            return
        try:
            await session.run_to_rest()
        except TocsinError:
            raise
        except Exception as error:
            # One run's defect must not take the others down, nor be tried for ever: the run ends, and says why.
            log.exception("run.defect", run=run.id)
            await self._bury(run, session.written, f"Tocsin could not go on with this run: {type(error).__name__}: {error}")
        finally:
            await session.drop()

    async def _bury(self, run: ClaimedRun, written: int, reason: str) -> None:
        ended = RunEnded(at=iso(self.clock()), outcome=Outcome.FAILED, reason=reason)
        append = Append(run.id, run.workspace, run.epoch, written + 1, (ended,), release=True)
        while not await self.journal.append(append):
            signals = await self.journal.signals(run.id)
            append = Append(
                run.id, run.workspace, run.epoch, append.first_seq, (ended,), consumed=tuple(one for one, _ in signals), release=True
            )


@dataclass(frozen=True, slots=True)
class _Answer:
    path: str
    events: tuple[RunEvent, ...]


class _Session:
    """One run in the hands of one worker, from claim to rest."""

    def __init__(self, driver: Driver, run: ClaimedRun, *, signalled: asyncio.Event) -> None:
        self.driver, self.run, self.signalled = driver, run, signalled
        self.state: RunState = fold(run.events)
        self.plan = driver.plans.by_digest(self.state.started.digest)
        self.written = len(run.events)  # what was read is not kept: the state has it
        self.buffer: list[RunEvent] = []
        self.consumed: list[int] = []
        self.cancels: list[RunId] = []
        self.calls: dict[str, asyncio.Task[_Answer]] = {}
        self.signals = run.signals

    async def run_to_rest(self) -> None:
        while True:
            self._take_signals()
            decision = self._decide()
            await self._start(decision)
            if self.calls:
                await self._collect()
            elif await self._rest(decision):
                return

    async def drop(self) -> None:
        """Forget the calls under way; an intent without an outcome is then UNKNOWN to whoever comes next."""
        for task in self.calls.values():
            task.cancel()
        await asyncio.gather(*self.calls.values(), return_exceptions=True)

    def _take_signals(self) -> None:
        for signal, event in self.signals:
            self._keep(event)
            self.consumed.append(signal)
        self.signals = ()

    def _keep(self, event: RunEvent) -> None:
        self.state.apply(event)
        self.buffer.append(event)

    def _decide(self) -> Decision:
        facts = Facts(
            run=self.run.id,
            workspace=self.run.workspace,
            now=self.driver.clock(),
            epoch=self.run.epoch,
            in_flight=frozenset(self.calls),
            spec=self.driver.actions.spec,
            current=self.driver.plans.current,
            version=self.driver.plans.by_digest,
            ids=self.driver.ids,
        )
        decision = decide(self.plan, self.state, facts)
        self.buffer.extend(decision.events)
        self.cancels.extend(decision.cancels)
        return decision

    async def _start(self, decision: Decision) -> None:
        if any(isinstance(event, ActionIntended) for event in decision.events):
            self.driver.crash(CrashPoint.INTENT_BEFORE_COMMIT)
            await self._commit()
            self.driver.crash(CrashPoint.INTENT_COMMITTED)
        for call in decision.calls:
            self.calls[call.path] = asyncio.create_task(self._call(call))

    async def _collect(self) -> None:
        if len(self.buffer) > LONGEST_BUFFER or any(is_effect(event) for event in self.buffer):
            await self._commit()
        signalled = asyncio.create_task(self.signalled.wait())
        try:
            await asyncio.wait([*self.calls.values(), signalled], timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            signalled.cancel()
        done = [task for task in self.calls.values() if task.done()]
        if self.signalled.is_set() or not done:
            await self._look()
        for task in done:
            answer = task.result()
            del self.calls[answer.path]
            for event in answer.events:
                self._keep(event)

    async def _look(self) -> None:
        """Take what has been signalled meanwhile: somebody may want to end or hold a run that is busy for long."""
        self.signalled.clear()
        signals = await self.driver.journal.signals(self.run.id)
        self.signals = tuple((signal, event) for signal, event in signals if signal not in self.consumed)

    async def _rest(self, decision: Decision) -> bool:
        """Commit and give the run back; False when something has arrived meanwhile."""
        ended = self.state.ended is not None
        crash = self.driver.crash
        crash(CrashPoint.END_BEFORE_COMMIT if ended else CrashPoint.WAIT_BEFORE_COMMIT)
        released = await self._commit(release=True, decision=decision)
        crash(CrashPoint.END_COMMITTED if ended else CrashPoint.WAIT_COMMITTED)
        if not released:
            self.signals = await self.driver.journal.signals(self.run.id)
        return released

    async def _commit(self, *, release: bool = False, decision: Decision | None = None) -> bool:
        events, consumed, cancels = tuple(self.buffer), tuple(self.consumed), tuple(self.cancels)
        released = await self.driver.journal.append(
            Append(
                run=self.run.id,
                workspace=self.run.workspace,
                epoch=self.run.epoch,
                first_seq=self.written + 1,
                events=events,
                consumed=consumed,
                children=tuple(self._child(event) for event in events if isinstance(event, CallStarted | UndoScheduled)),
                cancels=cancels,
                asks_opened=tuple(event for event in events if isinstance(event, AskOpened)),
                release=release,
                wake_at=decision.wake_at if decision is not None else None,
            )
        )
        self.written += len(events)
        self.buffer.clear()
        self.consumed.clear()
        self.cancels.clear()
        if any(is_effect(event) for event in events):
            self.driver.crash(CrashPoint.OUTCOME_COMMITTED)
        return released

    def _child(self, call: CallStarted | UndoScheduled) -> ChildRun:
        started, parent = self.state.started, self.run.id
        if isinstance(call, UndoScheduled):
            return ChildRun(RunId(call.run), None, call.path, undo_started(started, call, run=parent))
        return ChildRun(RunId(call.run), parent if call.waits else None, call.path, child_started(started, call, parent=parent))

    async def _call(self, call: Pending) -> _Answer:
        request = ActionCall(
            run=self.run.id,
            workspace=self.run.workspace,
            path=call.path,
            action=call.action,
            connection=call.connection,
            arguments=call.arguments,
            effect=call.effect,
            key=call.key,
            attempt=call.attempt,
            timeout_s=call.timeout_s,
            context=self._context(),
        )
        events = await (self._probe(call, request) if call.probe else self._execute(call, request))
        self.driver.crash(CrashPoint.CALL_RETURNED)
        return _Answer(call.path, events)

    def _context(self) -> JsonObject:
        started = self.state.started
        return {
            "alert": (started.alert or {}).get("id"),
            "case": (started.case or {}).get("id"),
            "playbook": started.playbook,
        }

    async def _execute(self, call: Pending, request: ActionCall) -> tuple[RunEvent, ...]:
        clock = self.driver.clock
        begun = clock()
        try:
            output = await self.driver.actions.execute(request)
        except TocsinError as error:
            return (refused(call, error, at=iso(clock())),)
        elapsed = (clock() - begun).total_seconds() * 1000
        return (answered(call, output, at=iso(clock()), elapsed_ms=elapsed),)

    async def _probe(self, call: Pending, request: ActionCall) -> tuple[RunEvent, ...]:
        at = iso(self.driver.clock())
        try:
            found = await self.driver.actions.probe(request)
        except TocsinError as error:
            return (probe_failed(call, error, at=at),)
        return (probed(call, found, at=at),)
