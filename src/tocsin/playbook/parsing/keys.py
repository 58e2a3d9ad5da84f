"""Read the keys of one map: each is taken once with its type, and what nobody has taken is reported."""

from collections.abc import Collection
from collections.abc import Mapping as Lookup
from typing import Final, TypeVar

from tocsin.core.diagnostics import Span
from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid
from tocsin.playbook.codes import Code, flow, names, syntax
from tocsin.playbook.expr.errors import nearest, shown
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import Name
from tocsin.playbook.parsing.values import OPEN, key_text
from tocsin.playbook.tree import Entry, Mapping, Node, Scalar, Sequence, Style, kind_of

Word = TypeVar("Word", bound=str)
_TYPE_HINTS: Final = (
    ("a text", "In YAML a text that looks like something else is put in quotes."),
    ("a list", "Write each item on a line of its own, after '- '."),
    ("a map", "Write it as lines of key: value."),
    ("a duration", "Write it as 90s, 15m, 4h, 2d or 1h30m."),
)
_LISTED: Final = 12  # names that a hint lists in full


class Keys:
    """The keys of a map; `what` names the map in messages, `point` is where a missing key is reported."""

    def __init__(self, mapping: Mapping, findings: Findings, *, what: str, point: Span | None = None) -> None:
        self.findings, self.what, self.point = findings, what, point or mapping.head
        self._entries: dict[str, Entry] = {}
        self._asked: list[str] = []
        for entry in mapping.entries:
            key = key_text(entry.key, findings)
            if key is not None:
                self._entries[key] = entry

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def entry(self, key: str) -> Entry | None:
        """Take an entry."""
        self._asked.append(key)
        return self._entries.pop(key, None)

    def node(self, key: str) -> Node | None:
        """Take a value of any type."""
        entry = self.entry(key)
        return None if entry is None else entry.value

    def required(self, key: str, hint: str = "") -> Node | None:
        """Take a value that must be there."""
        entry = self.entry(key)
        if entry is None:
            self.missing(key, hint)
            return None
        return entry.value

    def missing(self, key: str, hint: str = "") -> None:
        """Report that a key is missing."""
        near = nearest(key, self._entries)
        hint = hint or f"Add {key}:."
        if near:  # misspelt: one finding says it, the unknown key
            return
        self.findings.add(names.MISSING_KEY, self.point, f"{self.what} needs the key '{key}'.", hint)

    def name(self, key: str) -> Name | None:
        """Take a text that is fixed, with its place."""
        node = self.node(key)
        return None if node is None else fixed_text(node, self.findings, f"'{key}'")

    def text(self, key: str) -> str | None:
        """Take a text that is fixed."""
        name = self.name(key)
        return None if name is None else name.text

    def word(self, key: str, words: Lookup[str, Word]) -> tuple[Word, Span] | None:
        """Take one of a few words."""
        name = self.name(key)
        return None if name is None else one_of(name, words, self.findings)

    def integer(self, key: str, low: int, high: int, code: Code = names.OUT_OF_RANGE) -> tuple[int, Span] | None:
        """Take an integer between two limits."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or isinstance(node.value, bool) or not isinstance(node.value, int):
            wrong_type(node, f"'{key}' must be an integer", self.findings)
            return None
        if not low <= node.value <= high:
            self.findings.add(
                code, node.span, f"'{key}' must be from {low} to {high}, not {shown(str(node.value))}.", "Choose a number in between."
            )
            return None
        return node.value, node.span

    def number(self, key: str, low: float, high: float) -> float | None:
        """Take a number between two limits."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or isinstance(node.value, bool) or not isinstance(node.value, int | float):
            wrong_type(node, f"'{key}' must be a number", self.findings)
            return None
        if not low <= node.value <= high:
            self.findings.add(names.OUT_OF_RANGE, node.span, f"'{key}' must be from {low:g} to {high:g}.", "Choose a number in between.")
            return None
        return float(node.value)

    def boolean(self, key: str) -> bool | None:
        """Take a boolean."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            wrong_type(node, f"'{key}' must be true or false", self.findings)
            return None
        return node.value

    def duration(self, key: str) -> float | None:
        """Take a duration, in seconds."""
        node = self.node(key)
        return None if node is None else duration_of(node, self.findings, f"'{key}'")

    def not_yet(self, key: str, instead: str) -> None:
        """Refuse a key of the language that this version does not have."""
        entry = self.entry(key)
        if entry is not None:
            not_yet(entry.key.span, f"'{key}'", instead, self.findings)

    def refuse(self, key: str, reason: str, hint: str) -> None:
        """Refuse a key that this map has no use for."""
        entry = self.entry(key)
        if entry is not None:
            self.findings.add(names.UNKNOWN_KEY, entry.key.span, reason, hint)

    def drop(self) -> None:
        """Take all that is left, without a word: the map was refused as a whole."""
        self._entries.clear()

    def done(self) -> None:
        """Report the keys that nobody has taken."""
        for key, entry in self._entries.items():
            hint = nearest(key, self._asked) or f"It may have {listed(dict.fromkeys(self._asked))}."
            self.findings.add(names.UNKNOWN_KEY, entry.key.span, f"{self.what} has no key '{shown(key)}'.", hint)


def not_yet(span: Span, what: str, instead: str, findings: Findings) -> None:
    """Report a form of the language that this version does not have."""
    findings.add(syntax.NOT_YET, span, f"{what} is not there yet.", instead)


def mapping_of(node: Node, findings: Findings, what: str) -> Mapping | None:
    """Return a map, or None after saying that it is none."""
    if isinstance(node, Mapping):
        return node
    wrong_type(node, f"{what} must be a map", findings)
    return None


def items_of(node: Node, findings: Findings, what: str) -> tuple[Node, ...]:
    """Return the items of a list, or nothing after saying that it is none."""
    if isinstance(node, Sequence):
        return node.items
    wrong_type(node, f"{what} must be a list", findings)
    return ()


def wrong_type(node: Node, rule: str, findings: Findings) -> None:
    """Report a value of the wrong type; what was refused already is not reported again."""
    if not (isinstance(node, Scalar) and node.style is Style.REFUSED):
        hint = next((hint for word, hint in _TYPE_HINTS if rule.endswith(word)), "Change the value.")
        findings.add(names.WRONG_TYPE, node.head, f"{rule}, not {kind_of(node)}.", hint)


def fixed_text(node: Node, findings: Findings, what: str) -> Name | None:
    """Return a text in which nothing is evaluated."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        wrong_type(node, f"{what} must be a text", findings)
        return None
    if OPEN in node.value:
        findings.add(names.EXPRESSION_NOT_HERE, node.span, f"{what} cannot hold an expression.", "Write the value itself.")
        return None
    return Name(node.value, node.span)


def one_of(name: Name, words: Lookup[str, Word], findings: Findings) -> tuple[Word, Span] | None:
    """Return the word that a name stands for."""
    if name.text not in words:
        hint = nearest(name.text, words) or f"Write {listed(words, 'or')}."
        findings.add(names.NOT_ONE_OF, name.span, f"'{shown(name.text)}' is not one of {listed(words)}.", hint)
        return None
    return words[name.text], name.span


def duration_of(node: Node, findings: Findings, what: str) -> float | None:
    """Return a duration in seconds."""
    if not isinstance(node, Scalar) or isinstance(node.value, bool) or node.value is None:
        wrong_type(node, f"{what} must be a duration", findings)
        return None
    try:
        return parse_duration(str(node.value)).total_seconds()
    except Invalid as error:
        hint = error.hint or "Ten years are the most."
        if isinstance(node.value, int | float):
            hint = f"Write the unit: {node.value}s or {node.value}m."
        elif OPEN in str(node.value):
            hint = "It must be fixed: write it as 90s, 15m, 4h, 2d or 1h30m."
        findings.add(names.BAD_DURATION, node.span, f"{what}: '{shown(str(node.value))}' is not a duration.", hint)
        return None


def listed(words: Collection[str], last: str = "and") -> str:
    """Write words as a list in a sentence."""
    few = [f"'{word}'" for word in list(words)[:_LISTED]]
    if len(words) > _LISTED:
        return ", ".join(few) + " and more"
    return few[0] if len(few) == 1 else ", ".join(few[:-1]) + (f" {last} " if few else "") + "".join(few[-1:])


def empty_block(span: Span, what: str, findings: Findings) -> None:
    """Report a block without steps."""
    findings.add(flow.EMPTY_BLOCK, span, f"{what} has no steps.", "Write at least one step, or leave the key out.")
