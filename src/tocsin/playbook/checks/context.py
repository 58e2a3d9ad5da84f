"""What a check is given, and the words that have a meaning of their own."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.core.effects import ActionSpec, Effect
from tocsin.playbook.catalogue import Catalogue
from tocsin.playbook.codes import Code
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import ActionNode, AlertTriggerNode, Playbook, Slot, StepNode, slots_in, steps_of

NAMES: Final = ("alert", "case", "inputs", "steps", "run", "item", "workspace", "now")
TRIGGER_NAMES: Final = ("alert", "workspace", "now")


@dataclass(frozen=True, slots=True)
class Context:
    """One playbook under check. `playbooks`: the ids of those that exist, or None if nobody knows."""

    playbook: Playbook
    catalogue: Catalogue
    playbooks: Collection[str] | None
    findings: Findings

    def report(self, code: Code, span: Span, message: str, hint: str = "") -> None:
        """Note a finding."""
        self.findings.add(code, span, message, hint)

    def steps(self) -> Iterator[StepNode]:
        """Yield every step."""
        return steps_of(self.playbook.steps)

    def slots(self) -> Iterator[Slot]:
        """Yield every slot of the playbook, those of triggers and outputs too."""
        yield from (trigger.condition for trigger in self.playbook.triggers if isinstance(trigger, AlertTriggerNode))
        yield from slots_in(self.playbook.steps)
        if self.playbook.outputs is not None:
            yield self.playbook.outputs

    def spec_of(self, step: ActionNode) -> ActionSpec | None:
        """Return what the catalogue knows of an action."""
        return self.catalogue.spec(step.action.text)

    def effect_of(self, step: ActionNode) -> Effect | None:
        """Return the effect of an action, the graver of what its pack and the playbook say."""
        spec = self.spec_of(step)
        known = [*([] if spec is None else [spec.effect]), *([] if step.effect is None else [step.effect[0]])]
        return max(known, key=list(Effect).index, default=None)

    def calls(self) -> Mapping[str, Collection[str]]:
        """Return which playbooks call which, as far as it is known."""
        return self.playbooks if isinstance(self.playbooks, Mapping) else {}
