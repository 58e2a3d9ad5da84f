"""What a dry run shows: its steps in order, with what is real, what is shown and what is assumed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tocsin.core.values import Json, JsonObject
from tocsin.engine.compare import StepFacts, steps_of
from tocsin.engine.events import AskOpened, EventAwaited, TimerSet, UndoScheduled
from tocsin.rehearsal.stage import Played
from tocsin.services.dryrun.cast import DryCast, ShownAsk, ShownEffect
from tocsin.services.dryrun.plausible import is_made_up


class How(StrEnum):
    """How real a step is."""

    REAL = "real"  # it was read, or computed
    SHOWN = "shown"  # an effect that was not sent, or a question that was not put
    ASSUMED = "assumed"  # a read of what does not exist yet
    PASSED = "passed"  # a wait that was not waited for


@dataclass(frozen=True, slots=True)
class DryStep:
    """One step of a dry run; `depth` counts the playbooks that are around it."""

    facts: StepFacts
    playbook: str
    depth: int
    how: How
    effect: ShownEffect | None = None
    asked: ShownAsk | None = None
    people: tuple[str, ...] = ()  # who may answer, by name
    due: str | None = None  # of a wait
    undone_at: str | None = None

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        facts = self.facts
        found: JsonObject = {
            "path": facts.path,
            "playbook": self.playbook,
            "depth": self.depth,
            "kind": facts.kind,
            "status": facts.status,
            "how": self.how.value,
            "action": facts.action or None,
            "effect": facts.effect or None,
            "arguments": facts.arguments,
            "output": facts.output,
            "branch": facts.branch,
            "error": facts.error,
            "at": facts.began_at,
            "duration_ms": facts.duration_ms,
        }
        return {**found, **self._effect(), **self._ask(), **self._wait()}

    def _effect(self) -> JsonObject:
        shown = self.effect
        if shown is None:
            return {}
        return {
            "sent": False,
            "connection": shown.call.pending.connection,
            "arguments_made_up": is_made_up(shown.call.arguments),
            "verdict": shown.verdict.as_json(),
            "blast_radius": {**shown.radius.as_json(), "undone_at": self.undone_at},
        }

    def _ask(self) -> JsonObject:
        if self.asked is None:
            return {}
        ask = self.asked.ask
        told: JsonObject = {"to": [*ask.to], "people": [*self.people], "via": [*ask.via], "quorum": ask.quorum}
        until: JsonObject = {"deadline": ask.deadline, "on_deadline": ask.on_deadline}
        answered: JsonObject = {"answer": self.asked.answer, "chosen": self.asked.chosen}
        return {"ask": {"title": ask.title, "message": ask.message, "options": [*ask.options], **told, **until, **answered}}

    def _wait(self) -> JsonObject:
        return {} if self.due is None else {"wait": {"until": self.due}}


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would do. `outcome` is None when it would wait for something that a dry run cannot make up."""

    playbook: str
    digest: str
    outcome: str | None
    reason: str
    outputs: JsonObject
    began_at: str
    steps: tuple[DryStep, ...]
    problem: str = ""
    unused_answers: tuple[str, ...] = ()
    counts: JsonObject = field(default_factory=dict)

    def as_json(self) -> JsonObject:
        """Return it for machines."""
        return {
            "dry_run": True,
            "playbook": self.playbook,
            "digest": self.digest,
            "outcome": self.outcome,
            "reason": self.reason,
            "outputs": self.outputs,
            "at": self.began_at,
            "problem": self.problem,
            "unused_answers": [*self.unused_answers],
            "counts": self.counts,
            "steps": [step.as_json() for step in self.steps],
        }


def report(played: Played, cast: DryCast, *, people: Mapping[str, Sequence[str]] | None = None) -> DryRun:
    """Return what a dry run shows; `people` gives the names of those who may answer, by ask."""
    steps = tuple(_named(step, people or {}) for step in _steps(played, cast, 0))
    effects = [one for one in steps if one.effect is not None]
    reads = [one for one in steps if one.facts.kind == "action" and one.effect is None]
    counts: dict[str, Json] = {
        "steps": len(steps),
        "reads": sum(one.how is How.REAL for one in reads),
        "assumed": sum(one.how is How.ASSUMED for one in reads),
        "effects": len(effects),
        "destructive": sum(one.facts.effect == "destructive" for one in effects),
        "asks": sum(one.asked is not None for one in steps),
        "targets": len({target for one in effects if one.effect for target in one.effect.radius.targets}),
    }
    return DryRun(
        playbook=played.plan.id,
        digest=played.plan.digest,
        outcome=played.outcome.value if played.outcome else None,
        reason=played.reason or _waits_for(played),
        outputs=played.outputs,
        began_at=played.events[0].at,
        steps=steps,
        problem="" if played.problem is None else str(played.problem),
        unused_answers=tuple(sorted(set(cast.answers) - cast.used)),
        counts=counts,
    )


def _named(step: DryStep, people: Mapping[str, Sequence[str]]) -> DryStep:
    return step if step.asked is None else replace(step, people=tuple(people.get(step.asked.ask.ask, ())))


def _waits_for(played: Played) -> str:
    if played.outcome is not None or played.problem is not None:
        return ""
    waits = [event for event in played.events if isinstance(event, EventAwaited)]
    if waits:
        return f"It would wait at '{waits[-1].path}' for an event ({waits[-1].kind}); a dry run ends there."
    return "It would wait for something that a dry run cannot make up."


def _steps(played: Played, cast: DryCast, depth: int) -> Iterator[DryStep]:
    children = {str(child.run): child for child in played.children}
    called = {getattr(event, "run", ""): getattr(event, "path", "") for event in played.events if getattr(event, "run", "") in children}
    inside: dict[str, list[Played]] = {}
    for run, path in called.items():
        inside.setdefault(path, []).append(children[run])
    shown = _Shown(played)
    for path, facts in steps_of(played.events).items():
        yield shown.step(facts, cast, depth)
        for child in inside.get(path, []):
            yield from _steps(child, cast, depth + 1)


class _Shown:
    """What the events of one run say beside what became of its steps."""

    def __init__(self, played: Played) -> None:
        self.run, self.playbook = played.run, played.plan.id
        self.asks = {event.path: event.ask for event in played.events if isinstance(event, AskOpened)}
        self.dues = {event.path: event.due for event in played.events if isinstance(event, TimerSet | EventAwaited)}
        self.undone = {event.path: event.due for event in played.events if isinstance(event, UndoScheduled)}

    def step(self, facts: StepFacts, cast: DryCast, depth: int) -> DryStep:
        effect, asked = cast.effects.get((self.run, facts.path)), cast.asks.get(self.asks.get(facts.path, ""))
        how = How.REAL
        if effect is not None or asked is not None:
            how = How.SHOWN
        elif (self.run, facts.path) in cast.assumed:
            how = How.ASSUMED
        elif facts.kind == "wait":
            how = How.PASSED
        return DryStep(
            facts,
            self.playbook,
            depth,
            how,
            effect=effect,
            asked=asked,
            due=self.dues.get(facts.path),
            undone_at=self.undone.get(facts.path),
        )
