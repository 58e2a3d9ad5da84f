"""Read YAML 1.2 into a located tree, and refuse what makes a text say something else than it seems to.

The events come from libyaml (the C part of PyYAML): a pure Python reader takes 60 ms for events that it gives in 2.
What a plain scalar means is decided here, by YAML 1.2's core schema: `yes`, `on` and `1:30` are texts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol, TypeAlias

import yaml

from tocsin.core.diagnostics import Span
from tocsin.core.errors import Unavailable
from tocsin.playbook.codes import Code, syntax
from tocsin.playbook.findings import Findings
from tocsin.playbook.tree import Entry, Mapping, Node, Plain, Scalar, Sequence, Style

MAX_BYTES: Final = 256 * 1024
MAX_LEVELS: Final = 32
_MOST_PLACES: Final = 20  # characters of which the place is looked up
_INTEGER_LIMIT: Final = 2**63

# C0 and C1 without tab and line ends, YAML 1.1's extra line breaks, and the marks that turn the direction of writing
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_DIRECTIVE: Final = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*%")  # first on its line, with nothing but comments before it
_BREAK: Final = re.compile(r"\r\n|\r|\n")
_NUMBER_START: Final = frozenset("0123456789+-.")
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_JSON: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final[dict[str, Plain]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAY_BE_OTHER: Final = _NUMBER_START | frozenset("~nNtTfF")  # what a plain scalar that is no text starts with
_PLAIN: Final = Style.PLAIN  # looking up a member of an enum costs as much as a dictionary
_STYLES: Final = {"'": Style.SINGLE, '"': Style.DOUBLE, "|": Style.LITERAL, ">": Style.FOLDED}
_HINTS: Final = (
    ("mapping values are not allowed", "Put a text that holds ': ' in quotes, and check the indentation."),
    ("could not find expected ':'", "A key is followed by ': '. A text of several lines needs | or quotes."),
    ("block end", "Keys of one map start in one column; check the indentation and the quotes."),
    ("expected key", "Keys of one map start in one column; check the indentation and the quotes."),
    ("expected '-'", "Items of one list start in one column, each with '- '."),
    ("',' or", 'Inside { } and [ ] put an expression in quotes: {url: "${{ item }}"}. Else close the bracket.'),
    ("unexpected end", "A quote or bracket is not closed."),
    ("end of stream", "A quote or bracket is not closed."),
    ("unknown escape", "Inside double quotes a backslash is written \\\\; inside single quotes it stands for itself."),
    ("block sequence entries", "A list starts on a line of its own, below its key."),
    ("document start", "Only one playbook may stand in a file, and nothing after it."),
)


class _Mark(Protocol):
    index: int
    line: int
    column: int


class _Event(Protocol):
    """What is read of events; each kind has some of it."""

    start_mark: _Mark
    end_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str
    flow_style: bool


class _Reader(Protocol):
    def get_event(self) -> _Event | None: ...

    def dispose(self) -> None: ...


@dataclass(slots=True)
class _Frame:
    """A map or list that is being read; `key` is a key whose value comes next."""

    start: _Mark
    is_map: bool
    flow: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str | tuple[type, Plain], Entry] = field(default_factory=dict)
    key: Node | None = None
    last: Node | None = None


_Events: TypeAlias = Iterator[_Event]


def decode(source: str | bytes, *, file: str, findings: Findings) -> str | None:
    """Return the text if its size, encoding and characters are right, else None."""
    text = _decoded(source, file, findings)
    if text is None or not _has_right_size(text, file, findings):
        return None
    for found in islice(_CONTROL.finditer(text), _MOST_PLACES):
        message = f"The character U+{ord(found.group()):04X} may not stand in a playbook."
        findings.add(
            syntax.CONTROL_CHARACTER, place(text, found.start(), file), message, "Remove it, or write it as an escape in double quotes."
        )
    directive = _DIRECTIVE.match(text)
    if directive is not None:
        findings.add(syntax.DIRECTIVE, place(text, directive.end() - 1, file), "YAML directives are not used here.", "Remove the line.")
    return None if findings.has_errors else text


def load(text: str, *, file: str, findings: Findings) -> Node | None:
    """Read a decoded text into its located tree; None if there is none. Findings are collected."""
    loader = _Loader(text, file, findings)
    try:
        return loader.read(_parser(text))
    except yaml.MarkedYAMLError as error:
        findings.add(syntax.NOT_YAML, loader.error_place(error), _problem(error), _hint(error, text))
    except yaml.YAMLError as error:
        findings.add(syntax.NOT_YAML, Span(file, 1, 1, 1, 2), f"The text cannot be read: {error}.", "Save it as plain text.")
    return None


def place(text: str, index: int, file: str) -> Span:
    """Return the place of one character of a text."""
    line, start = 1, 0
    for found in _BREAK.finditer(text, 0, index):
        line, start = line + 1, found.end()
    return Span(file, line, index - start + 1, line, index - start + 2)


def _decoded(source: str | bytes, file: str, findings: Findings) -> str | None:
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        text.encode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        findings.add(
            syntax.NOT_UTF8, place(before + "?", len(before), file), "The text is not UTF-8 from here on.", "Save the file as UTF-8."
        )
        return None
    except UnicodeEncodeError as error:
        findings.add(
            syntax.NOT_UTF8, place(str(source), error.start, file), "The text is not UTF-8 from here on.", "Save the file as UTF-8."
        )
        return None
    return text.removeprefix("\ufeff")


def _has_right_size(text: str, file: str, findings: Findings) -> bool:
    size = len(text.encode("utf-8")) if len(text) <= MAX_BYTES else len(text)
    if size > MAX_BYTES:
        message = f"The text has {size:,} bytes; a playbook has at most {MAX_BYTES:,}."
        findings.add(syntax.TOO_LARGE, Span(file, 1, 1, 1, 2), message, "Move data into an input, or parts into playbooks that it calls.")
        return False
    return True


def _parser(text: str) -> _Events:
    if not yaml.__with_libyaml__:  # PyYAML's own reader is no substitute: it takes other texts for right
        raise Unavailable("PyYAML is installed without libyaml.", hint="Install it from a wheel, or with the headers of libyaml there.")
    parser: _Reader = yaml.CSafeLoader(text)  # type: ignore[assignment]  # the stubs allow for marks and values that reading a text always sets
    try:
        while (event := parser.get_event()) is not None:  # None: after the end of the stream
            yield event
    finally:
        parser.dispose()


def _problem(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return f"The text is not YAML: {', '.join(parts) or 'it cannot be read'}."


def _hint(error: yaml.MarkedYAMLError, text: str) -> str:
    problem = f"{error.context or ''} {error.problem or ''}"
    if "cannot start any token" in problem:
        at = error.problem_mark.index if error.problem_mark is not None else len(text)
        return "Indent with spaces, not tabs." if text[at : at + 1] == "\t" else "Put a text that begins with this character in quotes."
    return next((hint for words, hint in _HINTS if words in problem), "Check quotes and indentation here and in the line above.")


class _Loader:
    """Turn events into nodes, without recursion: how deep a text nests is its author's choice."""

    def __init__(self, text: str, file: str, findings: Findings) -> None:
        self.text, self.file, self.findings = text, file, findings
        self.frames: list[_Frame] = []
        self.root: Node | None = None

    def read(self, events: _Events) -> Node | None:
        documents = 0
        for event in events:
            kind: type[object] = type(event)  # most events are scalars, and comparing types is the cheapest way to tell
            if kind is yaml.ScalarEvent:
                if event.anchor is not None or event.tag is not None:
                    self._refuse_marks(event)
                self._add(self._scalar(event))
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if event.anchor is not None or event.tag is not None:
                    self._refuse_marks(event)
                if len(self.frames) == MAX_LEVELS:
                    self._report(syntax.TOO_DEEP, event, f"This nests more than {MAX_LEVELS} levels.", "Make it flatter.")
                    return None
                self.frames.append(_Frame(event.start_mark, kind is yaml.MappingStartEvent, bool(event.flow_style)))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._add(self._closed(self.frames.pop(), event))
            elif kind is yaml.AliasEvent:
                self._report(syntax.ANCHOR, event, f"The alias '*{event.anchor}' is not allowed.", "Write the value out.")
                self._add(Scalar(self._span(event.start_mark, event.end_mark), None, Style.REFUSED, ""))
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._report(syntax.SEVERAL_DOCUMENTS, event, "A second document starts here.", "Put it into a file of its own.")
                    break
        if self.root is None or (isinstance(self.root, Scalar) and self.root.value is None and self.root.style is Style.PLAIN):
            hint = "Begin with schema: tocsin/playbook@1, id, title and steps."
            self.findings.add(syntax.EMPTY, Span(self.file, 1, 1, 1, 2), "The text holds no playbook.", hint)
            return None
        return self.root

    def error_place(self, error: yaml.MarkedYAMLError) -> Span:
        mark = error.problem_mark or error.context_mark
        if mark is None:
            return Span(self.file, 1, 1, 1, 2)
        return Span(self.file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)

    def _span(self, start: _Mark, end: _Mark) -> Span:
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _report(self, code: Code, event: _Event, message: str, hint: str) -> None:
        self.findings.add(code, self._span(event.start_mark, event.end_mark), message, hint)

    def _refuse_marks(self, event: _Event) -> None:
        if event.anchor is not None:
            self._report(syntax.ANCHOR, event, f"The anchor '&{event.anchor}' is not allowed.", "Write the value where it is used.")
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._report(syntax.CUSTOM_TAG, event, f"The tag '{tag}' is not allowed.", "Leave it out; put a text in quotes.")

    def _scalar(self, event: _Event) -> Scalar:
        start, end = event.start_mark, event.end_mark
        raw = self.text[start.index : end.index]
        style = _STYLES.get(event.style, _PLAIN)
        if style is _PLAIN:
            span, text = Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1), event.value
            if text and text[0] not in _MAY_BE_OTHER:
                return Scalar(span, text, style, raw)
            try:
                return Scalar(span, _plain(text), style, raw)
            except OverflowError:
                self.findings.add(syntax.BAD_NUMBER, span, f"JSON has no number {text[:40]}.", "Put it in quotes if it is a text.")
                return Scalar(span, None, Style.REFUSED, raw)
        if style in (Style.LITERAL, Style.FOLDED):
            raw = raw.rstrip()  # the event ends where the next token starts
            lines = _BREAK.split(raw)
            last = len(lines[-1]) + (start.column if len(lines) == 1 else 0)
            return Scalar(Span(self.file, start.line + 1, start.column + 1, start.line + len(lines), last + 1), event.value, style, raw)
        return Scalar(self._span(start, end), event.value, style, raw)

    def _add(self, node: Node) -> None:
        if not self.frames:
            self.root = self.root or node
            return
        frame = self.frames[-1]
        frame.last = node
        if not frame.is_map:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            key, frame.key = frame.key, None
            if type(key) is Scalar and type(key.value) is str and key.value not in frame.entries and key.value != "<<":
                frame.entries[key.value] = Entry(key, node)  # nearly every key
            else:
                self._add_entry(frame, key, node)

    def _add_entry(self, frame: _Frame, key: Node, value: Node) -> None:
        if not isinstance(key, Scalar) or key.style is Style.REFUSED:
            self.findings.add(syntax.KEY_NOT_TEXT, key.head, "A key must be a text.", "Lists and maps cannot be keys.")
            return
        if key.value == "<<" and key.style is Style.PLAIN:
            self.findings.add(syntax.MERGE_KEY, key.span, "The merge key '<<' is not allowed.", "Write the keys out.")
            return
        # numbers and texts are different keys, and so are 1 and true, which Python takes for equal
        name = key.value if isinstance(key.value, str) else (type(key.value), key.value)
        if name in frame.entries:
            hint = f"It stands in line {frame.entries[name].key.span.line} already; keep one."
            self.findings.add(syntax.DUPLICATE_KEY, key.span, f"The key '{key.value}' stands twice in one map.", hint)
            return
        frame.entries[name] = Entry(key, value)

    def _closed(self, frame: _Frame, event: _Event) -> Node:
        if frame.flow or frame.last is None:
            span = self._span(frame.start, event.end_mark)
        else:  # a block ends with its last child: its own end mark is where the next token starts
            end = frame.last.span
            span = Span(self.file, frame.start.line + 1, frame.start.column + 1, end.end_line, end.end_column)
        return Mapping(span, tuple(frame.entries.values())) if frame.is_map else Sequence(span, tuple(frame.items))


def _plain(text: str) -> Plain:
    """Resolve a plain scalar by YAML 1.2's core schema; raises OverflowError for a number that JSON does not have."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        real = float(text)
        if abs(real) != float("inf"):
            return real
    elif not _NOT_JSON.fullmatch(text):
        return text
    raise OverflowError(text)


def _integer(text: str) -> int:
    if len(text) > 40:  # long before Python refuses to read it
        raise OverflowError(text)
    number = int(text[2:], 8) if text.startswith("0o") else int(text[2:], 16) if text.startswith("0x") else int(text)
    if abs(number) >= _INTEGER_LIMIT:
        raise OverflowError(text)
    return number
