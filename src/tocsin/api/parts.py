"""What the HTTP interface is made of; `wiring` fills it in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tocsin.connectors.loader import Packs
from tocsin.core.access import Principal
from tocsin.core.cases import CaseHappening
from tocsin.core.ids import Ids
from tocsin.core.playbooks import Review
from tocsin.core.values import Json
from tocsin.engine.crashpoints import Crash, stay_alive
from tocsin.engine.ports import Actions, Clock
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.plan import Plan
from tocsin.services.case_news import CaseNews
from tocsin.services.dryrun.guardrails import NO_RULES, Guardrails
from tocsin.services.hub import Hub
from tocsin.services.intake import Rejected
from tocsin.services.intake_report import IntakeReport
from tocsin.services.versions.proof import Prover
from tocsin.services.versions.rehearsing import rehearser
from tocsin.store.tx import Tx
from tocsin.store.units import Units


class TakeIn(Protocol):
    """`services.intake.Intake.take`."""

    async def __call__(
        self, source: str, raws: Sequence[Json | Rejected], actor: Principal, *, also: Callable[[Tx], None] | None = None
    ) -> IntakeReport:
        """Store events and start what they start; returns when both are durable."""
        ...


class Shelf(Protocol):
    """`services.plans.PlanShelf`."""

    def current(self, playbook: str) -> Plan:
        """Return the published plan of a playbook; raises PlaybookNotFound."""
        ...

    def by_digest(self, digest: str) -> Plan:
        """Return the plan of one version; raises PlaybookNotFound. It may block."""
        ...

    def on_webhook(self, name: str) -> list[Plan]:
        """Return the playbooks that a call of the named hook starts."""
        ...

    def on_case(self, happening: CaseHappening) -> list[Plan]:
        """Return the playbooks that a case starts when this happens to it."""
        ...

    def refresh(self) -> None:
        """Read what is published now. It blocks."""
        ...


class ConfiguredSource(Protocol):
    """`services.sources.Source`, as far as a route needs it."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def pack(self) -> str:
        """Return the name of its pack."""
        ...


class Sources(Protocol):
    """`services.sources.SourceBook`."""

    def names(self) -> list[str]:
        """Return the names of the sources."""
        ...

    def get(self, name: str) -> ConfiguredSource:
        """Return a source; raises NotFound naming those there are."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a route may use."""

    units: Units
    clock: Clock
    ids: Ids
    intake: TakeIn
    hub: Hub
    catalogue: Catalogue
    packs: Packs
    plans: Shelf
    sources: Sources
    webhook_secret: Callable[[str], str | None]  # of a source; raises CredentialMissing
    public_url: str  # without a slash at the end
    version: str
    crash: Crash = stay_alive
    actions: Actions | None = None  # for dry runs and backtests that read for real
    guardrails: Guardrails = NO_RULES
    review: Review = Review.REQUIRED  # of versions of playbooks

    def prover(self) -> Prover:
        """Return what checks and rehearses texts."""
        return Prover(self.catalogue, version=self.plans.by_digest, rehearse=rehearser(self.packs))

    def case_news(self) -> CaseNews:
        """Return what tells of changes of cases."""
        return CaseNews(self.plans, ids=self.ids)
