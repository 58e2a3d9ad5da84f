"""Strategies for values that fit a JSON Schema, seasoned with the constants that a playbook compares with. Needs Hypothesis."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from tocsin.core.errors import Unavailable
from tocsin.core.values import Json, JsonObject
from tocsin.playbook.schemas import fields_of, required_of, types_of
from tocsin.rehearsal.samples import sample_of

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_MOST_ITEMS: Final = 4
_DEPTH: Final = 4
_TEXTS: Final = (
    "",
    "a",
    "203.0.113.7",
    "2001:db8::7",
    "login.example",
    "amira@example.org",
    "https://login.example/a?b=1",
    "42",
    "true",
    "null",
)
_FORMATS: Final = {
    "ip": ("203.0.113.7", "10.0.0.1", "2001:db8::7"),
    "ipv4": ("203.0.113.7", "10.0.0.1"),
    "ipv6": ("2001:db8::7",),
    "cidr": ("203.0.113.0/24",),
    "uri": ("https://login.example/a?b=1",),
    "date-time": ("2026-03-02T09:00:00.000000Z", "1999-12-31T23:59:59Z"),
    "email": ("amira@example.org",),
    "hostname": ("login.example",),
    "duration": ("1h", "24h", "90s"),
}
_QUOTED: Final = re.compile(r"'([^'\\]{0,60})'|\"([^\"\\]{0,60})\"")
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?![\w.])")


def need_hypothesis() -> None:
    """Raise Unavailable when Hypothesis is not installed."""
    try:
        import hypothesis  # noqa: F401  half a second, and only who searches needs it
    except ImportError:
        raise Unavailable("Searching for a run that breaks needs Hypothesis.", hint="Install it: pip install hypothesis.") from None


class Values:
    """Strategies over one playbook's constants."""

    def __init__(self, sources: Iterable[str]) -> None:
        texts = [*sources]
        quoted = {first or second for text in texts for first, second in _QUOTED.findall(text)}
        numbers = {int(one) for text in texts for one in _NUMBER.findall(text) if len(one) < 16}
        self._made: dict[tuple[str, int], SearchStrategy[Json]] = {}
        self.words: tuple[str, ...] = tuple(sorted(quoted))
        self.numbers: tuple[int, ...] = tuple(sorted({near for one in numbers for near in (one - 1, one, one + 1)}))

    def of(self, schema: JsonObject, *, depth: int = 0) -> "SearchStrategy[Json]":
        """Return a strategy for values that fit; of one schema it is made once."""
        key = (repr(schema), depth)
        if key not in self._made:
            self._made[key] = self._strategy(schema, depth)
        return self._made[key]

    def _strategy(self, schema: JsonObject, depth: int) -> "SearchStrategy[Json]":
        from hypothesis import strategies as st

        if "const" in schema:
            return st.just(schema["const"])
        listed = schema.get("enum")
        if isinstance(listed, list) and listed:
            return st.sampled_from(listed)
        several = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(several, list) and several:
            return st.one_of([self.of(one, depth=depth) for one in several if isinstance(one, dict)])
        types = sorted(types_of(schema)) or (["object"] if "properties" in schema else [])
        if not types:
            return self.anything()
        return st.one_of([self._typed(one, schema, depth) for one in types])

    def anything(self) -> "SearchStrategy[Json]":
        """Return a strategy for any small JSON."""
        from hypothesis import strategies as st

        leaf: SearchStrategy[Json] = st.one_of(st.none(), st.booleans(), self.integers({}), self.texts({}))
        return st.one_of(leaf, st.lists(leaf, max_size=2), st.dictionaries(st.sampled_from(("a", "id", "value")), leaf, max_size=2))

    def texts(self, schema: JsonObject) -> "SearchStrategy[str]":
        """Return a strategy for texts."""
        from hypothesis import strategies as st

        known = _FORMATS.get(str(schema.get("format")))
        if known is not None:
            return st.sampled_from(known)
        low, high = _length(schema, "minLength", 0), _length(schema, "maxLength", 40)
        free = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=low, max_size=max(low, min(high, 40)))
        fitting = [one for one in (*self.words, *_TEXTS) if low <= len(one) <= high]
        return st.one_of(st.sampled_from(fitting), free) if fitting else free

    def integers(self, schema: JsonObject) -> "SearchStrategy[int]":
        """Return a strategy for integers."""
        from hypothesis import strategies as st

        low, high = _bound(schema, "minimum", -(2**31)), _bound(schema, "maximum", 2**31)
        near = [one for one in self.numbers if low <= one <= high]
        free = st.integers(low, high)
        small = st.integers(max(low, -3), min(high, 20)) if max(low, -3) <= min(high, 20) else free
        return st.one_of(*([st.sampled_from(near)] if near else []), small, free)

    def _typed(self, type_: str, schema: JsonObject, depth: int) -> "SearchStrategy[Json]":
        from hypothesis import strategies as st

        match type_:
            case "string":
                return self.texts(schema)
            case "integer":
                return self.integers(schema)
            case "number":
                low, high = _bound(schema, "minimum", -1000), _bound(schema, "maximum", 1000)
                return st.one_of(self.integers(schema), st.floats(low, max(low, high), allow_nan=False))
            case "boolean":
                return st.booleans()
            case "array":
                return self._arrays(schema, depth)
            case "object":
                return self._objects(schema, depth)
            case _:
                return st.none()

    def _arrays(self, schema: JsonObject, depth: int) -> "SearchStrategy[Json]":
        from hypothesis import strategies as st

        items = schema.get("items")
        inner = self.of(items, depth=depth + 1) if isinstance(items, dict) else self.anything()
        low = _length(schema, "minItems", 0)
        high = min(_length(schema, "maxItems", _MOST_ITEMS), _MOST_ITEMS) if depth < _DEPTH else low
        return st.lists(inner, min_size=low, max_size=max(low, high))

    def _objects(self, schema: JsonObject, depth: int) -> "SearchStrategy[Json]":
        from hypothesis import strategies as st

        if depth > _DEPTH:
            return st.just(sample_of(schema))
        fields, needed = fields_of(schema), required_of(schema)
        strategies = {name: self.of(one, depth=depth + 1) for name, one in fields.items()}
        required = {name: strategies.get(name, self.anything()) for name in needed}
        optional = {name: one for name, one in strategies.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)


def refs_below(refs: Iterable[Sequence[str]], head: Sequence[str]) -> list[tuple[str, ...]]:
    """Return what paths that begin with `head` read below it."""
    return sorted({tuple(ref[len(head) :]) for ref in refs if len(ref) > len(head) and tuple(ref[: len(head)]) == tuple(head)})


def schema_of_refs(refs: Iterable[Sequence[str]]) -> JsonObject:
    """Return the schema of an object in which everything that is read may be there, or not."""
    properties: JsonObject = {}
    by_field: dict[str, list[Sequence[str]]] = {}
    for ref in refs:
        by_field.setdefault(ref[0], []).append(ref[1:])
    for name, rest in by_field.items():
        inner = [one for one in rest if one]
        properties[name] = schema_of_refs(inner) if inner else {}
    return {"type": "object", "properties": properties} if properties else {"type": "object"}


def _length(schema: JsonObject, key: str, otherwise: int) -> int:
    found = schema.get(key)
    return found if isinstance(found, int) else otherwise


def _bound(schema: JsonObject, key: str, otherwise: int) -> int:
    found = schema.get(key)
    return int(found) if isinstance(found, int | float) else otherwise
