"""Change a rehearsal's text and keep the rest of it as it was: comments, order, quotes."""

import io
from typing import TYPE_CHECKING

from tocsin.core.values import Json, JsonObject

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

WIDTH = 4096  # no line is broken that its author did not break


def writer() -> "YAML":
    """Return a reader and writer that keeps what it does not change."""
    from ruamel.yaml import YAML  # 40 ms to import: only who writes pays for it

    yaml = YAML(typ="rt")
    yaml.version = (1, 2)
    yaml.width, yaml.preserve_quotes = WIDTH, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def dumped(document: object) -> bytes:
    """Return the text of a document."""
    yaml, into = writer(), io.BytesIO()
    yaml.dump(document, into)
    return into.getvalue().removeprefix(b"%YAML 1.2\n---\n")


def block(value: Json) -> "CommentedMap | CommentedSeq | str | int | float | bool | None":
    """Return a value as it is best written: small maps and lists of plain values on one line, the rest as a block."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

    if isinstance(value, dict):
        found = CommentedMap({key: block(one) for key, one in value.items()})
        if _is_small(value):
            found.fa.set_flow_style()
        return found
    if isinstance(value, list):
        items = CommentedSeq([block(one) for one in value])
        if _is_small(value):
            items.fa.set_flow_style()
        return items
    if isinstance(value, str):
        text = value.replace("${{", "$${{")
        if "\n" in text and text.isprintable() is False and all(one.isprintable() or one == "\n" for one in text):
            literal: str = LiteralScalarString(text)
            return literal
        quoted: str = DoubleQuotedScalarString(text) if _needs_quotes(text) else text
        return quoted
    return value


def _is_small(value: JsonObject | list[Json]) -> bool:
    parts = list(value.values()) if isinstance(value, dict) else value
    return not any(isinstance(one, dict | list) and one for one in parts) and len(str(value)) <= 100


def _needs_quotes(text: str) -> bool:
    return not text.isprintable() or text[:1] in "-?:,[]{}#&*!|>'\"%@` 0123456789.+~" or ": " in text or " #" in text


def case_text(case: JsonObject) -> bytes:
    """Return a case as it stands in a file, in a list."""
    return dumped([block_of_case(case)])


def block_of_case(case: JsonObject) -> "CommentedMap":
    """Return a case as it is best written: its own keys, and what it says of each step, on lines of their own."""
    from ruamel.yaml.comments import CommentedMap

    found = CommentedMap()
    for key, value in case.items():
        if isinstance(value, dict) and key != "inputs":
            found[key] = CommentedMap({name: block(one) for name, one in value.items()})
        else:
            found[key] = block(value)
    return found
