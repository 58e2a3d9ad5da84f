"""What the HTTP interface is made of; `wiring` fills it in."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tocsin.connectors.loader import Packs
from tocsin.core.access import Principal
from tocsin.core.ids import Ids
from tocsin.core.values import Json, JsonObject
from tocsin.engine.ports import Clock
from tocsin.playbook.plan import Plan
from tocsin.services.hooks import Hook
from tocsin.services.intake import Rejected
from tocsin.services.intake_report import IntakeReport
from tocsin.services.playbooks import Check
from tocsin.services.stream import StreamEvent
from tocsin.store.tx import Tx
from tocsin.store.units import Units


class TakeIn(Protocol):
    """`services.intake.Intake.take`."""

    async def __call__(
        self, source: str, raws: Sequence[Json | Rejected], actor: Principal, *, also: Callable[[Tx], None] | None = None
    ) -> IntakeReport:
        """Store events and start what they start; returns when both are durable."""
        ...


class Subscribe(Protocol):
    """`services.stream.Stream.subscribe`."""

    def __call__(self, after: int | None) -> AsyncIterator[StreamEvent]:
        """Yield events as they come, after those that were missed since the given id."""
        ...


class Shelf(Protocol):
    """`services.plans.PlanShelf`."""

    def current(self, playbook: str) -> Plan:
        """Return the published plan of a playbook; raises PlaybookNotFound."""
        ...

    def on_webhook(self, name: str) -> list[Plan]:
        """Return the playbooks that a call of the named hook starts."""
        ...

    def refresh(self) -> None:
        """Read what is published now. It blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A configured source. `hook` is None when it takes no webhook."""

    name: str
    pack: str
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a route may use."""

    units: Units
    clock: Clock
    ids: Ids
    intake: TakeIn
    subscribe: Subscribe
    announce: Callable[[str, JsonObject], None]  # what a route has changed, for the stream
    packs: Packs
    check: Check  # a playbook's text -> plan and diagnostics
    plans: Shelf
    sources: Mapping[str, Source]
    public_url: str  # without a slash at the end
    version: str
    is_ready: Callable[[], bool] = lambda: True
