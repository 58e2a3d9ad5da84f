"""What the checker knows of the other playbooks: which there are, what they call, take and give."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Protocol

from tocsin.core.values import JsonObject
from tocsin.playbook.types.lattice import ANY, Type

NO_CALLS: Final[Mapping[str, Collection[str]]] = {}


class PlaybookDirectory(Protocol):
    """The playbooks that can be called."""

    def ids(self) -> Collection[str]:
        """Return the ids of all playbooks."""

    def calls(self) -> Mapping[str, Collection[str]]:
        """Return which playbooks call which, as far as it is known."""

    def inputs(self, id: str) -> JsonObject | None:
        """Return the JSON Schema of what a playbook takes; None if nobody knows."""

    def outputs(self, id: str) -> Type:
        """Return the type of what a playbook gives; ANY if nobody knows."""


class FixedDirectory:
    """A directory of given playbooks. Of those that are not described nothing is known but that they exist."""

    def __init__(
        self,
        ids: Iterable[str] | Mapping[str, Collection[str]],
        *,
        inputs: Mapping[str, JsonObject] | None = None,
        outputs: Mapping[str, Type] | None = None,
    ) -> None:
        """`ids`: of all playbooks; a mapping gives with each the ids that it calls."""
        self._calls: Mapping[str, Collection[str]] = ids if isinstance(ids, Mapping) else NO_CALLS
        self._ids = frozenset(ids)
        self._inputs, self._outputs = inputs or {}, outputs or {}

    def ids(self) -> Collection[str]:
        """Return the ids of all playbooks."""
        return self._ids

    def calls(self) -> Mapping[str, Collection[str]]:
        """Return which playbooks call which, as far as it is known."""
        return self._calls

    def inputs(self, id: str) -> JsonObject | None:
        """Return the JSON Schema of what a playbook takes; None if nobody knows."""
        return self._inputs.get(id)

    def outputs(self, id: str) -> Type:
        """Return the type of what a playbook gives; ANY if nobody knows."""
        return self._outputs.get(id, ANY)
