"""What a run does next: a deterministic function of its plan, its state and the facts of the moment.

`decide` walks the plan, folds the events that follow at once (values, branches, intents, questions, timers) into the state, and
returns them with the calls to make. It performs nothing. Asked again with nothing changed, it decides nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from tocsin.core.effects import Effect
from tocsin.core.errors import Invalid, TocsinError
from tocsin.core.values import JsonObject, iso, parse_instant
from tocsin.engine.attempts import effect_of
from tocsin.engine.events import (
    BranchesJoined,
    BranchTaken,
    IterationEnded,
    LoopEnded,
    LoopStarted,
    MainEnded,
    Outcome,
    RoundEnded,
    RoundsEnded,
    RoundStarted,
    RunCancelled,
    RunEnded,
    StepFailed,
    StepSkipped,
    ValuesSet,
)
from tocsin.engine.facts import Facts
from tocsin.engine.giving_up import is_inside, keys_of, paths_of
from tocsin.engine.leaves import advance_action, advance_ask, advance_call, advance_code, advance_wait
from tocsin.engine.moment import Moment
from tocsin.engine.progress import BLOCKED, DONE, Blocked, Decision, Done, Failed, Progress, Stopped, as_object, error_json, failure
from tocsin.engine.state import Loop, RunState, Status, StepState
from tocsin.engine.undo import undo_scheduled
from tocsin.playbook.expr import Condition
from tocsin.playbook.plan import (
    ActionStep,
    AskStep,
    Block,
    CallStep,
    CodeStep,
    ForEachStep,
    IfStep,
    OnError,
    ParallelStep,
    Plan,
    Polling,
    SetStep,
    Step,
    StopStep,
    SwitchStep,
    WaitStep,
    WhileStep,
)

MAX_ITEMS: Final = 10_000  # of one for_each


def decide(plan: Plan, state: RunState, facts: Facts) -> Decision:
    """Fold what follows at once into the state, and return it with the calls to make."""
    return _Walk(plan, state, facts).run()


class _Walk:
    def __init__(self, plan: Plan, state: RunState, facts: Facts) -> None:
        self.plan, self.state, self.facts = plan, state, facts
        self.moment = Moment(plan, state, facts)
        self.at = self.moment.at

    def run(self) -> Decision:
        if self.state.ended is None and not self.state.is_paused:
            self._main()
            if self.state.main is not None:
                self._final(self.state.main)
        return self.moment.decision

    def _main(self) -> None:
        """Walk the steps; when they are over, so is the run, but for those of `finally`."""
        if self.state.main is not None:
            return
        request = self.state.cancelled
        progress = self._block(self.plan.steps, "") if request is None else self._cancelled(request)
        if self._goes_on(progress):
            return
        ending = _ending(progress, self.at)
        if not self.plan.final:
            self._end(ending)
            return
        self.moment.emit(ending)
        self.moment.rename()

    def _final(self, main: MainEnded) -> None:
        progress = self._block(self.plan.final, "")
        if self._goes_on(progress):
            return
        last = _ending(progress, self.at)
        if last.error is None:
            self._end(main)
            return
        reason = f"{main.reason} In finally: {last.reason}".strip()
        outcome = Outcome.FAILED if main.outcome is Outcome.SUCCEEDED else main.outcome
        self._end(MainEnded(at=self.at, outcome=outcome, reason=reason, error=main.error or last.error))

    def _goes_on(self, progress: Progress) -> bool:
        return isinstance(progress, Blocked) or bool(self.facts.in_flight) or bool(self.moment.decision.calls)

    def _cancelled(self, request: RunCancelled) -> Progress:
        reason = f"{request.by} cancelled it{': ' if request.reason else ''}{request.reason}"
        self.moment.give_up(list(self.state.steps), reason)
        return Stopped(Outcome.CANCELLED, reason)

    def _end(self, main: MainEnded) -> None:
        outputs: JsonObject = {}
        if main.error is None and main.outcome is not Outcome.CANCELLED:
            try:
                outputs = self._outputs(strict=not main.is_stop)
            except TocsinError as error:
                self.moment.emit(RunEnded(at=self.at, outcome=Outcome.FAILED, reason=f"The outputs could not be computed: {error}"))
                return
        self.moment.emit(RunEnded(at=self.at, outcome=main.outcome, outputs=outputs, reason=main.reason))

    def _outputs(self, *, strict: bool) -> JsonObject:
        """Render the outputs; a run that was stopped half-way may lack what they read, and then has none."""
        if self.plan.outputs is None:
            return {}
        try:
            return as_object(self.plan.outputs.render(self.moment.names.of("")), "outputs")
        except TocsinError:
            if strict:
                raise
            return {}

    # --- blocks

    def _block(self, block: Block, scope: str) -> Progress:
        pending: set[str] = set()  # ids of reads under way that later, independent reads need not wait for
        for step in block:
            if pending and not self._runs_beside(step, pending):
                return BLOCKED
            progress = self._step(step, scope)
            if isinstance(progress, Blocked):
                if not self._is_pending_read(step, scope):
                    return BLOCKED
                pending.add(step.common.id or "")
            elif not isinstance(progress, Done):
                return progress
        return BLOCKED if pending else DONE

    def _runs_beside(self, step: Step, pending: set[str]) -> bool:
        if not isinstance(step, ActionStep) or step.common.condition is not None or step.polling is not None:
            return False
        return self._is_read(step) and not step.reads & pending

    def _is_pending_read(self, step: Step, scope: str) -> bool:
        return isinstance(step, ActionStep) and scope + step.common.key not in self.state.steps and self._is_read(step)

    def _is_read(self, step: ActionStep) -> bool:
        try:
            return effect_of(step, self.facts.spec(step.action)) is Effect.READ
        except TocsinError:
            return False

    # --- steps

    def _step(self, step: Step, scope: str) -> Progress:
        path = scope + step.common.key
        known = self.state.steps.get(path)
        try:
            if known is None and path not in self.facts.in_flight and not self._wanted(step.common.condition, scope):
                self.moment.emit(StepSkipped(at=self.at, path=path))
                return DONE
            progress = self._settled(step, path, known) or self._go(step, path, scope, known)
        except TocsinError as error:
            progress = Failed(path, error_json(error))
        if isinstance(progress, Failed):
            return self._failed(step, path, scope, progress)
        return progress

    def _wanted(self, condition: Condition | None, scope: str) -> bool:
        return condition is None or condition.test(self.moment.names.of(scope))

    def _settled(self, step: Step, path: str, known: StepState | None) -> Progress | None:
        if known is None or known.status not in (Status.DONE, Status.SKIPPED):
            return None
        if isinstance(step, ActionStep) and step.undo_after_s is not None and path in self.state.effects:
            self._plan_undo(step, path, step.undo_after_s)
        return DONE

    def _plan_undo(self, step: ActionStep, path: str, after_s: float) -> None:
        inverse = self.facts.spec(step.action).undo
        if inverse is None:
            raise Invalid(f"'{step.action}' has no inverse, so nothing can undo it.", hint="Leave out undo_after.")
        done = self.state.effects[path]
        self.moment.emit(
            undo_scheduled(
                self.facts.spec(inverse),
                path=path,
                connection=step.connection,
                arguments=done.arguments,
                after_s=after_s,
                now=self.facts.now,
                ids=self.facts.ids,
            )
        )

    def _failed(self, step: Step, path: str, scope: str, failure: Failed) -> Progress:
        known = self.state.steps.get(path)
        if known is None or known.status is not Status.FAILED:
            self.moment.emit(StepFailed(at=self.at, path=path, error=failure.error))
        match step.common.on_error:
            case OnError.FAIL:
                return failure
            case OnError.CONTINUE:
                return DONE
            case OnError.HANDLE:
                return self._block(step.common.handler, scope)

    def _go(self, step: Step, path: str, scope: str, known: StepState | None) -> Progress:
        if known is not None and known.status is Status.FAILED:
            return Failed(path, known.error or {})
        match step:
            case SetStep():
                self.moment.emit(ValuesSet(at=self.at, path=path, values=as_object(step.values.render(self.moment.names.of(scope)), "set")))
                return DONE
            case IfStep():
                return self._if(step, path, scope, known)
            case SwitchStep():
                return self._switch(step, path, scope, known)
            case ForEachStep():
                return self._for_each(step, path, scope)
            case WhileStep():
                return self._while(step, path)
            case ParallelStep():
                return self._parallel(step, path, scope)
            case ActionStep():
                return (
                    advance_action(self.moment, step, path, scope, known) if step.polling is None else self._poll(step, step.polling, path)
                )
            case CodeStep():
                return advance_code(self.moment, step, path, scope, known)
            case AskStep():
                return advance_ask(self.moment, step, path, scope, known)
            case WaitStep():
                return advance_wait(self.moment, step, path, scope, known)
            case CallStep():
                return advance_call(self.moment, step, path, scope, known)
            case StopStep():
                reason = step.reason.render(self.moment.names.of(scope))
                return Stopped(Outcome(step.outcome), reason if isinstance(reason, str) else "")

    def _if(self, step: IfStep, path: str, scope: str, known: StepState | None) -> Progress:
        if known is None:
            names = self.moment.names.of(scope)
            chosen = next((index for index, (condition, _) in enumerate(step.branches) if condition.test(names)), -1)
            self.moment.emit(BranchTaken(at=self.at, path=path, branch=chosen))
        else:
            chosen = known.branch
        return self._block(step.branches[chosen][1] if chosen >= 0 else step.otherwise, scope)

    def _switch(self, step: SwitchStep, path: str, scope: str, known: StepState | None) -> Progress:
        if known is None:
            subject = step.subject.evaluate(self.moment.names.of(scope))
            same = (index for index, (value, _) in enumerate(step.cases) if value == subject and type(value) is type(subject))
            chosen = next(same, -1)
            self.moment.emit(BranchTaken(at=self.at, path=path, branch=chosen))
        else:
            chosen = known.branch
        return self._block(step.cases[chosen][1] if chosen >= 0 else step.default, scope)

    def _for_each(self, step: ForEachStep, path: str, scope: str) -> Progress:
        loop = self.state.loops.get(path)
        if loop is None:
            items = step.items.evaluate(self.moment.names.of(scope))
            if not isinstance(items, list):
                raise Invalid(f"'for_each' needs a list, got {type(items).__name__}.")
            if len(items) > MAX_ITEMS:
                raise Invalid(f"'for_each' over {len(items)} items: the limit is {MAX_ITEMS}.", hint="Use 'slice' to take a part.")
            self.moment.emit(LoopStarted(at=self.at, path=path, variable=step.variable, items=items))
            loop = self.state.loops[path]
        active, ended = self._iterate(step, path, loop)
        if active:
            return BLOCKED
        if ended is None:
            self.moment.emit(LoopEnded(at=self.at, path=path))
            return DONE
        return ended

    def _iterate(self, step: ForEachStep, path: str, loop: Loop) -> tuple[int, Progress | None]:
        """Walk the iterations under way and start more up to the limit; return how many wait, and what ended the loop early.

        After a failure no iteration is started, and those that were are walked to their end.
        """
        active, ended, index = 0, None, loop.low
        while index < len(loop.items) and active < step.concurrency:
            scope = f"{path}[{index}]/"
            if index not in loop.results and (ended is None or loop.started > index):
                loop.started = max(loop.started, index + 1)
                progress = self._block(step.body, scope)
                if isinstance(progress, Done):
                    self.moment.emit(IterationEnded(at=self.at, path=path, index=index))
                elif isinstance(progress, Blocked):
                    active += 1
                else:
                    ended = ended or progress
            index += 1
        return active, ended

    def _while(self, step: WhileStep, path: str) -> Progress:
        rounds = self.state.rounds.get(path)
        while True:
            index = 0 if rounds is None else rounds.index
            scope = f"{path}[{index}]/"
            if rounds is None or rounds.is_between:
                if not step.condition.test(self.moment.names.of(scope)):
                    self.moment.emit(RoundsEnded(at=self.at, path=path))
                    return DONE
                if index >= step.limit:
                    return Failed(path, failure("while-limit", f"After {step.limit} rounds, its 'max', the condition still holds."))
                self.moment.emit(RoundStarted(at=self.at, path=path, index=index))
                rounds = self.state.rounds[path]
            progress = self._block(step.body, scope)
            if not isinstance(progress, Done):
                return progress
            self.moment.emit(RoundEnded(at=self.at, path=path, index=index))

    def _parallel(self, step: ParallelStep, path: str, scope: str) -> Progress:
        """Walk every branch; go on when enough have succeeded.

        A branch that fails does not abandon what the others are in the middle of; one that is not needed any more is given up.
        """
        joined = self.state.joined.get(path)
        if joined is None:
            reached = [self._block(branch, scope) for branch in step.branches]
            done = [index for index, one in enumerate(reached) if isinstance(one, Done)]
            if len(done) == len(reached):
                return DONE
            if len(done) < step.join:
                waits = any(isinstance(one, Blocked) for one in reached)
                return BLOCKED if waits else next(one for one in reached if not isinstance(one, Done))
            self.moment.emit(BranchesJoined(at=self.at, path=path, branches=done))
            joined = self.state.joined[path]
        given_up = [branch for index, branch in enumerate(step.branches) if index not in joined]
        for branch in given_up:
            self.moment.give_up(paths_of(self.state, branch, scope), "another branch was enough")
        calls = self.moment.under_way()
        return BLOCKED if any(is_inside(call, keys_of(branch, scope)) for branch in given_up for call in calls) else DONE

    def _poll(self, step: ActionStep, polling: Polling, path: str) -> Progress:
        rounds = self.state.rounds.get(path)
        if rounds is None:
            self.moment.emit(RoundStarted(at=self.at, path=path, index=0, polls=True))
            rounds = self.state.rounds[path]
        elif rounds.is_between:
            if not self.moment.has_come(parse_instant(rounds.due or self.at)):
                return BLOCKED
            self.moment.emit(RoundStarted(at=self.at, path=path, index=rounds.index, polls=True))
        scope = f"{path}[{rounds.index}]/"
        inner = scope + step.common.key
        known = self.state.steps.get(inner)
        if known is None or known.status is not Status.DONE:
            progress = advance_action(self.moment, step, inner, scope, known)
            if not isinstance(progress, Done):
                return Failed(path, progress.error) if isinstance(progress, Failed) else progress
        return self._polled(polling, path, scope, parse_instant(rounds.first_at) + timedelta(seconds=polling.at_most_s))

    def _polled(self, polling: Polling, path: str, scope: str, last: datetime) -> Progress:
        """Look at the result of one round, and end or plan the next."""
        index = self.state.rounds[path].index
        if polling.until.test(self.moment.names.of(scope)):
            self.moment.emit(RoundEnded(at=self.at, path=path, index=index))
            self.moment.emit(RoundsEnded(at=self.at, path=path))
            return DONE
        due = self.facts.now + timedelta(seconds=polling.every_s)
        if due > last:
            text = f"After {index + 1} times, '{polling.until.source}' is still not so, and 'at_most' is over."
            return Failed(path, failure("poll-timeout", text))
        self.moment.emit(RoundEnded(at=self.at, path=path, index=index, due=iso(due)))
        self.moment.wake(due)
        return BLOCKED


def _ending(progress: Progress, at: str) -> MainEnded:
    match progress:
        case Failed():
            reason = f"Step '{progress.path}' failed: {progress.error.get('message', '')}"
            error: JsonObject = {"step": progress.path, **progress.error}
            return MainEnded(at=at, outcome=Outcome.FAILED, reason=reason, error=error)
        case Stopped():
            return MainEnded(at=at, outcome=progress.outcome, reason=progress.reason, is_stop=True)
        case Done() | Blocked():
            return MainEnded(at=at, outcome=Outcome.SUCCEEDED)
