"""Compile expressions, conditions and templates. What is compiled is immutable and safe to use from any number of threads.

Results may share lists and objects with the names they were read from: treat both as read-only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from tocsin.core.values import Json
from tocsin.playbook.expr.budget import Work
from tocsin.playbook.expr.closures import Run, strict
from tocsin.playbook.expr.errors import UNLOCATED, ExprError, ExprLimit
from tocsin.playbook.expr.grammar import MAX_SOURCE, MAX_TEMPLATE_DEPTH, MAX_TEMPLATE_EXPRESSIONS
from tocsin.playbook.expr.lexer import too_long
from tocsin.playbook.expr.parse import parse
from tocsin.playbook.expr.refs import Ref, reads
from tocsin.playbook.expr.scan import OPEN, Slot, pieces_of
from tocsin.playbook.expr.tree import Node
from tocsin.playbook.expr.values import as_text, joined, measured, truth

T = TypeVar("T")
Names = Mapping[str, Json]
_BLANKS: Final = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. `refs`: the constant paths it reads; `optional_refs`: those of them that may be missing.

    `start` is where the source starts in the text it was written in; nodes and errors count their offsets from there.
    """

    source: str
    start: int
    tree: Node = field(repr=False)
    refs: frozenset[Ref] = field(repr=False, compare=False)
    optional_refs: frozenset[Ref] = field(repr=False, compare=False)
    run: Run = field(repr=False, compare=False)

    def evaluate(self, names: Names) -> Json:
        """Evaluate over the names; raises ExprError and nothing else."""
        return _guarded(lambda: _sized(self.run(names, Work(names))))


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression that must come out true or false."""

    expression: Expression

    @property
    def source(self) -> str:
        """Return the source of the expression."""
        return self.expression.source

    @property
    def tree(self) -> Node:
        """Return the checked tree."""
        return self.expression.tree

    @property
    def refs(self) -> frozenset[Ref]:
        """Return the constant paths it reads."""
        return self.expression.refs

    @property
    def optional_refs(self) -> frozenset[Ref]:
        """Return those of the paths that may be missing."""
        return self.expression.optional_refs

    def test(self, names: Names) -> bool:
        """Evaluate over the names; raises ExprError if it comes out neither true nor false."""
        return _guarded(lambda: truth(self.expression.run(names, Work(names))))

    def evaluate(self, names: Names) -> bool:
        """Evaluate over the names, as an Expression is."""
        return self.test(names)


@dataclass(frozen=True, slots=True)
class Template:
    """Nested JSON whose texts hold expressions. `expressions` gives each with the JSON pointer of its text."""

    value: Json
    expressions: tuple[tuple[str, Expression], ...] = field(repr=False, compare=False)
    refs: frozenset[Ref] = field(repr=False, compare=False)
    optional_refs: frozenset[Ref] = field(repr=False, compare=False)
    run: Run = field(repr=False, compare=False)

    @property
    def is_constant(self) -> bool:
        """Say whether it holds no expression; render it all the same, for `$${{` becomes `${{`."""
        return not self.expressions

    def render(self, names: Names) -> Json:
        """Fill it in once: what comes out of an expression is never read as a template. Raises ExprError and nothing else."""
        return _guarded(lambda: _sized(self.run(names, Work(names))))


def compile_expression(source: str) -> Expression:
    """Compile one expression, with or without its `${{ }}`; raises ExprError."""
    return _guarded(lambda: _compiled(*_unwrapped(source)))


def compile_condition(source: str) -> Condition:
    """Compile an expression that must come out true or false; raises ExprError."""
    return Condition(compile_expression(source))


def compile_template(value: Json) -> Template:
    """Compile nested JSON; a text that is one `${{ … }}` keeps its type, others become text. Raises ExprError."""
    return _guarded(lambda: _template(value))


def _guarded(work: Callable[[], T]) -> T:
    """Let ExprError out and nothing else: the engine's decisions rest on it."""
    try:
        return work()
    except ExprError as error:
        raise error.located(0) from None
    except RecursionError:
        raise ExprLimit("The values are nested too deeply.", hint="Take only what is needed.", offset=0) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # the last net: a value that is no JSON, say
        raise ExprError(f"Cannot evaluate: {error}.", hint="The values must be JSON.", offset=0) from None


def _sized(value: Json) -> Json:
    if not isinstance(value, bool) and value is not None:
        measured(value)
    return value


def _unwrapped(source: str) -> tuple[str, int]:
    inner = source.strip(_BLANKS) if len(source) <= 2 * MAX_SOURCE else source  # else it is refused for its length
    if not inner.startswith(OPEN):
        return source, 0
    pieces = pieces_of(inner)
    if len(pieces) != 1 or not isinstance(pieces[0], Slot):
        raise ExprError(
            "Text and ${{ }} are mixed where one expression must stand.", hint="Write one expression; join text with ~.", offset=0
        )
    return pieces[0].source, pieces[0].start + source.index(OPEN)


def _compiled(text: str, start: int) -> Expression:
    if len(text) > 2 * MAX_SOURCE:
        raise too_long()
    source = text.strip(_BLANKS)
    start += len(text) - len(text.lstrip(_BLANKS))
    try:
        tree = parse(source)
    except ExprError as error:
        error.located(0)
        error.offset += start
        raise
    read = reads(tree)
    return Expression(source, start, tree, read.all, read.optional, strict(tree))


def _template(value: Json) -> Template:
    expressions: list[tuple[str, Expression]] = []
    run = _part(value, "", expressions, 1)
    measured(value)
    refs = frozenset(ref for _, expression in expressions for ref in expression.refs)
    needed = {ref for _, expression in expressions for ref in expression.refs - expression.optional_refs}
    return Template(value, tuple(expressions), refs, frozenset(refs - needed), run or (lambda names, work: value))


def _part(value: Json, pointer: str, expressions: list[tuple[str, Expression]], depth: int) -> Run | None:
    """Compile one part of a template; None if it is constant."""
    if depth > MAX_TEMPLATE_DEPTH:
        raise ExprLimit(f"The value is nested more than {MAX_TEMPLATE_DEPTH} deep.", hint="Make it flatter.")
    if isinstance(value, str):
        return _text_part(value, pointer, expressions) if OPEN in value else None
    if isinstance(value, list):
        items = [(item, _part(item, f"{pointer}/{place}", expressions, depth + 1)) for place, item in enumerate(value)]
        if all(run is None for _, run in items):
            return None
        return lambda names, work: [item if run is None else run(names, work) for item, run in items]
    if isinstance(value, dict):
        fields = [(key, one, _part(one, f"{pointer}/{_escaped(key)}", expressions, depth + 1)) for key, one in value.items()]
        if all(run is None for _, _, run in fields):
            return None
        return lambda names, work: {key: one if run is None else run(names, work) for key, one, run in fields}
    return None


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")  # RFC 6901


def _text_part(text: str, pointer: str, expressions: list[tuple[str, Expression]]) -> Run:
    try:
        runs = [_literal(piece) if isinstance(piece, str) else _slot(piece, pointer, expressions) for piece in pieces_of(text)]
    except ExprError as error:
        error.pointer = pointer
        raise
    if len(runs) == 1:
        return runs[0]
    return lambda names, work: joined(work, [as_text(work, run(names, work)) for run in runs])


def _literal(text: str) -> Run:
    return lambda names, work: text


def _slot(slot: Slot, pointer: str, expressions: list[tuple[str, Expression]]) -> Run:
    if len(expressions) >= MAX_TEMPLATE_EXPRESSIONS:
        raise ExprLimit(f"There are more than {MAX_TEMPLATE_EXPRESSIONS:,} expressions in one step.", hint="Split the step.")
    expression = _compiled(slot.source, slot.start)
    expressions.append((pointer, expression))
    run, start = expression.run, expression.start

    def filled(names: Names, work: Work) -> Json:
        try:
            return run(names, work)
        except ExprError as error:
            if error.offset != UNLOCATED:
                error.offset += start
            error.pointer = pointer
            raise

    return filled
