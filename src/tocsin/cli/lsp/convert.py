"""Between the values of the language and those of the protocol. The protocol counts columns in units that the editor has chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lsprotocol import types as lsp

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.playbook.assist.completion import Proposal, Sort
from tocsin.playbook.assist.places import Edit, Spot, Text
from tocsin.playbook.assist.symbols import Shape, Symbol

_LEVELS: Final = {
    Level.ERROR: lsp.DiagnosticSeverity.Error,
    Level.WARNING: lsp.DiagnosticSeverity.Warning,
    Level.INFO: lsp.DiagnosticSeverity.Information,
}
_SORTS: Final = {
    Sort.KEY: lsp.CompletionItemKind.Keyword,
    Sort.ACTION: lsp.CompletionItemKind.Function,
    Sort.ARGUMENT: lsp.CompletionItemKind.Property,
    Sort.NAME: lsp.CompletionItemKind.Variable,
    Sort.FIELD: lsp.CompletionItemKind.Field,
    Sort.FILTER: lsp.CompletionItemKind.Method,
    Sort.VALUE: lsp.CompletionItemKind.Value,
    Sort.PLAYBOOK: lsp.CompletionItemKind.Module,
}
_SHAPES: Final = {Shape.INPUT: lsp.SymbolKind.Variable, Shape.STEP: lsp.SymbolKind.Function, Shape.BLOCK: lsp.SymbolKind.Namespace}


@dataclass(frozen=True, slots=True)
class Columns:
    """Converts places in one text; `encoding` says in what the editor counts columns."""

    text: Text
    encoding: lsp.PositionEncodingKind | str | None

    def spot(self, position: lsp.Position) -> Spot:
        """Return a place of the text."""
        line = self.text.line(position.line + 1)
        column, units = 0, 0
        while column < len(line) and units < position.character:
            units += self._units(line[column])
            column += 1
        return Spot(position.line + 1, column + 1)

    def position(self, line: int, column: int) -> lsp.Position:
        """Return a place as the editor counts it."""
        before = self.text.line(line)[: column - 1]
        units = len(before) if before.isascii() else sum(map(self._units, before))
        return lsp.Position(max(line - 1, 0), units)

    def range(self, span: Span) -> lsp.Range:
        """Return a span as the editor counts it."""
        return lsp.Range(self.position(span.line, span.column), self.position(span.end_line, span.end_column))

    def range_of(self, start: int, end: int) -> lsp.Range:
        """Return the range between two offsets."""
        return self.range(self.text.span(start, end))

    def edit(self, edit: Edit) -> lsp.TextEdit:
        """Return an edit as the editor counts it."""
        return lsp.TextEdit(self.range(edit.span), edit.text)

    def _units(self, character: str) -> int:
        match self.encoding:
            case lsp.PositionEncodingKind.Utf8:
                return len(character.encode("utf-8", "surrogatepass"))
            case lsp.PositionEncodingKind.Utf32:
                return 1
            case _:
                return 2 if ord(character) > 0xFFFF else 1


def diagnostic(found: Diagnostic, columns: Columns, *, pages: str) -> lsp.Diagnostic:
    """Return a diagnostic with a link to the page of its code; `pages` is where they are, empty if nowhere."""
    return lsp.Diagnostic(
        range=columns.range(found.span),
        severity=_LEVELS[found.level],
        code=found.code,
        code_description=lsp.CodeDescription(f"{pages.rstrip('/')}/{found.code}.md") if pages and found.code.startswith("PB") else None,
        source="tocsin",
        message=f"{found.message}\n{found.hint}".strip(),
    )


def completion(proposals: Sequence[Proposal], columns: Columns) -> lsp.CompletionList:
    """Return proposals in their order."""
    items = [
        lsp.CompletionItem(
            label=one.label,
            kind=_SORTS[one.sort],
            detail=one.detail or None,
            documentation=markdown(one.about) if one.about else None,
            sort_text=f"{place:04}",
            filter_text=one.label,
            text_edit=lsp.TextEdit(columns.range_of(one.start, one.end), one.insert),
        )
        for place, one in enumerate(proposals)
    ]
    return lsp.CompletionList(is_incomplete=False, items=items)


def markdown(text: str) -> lsp.MarkupContent:
    """Return text that the editor shows as Markdown."""
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, text)


def symbol(one: Symbol, columns: Columns) -> lsp.DocumentSymbol:
    """Return one line of the outline with those below it."""
    return lsp.DocumentSymbol(
        name=one.name,
        detail=one.detail,
        kind=_SHAPES[one.shape],
        range=columns.range(one.span),
        selection_range=columns.range(one.name_span),
        children=[symbol(inner, columns) for inner in one.inside],
    )
