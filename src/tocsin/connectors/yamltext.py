"""Read YAML 1.2 into plain values and remember where each one stood.

Built on libyaml's event stream, because a pure-Python parser takes seconds for ten packs; scalars are resolved by the YAML 1.2
core schema (so `on` and `no` are words), and anchors, aliases, tags and duplicate keys are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tocsin.core.diagnostics import Diagnostic, Level, Span
from tocsin.core.values import Json

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32

Where = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(slots=True)
class Document:
    """A file as a value, the places of its parts, and everything found wrong with it."""

    file: str
    value: Json = None
    places: dict[Where, tuple[int, int]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def span(self, where: Where = ()) -> Span:
        """Return the place of a part, or of the nearest part around it."""
        while where and where not in self.places:
            where = where[:-1]
        line, column = self.places.get(where, (1, 1))
        return Span(self.file, line, column, line, column + 1)

    def report(self, code: str, message: str, *, hint: str = "", where: Where = (), level: Level = Level.ERROR) -> None:
        """Add a diagnostic at a part."""
        self.diagnostics.append(Diagnostic(self.span(where), code, level, message, hint))


class _Refused(Exception):
    def __init__(self, code: str, message: str, hint: str, line: int, column: int) -> None:
        super().__init__(message)
        self.diagnostic = (code, message, hint, line, column)


def read_yaml(path: Path, *, name: str = "") -> Document:
    """Read a file; what is wrong stands in `diagnostics`, and then `value` is None."""
    document = Document(name or str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        document.report("PK103", f"The file cannot be read: {error.strerror}.", hint="Put the file there and make it readable.")
        return document
    if len(content) > MAX_BYTES:
        document.report("PK102", f"The file has {len(content)} bytes; the limit is {MAX_BYTES}.", hint="Split it.")
        return document
    try:
        return parse_yaml(content.decode("utf-8"), document)
    except UnicodeDecodeError as error:
        document.report("PK101", f"The file is not UTF-8 at byte {error.start}.", hint="Save it as UTF-8.")
        return document


def parse_yaml(text: str, document: Document) -> Document:
    """Fill the document from a text."""
    try:
        document.value = _Builder(text, document.places).build()
    except _Refused as refused:
        code, message, hint, line, column = refused.diagnostic
        document.diagnostics.append(Diagnostic(Span(document.file, line, column, line, column + 1), code, Level.ERROR, message, hint))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = getattr(error, "problem", None) or "it is not YAML"
        where = Span(document.file, line, column, line, column + 1)
        document.diagnostics.append(
            Diagnostic(where, "PK101", Level.ERROR, f"The file cannot be read as YAML: {problem}.", "Check indentation and quotes.")
        )
    return document


class _Builder:
    def __init__(self, text: str, places: dict[Where, tuple[int, int]]) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=loader))
        self._places = places

    def build(self) -> Json:
        value: Json = None
        seen = False
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    raise _refused(event, "The file has more than one document.", "Write one document a file.")
                seen = True
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, ())
        return value

    def _node(self, event: yaml.Event, where: Where) -> Json:
        if isinstance(event, yaml.AliasEvent) or (isinstance(event, yaml.NodeEvent) and event.anchor is not None):
            raise _refused(event, "Anchors and aliases are not allowed.", "Write the value out.")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise _refused(event, f"The tag {event.tag} is not allowed.", "Remove it; put texts in quotes.")
        if len(where) > MAX_DEPTH:
            raise _refused(event, f"The file nests deeper than {MAX_DEPTH} levels.", "Make it flatter.")
        self._places[where] = _place(event)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] else str(event.value)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(where)
        return self._mapping(where)

    def _sequence(self, where: Where) -> Json:
        items: list[Json] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, (*where, len(items))))
        return items

    def _mapping(self, where: Where) -> Json:
        members: dict[str, Json] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                raise _refused(event, "A key must be a plain word.", "Write `key: value`.")
            if event.anchor is not None or event.tag is not None:
                raise _refused(event, "Anchors and tags are not allowed.", "Write the key alone.")
            key = str(event.value)
            if key == "<<" or key in members:
                raise _refused(event, f"The key '{key}' is there twice." if key != "<<" else "Merge keys are not allowed.", "Keep one.")
            value = self._node(next(self._events), (*where, key))
            # the key's place says more than the value's when the value is missing or long
            self._places[(*where, key)] = _place(event)
            members[key] = value
        return members


def _refused(event: yaml.Event, message: str, hint: str) -> _Refused:
    return _Refused("PK102", message, hint, *_place(event))


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _scalar(text: str) -> Json:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        # YAML 1.2 knows no octal with a leading zero: 0644 is the number 644
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
