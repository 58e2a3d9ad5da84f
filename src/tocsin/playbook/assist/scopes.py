"""What is known at a place of a playbook: the checker walks it, and each slot's scope is kept."""

import contextlib
from dataclasses import dataclass

from tocsin.core.diagnostics import Span
from tocsin.playbook.assist.places import Spot, contains
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.checks.context import Context, context_of
from tocsin.playbook.checks.places import Places
from tocsin.playbook.checks.reading import Given, Reader
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.checks.walk import Walk
from tocsin.playbook.directory import PlaybookDirectory
from tocsin.playbook.findings import Enough, Findings
from tocsin.playbook.model import AlertTriggerNode, ConditionSlot, ExpressionSlot, Playbook, Slot, StepNode, TemplateSlot
from tocsin.playbook.types import world
from tocsin.playbook.types.lattice import TEXT, Type


@dataclass(frozen=True, slots=True)
class World:
    """What is known beside the text: the actions, and the playbooks that can be called."""

    catalogue: Catalogue
    playbooks: PlaybookDirectory | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One slot, its step (None: a trigger or the outputs), and what is known there."""

    slot: Slot
    step: StepNode | None
    scope: Scope


class _Recorder(Reader):
    """Reads as the check does, and keeps what is known at each slot."""

    def __init__(self, context: Context, places: Places) -> None:
        super().__init__(context, places)
        self.visits: list[Visit] = []

    def template(self, slot: TemplateSlot, step: StepNode | None, scope: Scope) -> Given:
        """Keep the scope, and read on."""
        self._keep(slot, step, scope)
        return super().template(slot, step, scope)

    def expression(self, slot: ExpressionSlot, step: StepNode | None, scope: Scope) -> Type:
        """Keep the scope, and read on."""
        self._keep(slot, step, scope)
        return super().expression(slot, step, scope)

    def condition(self, slot: ConditionSlot, step: StepNode | None, scope: Scope) -> Type:
        """Keep the scope, and read on."""
        self._keep(slot, step, scope)
        return super().condition(slot, step, scope)

    def _keep(self, slot: Slot, step: StepNode | None, scope: Scope) -> None:
        if not self.is_quiet:
            self.visits.append(Visit(slot, step, scope.branch()))


def visits_of(playbook: Playbook, known: World) -> list[Visit]:
    """Return every slot of a playbook with what is known there, in the order of running; the triggers come first."""
    context = context_of(playbook, catalogue=known.catalogue, playbooks=known.playbooks, findings=Findings())
    walk = Walk(context)
    recorder = _Recorder(context, walk.reader.places)
    walk.reader = recorder
    in_trigger = Scope({"alert": world.ALERT, "workspace": world.WORKSPACE, "now": TEXT})
    triggers = [one for one in playbook.triggers if isinstance(one, AlertTriggerNode)]
    with contextlib.suppress(Enough):  # of a text with so many mistakes what was seen so far must do
        walk.run()
    return [*(Visit(one.condition, None, in_trigger) for one in triggers), *recorder.visits]


def visit_at(visits: list[Visit], spot: Spot) -> Visit | None:
    """Return the slot at a place, the innermost one."""
    around = [one for one in visits if contains(_whole(one.slot), spot)]
    return min(around, key=lambda one: _size(_whole(one.slot)), default=None)


def _whole(slot: Slot) -> Span:
    return slot.node.span


def _size(span: Span) -> tuple[int, int]:
    return span.end_line - span.line, span.end_column - span.column if span.end_line == span.line else 0
