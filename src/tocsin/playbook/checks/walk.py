"""Walk a playbook in the order in which it runs, and check every slot with what is known where it stands."""

from collections.abc import Sequence
from typing import TypeAlias

from tocsin.playbook.checks import outcomes, slots
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.ends import block_ends
from tocsin.playbook.checks.places import Places
from tocsin.playbook.checks.reading import Given, Reader
from tocsin.playbook.checks.scopes import Result, Scope
from tocsin.playbook.codes import Code, branches
from tocsin.playbook.model import (
    ActionNode,
    AlertTriggerNode,
    AskNode,
    Block,
    CallNode,
    CodeNode,
    ConditionSlot,
    ForEachNode,
    IfNode,
    OtherNode,
    ParallelNode,
    SetNode,
    StepNode,
    StopNode,
    SwitchNode,
    TemplateSlot,
    WaitNode,
    WhileNode,
)
from tocsin.playbook.plan import Join, OnError
from tocsin.playbook.types import world
from tocsin.playbook.types.lattice import ANY, Field, Presence, Type
from tocsin.playbook.types.listfilters import item_of

Way: TypeAlias = "tuple[str, Scope, Block]"  # the condition under which a block runs, what is known then, and the block


class Walk:
    """One walk through one playbook."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.reader = Reader(context, Places(context.playbook))

    def run(self) -> Type:
        """Check triggers, steps, outputs and the last steps; return the type of the outputs."""
        playbook = self.context.playbook
        for trigger in playbook.triggers:
            if isinstance(trigger, AlertTriggerNode) and trigger.condition.uses:
                slots.check_trigger(trigger.condition, self.context)
        scope = Scope(outcomes.names_of(self.context), rare=self.context.rare)
        self.block(playbook.steps, scope)
        if playbook.final:
            self._final(playbook.final, scope)
        if playbook.outputs is None:
            return ANY
        scope.partial = any(isinstance(step, StopNode) for step in self.context.steps)
        outputs = self.reader.template(playbook.outputs, None, scope).type
        return outcomes.perhaps_stopped(outputs) if scope.partial else outputs

    def _final(self, block: Block, before: Scope) -> None:
        scope = Scope({**before.names, "run": world.ENDED_RUN}, rare=before.rare)
        for id, result in before.results.items():
            scope.results[id] = result.doubted("finally")
        self.block(block, scope)
        for id, result in scope.results.items():
            before.results.setdefault(id, result)  # outputs are computed last of all

    def block(self, block: Block, scope: Scope) -> None:
        """Walk a block; its results are added to the scope."""
        for step in block:
            condition = step.head.condition
            if condition is not None:
                self.reader.condition(condition, step, scope)
            inside = scope if condition is None else scope.given(condition)
            before = len(scope.results)
            type = self._step(step, inside)
            type = self._handled(step, inside, type)
            if condition is None:
                self._define(step, type, scope)
            else:
                why = _source(condition)
                for id, result in list(scope.results.items())[before:]:
                    scope.results[id] = result.doubted(why)
                self._define(step, type, scope, frozenset({why}))
                if block_ends((step,), despite_condition=True):
                    scope.learn([scope.given(condition, holds=False)])

    def _define(self, step: StepNode, type: Type | None, scope: Scope, needs: frozenset[str] = frozenset()) -> None:
        if step.head.id is None:
            return
        if type is world.PERHAPS_FAILED:
            needs |= {f"the error of line {step.head.line}"}
        scope.define(step.head.id.text, Result(step, type, needs))

    def _handled(self, step: StepNode, scope: Scope, type: Type | None) -> Type | None:
        """Walk the steps for the errors of a step; return what its result is after them."""
        on_error, id = step.head.on_error, step.head.id
        if on_error is OnError.HANDLE and step.head.handler:
            inner = scope.branch()
            if id is not None:
                inner.define(id.text, Result(step, world.FAILED))
            self.block(step.head.handler, inner)
            for name, result in inner.results.items():
                if name not in scope.results and (id is None or name != id.text):
                    scope.results[name] = result.doubted(f"an error in line {step.head.line}")
            if block_ends(step.head.handler):
                return type
        return type if on_error is OnError.FAIL else outcomes.perhaps_failed(type)

    def _step(self, step: StepNode, scope: Scope) -> Type | None:
        """Walk one step; return the type of its result, None if it has none."""
        match step:
            case ActionNode():
                return self._action(step, scope)
            case SetNode():
                return self.reader.template(step.values, step, scope).type
            case IfNode():
                self._if(step, scope)
                return None
            case SwitchNode():
                self._switch(step, scope)
                return None
            case ForEachNode():
                return self._for_each(step, scope)
            case WhileNode():
                return self._while(step, scope)
            case ParallelNode():
                self._parallel(step, scope)
                return None
            case AskNode():
                return self._ask(step, scope)
            case WaitNode():
                return self._wait(step, scope)
            case CallNode():
                given = self._given(step.inputs, step, scope)
                slots.check_call(step, given, self.reader)
                return outcomes.of_call(step, self.context)
            case CodeNode():
                self._given(step.inputs, step, scope)
                return outcomes.of_code(step)
            case StopNode():
                self.reader.template(step.reason, step, scope)
                return None
            case OtherNode():
                return self._other(step, scope)

    def _given(self, slot: TemplateSlot | None, step: StepNode, scope: Scope) -> Given | None:
        return None if slot is None else self.reader.template(slot, step, scope)

    def _action(self, step: ActionNode, scope: Scope) -> Type:
        given = self._given(step.arguments, step, scope)
        slots.check_action(step, given, self.reader, scope)
        type = outcomes.of_action(step, self.context)
        if step.polling is not None:
            own = scope.branch()
            if step.head.id is not None:
                own.define(step.head.id.text, Result(step, type))
            self.reader.condition(step.polling.until, step, own)
        return type

    def _ask(self, step: AskNode, scope: Scope) -> Type:
        self.reader.template(step.title, step, scope)
        slots.check_recipients(step, self.reader.template(step.to, step, scope), self.reader)
        if step.message is not None:
            self.reader.template(step.message, step, scope)
        return outcomes.of_ask(step)

    def _wait(self, step: WaitNode, scope: Scope) -> Type | None:
        for slot, is_instant in ((step.duration, False), (step.until, True)):
            if slot is not None:
                slots.check_time(slot, self.reader.template(slot, step, scope).type, self.reader, is_instant=is_instant)
        if step.event is None:
            return None
        if step.event.filter is not None:
            event = outcomes.event_of(step.event)
            self.reader.condition(step.event.filter, step, scope.named(event=event))
        return outcomes.of_wait(step.event)

    # Blocks -----------------------------------------------------------------------------------------------------------

    def _if(self, step: IfNode, scope: Scope) -> None:
        seen: set[str] = set()
        ways: list[Way] = []
        rest = scope
        for condition, block in step.branches:
            source = _source(condition)
            if source in seen:
                message = "A branch before this one has the same condition, so this one never runs."
                self._report(branches.SAME_CONDITION, condition, message, "Put the steps together, or change the condition.")
            else:
                self.reader.condition(condition, step, rest)
            seen.add(source)
            ways.append((source, rest.given(condition), block))
            if len(ways) < len(step.branches) or step.otherwise or all(block_ends(one) for _, _, one in ways):
                rest = rest.given(condition, holds=False)
        self._ways([*ways, ("", rest, step.otherwise or ())], scope)

    def _switch(self, step: SwitchNode, scope: Scope) -> None:
        subject = self.reader.expression(step.subject, step, scope)
        narrowed = slots.check_cases(step, subject, self.reader, scope)
        ways = [
            (f"case {place} of line {step.head.line}", inner, block)
            for place, (inner, (_, block)) in enumerate(zip(narrowed, step.cases, strict=True))
        ]
        self._ways([*ways, ("", scope.branch(), step.default or ())], scope)

    def _ways(self, ways: Sequence[Way], scope: Scope) -> None:
        """Walk branches of which one runs. What it leaves is certain if all others end the run."""
        going_on = [place for place, (_, _, block) in enumerate(ways) if not block_ends(block)]
        grown: list[Scope] = []
        for _, inside, block in ways:
            inner = inside.branch()
            self.block(block, inner)
            grown.append(inner)
        before = set(scope.results)
        for place, inner in enumerate(grown):
            why = ways[0][0] if place == 0 else f"{ways[0][0]}: branch {place}"
            for name, result in inner.results.items():
                if name not in before:
                    scope.results[name] = result if going_on == [place] else result.doubted(why)
        scope.learn([grown[place] for place in going_on])

    def _parallel(self, step: ParallelNode, scope: Scope) -> None:
        count = len(step.branches)
        wanted = count if step.join is Join.ALL else 1 if step.join is Join.ANY else int(step.join)
        grown = [scope.branch() for _ in step.branches]
        for block, inner in zip(step.branches, grown, strict=True):
            self.block(block, inner)
        before = set(scope.results)
        for inner in grown:
            for name, result in inner.results.items():
                if name not in before:
                    scope.results[name] = result if wanted >= count else result.doubted(f"the join of line {step.head.line}")

    def _for_each(self, step: ForEachNode, scope: Scope) -> Type:
        items = self.reader.expression(step.items, step, scope)
        slots.check_loop(step, items, self.reader)
        item = item_of(items)
        inner = scope.named(**{"item": item, step.variable.text: item})
        self.block(step.body, inner)
        return outcomes.of_loop(step.variable.text, item, _made(inner, scope))

    def _while(self, step: WhileNode, scope: Scope) -> Type:
        """Walk a loop: its steps and condition see the results of the round before, of the first round none."""
        inner = scope.named()
        inner.changing = True
        inner.holds = frozenset()
        if not self.reader.is_quiet:  # in a loop inside a loop the types of the round before stay unknown
            with self.reader.quiet():
                trial = inner.branch()
                self.block(step.body, trial)
            for id, result in trial.results.items():
                if id not in scope.results:
                    inner.results[id] = result.doubted(f"a round of line {step.head.line}")
        self.reader.condition(step.condition, step, inner)
        body = inner.in_round(step.condition)
        self.block(step.body, body)
        return outcomes.of_rounds(_made(body, scope))

    def _other(self, step: OtherNode, scope: Scope) -> Type:
        for slot in step.slots:
            if isinstance(slot, TemplateSlot):
                self.reader.template(slot, step, scope)
            elif isinstance(slot, ConditionSlot):
                self.reader.condition(slot, step, scope)
            else:
                self.reader.expression(slot, step, scope)
        for body in step.bodies:
            self.block(body, scope.branch())
        return ANY

    def _report(self, code: Code, slot: ConditionSlot, message: str, hint: str) -> None:
        if not self.reader.is_quiet:
            self.context.report(code, slot.node.head, message, hint)


def _made(inner: Scope, outer: Scope) -> dict[str, Field]:
    """Return what the steps of a loop's body have made."""
    return {
        id: Field(result.type, Presence.UNSAID if result.needs else Presence.ALWAYS)
        for id, result in inner.results.items()
        if id not in outer.results and result.type is not None
    }


def _source(condition: ConditionSlot) -> str:
    return condition.condition.source if condition.condition is not None else f"line {condition.node.span.line}"
