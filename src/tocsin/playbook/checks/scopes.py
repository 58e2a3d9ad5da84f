"""Walk a playbook in the order in which it runs, and say at each slot which names and results are there.

A scope is the whole playbook or the body of a loop. Steps inside `if`, `switch` and `parallel` belong to the scope around them;
their results are there for certain only where the branch was certainly taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import ALERT_SCHEMA, CASE_SCHEMA, RUN_SCHEMA, WORKSPACE_SCHEMA, Catalogue
from tocsin.playbook.checks.paths import ref_of
from tocsin.playbook.expr.tree import Path
from tocsin.playbook.model import (
    ActionNode,
    AskNode,
    Block,
    CallNode,
    ConditionSlot,
    ForEachNode,
    IfNode,
    OtherNode,
    ParallelNode,
    Playbook,
    SetNode,
    Slot,
    StepNode,
    StopNode,
    SwitchNode,
    blocks_of,
    slots_of,
)
from tocsin.playbook.plan import OnError
from tocsin.playbook.schemas import OPEN, NoField, NoObject, closed, fields_of, types_of, walk
from tocsin.playbook.tree import Mapping, Scalar

_TEXT: Final[JsonObject] = {"type": "string"}
_NULLABLE: Final[JsonObject] = {"type": ["string", "null"]}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a step that has run. `needs`: conditions that must have held for it to be there; empty: it is there."""

    step: StepNode
    schema: JsonObject | None  # None: the step has no result
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known at one place. `holds`: the conditions that are true here; `sure`: steps that a condition has answered for."""

    names: dict[str, JsonObject]
    results: dict[str, Result]
    holds: frozenset[str] = frozenset()
    sure: frozenset[str] = frozenset()

    def given(self, condition: ConditionSlot | None) -> "Scope":
        """Return the scope where a condition holds."""
        if condition is None or condition.condition is None:
            return self
        answered = {ref[1] for ref in condition.condition.optional_refs if ref[0] == "steps" and len(ref) > 1}
        return replace(self, holds=self.holds | {condition.condition.source}, sure=self.sure | answered)

    def branch(self) -> "Scope":
        """Return a copy whose results may grow apart."""
        return replace(self, results=dict(self.results))

    def is_there(self, id: str) -> bool:
        """Say whether a result is there for certain."""
        return id in self.sure or self.results[id].needs <= self.holds


@dataclass(frozen=True, slots=True)
class Visit:
    """One slot, the step that it belongs to (None: the outputs), and what is known there."""

    slot: Slot
    step: StepNode | None
    scope: Scope


Visits: TypeAlias = Iterator[Visit]


def visits(playbook: Playbook, catalogue: Catalogue) -> Visits:
    """Yield every slot of the steps and outputs with its scope, in the order of running. Look at a scope before going on."""
    inputs = closed({one.name.text: one.schema for one in playbook.inputs})
    names: dict[str, JsonObject] = {
        "alert": ALERT_SCHEMA,
        "case": CASE_SCHEMA,
        "inputs": inputs,
        "run": RUN_SCHEMA,
        "workspace": WORKSPACE_SCHEMA,
        "now": _TEXT,
    }
    scope = Scope(names, {})
    yield from _Walker(catalogue).block(playbook.steps, scope)
    if playbook.outputs is not None:
        yield Visit(playbook.outputs, None, scope)


def ends(step: StepNode) -> bool:
    """Say whether a step ends the run whatever happens."""
    if step.head.condition is not None:
        return False
    match step:
        case StopNode():
            return True
        case IfNode():
            return step.otherwise is not None and all(block_ends(block) for block in blocks_of(step))
        case SwitchNode():
            return step.default is not None and all(block_ends(block) for block in blocks_of(step))
        case ParallelNode():
            return any(block_ends(block) for block in step.branches)
        case _:
            return False


def block_ends(block: Block) -> bool:
    """Say whether a block ends the run whatever happens."""
    return any(ends(step) for step in block)


class _Walker:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def block(self, block: Block, scope: Scope) -> Visits:
        """Walk a block; its results are added to the scope."""
        for step in block:
            if step.head.condition is not None:
                yield Visit(step.head.condition, step, scope)
            inside = scope.given(step.head.condition)
            before = len(scope.results)
            yield from self._step(step, inside)
            if step.head.condition is not None and len(scope.results) > before:
                self._doubt(scope, before, _source(step.head.condition))
            if step.head.id is not None:
                needs = frozenset() if step.head.condition is None else frozenset({_source(step.head.condition)})
                scope.results[step.head.id.text] = Result(step, self._schema(step), needs)

    def _step(self, step: StepNode, scope: Scope) -> Visits:
        match step:
            case IfNode():
                yield from self._if(step, scope)
            case SwitchNode():
                yield Visit(step.subject, step, scope)
                names = [f"case {place} of line {step.head.line}" for place in range(len(step.cases))]
                branches = [(name, scope, block) for name, (_, block) in zip(names, step.cases, strict=True)]
                yield from self._branches(branches, step.default, scope)
            case ParallelNode():
                grown = [scope.branch() for _ in step.branches]
                for block, inner in zip(step.branches, grown, strict=True):
                    yield from self.block(block, inner)
                for inner in grown:
                    scope.results.update(inner.results)
            case ForEachNode():
                yield Visit(step.items, step, scope)
                yield from self.block(step.body, self._in_loop(step, scope))
            case OtherNode():
                for slot in step.slots:
                    yield Visit(slot, step, scope)
                for body in step.bodies:
                    yield from self.block(body, scope.branch())
            case _:
                for slot in slots_of(step):
                    yield Visit(slot, step, scope)

    def _if(self, step: IfNode, scope: Scope) -> Visits:
        for condition, _ in step.branches:
            yield Visit(condition, step, scope)
        branches = [(_source(condition), scope.given(condition), block) for condition, block in step.branches]
        yield from self._branches(branches, step.otherwise, scope)

    def _branches(self, branches: list[tuple[str, Scope, Block]], otherwise: "Block | None", scope: Scope) -> Visits:
        """Walk branches of which one runs. What it leaves is certain if all others end the run."""
        every = [*branches, ("", scope, otherwise or ())]
        going_on = [place for place, (_, _, block) in enumerate(every) if not block_ends(block)]
        grown: list[Scope] = []
        for _, inside, block in every:
            inner = inside.branch()
            yield from self.block(block, inner)
            grown.append(inner)
        before = set(scope.results)
        for place, inner in enumerate(grown):
            needs = every[0][0] if place == 0 else f"{every[0][0]}: branch {place}"
            for name, result in inner.results.items():
                if name not in before:
                    certain = going_on == [place]
                    scope.results[name] = result if certain else replace(result, needs=result.needs | {needs})

    def _doubt(self, scope: Scope, before: int, source: str) -> None:
        for name, result in list(scope.results.items())[before:]:
            scope.results[name] = replace(result, needs=result.needs | {source})

    def _in_loop(self, step: ForEachNode, scope: Scope) -> Scope:
        tree = None if step.items.expression is None else step.items.expression.tree
        item = OPEN
        if isinstance(tree, Path) and all(isinstance(key, str) for key in tree.keys):
            item = self._item_of(ref_of(tree), scope)
        return replace(scope.branch(), names={**scope.names, "item": item, step.variable.text: item})

    def _item_of(self, ref: tuple[str, ...], scope: Scope) -> JsonObject:
        schema = schema_at(ref, scope)
        items = schema.get("items") if types_of(schema) == {"array"} else None
        return items if isinstance(items, dict) else OPEN

    def _schema(self, step: StepNode) -> JsonObject | None:
        schema = self._plain_schema(step)
        if schema and step.head.on_error is OnError.CONTINUE and isinstance(schema.get("properties"), dict):
            return {**schema, "properties": {**fields_of(schema), "error": closed({"code": _TEXT, "kind": _TEXT, "message": _TEXT})}}
        return schema

    def _plain_schema(self, step: StepNode) -> JsonObject | None:
        match step:
            case ActionNode():
                spec = self.catalogue.spec(step.action.text)
                return OPEN if spec is None else spec.output_schema
            case SetNode():
                node = step.values.node
                return closed({str(one.key.value): _constant(one.value) for one in node.entries}) if isinstance(node, Mapping) else OPEN
            case AskNode():
                form = closed(dict.fromkeys(step.form, OPEN)) if step.form else OPEN
                return closed({"answer": _NULLABLE, "form": form, "by": _NULLABLE, "at": _TEXT, "reason": _TEXT})
            case ForEachNode():
                return {"type": "array", "items": OPEN}
            case CallNode() | OtherNode():
                return OPEN
            case _:
                return None


def schema_at(ref: tuple[str, ...], scope: Scope) -> JsonObject:
    """Return the schema of what a path reads; open if nobody knows."""
    if ref[0] == "steps":
        result = scope.results.get(ref[1]) if len(ref) > 1 else None
        found = walk(result.schema, ref[2:]) if result is not None and result.schema is not None else OPEN
    else:
        found = walk(scope.names.get(ref[0], OPEN), ref[1:])
    return OPEN if isinstance(found, NoField | NoObject) else found


def _constant(node: object) -> JsonObject:
    """Return the schema of a constant; open for what an expression makes."""
    if isinstance(node, Scalar) and isinstance(node.value, str) and "${{" not in node.value:
        return _TEXT
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return {"type": "boolean"}
    return {"type": "number"} if isinstance(node, Scalar) and isinstance(node.value, int | float) else OPEN


def _source(condition: ConditionSlot) -> str:
    return condition.condition.source if condition.condition is not None else f"line {condition.node.span.line}"
