"""Parts of a pack's file, read into typed values; every mistake is collected and a harmless value stands in for it.

A pack with a diagnostic of level error is never used, so the stand-ins are never seen.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from tocsin.connectors.yamltext import Document, Where
from tocsin.core.durations import parse_duration
from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.expr import (
    Condition,
    ExprError,
    Expression,
    Template,
    compile_condition,
    compile_expression,
    compile_template,
)

Word = TypeVar("Word", bound=StrEnum)

SCHEMA_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})


class Node:
    """One value in a file and where it stands."""

    __slots__ = ("_document", "_where", "value")

    def __init__(self, document: Document, value: Json, *, where: Where = ()) -> None:
        self._document = document
        self._where = where
        self.value = value

    @classmethod
    def nowhere(cls, value: Json) -> "Node":
        """Make the stand-in of a part whose absence is reported already."""
        return cls(Document(""), value)

    @property
    def line(self) -> int:
        """Return the 1-based line."""
        return self._document.span(self._where).line

    def report(self, code: str, message: str, *, hint: str = "") -> None:
        """Say what is wrong here."""
        self._document.report(code, message, hint=hint, where=self._where)

    def _part(self, key: str | int, value: Json) -> "Node":
        return Node(self._document, value, where=(*self._where, key))

    def _wants(self, what: str) -> None:
        name = f"'{self._where[-1]}'" if self._where else "The file"
        self.report("PK203", f"{name} must be {what}.", hint="See docs/reference/pack-format.md.")

    def members(self, *, known: Iterable[str], required: Iterable[str] = ()) -> "Members":
        """Read an object that has only known keys and all required ones."""
        names = list(known)
        if not isinstance(self.value, dict):
            self._wants(f"an object with the keys {', '.join(names)}")
            return Members(self, {})
        for key in self.value:
            if key not in names:
                near = get_close_matches(key, names, 1)
                hint = f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(names)}."
                self._part(key, None).report("PK201", f"The key '{key}' is not known here.", hint=hint)
        for key in required:
            if key not in self.value:
                self.report("PK202", f"The key '{key}' is missing.", hint=f"Add '{key}:'.")
        return Members(self, {key: self._part(key, value) for key, value in self.value.items()})

    def entries(self) -> "dict[str, Node]":
        """Read an object with free keys."""
        if not isinstance(self.value, dict):
            self._wants("an object")
            return {}
        return {key: self._part(key, value) for key, value in self.value.items()}

    def items(self) -> "Iterator[Node]":
        """Read a list."""
        if not isinstance(self.value, list):
            self._wants("a list")
            return
        for index, value in enumerate(self.value):
            yield self._part(index, value)

    def text(self) -> str:
        """Read a text; numbers are taken as they are written."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return str(self.value)
        self._wants("a text")
        return ""

    def boolean(self) -> bool:
        """Read true or false."""
        if isinstance(self.value, bool):
            return self.value
        self._wants("true or false")
        return False

    def number(self) -> float:
        """Read a number that is not negative."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool) and self.value >= 0:
            return float(self.value)
        self._wants("a number that is not negative")
        return 0.0

    def integer(self) -> int:
        """Read a whole number that is not negative."""
        return int(self.number())

    def duration(self) -> float:
        """Read `90s` or seconds; return seconds."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return self.number()
        try:
            return parse_duration(self.text()).total_seconds()
        except Invalid as error:
            self.report("PK207", error.message, hint=error.hint)
            return 0.0

    def choice(self, words: type[Word]) -> Word:
        """Read one of a closed set of words."""
        text = self.value if isinstance(self.value, str) else ""
        if text in {word.value for word in words}:
            return words(text)
        self.report("PK204", f"'{self.value}' is not one of {', '.join(words)}.", hint="Write one of these words.")
        return next(iter(words))

    def one_of(self, *words: str) -> str:
        """Read one of a few words."""
        if self.value in words:
            return str(self.value)
        self.report("PK204", f"'{self.value}' is not one of {', '.join(words)}.", hint="Write one of these words.")
        return words[0]

    def schema(self) -> JsonObject:
        """Read a JSON Schema; checked for the mistakes that are usual, in full by `pack check`."""
        if not isinstance(self.value, dict):
            self._wants("a JSON Schema (an object)")
            return {}
        self._check_schema(self.value)
        return self.value

    def _check_schema(self, schema: Json) -> None:
        if not isinstance(schema, dict):
            if not isinstance(schema, bool):
                self._wants("a JSON Schema (an object)")
            return
        types = schema.get("type", [])
        for word in types if isinstance(types, list) else [types]:
            if word not in SCHEMA_TYPES:
                self.report("PK206", f"'{word}' is not a JSON Schema type.", hint=f"Write one of {', '.join(sorted(SCHEMA_TYPES))}.")
        ref = schema.get("$ref")
        if isinstance(ref, str) and not ref.startswith("#"):
            self.report("PK206", f"The reference '{ref}' leaves the file.", hint="Write the schema out; nothing is fetched.")
        properties = schema.get("properties", {})
        for key, value in properties.items() if isinstance(properties, dict) else ():
            self._part("properties", properties)._part(key, value)._check_schema(value)
        if "items" in schema:
            self._part("items", schema["items"])._check_schema(schema["items"])

    def expression(self) -> Expression:
        """Compile a single `${{ … }}`."""
        try:
            return compile_expression(self.text())
        except ExprError as error:
            self._expression_error(error)
            return compile_expression("${{ none }}")

    def condition(self) -> Condition:
        """Compile a `${{ … }}` that gives true or false."""
        try:
            return compile_condition(self.text())
        except ExprError as error:
            self._expression_error(error)
            return compile_condition("${{ true }}")

    def template(self) -> Template:
        """Compile a value with `${{ … }}` anywhere in it."""
        try:
            return compile_template(self.value)
        except ExprError as error:
            self._expression_error(error)
            return compile_template(None)

    def _expression_error(self, error: ExprError) -> None:
        where = self._where + tuple(_pointer_keys(error.pointer, self.value))
        self._document.report("PK205", error.message, hint=error.hint or "See the expression reference.", where=where)


class Members:
    """The parts of an object that was checked for its keys."""

    __slots__ = ("_members", "node")

    def __init__(self, node: Node, members: Mapping[str, Node]) -> None:
        self.node = node
        self._members = members

    def __contains__(self, key: str) -> bool:
        return key in self._members

    def get(self, key: str) -> Node | None:
        """Return a part, or None when it is not there."""
        return self._members.get(key)

    def need(self, key: str) -> Node:
        """Return a part that `members` has required; its absence is reported already."""
        return self._members.get(key) or Node.nowhere("")

    def text(self, key: str, default: str = "") -> str:
        """Read an optional text."""
        node = self._members.get(key)
        return default if node is None else node.text()

    def template(self, key: str) -> Template | None:
        """Compile an optional template."""
        node = self._members.get(key)
        return None if node is None else node.template()

    def duration(self, key: str) -> float | None:
        """Read an optional duration, in seconds."""
        node = self._members.get(key)
        return None if node is None else node.duration()


def _pointer_keys(pointer: str, value: Json) -> Iterator[str | int]:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            yield int(key)
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            yield key
            value = value[key]
        else:
            return
