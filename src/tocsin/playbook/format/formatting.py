"""From a text to its canonical form, with a net below: what was written is read again and compared."""

import re
from collections import Counter
from typing import Final

from tocsin.core.diagnostics import Level
from tocsin.core.errors import Invalid
from tocsin.playbook.codes import syntax
from tocsin.playbook.findings import Findings
from tocsin.playbook.format.comments import attach, comments_of
from tocsin.playbook.format.items import tree_of
from tocsin.playbook.format.order import put_in_order
from tocsin.playbook.format.writing import Writer
from tocsin.playbook.source import decode, load
from tocsin.playbook.tree import Mapping, Node, Scalar, kind_of

_BREAK: Final = re.compile(r"\r\n|\r|\n")


class FormatLost(Invalid):
    """The canonical form would not say the same, or lose a comment: a mistake of the formatter, which writes nothing then."""

    code = "format-lost"


def format_playbook(text: str) -> str:
    """Return the canonical form of a playbook; raises Invalid with the first place at which the text is not YAML."""
    node, source = _read(text)
    lines = _BREAK.split(source)
    root = tree_of(node, lines)
    head = attach(root, lines)
    put_in_order(root)
    written = Writer(lines).playbook(root, head)
    _check(node, lines, written)
    return written


def _read(text: str) -> tuple[Mapping, str]:
    findings = Findings()
    decoded = decode(text, file="", findings=findings)
    node = None if decoded is None else load(decoded, file="", findings=findings)
    if node is not None and not isinstance(node, Mapping):
        hint = "Begin with schema: tocsin/playbook@1, id, title and steps."
        findings.add(syntax.NOT_A_MAP, node.head, f"A playbook must be a map, not {kind_of(node)}.", hint)
    errors = [found for found in findings.sorted() if found.level is Level.ERROR]
    if errors:
        first = errors[0]
        message = f"Line {first.span.line}, column {first.span.column}: {first.code} {first.message}"
        raise Invalid(message, hint=first.hint)
    if decoded is None or not isinstance(node, Mapping):
        raise Invalid("The text holds no playbook.", hint="Begin with schema: tocsin/playbook@1, id, title and steps.")
    return node, decoded


def _check(node: Node, lines: list[str], written: str) -> None:
    again = load(written, file="", findings=Findings())
    if again is None or not _is_same(node, again):
        raise FormatLost(
            "This text cannot be formatted without a change of its meaning.", hint="Please report it; the file was left as it is."
        )
    after = _BREAK.split(written)
    if _texts(node, lines) != _texts(again, after):
        raise FormatLost("This text cannot be formatted without losing a comment.", hint="Please report it; the file was left as it is.")


def _texts(node: Node, lines: list[str]) -> Counter[str]:
    return Counter(one.text for one in comments_of(tree_of(node, lines), lines))


def _is_same(one: Node, other: Node) -> bool:
    """Compare values; the order of keys does not count."""
    if isinstance(one, Scalar) and isinstance(other, Scalar):
        is_empty = (one.raw == "", other.raw == "")
        return type(one.value) is type(other.value) and one.value == other.value and (one.value is not None or is_empty[0] == is_empty[1])
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        values = {(type(entry.key.value), entry.key.value): entry.value for entry in other.entries}
        keys = [(type(entry.key.value), entry.key.value) for entry in one.entries]
        if len(keys) != len(values) or not values.keys() >= set(keys):
            return False
        return all(_is_same(entry.value, values[key]) for key, entry in zip(keys, one.entries, strict=True))
    if isinstance(one, Scalar | Mapping) or isinstance(other, Scalar | Mapping):
        return False
    return len(one.items) == len(other.items) and all(map(_is_same, one.items, other.items))
