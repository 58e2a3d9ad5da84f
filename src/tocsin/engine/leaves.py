"""The steps that have no steps inside: each is asked again and again until it is over."""

from typing import Final

from tocsin.core.effects import Effect
from tocsin.core.errors import Invalid
from tocsin.core.values import JsonObject, iso, parse_instant
from tocsin.engine.attempts import Pending, Trial, Wait, idempotency_key, next_attempt, orphaned
from tocsin.engine.events import AskAnswered, AskOpened, CallStarted, EventArrived, TimerFired, TimerSet
from tocsin.engine.moment import Moment
from tocsin.engine.progress import BLOCKED, DONE, Failed, Progress, as_object, failure
from tocsin.engine.questions import escalated, open_ask
from tocsin.engine.state import Status, StepState
from tocsin.engine.waits import await_event, due_at
from tocsin.playbook.inputs import handed_over
from tocsin.playbook.plan import ActionStep, AskStep, CallStep, CodeStep, EventWait, OnDeadline, WaitStep

MAX_DEPTH: Final = 10  # of calls
CODE: Final = "code"  # code.RUNTIME is the action of a code step, as the driver calls it


def advance_action(moment: Moment, step: ActionStep, path: str, scope: str, known: StepState | None) -> Progress:
    """Make the next attempt at an action."""
    if path in moment.under_way():
        return BLOCKED
    spec = moment.facts.spec(step.action)
    trial = Trial(
        step, path, spec, known, moment.state, lambda: as_object(step.arguments.render(moment.names.of(scope)), "with"), moment.facts
    )
    if known is not None and known.status is Status.INTENDED:
        moment.emit(orphaned(trial))
        trial = trial.renewed()
    result = next_attempt(trial)
    for event in result.events:
        moment.emit(event)
    match result.then:
        case Wait(until):
            if until is not None:
                moment.wake(until)
            return BLOCKED
        case Pending():
            moment.decision.calls.append(result.then)
            return BLOCKED
        case None:
            settled = moment.state.steps[path]
            return DONE if settled.status is Status.DONE else Failed(path, settled.error or {})


def advance_code(moment: Moment, step: CodeStep, path: str, scope: str, known: StepState | None) -> Progress:
    """Run code, once."""
    if path in moment.under_way():
        return BLOCKED
    if known is not None:  # an attempt that failed
        return Failed(path, known.error or {})
    inputs = as_object(step.inputs.render(moment.names.of(scope)), "with")
    arguments: JsonObject = {"source": step.source, "inputs": inputs, "returns": step.returns}
    key = idempotency_key(moment.facts.workspace, moment.facts.run, path)
    moment.decision.calls.append(
        Pending(path, f"{CODE}.{step.runtime.value}", None, arguments, Effect.READ, key, 1, step.timeout_s)  # it changes nothing
    )
    return BLOCKED


def advance_ask(moment: Moment, step: AskStep, path: str, scope: str, known: StepState | None) -> Progress:
    """Open a question and wait for its answer."""
    if known is None:
        asked = open_ask(step, path=path, names=moment.names.of(scope), plan=moment.plan, facts=moment.facts)
        moment.emit(asked)
        known = moment.state.steps[path]
    if known.due is None:
        return BLOCKED
    if not moment.has_come(parse_instant(known.due)):
        return BLOCKED
    return _deadline(moment, step, moment.state.asks[path])


def _deadline(moment: Moment, step: AskStep, asked: AskOpened) -> Progress:
    if step.escalation is not None and asked.escalates:
        for event in escalated(asked, step.escalation, moment.facts):
            moment.emit(event)
        moment.wake(parse_instant(moment.state.steps[asked.path].due or moment.at))
        return BLOCKED
    if asked.on_deadline is None:
        return Failed(asked.path, failure("deadline-passed", f"Nobody answered '{asked.title}' in time."))
    reason = "the deadline passed"
    moment.emit(AskAnswered(at=moment.at, path=asked.path, ask=asked.ask, answer=asked.on_deadline, by=None, reason=reason))
    return DONE


def advance_wait(moment: Moment, step: WaitStep, path: str, scope: str, known: StepState | None) -> Progress:
    """Wait for a while, until an instant, or for an event."""
    if step.event is not None:
        return _wait_for_event(moment, step.event, path, scope, known)
    if known is None or known.due is None:
        due = due_at(step, moment.names.of(scope), moment.facts.now)
        moment.emit(TimerSet(at=moment.at, path=path, due=iso(due)))
    else:
        due = parse_instant(known.due)
    if not moment.has_come(due):
        return BLOCKED
    moment.emit(TimerFired(at=moment.at, path=path))
    return DONE


def _wait_for_event(moment: Moment, wait: EventWait, path: str, scope: str, known: StepState | None) -> Progress:
    if known is None:
        moment.emit(await_event(wait, path=path, names=moment.names.of(scope), now=moment.facts.now))
        known = moment.state.steps[path]
    if known.due is None:
        return BLOCKED
    if not moment.has_come(parse_instant(known.due)):
        return BLOCKED
    if wait.on_deadline is OnDeadline.FAIL:
        return Failed(path, failure("deadline-passed", f"No such {wait.kind.value} came in time."))
    moment.emit(EventArrived(at=moment.at, path=path, event=None))
    return DONE


def advance_call(moment: Moment, step: CallStep, path: str, scope: str, known: StepState | None) -> Progress:
    """Start another playbook, and wait for it unless the step does not."""
    if known is None:
        if moment.state.started.depth + 1 > MAX_DEPTH:
            raise Invalid(f"Playbooks call each other more than {MAX_DEPTH} deep.")
        called = moment.facts.current(step.playbook) if step.digest is None else moment.facts.version(step.digest)
        inputs = handed_over(called, as_object(step.inputs.render(moment.names.of(scope)), "with"))
        run = moment.facts.ids("run")
        moment.emit(
            CallStarted(at=moment.at, path=path, playbook=step.playbook, digest=called.digest, run=run, inputs=inputs, waits=step.waits)
        )
        return BLOCKED if step.waits else DONE
    if known.status is Status.ATTEMPT_FAILED:
        return Failed(path, known.error or {})
    return BLOCKED
