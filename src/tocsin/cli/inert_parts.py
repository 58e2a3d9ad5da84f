"""Parts of which nothing can be asked, for an app that is only described."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import tocsin
from tocsin.api.parts import ConfiguredSource, Parts
from tocsin.connectors.catalogue import PackCatalogue
from tocsin.connectors.loader import Packs
from tocsin.core.access import Principal
from tocsin.core.cases import CaseHappening
from tocsin.core.errors import NotFound, PlaybookNotFound, Unavailable
from tocsin.core.values import Json
from tocsin.playbook.plan import Plan
from tocsin.services.hub import Hub
from tocsin.services.intake import Rejected
from tocsin.services.intake_report import IntakeReport
from tocsin.store.tx import Tx
from tocsin.store.units import Units


class _NoUnits(Units):
    def __init__(self) -> None:
        """Open nothing, and start no thread."""


class _NoShelf:
    def current(self, playbook: str) -> Plan:
        """Return nothing."""
        raise PlaybookNotFound(f"There is no published playbook '{playbook}'.")

    def by_digest(self, digest: str) -> Plan:
        """Return nothing."""
        raise PlaybookNotFound(f"There is no version {digest} of a playbook.")

    def on_webhook(self, name: str) -> list[Plan]:
        """Return nothing."""
        return []

    def on_case(self, happening: CaseHappening) -> list[Plan]:
        """Return nothing."""
        return []

    def refresh(self) -> None:
        """Do nothing."""


class _NoSources:
    def names(self) -> list[str]:
        """Return nothing."""
        return []

    def get(self, name: str) -> ConfiguredSource:
        """Return nothing."""
        raise NotFound(f"There is no source '{name}'.")


async def _no_intake(
    source: str, raws: Sequence[Json | Rejected], actor: Principal, *, also: Callable[[Tx], None] | None = None
) -> IntakeReport:
    raise Unavailable("Nothing is taken in here.")


def inert_parts() -> Parts:
    """Return the parts."""
    return Parts(
        units=_NoUnits(),
        clock=lambda: datetime.now(UTC),
        ids=lambda prefix: f"{prefix}_0",
        intake=_no_intake,
        hub=Hub(),
        catalogue=PackCatalogue(Packs()),
        packs=Packs(),
        plans=_NoShelf(),
        sources=_NoSources(),
        webhook_secret=lambda _: None,
        public_url="http://localhost",
        version=tocsin.__version__,
    )
