"""What a check is given, and the words that have a meaning of their own."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.core.effects import ActionSpec, Effect
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.codes import Code
from tocsin.playbook.directory import NO_CALLS, FixedDirectory, PlaybookDirectory
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import ActionNode, AlertTriggerNode, CaseTriggerNode, Playbook, Slot, StepNode, slots_in, steps_of

NAMES: Final = ("alert", "case", "inputs", "steps", "run", "item", "workspace", "now")
_GRAVITY: Final = list(Effect)
TRIGGER_NAMES: Final = ("alert", "workspace", "now")


def context_of(
    playbook: Playbook, *, catalogue: Catalogue, playbooks: PlaybookDirectory | Collection[str] | None, findings: Findings
) -> "Context":
    """Return the context of a playbook."""
    refs = {ref for slot in _slots(playbook) for use in slot.uses for ref in use.expression.refs}
    directory = FixedDirectory(playbooks) if isinstance(playbooks, Collection) else playbooks
    steps = (*steps_of(playbook.steps), *steps_of(playbook.final))
    return Context(playbook, steps, frozenset(refs), catalogue, directory, findings)


def _slots(playbook: Playbook) -> Iterator[Slot]:
    yield from (trigger.condition for trigger in playbook.triggers if isinstance(trigger, AlertTriggerNode))
    yield from slots_in(playbook.steps)
    yield from slots_in(playbook.final)
    if playbook.outputs is not None:
        yield playbook.outputs


@dataclass(frozen=True, slots=True)
class Context:
    """One playbook under check. `steps` and `refs` are all that are in it, the paths that triggers and outputs read too.

    `playbooks`: those that exist, or None if nobody knows.
    """

    playbook: Playbook
    steps: tuple[StepNode, ...]
    refs: frozenset[tuple[str, ...]]
    catalogue: Catalogue
    playbooks: PlaybookDirectory | None
    findings: Findings

    def report(self, code: Code, span: Span, message: str, hint: str = "") -> None:
        """Note a finding."""
        self.findings.add(code, span, message, hint)

    def spec_of(self, step: ActionNode) -> ActionSpec | None:
        """Return what the catalogue knows of an action."""
        return self.catalogue.spec(step.action.text)

    def effect_of(self, step: ActionNode) -> Effect | None:
        """Return the effect of an action, the graver of what its pack and the playbook say."""
        spec = self.spec_of(step)
        if step.effect is None or spec is None:
            return spec.effect if spec is not None else step.effect[0] if step.effect is not None else None
        return max(spec.effect, step.effect[0], key=_GRAVITY.index)

    def calls(self) -> Mapping[str, Collection[str]]:
        """Return which playbooks call which, as far as it is known."""
        return NO_CALLS if self.playbooks is None else self.playbooks.calls()

    def starts_without(self, name: str) -> bool:
        """Say whether something starts the playbook that brings no alert, or no case."""
        brings = AlertTriggerNode if name == "alert" else CaseTriggerNode
        return any(not isinstance(trigger, brings) for trigger in self.playbook.triggers)

    @property
    def rare(self) -> frozenset[str]:
        """Return the names that some runs do not have: one that is started by hand may have no alert, and most have no case."""
        return frozenset({"alert", "case"})
