"""Read what is expected of a case."""

from typing import Final

from tocsin.core.diagnostics import Span
from tocsin.core.values import JsonObject
from tocsin.engine.events import Outcome
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import Name
from tocsin.playbook.parsing.keys import Keys, fixed_text, items_of, mapping_of
from tocsin.playbook.parsing.values import plain
from tocsin.playbook.tree import Mapping, Node, Sequence
from tocsin.rehearsal.model import Expect, ExpectedAsk, ExpectedCall, ExpectedError, Waits

_ENDS: Final[dict[str, Outcome | Waits]] = {**{one.value: one for one in Outcome}, Waits.WAITING.value: Waits.WAITING}
_WORDS: Final = {word: word for word in _ENDS}
_MOST: Final = 1_000_000


def read_expect(node: Node | None, findings: Findings, point: Span) -> Expect:
    """Read `expect`."""
    mapping = None if node is None else mapping_of(node, findings, "'expect'")
    if node is None or mapping is None:
        return Expect(point)
    keys = Keys(mapping, findings, what="'expect'", point=mapping.head)
    starts, outcome, effects = keys.boolean("starts"), keys.word("outcome", _WORDS), keys.integer("effects", 0, _MOST)
    path, path_exactly = _path(keys, findings)
    outputs, outputs_exactly = _outputs(keys, findings)
    actions, asks, error = keys.node("actions"), keys.node("asks"), keys.node("error")
    expect = Expect(
        span=mapping.head,
        starts=starts is not False,
        outcome=_ENDS[outcome[0]] if outcome else None,
        reason=keys.text("reason"),
        path=None if path is None else tuple(name.text for name in path),
        path_spans=tuple(name.span for name in path or ()),
        path_exactly=path_exactly,
        actions=() if actions is None else _calls(actions, findings),
        not_called=_texts(keys.node("not_called"), findings, "'not_called'") or (),
        effects=effects[0] if effects else None,
        outputs=outputs,
        outputs_exactly=outputs_exactly,
        asks=None if asks is None else tuple(one for item in items_of(asks, findings, "'asks'") if (one := _ask(item, findings))),
        error=None if error is None else _error(error, findings),
    )
    keys.done()
    return expect


def _exactly(node: Node, findings: Findings, what: str) -> Node | None:
    """Return what stands in `{exactly: …}`, or None if the node is no such map."""
    if not isinstance(node, Mapping) or node.get("exactly") is None or len(node.entries) != 1:
        return None
    return Keys(node, findings, what=what).node("exactly")


def _path(keys: Keys, findings: Findings) -> tuple[tuple[Name, ...] | None, bool]:
    node = keys.node("path")
    if node is None:
        return None, False
    inner = _exactly(node, findings, "'path'")
    return _names(inner or node, findings, "'path'"), inner is not None


def _outputs(keys: Keys, findings: Findings) -> tuple[JsonObject | None, bool]:
    node = keys.node("outputs")
    if node is None:
        return None, False
    inner = _exactly(node, findings, "'outputs'")
    return _object(inner or node, findings, "'outputs'"), inner is not None


def _calls(node: Node, findings: Findings) -> tuple[ExpectedCall, ...]:
    return tuple(one for item in items_of(node, findings, "'actions'") if (one := _call(item, findings)) is not None)


def _call(node: Node, findings: Findings) -> ExpectedCall | None:
    if not isinstance(node, Mapping):
        name = fixed_text(node, findings, "An action")
        return None if name is None else _named(name.text, name.span)
    keys = Keys(node, findings, what="An expected action")
    step, action = keys.text("step"), keys.text("action")
    given, exactly, times = keys.node("with"), keys.boolean("exactly"), keys.integer("times", 0, _MOST)
    if not step and not action:
        keys.missing("step", "Name it as step: ID or action: pack.name.")
    keys.done()
    return ExpectedCall(
        node.head,
        step or "",
        action or "",
        {} if given is None else _object(given, findings, "'with'"),
        bool(exactly),
        times[0] if times else None,
    )


def _named(name: str, span: Span) -> ExpectedCall:
    return ExpectedCall(span, action=name) if "." in name else ExpectedCall(span, step=name)


def _ask(node: Node, findings: Findings) -> ExpectedAsk | None:
    if not isinstance(node, Mapping):
        name = fixed_text(node, findings, "An ask")
        return None if name is None else ExpectedAsk(name.span, name.text)
    keys = Keys(node, findings, what="An expected ask")
    step = keys.required("step", "Name the step that asks.")
    name = None if step is None else fixed_text(step, findings, "'step'")
    title, message = keys.text("title"), keys.text("message")
    to = _texts(keys.node("to"), findings, "'to'")
    keys.done()
    return ExpectedAsk(node.head, name.text if name else "", title, to, message)


def _error(node: Node, findings: Findings) -> ExpectedError | None:
    mapping = mapping_of(node, findings, "'error'")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="An expected error")
    found = ExpectedError(mapping.head, keys.text("step"), keys.text("code"), keys.text("message"))
    keys.done()
    return found


def _texts(node: Node | None, findings: Findings, what: str) -> tuple[str, ...] | None:
    return None if node is None else tuple(name.text for name in _names(node, findings, what))


def _names(node: Node, findings: Findings, what: str) -> tuple[Name, ...]:
    if not isinstance(node, Sequence):
        items_of(node, findings, what)
        return ()
    found = (fixed_text(item, findings, "An item") for item in node.items)
    return tuple(name for name in found if name is not None)


def _object(node: Node, findings: Findings, what: str) -> JsonObject:
    if mapping_of(node, findings, what) is None:
        return {}
    value = plain(node, findings)
    return value if isinstance(value, dict) else {}
