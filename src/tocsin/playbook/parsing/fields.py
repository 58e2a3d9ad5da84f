"""Parse declared fields, those of a playbook's inputs and of an ask's form: `{type, required, default, title, description, enum}`."""

import re
from dataclasses import dataclass
from typing import Final

from tocsin.core.values import Json, JsonObject
from tocsin.playbook.codes import names
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import Name
from tocsin.playbook.parsing.keys import Keys, items_of, mapping_of
from tocsin.playbook.parsing.values import key_text, plain
from tocsin.playbook.schemas import mismatch
from tocsin.playbook.tree import Mapping, Node

TYPES: Final = {word: word for word in ("string", "integer", "number", "boolean", "array", "object")}
SNAKE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Field:
    """One declared field. `form` is what was written, complete: `{type, required, ...}`."""

    name: Name
    type: str
    required: bool
    form: JsonObject

    @property
    def schema(self) -> JsonObject:
        """Return the JSON Schema of the value."""
        return {key: value for key, value in self.form.items() if key != "required"}


def parse_fields(node: Node, findings: Findings, what: str) -> tuple[Field, ...]:
    """Parse a map of declared fields."""
    mapping = mapping_of(node, findings, f"'{what}'")
    if mapping is None:
        return ()
    fields = []
    for entry in mapping.entries:
        key = key_text(entry.key, findings)
        if key is None:
            continue
        name = Name(key, entry.key.span)
        check_snake(name, findings, "The name")
        body = mapping_of(entry.value, findings, f"'{key}'")
        if body is not None:
            fields.append(_field(name, body, findings))
    return tuple(fields)


def check_snake(name: Name, findings: Findings, what: str) -> None:
    """Report a name that an expression could not read."""
    if not SNAKE.fullmatch(name.text):
        better = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.text).lower()).strip("_0123456789")
        hint = f"Write {better[:63]}." if better else "Use lower-case letters, digits and _, with a letter first."
        findings.add(names.BAD_STEP_ID, name.span, f"{what} '{name.text[:60]}' is not in snake_case.", hint)


def _field(name: Name, body: Mapping, findings: Findings) -> Field:
    keys = Keys(body, findings, what=f"'{name.text}'", point=name.span)
    kind = keys.word("type", TYPES) if "type" in keys else None
    if "type" not in body_keys(body):
        keys.missing("type", "Write one of string, integer, number, boolean, array and object.")
    type_ = kind[0] if kind else "string"
    form: JsonObject = {"type": type_}
    for key in ("title", "description"):
        text = keys.text(key)
        if text is not None:
            form[key] = text
    enum_node, default_node, items_node = keys.node("enum"), keys.node("default"), keys.node("items")
    if items_node is not None:
        form["items"] = plain(items_node, findings)
    if enum_node is not None:
        form["enum"] = [plain(item, findings) for item in items_of(enum_node, findings, "'enum'")]
    required = keys.boolean("required")
    if default_node is not None and kind is not None:
        default: Json = plain(default_node, findings)
        problem = mismatch(default, form)
        if problem:
            findings.add(names.BAD_INPUT, default_node.head, f"The default of '{name.text}' {problem}.", "Change the default or the type.")
        form["default"] = default
    keys.done()
    form["required"] = (default_node is None) if required is None else required
    return Field(name, type_, bool(form["required"]), form)


def body_keys(body: Mapping) -> frozenset[str]:
    """Return the keys of a map that are texts."""
    return frozenset(entry.key.value for entry in body.entries if isinstance(entry.key.value, str))
