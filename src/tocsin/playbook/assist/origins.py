"""Follow a list, an item or a round back to the loop that makes it, where that is certain."""

from dataclasses import dataclass
from typing import Final

from tocsin.playbook.assist.inside import compiled
from tocsin.playbook.assist.scopes import Visit
from tocsin.playbook.checks.reading import is_whole
from tocsin.playbook.checks.scopes import Scope
from tocsin.playbook.expr.tree import Applied, Constant, Fallback, Index, Node, Path
from tocsin.playbook.model import ForEachNode, Playbook, SetNode, StepNode, WhileNode, steps_of
from tocsin.playbook.tree import Mapping

_SAME: Final = frozenset({"where", "unique", "sort", "reverse", "slice"})  # filters that leave the items as they are
_ONE: Final = frozenset({"first", "last"})
_DEEPEST: Final = 8  # names that are followed through set steps and loop variables


@dataclass(frozen=True, slots=True)
class Origin:
    """What a value is: the list that a loop leaves, one item of it, or the last round of a `while`."""

    loop: StepNode
    is_item: bool


def loop_of(source: str, visit: Visit | None, playbook: Playbook) -> StepNode | None:
    """Return the loop of whose results an expression is a list."""
    expression = compiled(source) if source else None
    if expression is None or visit is None:
        return None
    origin = Tracer(playbook).origin(expression.tree, visit.scope, visit.step)
    return origin.loop if origin is not None and not origin.is_item else None


class Tracer:
    """Follows values through one playbook."""

    def __init__(self, playbook: Playbook) -> None:
        self._loops = [one for block in (playbook.steps, playbook.final) for one in steps_of(block) if isinstance(one, ForEachNode)]

    def origin(self, node: Node, scope: Scope, step: StepNode | None, depth: int = 0) -> Origin | None:
        """Return what a value is, if it is certainly made by a loop."""
        match node:
            case Path():
                found = self.along(node, scope, step, depth)
                return found[0] if found is not None and found[1] == len(node.keys) else None
            case Applied():
                value = self.origin(node.value, scope, step, depth)
                if value is None or value.is_item:
                    return None
                return value if node.filter in _SAME else Origin(value.loop, True) if node.filter in _ONE else None
            case Index(key=Constant(value=int())):
                value = self.origin(node.value, scope, step, depth)
                return Origin(value.loop, True) if value is not None and not value.is_item else None
            case Fallback():
                return self.origin(node.value, scope, step, depth)
            case _:
                return None

    def along(self, path: Path, scope: Scope, step: StepNode | None, depth: int = 0) -> tuple[Origin, int] | None:
        """Follow a path; return what it comes to that a loop makes, and how many keys lead there."""
        if depth > _DEEPEST:
            return None
        start = self._start(path, scope, step, depth)
        if start is None:
            return None
        origin, taken = start
        if not origin.is_item and taken < len(path.keys) and isinstance(path.keys[taken], int):
            return Origin(origin.loop, True), taken + 1
        return origin, taken

    def _start(self, path: Path, scope: Scope, step: StepNode | None, depth: int) -> tuple[Origin, int] | None:
        if path.root != "steps":
            loop = self._loop_around(path.root, step)
            tree = None if loop is None or loop.items.expression is None else loop.items.expression.tree
            origin = None if tree is None else self.origin(tree, scope, loop, depth + 1)
            return (Origin(origin.loop, True), 0) if origin is not None and not origin.is_item else None
        result = scope.results.get(str(path.keys[0])) if path.keys else None
        match result.step if result is not None else None:
            case ForEachNode() as items:
                return Origin(items, False), 1
            case WhileNode() as rounds if len(path.keys) > 1 and path.keys[1] == "last":
                return Origin(rounds, True), 2
            case SetNode() as named if len(path.keys) > 1:
                return self._through_set(named, str(path.keys[1]), scope, depth)
            case _:
                return None

    def _through_set(self, named: SetNode, name: str, scope: Scope, depth: int) -> tuple[Origin, int] | None:
        node = named.values.node
        entry = node.get(name) if isinstance(node, Mapping) else None
        use = None if entry is None else next((one for one in named.values.uses if one.scalar is entry.value), None)
        if use is None or not is_whole(use):
            return None
        origin = self.origin(use.expression.tree, scope, named, depth + 1)
        return None if origin is None else (origin, 2)

    def _loop_around(self, name: str, step: StepNode | None) -> ForEachNode | None:
        around = [one for one in self._loops if any(inner is step for inner in steps_of(one.body))]
        return next((one for one in reversed(around) if name in (one.variable.text, "item")), None)
