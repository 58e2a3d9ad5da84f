"""One attempt after another at one action: retries after a failure, and the four policies after an unknown outcome.

A `read` is simply called. A write's intent is an event first; when that intent is found again without an outcome and this worker has
nothing in flight, the process that sent it is gone: its outcome is unknown.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import JsonObject, iso, parse_instant
from tocsin.engine.events import ActionDone, ActionFailed, ActionIntended, ActionUnknown, RunEvent
from tocsin.engine.facts import Facts
from tocsin.engine.questions import ABORT, IT_HAPPENED, ask_about_unknown
from tocsin.engine.state import Attempt, RunState, Status, StepState
from tocsin.playbook.plan import ActionStep

UNKNOWN_ATTEMPTS = 3  # how often `repeat` and `key` send again before a person is asked
NOT_APPLIED = "not-applied"  # error code of an attempt that a probe found not to have happened
CRASHED = "The process ended before the answer was recorded."


@dataclass(frozen=True, slots=True)
class Pending:
    """A call to make now; `probe` asks whether the attempt before happened instead of sending it again."""

    path: str
    action: str
    connection: str | None
    arguments: JsonObject
    effect: Effect
    key: str
    attempt: int
    timeout_s: float | None
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, or before somebody answers."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Next:
    """What follows for an action step. `then` is None when the step is settled: done, or failed for good."""

    events: tuple[RunEvent, ...]
    then: Pending | Wait | None


def effect_of(step: ActionStep, spec: ActionSpec) -> Effect:
    """Return the graver of the pack's effect and the playbook's."""
    order = list(Effect)
    return max(spec.effect, step.effect or spec.effect, key=order.index)


def idempotency_key(workspace: str, run: str, path: str) -> str:
    """Return the key that is the same on every attempt; the path has the loop indexes in it."""
    return hashlib.sha256(f"{workspace}\n{run}\n{path}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Trial:
    """An action step instance at one moment."""

    step: ActionStep
    path: str
    spec: ActionSpec
    known: StepState | None
    state: RunState
    arguments: Callable[[], JsonObject]
    facts: Facts

    @property
    def attempt(self) -> Attempt:
        """Return the attempts so far."""
        return self.state.attempts.get(self.path, Attempt(0))

    def renewed(self) -> "Trial":
        """Return the trial after the state has moved on."""
        return replace(self, known=self.state.steps[self.path])


def orphaned(trial: Trial) -> ActionUnknown:
    """Return what is to be said of an intent whose process is gone."""
    return ActionUnknown(at=iso(trial.facts.now), path=trial.path, reason=CRASHED, attempt=trial.attempt.number)


def next_attempt(trial: Trial) -> Next:
    """Return what follows for an action step that has no call in flight."""
    status = trial.known.status if trial.known is not None else None
    match status:
        case None:
            return _send(trial, trial.arguments())
        case Status.ATTEMPT_FAILED:
            return _after_failure(trial)
        case Status.UNKNOWN:
            return _after_unknown(trial)
        case Status.ANSWERED:
            return _after_answer(trial)
        case _:
            return Next((), Wait(None))


def _send(trial: Trial, arguments: JsonObject) -> Next:
    step, facts, number = trial.step, trial.facts, trial.attempt.number + 1
    effect = effect_of(step, trial.spec)
    key = idempotency_key(facts.workspace, facts.run, trial.path)
    call = Pending(trial.path, step.action, step.connection, arguments, effect, key, number, step.timeout_s)
    if effect is Effect.READ:
        return Next((), call)
    intent = ActionIntended(
        at=iso(facts.now),
        path=trial.path,
        action=step.action,
        connection=step.connection,
        arguments=arguments,
        effect=effect,
        key=key,
        attempt=number,
        epoch=facts.epoch,
    )
    return Next((intent,), call)


def _again(trial: Trial) -> Next:
    """Send what the intent says: the arguments were fixed when it was committed."""
    intent = trial.attempt.intent
    return _send(trial, intent.arguments if intent is not None else trial.arguments())


def _after_failure(trial: Trial) -> Next:
    known = trial.known
    error = (known.error if known is not None else None) or {}
    number, retry = trial.attempt.number, trial.step.retry
    if error.get("code") == NOT_APPLIED and number < max(UNKNOWN_ATTEMPTS, retry.attempts):
        return _again(trial)
    if error.get("kind") != "transient" or number >= retry.attempts or known is None:
        return Next((), None)
    asked = error.get("retry_after")
    pause = max(retry.delay_s * retry.backoff ** (number - 1), float(asked) if isinstance(asked, int | float) else 0.0)
    due = parse_instant(known.at) + timedelta(seconds=pause)
    return _again(trial) if trial.facts.now >= due else Next((), Wait(due))


def _after_unknown(trial: Trial) -> Next:
    match trial.spec.on_unknown or OnUnknown.ASK:
        case OnUnknown.REPEAT:
            return _repeat(trial)
        case OnUnknown.KEY:
            return _repeat(trial) if _key_is_remembered(trial) else _ask(trial)
        case OnUnknown.VERIFY:
            return _ask(trial) if trial.attempt.probed else _probe(trial)
        case OnUnknown.ASK:
            return _ask(trial)


def _key_is_remembered(trial: Trial) -> bool:
    window, first = trial.spec.key_window_s, trial.attempt.first_at
    return window is None or trial.facts.now < parse_instant(first) + timedelta(seconds=window)


def _repeat(trial: Trial) -> Next:
    times = trial.attempt.unknowns
    if times >= max(UNKNOWN_ATTEMPTS, trial.step.retry.attempts):
        return _ask(trial)
    if trial.known is None or (trial.known.error or {}).get("message") == CRASHED:
        return _again(trial)
    due = parse_instant(trial.known.at) + timedelta(seconds=trial.step.retry.delay_s * trial.step.retry.backoff ** (times - 1))
    return _again(trial) if trial.facts.now >= due else Next((), Wait(due))


def _probe(trial: Trial) -> Next:
    intent, known = trial.attempt.intent, trial.known
    if intent is None or known is None:
        return _ask(trial)
    due = parse_instant(known.at) + timedelta(seconds=trial.spec.settle_s)
    if trial.facts.now < due:
        return Next((), Wait(due))
    step = trial.step
    return Next(
        (),
        Pending(
            trial.path, step.action, step.connection, intent.arguments, intent.effect, intent.key, intent.attempt, step.timeout_s, True
        ),
    )


def _ask(trial: Trial) -> Next:
    intent, error = trial.attempt.intent, (trial.known.error if trial.known is not None else None) or {}
    if intent is None:
        return Next((), None)
    reason = str(error.get("message", ""))
    return Next((ask_about_unknown(trial.step, path=trial.path, intent=intent, reason=reason, facts=trial.facts),), Wait(None))


def _after_answer(trial: Trial) -> Next:
    answer, at, number = trial.state.answers[trial.path], iso(trial.facts.now), trial.attempt.number
    who = answer.by or ""
    if answer.answer == IT_HAPPENED:
        effect = effect_of(trial.step, trial.spec)
        return Next((ActionDone(at=at, path=trial.path, output={}, action=trial.step.action, effect=effect, by=who),), None)
    if answer.answer == ABORT:
        error: JsonObject = {
            "code": "aborted",
            "kind": "invalid",
            "message": f"{who or 'Somebody'} chose to abort: {answer.reason}".rstrip(": "),
        }
        return Next((ActionFailed(at=at, path=trial.path, error=error, attempt=number, action=trial.step.action),), None)
    return _again(trial)
