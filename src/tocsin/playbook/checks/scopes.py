"""What is known at one place of a playbook: names, results of steps, and what conditions around it have answered.

A scope is the whole playbook, an iteration of a `for_each` or a round of a `while`. Steps inside `if`, `switch`, `parallel`,
`on_error` and `finally` belong to the scope around them; their results are there for certain only where they certainly ran.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from tocsin.playbook.expr.tree import Node, Path
from tocsin.playbook.model import AskNode, ConditionSlot, StepNode
from tocsin.playbook.types.infer import Inference
from tocsin.playbook.types.known import Facts, Start
from tocsin.playbook.types.lattice import ANY, Object, Type
from tocsin.playbook.types.narrow import narrowed

_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a step that has run. `needs`: what must have held for it to be there; empty: it is there."""

    step: StepNode
    type: Type | None  # None: the step has no result
    needs: frozenset[str] = _NOTHING

    def doubted(self, why: str) -> "Result":
        """Return the result where it may not be there."""
        return replace(self, needs=self.needs | {why})


@dataclass(slots=True)
class Scope:
    """What is known at one place; it grows as the steps run.

    `holds`: sources of conditions that are true here; `sure`: steps that a condition has answered for; `rare`: names that some runs
    do not have; `changing`: results change from round to round, so that a condition that held need not hold later; `partial`: the run
    may have been stopped before any of the results.
    """

    names: dict[str, Type]
    results: dict[str, Result] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    holds: frozenset[str] = _NOTHING
    sure: frozenset[str] = _NOTHING
    rare: frozenset[str] = _NOTHING
    changing: bool = False
    partial: bool = False

    # What expressions know ------------------------------------------------------------------------------------------------

    def start(self, path: Path) -> Start:
        """Return the type of a name, or of the result of a step."""
        if path.root != "steps":
            type = self.names.get(path.root)
            if type is None or (path.root == "inputs" and isinstance(type, Object) and path.keys and path.keys[0] not in type.fields):
                return Start(ANY, 0, False)  # reported as what it is, a name that is not there
            return Start(type, 0, path.root not in self.rare)
        id = path.keys[0] if path.keys else None
        result = self.results.get(id) if isinstance(id, str) else None
        if result is None or result.type is None:
            return Start(ANY, len(path.keys), False)
        return Start(result.type, 1, not self.partial and self.is_there(str(id)))

    def is_answer(self, path: Path) -> bool:
        """Say whether a path reads the answer to a question."""
        if path.root != "steps" or len(path.keys) != 2 or path.keys[1] != "answer":
            return False
        result = self.results.get(str(path.keys[0]))
        return result is not None and isinstance(result.step, AskNode)

    def is_there(self, id: str) -> bool:
        """Say whether a result is there for certain."""
        if id in self.sure or self.results[id].needs <= self.holds:
            return True
        return any(ref[:2] == ("steps", id) for ref in self.facts)

    # How it grows ---------------------------------------------------------------------------------------------------------

    def define(self, id: str, result: Result) -> None:
        """Add the result of a step; what was known of an earlier round's is forgotten."""
        self.results[id] = result
        if self.facts:
            self.facts = {ref: type for ref, type in self.facts.items() if ref[:2] != ("steps", id)}

    def named(self, **names: Type) -> "Scope":
        """Return a scope of its own with more names; what was known of outer ones of that name is forgotten."""
        facts = {ref: type for ref, type in self.facts.items() if ref[0] not in names}
        return replace(self, names={**self.names, **names}, results=dict(self.results), facts=facts)

    def branch(self) -> "Scope":
        """Return a copy that may grow apart."""
        return replace(self, results=dict(self.results))

    def given(self, slot: ConditionSlot | None, *, holds: bool = True) -> "Scope":
        """Return the scope where a condition holds, or does not; results are shared."""
        if slot is None or slot.condition is None:
            return replace(self)
        condition = slot.condition
        facts = self.facts_if(condition.tree, holds=holds)
        if not holds:
            return replace(self, facts=facts)
        answered = {ref[1] for ref in condition.optional_refs if ref[0] == "steps" and len(ref) > 1}
        return replace(self, facts=facts, holds=self.holds | {condition.source}, sure=self.sure | answered)

    def in_round(self, slot: ConditionSlot) -> "Scope":
        """Return the scope of a round: of the one before, results may be missing, whatever a default stood in for."""
        return replace(self) if slot.condition is None else replace(self, facts=self.facts_if(slot.condition.tree, holds=True))

    def facts_if(self, tree: Node, *, holds: bool) -> Facts:
        """Return what is known when a condition holds, or does not."""
        return narrowed(Inference(self), tree, holds, self.facts)

    def learn(self, ways: "list[Scope]") -> None:
        """Take over what is known at the end of the only way that leads here."""
        if len(ways) == 1:
            self.facts, self.holds, self.sure = ways[0].facts, ways[0].holds, ways[0].sure
