"""Parse steps: the keys that every step may have, what kind it is, and blocks of them."""

from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.playbook.codes import flow, names
from tocsin.playbook.expr.errors import nearest
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import Block, ConditionSlot, Head, Kind, OtherNode, StepNode
from tocsin.playbook.parsing.fields import check_snake
from tocsin.playbook.parsing.keys import Keys, empty_block, fixed_text, items_of, listed, mapping_of
from tocsin.playbook.parsing.kinds import parse_kind
from tocsin.playbook.parsing.parts import Parts
from tocsin.playbook.parsing.values import condition_slot
from tocsin.playbook.plan import OnError
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar, Sequence

MAX_STEPS: Final = 500
_KIND_KEYS: Final = {kind.value: kind for kind in Kind if kind not in (Kind.IF, Kind.NONE)}
_IF_KEYS: Final = ("then", "elif", "else")
_ON_ERROR: Final = {word.value: word for word in (OnError.FAIL, OnError.CONTINUE)}
_INSTEAD: Final = {Kind.ASK: "Give it a deadline.", Kind.CALL: "Write it in the playbook that is called."}
_KINDS_HINT: Final = "Write one of action, set, if with then, switch, for_each, while, parallel, ask, wait, call, code and stop."


class StepReader:
    """Parse blocks of steps; what is wrong is collected."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.count = 0

    def block(self, entry: Entry, what: str) -> Block:
        """Parse the list of steps that stands at a key."""
        return self.steps(entry.value, what, entry.key.span)

    def steps(self, node: Node, what: str, span: Span) -> Block:
        """Parse a list of steps; `span` is where an empty one is reported."""
        if (isinstance(node, Sequence) and not node.items) or (isinstance(node, Scalar) and node.value is None and node.raw == ""):
            empty_block(span, what, self.findings)
            return ()
        items = items_of(node, self.findings, what)
        if not self._has_room(items):
            return ()
        return tuple(step for item in items if (step := self.step(item)) is not None)

    def _has_room(self, items: tuple[Node, ...]) -> bool:
        """Count steps; report the first that is too many, and read no more."""
        before, self.count = self.count, self.count + len(items)
        if before <= MAX_STEPS < self.count:
            message = f"The playbook has more than {MAX_STEPS} steps."
            hint = "Move a part into a playbook of its own and call it."
            self.findings.add(flow.TOO_MANY_STEPS, items[MAX_STEPS - before].head, message, hint)
        return self.count <= MAX_STEPS

    def step(self, node: Node) -> StepNode | None:
        """Parse one step."""
        if isinstance(node, Sequence):
            hint = "A step begins with '- ' once. A list in a list stands below parallel only."
            self.findings.add(names.WRONG_TYPE, node.head, "A step must be a map, not a list.", hint)
            return None
        mapping = mapping_of(node, self.findings, "A step")
        if mapping is None:
            return None
        kind, span = self._kind(mapping)
        keys = Keys(mapping, self.findings, what="The step", point=span)
        head = self._head(keys, kind, span)
        if kind is Kind.NONE:
            keys.drop()
            return OtherNode(head, kind)
        parts = Parts(keys, head, self.findings, self.block, self.steps)
        step = parse_kind(kind, parts)
        keys.done()
        return step

    def _kind(self, mapping: Mapping) -> tuple[Kind, Span]:
        """Find what a step is, and the key that says so."""
        found: list[tuple[Kind, Span]] = []
        keys = {entry.key.value: entry.key.span for entry in mapping.entries if isinstance(entry.key.value, str)}
        found = [(_KIND_KEYS[key], span) for key, span in keys.items() if key in _KIND_KEYS]
        branch = next((key for key in _IF_KEYS if key in keys), None)
        if branch is not None or ("if" in keys and not found and not nearest_kind(keys)):
            found.append((Kind.IF, keys.get("if") or keys[branch or "if"]))
        if [kind for kind, _ in found] in ([Kind.CALL, Kind.WAIT], [Kind.WAIT, Kind.CALL]) and self._is_flag(mapping.get("wait")):
            found = [one for one in found if one[0] is Kind.CALL]
        if len(found) == 1:
            return found[0]
        if found:
            kinds = listed([kind.value for kind, _ in found])
            self.findings.add(names.SEVERAL_KINDS, found[1][1], f"The step is several things at once: {kinds}.", "Make a step of each.")
        else:
            hint = nearest_kind(keys) or _KINDS_HINT
            self.findings.add(names.NO_KIND, mapping.head, "The step does not say what it does.", hint)
        return Kind.NONE, mapping.head

    def _is_flag(self, entry: Entry | None) -> bool:
        """Say whether a `wait` is the key of a call, true or false, and not a step of its own."""
        return entry is not None and isinstance(entry.value, Scalar) and isinstance(entry.value.value, bool)

    def _head(self, keys: Keys, kind: Kind, span: Span) -> Head:
        identity = keys.name("id")
        if identity is not None:
            check_snake(identity, self.findings, "The id")
        name = keys.text("name") or ""
        condition = None if kind is Kind.IF else self._condition(keys)
        on_error, handler = self._on_error(keys)
        self._tags(keys)
        if kind not in (Kind.ACTION, Kind.NONE):
            for key in ("retry",) if kind is Kind.CODE else ("timeout", "retry"):
                keys.refuse(
                    key, f"'{key}' belongs to an action, not to {kind.value}.", _INSTEAD.get(kind, "Write it at the actions inside.")
                )
        return Head(span, keys.point.line, identity, name, condition, on_error, handler)

    def _condition(self, keys: Keys) -> ConditionSlot | None:
        node = keys.node("if")
        return None if node is None else condition_slot(node, self.findings)

    def _on_error(self, keys: Keys) -> tuple[OnError, Block]:
        entry = keys.entry("on_error")
        if entry is None:
            return OnError.FAIL, ()
        if isinstance(entry.value, Mapping):
            inside = Keys(entry.value, self.findings, what="'on_error'", point=entry.key.span)
            steps = inside.entry("steps")
            if steps is None:
                inside.missing("steps", "Write fail, continue, or steps: with what to do then.")
            inside.done()
            return OnError.HANDLE, () if steps is None else self.block(steps, "'on_error'")
        name = fixed_text(entry.value, self.findings, "'on_error'")
        if name is None:
            return OnError.FAIL, ()
        if name.text not in _ON_ERROR:
            hint = nearest(name.text, _ON_ERROR) or "Write fail, continue or {steps: [...]}."
            self.findings.add(names.NOT_ONE_OF, name.span, f"'{name.text}' is not one of {listed(_ON_ERROR)}.", hint)
            return OnError.FAIL, ()
        return _ON_ERROR[name.text], ()

    def _tags(self, keys: Keys) -> None:
        node = keys.node("tags")
        if node is not None:
            for item in items_of(node, self.findings, "'tags'"):
                fixed_text(item, self.findings, "A tag")


def nearest_kind(keys: dict[str, Span]) -> str:
    """Return a hint for a key that looks like a misspelt kind."""
    return next((hint for key in keys if key not in ("id", "name", "if", "with") and (hint := nearest(key, _KIND_KEYS))), "")
