"""One moment of one run: what is known, what is decided, and the names that expressions see."""

from collections.abc import Iterable
from datetime import datetime

from tocsin.core.ids import RunId
from tocsin.core.values import iso
from tocsin.engine.events import RunEvent
from tocsin.engine.facts import Facts
from tocsin.engine.giving_up import give_up
from tocsin.engine.names import Names
from tocsin.engine.progress import Decision
from tocsin.engine.state import RunState, Status
from tocsin.playbook.plan import Plan


class Moment:
    """What steps are advanced in."""

    def __init__(self, plan: Plan, state: RunState, facts: Facts) -> None:
        self.plan, self.state, self.facts = plan, state, facts
        self.at = iso(facts.now)
        self.decision = Decision()
        self.rename()

    def rename(self) -> None:
        """Take up what the run itself is called now: in `finally` its outcome is known."""
        self.names = Names(self.plan, self.state, self.facts.run, self.facts.workspace, self.at)

    def emit(self, event: RunEvent) -> None:
        """Decide that something is so, and fold it in."""
        self.state.apply(event)
        self.decision.events.append(event)

    def wake(self, at: datetime) -> None:
        """Ask to be looked at again."""
        if self.decision.wake_at is None or at < self.decision.wake_at:
            self.decision.wake_at = at

    def has_come(self, due: datetime) -> bool:
        """Say whether an instant has come, and ask to be woken if not."""
        if self.facts.now >= due:
            return True
        self.wake(due)
        return False

    def under_way(self) -> frozenset[str]:
        """Return the paths of the calls that are made, or decided."""
        return self.facts.in_flight | {call.path for call in self.decision.calls}

    def give_up(self, paths: Iterable[str], reason: str) -> None:
        """Close what the paths wait for."""
        for event in give_up(self.state, paths, in_flight=self.under_way(), at=self.at, reason=reason):
            known = self.state.steps.get(event.path)
            if known is not None and known.status is Status.CALLING:
                self.decision.cancels.append(RunId(known.run))
            self.emit(event)
