"""Compile what a playbook writes as expressions, and put every mistake at its place inside the scalar."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.codes import names, syntax
from tocsin.playbook.expr import Condition, ExprError, Expression, Template, compile_condition, compile_expression, compile_template
from tocsin.playbook.expr.scan import Slot, pieces_of
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import ConditionSlot, ExpressionSlot, TemplateSlot, Use
from tocsin.playbook.offsets import locate
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence, Style, kind_of

OPEN: Final = "${{"

# Compiling is pure and what it makes is immutable, so a text that was compiled once is not compiled again: an editor that checks at
# every key would else compile all expressions of the playbook each time.
_CACHED: Final = 4096
_MOST: Final = 200  # expressions of one text that are looked at one by one, once something is wrong with it


@lru_cache(_CACHED)
def _template(text: str) -> Template:
    value: Json = json.loads(text)
    return compile_template(value)


@lru_cache(_CACHED)
def _expression(text: str) -> Expression:
    return compile_expression(text)


@lru_cache(_CACHED)
def _condition(text: str) -> Condition:
    return compile_condition(text)


def template_slot(node: Node, findings: Findings) -> TemplateSlot:
    """Compile a value that may hold expressions."""
    texts: dict[str, Scalar] = {}
    value = plain(node, findings, texts=texts)
    try:
        template = _template(json.dumps(value, ensure_ascii=False))
    except ExprError as error:
        good = [_good_uses(scalar, findings) for scalar in texts.values()]
        if all(is_good for _, is_good in good):  # more than the sum of its parts: a limit
            findings.add(names.BAD_EXPRESSION, node.head, error.message, error.hint)
        return TemplateSlot(node, tuple(use for uses, _ in good for use in uses))
    uses = tuple(Use(texts[pointer], expression) for pointer, expression in template.expressions)
    return TemplateSlot(node, uses, template)


def expression_slot(node: Node, findings: Findings) -> ExpressionSlot:
    """Compile one expression, written with or without `${{ }}`."""
    text = _text(node, findings, "an expression")
    if text is None or not isinstance(node, Scalar):
        return ExpressionSlot(node)
    try:
        expression = _expression(text)
    except ExprError as error:
        _report(error, node, findings)
        return ExpressionSlot(node)
    return ExpressionSlot(node, (Use(node, expression),), expression)


def condition_slot(node: Node, findings: Findings) -> ConditionSlot:
    """Compile one condition, written with or without `${{ }}`."""
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return ConditionSlot(node, (), _condition("true" if node.value else "false"))
    text = _text(node, findings, "a condition")
    if text is None or not isinstance(node, Scalar):
        return ConditionSlot(node)
    try:
        condition = _condition(text)
    except ExprError as error:
        _report(error, node, findings)
        return ConditionSlot(node)
    return ConditionSlot(node, (Use(node, condition.expression),), condition)


def plain(node: Node, findings: Findings, *, pointer: str = "", texts: dict[str, Scalar] | None = None) -> Json:
    """Return the JSON value of a node; `texts` collects the scalars that hold expressions, by JSON pointer."""
    match node:
        case Scalar():
            if texts is not None and isinstance(node.value, str) and OPEN in node.value:
                texts[pointer] = node
            return node.value
        case Sequence():
            return [plain(item, findings, pointer=f"{pointer}/{place}", texts=texts) for place, item in enumerate(node.items)]
        case Mapping():
            value: dict[str, Json] = {}
            for entry in node.entries:
                key = key_text(entry.key, findings)
                if key is not None:
                    escaped = key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key
                    value[key] = plain(entry.value, findings, pointer=f"{pointer}/{escaped}", texts=texts)
            return value


def key_text(key: Scalar, findings: Findings) -> str | None:
    """Return the text of a key, or None after saying what is wrong with it."""
    if not isinstance(key.value, str):
        findings.add(syntax.KEY_NOT_TEXT, key.span, f"The key must be a text, not {kind_of(key)}.", "Put it in quotes.")
        return None
    if OPEN in key.value:
        findings.add(names.EXPRESSION_NOT_HERE, key.span, "A key cannot hold an expression.", "Only values are evaluated.")
        return None
    return key.value


def _text(node: Node, findings: Findings, what: str) -> str | None:
    if isinstance(node, Scalar):
        if isinstance(node.value, str):
            return node.value
        if node.style is Style.REFUSED:
            return None
        if isinstance(node.value, int | float):
            return str(node.value).lower()
    hint = "An empty value and a list are none; write ${{ … }}."
    findings.add(names.WRONG_TYPE, node.head, f"This must be {what}, not {kind_of(node)}.", hint)
    return None


def _good_uses(scalar: Scalar, findings: Findings) -> tuple[list[Use], bool]:
    """Report every mistake in one text of a template; return the expressions that are right, and whether all are."""
    uses: list[Use] = []
    try:
        pieces = pieces_of(str(scalar.value))
    except ExprError as error:
        _report(error, scalar, findings)
        return uses, False
    slots = [piece for piece in pieces if isinstance(piece, Slot)][:_MOST]
    for slot in slots:
        try:
            expression = compile_expression(slot.source)
        except ExprError as error:
            _report(error, scalar, findings, start=slot.start)
        else:
            uses.append(Use(scalar, replace(expression, start=slot.start + expression.start)))
    return uses, len(uses) == len(slots)


def _report(error: ExprError, scalar: Scalar, findings: Findings, *, start: int = 0) -> None:
    start += max(error.offset, 0)
    span = locate(scalar, start, start + _length(str(scalar.value), start))
    findings.add(names.BAD_EXPRESSION, span, error.message, error.hint or "The words of the language are in the reference on expressions.")


def _length(text: str, start: int) -> int:
    """Say how long the word at a place is: the caret underlines it."""
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return max(end - start, 1)
