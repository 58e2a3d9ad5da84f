"""What the checker knows of the world: the actions that exist, and the fields of an alert and a case."""

from collections.abc import Iterable
from typing import Final, Protocol

from tocsin.core.effects import ActionSpec
from tocsin.core.values import JsonObject
from tocsin.playbook.types import world
from tocsin.playbook.types.schema import schema_of


class Catalogue(Protocol):
    """The actions of the installed packs."""

    def spec(self, name: str) -> ActionSpec | None:
        """Return an action by its name, `pack.action`."""

    def names(self) -> Iterable[str]:
        """Return the names of all actions."""

    def packs(self) -> Iterable[str]:
        """Return the names of all packs."""


class FixedCatalogue:
    """A catalogue of given actions."""

    def __init__(self, specs: Iterable[ActionSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}

    def spec(self, name: str) -> ActionSpec | None:
        """Return an action by its name, `pack.action`."""
        return self._specs.get(name)

    def names(self) -> Iterable[str]:
        """Return the names of all actions."""
        return self._specs

    def packs(self) -> Iterable[str]:
        """Return the names of all packs."""
        return {name.partition(".")[0] for name in self._specs}


ALERT_SCHEMA: Final[JsonObject] = schema_of(world.ALERT)
CASE_SCHEMA: Final[JsonObject] = schema_of(world.CASE)
