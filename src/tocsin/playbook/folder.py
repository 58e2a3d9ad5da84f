"""The playbooks of a folder, each knowing what the others take and give."""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.checks.context import context_of
from tocsin.playbook.checks.walk import Walk
from tocsin.playbook.findings import Enough, Findings
from tocsin.playbook.model import CallNode, Playbook, steps_of
from tocsin.playbook.parse import parse
from tocsin.playbook.source import decode, load
from tocsin.playbook.types.lattice import ANY, Type


@dataclass(frozen=True, slots=True)
class _Known:
    playbook: Playbook
    inputs: JsonObject
    calls: tuple[str, ...]


class Folder:
    """A directory of the playbooks among some texts; those that cannot be read at all are not in it.

    What a playbook gives is found out when somebody asks, once.
    """

    def __init__(self, texts: Iterable[str | bytes], *, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known = {one.playbook.id.text: one for text in texts if (one := _read(text)) is not None}
        self._outputs: dict[str, Type] = {}

    def ids(self) -> Collection[str]:
        """Return the ids of all playbooks."""
        return self._known.keys()

    def calls(self) -> Mapping[str, Collection[str]]:
        """Return which playbooks call which."""
        return {id: one.calls for id, one in self._known.items()}

    def inputs(self, id: str) -> JsonObject | None:
        """Return the JSON Schema of what a playbook takes; None if nobody knows."""
        known = self._known.get(id)
        return None if known is None else known.inputs

    def outputs(self, id: str) -> Type:
        """Return the type of what a playbook gives; ANY if nobody knows."""
        if id in self._outputs:
            return self._outputs[id]
        known = self._known.get(id)
        self._outputs[id] = ANY  # for those who ask in a circle
        if known is not None:
            context = context_of(known.playbook, catalogue=self._catalogue, playbooks=self, findings=Findings())
            walk = Walk(context)
            with contextlib.suppress(Enough), walk.reader.quiet():
                self._outputs[id] = walk.run()
        return self._outputs[id]


def _read(text: str | bytes) -> _Known | None:
    findings = Findings()
    with contextlib.suppress(Enough):
        decoded = decode(text, file="", findings=findings)
        node = None if decoded is None else load(decoded, file="", findings=findings)
        playbook = None if node is None else parse(node, file="", findings=findings)
        if playbook is not None:
            steps = (*steps_of(playbook.steps), *steps_of(playbook.final))
            called = tuple(dict.fromkeys(step.playbook.text for step in steps if isinstance(step, CallNode)))
            return _Known(playbook, _inputs(playbook), called)
    return None


def _inputs(playbook: Playbook) -> JsonObject:
    properties: JsonObject = {one.name.text: one.schema for one in playbook.inputs}
    required: list[Json] = [one.name.text for one in playbook.inputs if one.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
