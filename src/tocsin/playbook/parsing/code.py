"""Parse a `code` step, and read its Python."""

import ast
import textwrap
import warnings
from typing import Final

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.codes import constructs, names
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import CodeNode, Kind, OtherNode, StepNode
from tocsin.playbook.offsets import locate
from tocsin.playbook.parsing.fields import parse_fields
from tocsin.playbook.parsing.keys import wrong_type
from tocsin.playbook.parsing.parts import Parts, map_slot
from tocsin.playbook.parsing.values import OPEN
from tocsin.playbook.plan import Runtime
from tocsin.playbook.tree import Node, Scalar, Style

MAX_SOURCE: Final = 32_000  # characters
MAX_TIMEOUT_S: Final = 300.0
_RUNTIMES: Final = {runtime.value: runtime for runtime in Runtime}


def parse_code(parts: Parts) -> StepNode:
    """Parse a `code` step."""
    keys, findings = parts.keys, parts.findings
    node, inputs = keys.node("code"), map_slot(parts, "with", whole=True)
    runtime, returns = keys.word("runtime", _RUNTIMES), keys.node("returns")
    timeout = keys.duration("timeout")
    if timeout is not None and not 0 < timeout <= MAX_TIMEOUT_S:
        findings.add(names.OUT_OF_RANGE, parts.head.span, f"Code runs for at most {MAX_TIMEOUT_S:g} s.", "Write a shorter timeout.")
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        if node is not None:
            wrong_type(node, "'code' must be a text", findings)
        return OtherNode(parts.head, Kind.CODE, slots=() if inputs is None else (inputs,))
    _read(node, node.value, findings)
    schema = None if returns is None else _schema(returns, findings)
    return CodeNode(parts.head, node, inputs, runtime[0] if runtime else Runtime.MONTY, timeout, schema)


def _schema(node: Node, findings: Findings) -> JsonObject:
    fields = parse_fields(node, findings, "returns")
    required: list[Json] = [field.name.text for field in fields if field.required]
    return {"type": "object", "properties": {field.name.text: field.schema for field in fields}, "required": required}


def _read(node: Scalar, source: str, findings: Findings) -> None:
    """Report source that is no body of a function."""
    if node.style is Style.REFUSED:
        return
    if OPEN in source:
        start = source.index(OPEN)
        span = locate(node, start, start + len(OPEN))
        hint = "Hand the value over under with:, and read it as inputs['name']."
        findings.add(constructs.EXPRESSION_IN_CODE, span, "Expressions are not evaluated inside code.", hint)
        return
    if len(source) > MAX_SOURCE:
        message = f"The code has {len(source)} characters; at most {MAX_SOURCE} are read."
        findings.add(names.OUT_OF_RANGE, node.head, message, "Make it a connector, or several steps.")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python finds doubtful is its author's business
            tree = ast.parse("def code(inputs):\n" + textwrap.indent(source, "    ", lambda line: True))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        _unreadable(node, source, error, findings)
        return
    if not any(isinstance(one, ast.Return) and one.value is not None for one in ast.walk(tree)):
        findings.add(constructs.CODE_RETURNS_NOTHING, node.head, "The code returns nothing.", "End it with return {'name': value}.")


def _unreadable(node: Scalar, source: str, error: Exception, findings: Findings) -> None:
    hint = "It is the body of a Python function; it may use return, and reads inputs."
    if not isinstance(error, SyntaxError):
        findings.add(constructs.CODE_UNREADABLE, node.head, "Python cannot read this code.", hint)
        return
    lines = source.splitlines(keepends=True) or [""]
    line = min(max((error.lineno or 2) - 2, 0), len(lines) - 1)
    column = min(max((error.offset or 5) - 5, 0), max(len(lines[line]) - 1, 0))
    start = sum(map(len, lines[:line])) + column
    findings.add(constructs.CODE_UNREADABLE, locate(node, start, start + 1), f"Python cannot read this: {error.msg}.", hint)
