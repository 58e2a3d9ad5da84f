"""Packs as the playbook checker sees them."""

from tocsin.connectors.loader import Packs
from tocsin.core.effects import ActionSpec


class PackCatalogue:
    """The actions of every loaded pack, by name."""

    def __init__(self, packs: Packs) -> None:
        self._specs = {action.spec.name: action.spec for pack in packs.packs.values() for action in pack.actions.values()}
        self._packs = tuple(sorted(packs.packs))

    def spec(self, name: str) -> ActionSpec | None:
        """Return what an action declares; None when there is no such action."""
        return self._specs.get(name)

    def names(self) -> tuple[str, ...]:
        """Return the name of every action, sorted."""
        return tuple(sorted(self._specs))

    def packs(self) -> tuple[str, ...]:
        """Return the id of every pack, sorted."""
        return self._packs
