"""Replays and comparisons of runs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tocsin.core.access import Principal, Scope, require
from tocsin.core.errors import Conflict, JournalCorrupt
from tocsin.core.ids import Ids, RunId
from tocsin.core.values import Instant, JsonObject
from tocsin.engine.compare import Comparison, compare
from tocsin.engine.events import ActionDone, ActionFailed, AskOpened, CallStarted, RunEvent, RunStarted
from tocsin.engine.replay import effects_after, replayed
from tocsin.playbook.plan import Plan
from tocsin.services.runs import checked_inputs
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.runs import Grown, NewRun, Run
from tocsin.store.tx import Tx


@dataclass(frozen=True, slots=True)
class RunReplay:
    """A new run that begins with the results of an old one.

    `reused`: paths of the steps whose results it has; `repeats`: (path, action) of effects of the old run, and of those that it called,
    which it may do again.
    """

    run: Run
    of: RunId
    from_path: str
    reused: tuple[str, ...]
    repeats: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReplayFrom:
    """Where a replay begins: the plan of the old run, the plan of the new one, and the step. `inputs` change single inputs."""

    before: Plan
    plan: Plan
    path: str
    inputs: JsonObject


def replay_run(tx: Tx, actor: Principal, *, id: RunId, wanted: ReplayFrom, now: Instant, ids: Ids) -> RunReplay:
    """Start a new run with the results that an old one had before a step; raises NotFound, Conflict, CannotReplay, Invalid."""
    require(actor, Scope.RUNS_START)
    old = tx.runs.get(id, workspace=actor.workspace)
    if old.ended_at is None:
        raise Conflict(f"The run {id} is {old.status.value}.", hint="Let it end, or cancel it: two runs would do the same things.")
    events = [event for _, event in tx.runs.events(id, workspace=actor.workspace)]
    history = replayed(
        events,
        before=wanted.before,
        plan=wanted.plan,
        from_path=wanted.path,
        inputs=_inputs(events, wanted),
        at=now,
        trigger={"kind": "replay", "run": id, "from": wanted.path, "by": actor.name, "user": actor.user},
    )
    new = RunId(ids("run"))
    _insert(tx, actor, new, history)
    reused = tuple(dict.fromkeys(path for path in map(_path, history) if path))
    repeats = (*effects_after(events, history), *_effects_of_called(tx, actor, events, history))
    details: JsonObject = {"run": id, "from": wanted.path, "digest": wanted.plan.digest, "reused": len(reused)}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "run.replay", "run", new, details))
    return RunReplay(tx.runs.get(new, workspace=actor.workspace), id, wanted.path, reused, repeats)


def compare_runs(tx: Tx, actor: Principal, *, first: RunId, second: RunId) -> Comparison:
    """Return where two runs differ; raises NotFound, JournalCorrupt."""
    require(actor, Scope.RUNS_READ)
    one, other = ([event for _, event in tx.runs.events(id, workspace=actor.workspace)] for id in (first, second))
    return compare(one, other)


def _inputs(events: list[RunEvent], wanted: ReplayFrom) -> JsonObject:
    """Return the old run's inputs as far as the version knows them, with the changes."""
    started = events[0] if events else None
    before = started.inputs if isinstance(started, RunStarted) else {}
    known = wanted.plan.inputs.get("properties")
    names = known if isinstance(known, dict) else {}
    return checked_inputs(wanted.plan, {**{name: value for name, value in before.items() if name in names}, **wanted.inputs})


def _insert(tx: Tx, actor: Principal, run: RunId, history: Sequence[RunEvent]) -> None:
    started, *later = history
    if not isinstance(started, RunStarted):
        raise JournalCorrupt("A history begins with the start of its run.")
    actions = sum(isinstance(event, ActionDone | ActionFailed) for event in later)
    asks = sum(isinstance(event, AskOpened) for event in later)
    tx.runs.insert_with_history(NewRun(run, actor.workspace, started), later, grown=Grown(len(later), actions, asks))


def _effects_of_called(
    tx: Tx, actor: Principal, events: Sequence[RunEvent], kept: Sequence[RunEvent], above: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield (path, action) of the effects of the runs that an old run has called and whose calls are not taken over."""
    known = {event.run for event in kept if isinstance(event, CallStarted)}
    for call in events:
        if isinstance(call, CallStarted) and call.run not in known:
            called = [event for _, event in tx.runs.events(RunId(call.run), workspace=actor.workspace)]
            yield from ((f"{above}{call.path}/{path}", action) for path, action in effects_after(called, ()))
            yield from _effects_of_called(tx, actor, called, (), f"{above}{call.path}/")


def _path(event: RunEvent) -> str:
    path = getattr(event, "path", "")
    return path if isinstance(path, str) else ""
