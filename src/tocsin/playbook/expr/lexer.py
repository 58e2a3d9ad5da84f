"""Source text to Jinja tokens, ours rather than Jinja's lexer.

Each token carries its character offset where Jinja keeps a line number, so every node and syntax error knows its place; nesting is
bounded before the recursive parser sees anything; and there is no template syntax to slip into.
"""

import re
from collections.abc import Iterator
from typing import Final

from jinja2.lexer import Token, operators

from tocsin.playbook.expr.errors import ExprError, ExprLimit, shown
from tocsin.playbook.expr.grammar import MAX_DEPTH, MAX_INTEGER, MAX_SOURCE

STRING: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_TOKEN: Final = re.compile(
    rf"""(?P<space>[ \t\r\n]+)
    |(?P<string>{STRING})
    |(?P<float>(?<!\.)[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+))
    |(?P<integer>[0-9]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<operator>\*\*|//|==|!=|>=|<=|[-+*/%~()\[\]{{}}.,:|<>=])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}
_HINTS: Final = {  # what people write in other languages
    "&": "Write 'and'.",
    "!": "Write 'not'.",
    "?": "Write x if condition else y.",
    "'": "Close the quote.",
    '"': "Close the quote.",
    "`": "Put texts in '...'.",
    "“": "Put texts in straight quotes.",
    "”": "Put texts in straight quotes.",
    "’": "Put texts in straight quotes.",
    "$": "Inside ${{ }} write names as they are.",
    "#": "An expression has no comments.",
}


def tokenize(source: str) -> Iterator[Token]:
    """Cut an expression into tokens; raises ExprError and ExprLimit."""
    if len(source) > MAX_SOURCE:
        raise too_long()
    return _tokens(source)


def too_long() -> ExprLimit:
    """Make the error for a source that is too long."""
    return ExprLimit(f"The expression is longer than {MAX_SOURCE:,} characters.", hint="Split it with a set step.", offset=MAX_SOURCE)


def _tokens(source: str) -> Iterator[Token]:
    position, before, open_brackets = 0, "", list[str]()
    while position < len(source):
        found = _TOKEN.match(source, position)
        if found is None:
            raise _unexpected(source, position)
        kind, text = found.lastgroup or "", found.group()
        if kind == "string" and before == "string":
            raise ExprError("Two texts stand side by side.", hint="Join them with ~, or put a comma between them.", offset=position)
        if kind == "operator":
            _check_bracket(text, open_brackets, position)
            if source.startswith(("{%", "{#", "{{"), position):
                raise ExprError(
                    f"'{source[position : position + 2]}' is not allowed: there are expressions only.",
                    hint="Use steps for statements.",
                    offset=position,
                )
        if kind != "space":
            yield _token(kind, text, position, after_dot=before == ".")
            before = text if kind == "operator" else kind
        position = found.end()


def _check_bracket(text: str, open_brackets: list[str], position: int) -> None:
    if text in "([{":
        open_brackets.append(text)
        if len(open_brackets) > MAX_DEPTH:
            raise ExprLimit(f"The expression is nested more than {MAX_DEPTH} deep.", hint="Split it with a set step.", offset=position)
    elif text in _CLOSING and (not open_brackets or open_brackets.pop() != _CLOSING[text]):
        raise ExprError(f"'{text}' closes nothing.", offset=position)


def _token(kind: str, text: str, offset: int, *, after_dot: bool) -> Token:
    if kind == "operator":
        return Token(offset, operators[text], text)
    if kind == "string":
        return Token(offset, "string", _unescaped(text[1:-1], offset))
    if kind == "name":
        return Token(offset, "name", "none" if text == "null" and not after_dot else text)
    # Jinja's tokens of numbers hold the number itself
    value = float(text) if kind == "float" else int(text) if len(text) < 20 else MAX_INTEGER + 1
    if value == float("inf") or (isinstance(value, int) and value > MAX_INTEGER):
        raise ExprLimit(f"The number {shown(text)} is too large.", offset=offset)
    return Token(offset, kind, value)  # type: ignore[arg-type]  # typed as text there, though its own lexer passes numbers


def _unescaped(text: str, offset: int) -> str:
    """Replace our few escapes; every other backslash stays, so that regular expressions read as they are written."""

    def replaced(found: re.Match[str]) -> str:
        code = found.group(1)
        if len(code) == 5:
            character = chr(int(code[1:], 16))
            if "\ud800" <= character <= "\udfff":
                raise ExprError(f"'\\{code}' is half a character.", hint="Write the character itself.", offset=offset)
            return character
        return _ESCAPES.get(code, found.group())

    return _ESCAPE.sub(replaced, text) if "\\" in text else text


def _unexpected(source: str, position: int) -> ExprError:
    character = source[position]
    if character in "'\"":
        return ExprError("The text is not closed.", hint=_HINTS[character], offset=position)
    return ExprError(f"Unexpected character {character!r}.", hint=_HINTS.get(character, ""), offset=position)
