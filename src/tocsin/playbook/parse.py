"""Parse a located tree into the model of a playbook: its head, triggers, inputs, steps and outputs."""

import re
from pathlib import PurePosixPath
from typing import Final

from tocsin.playbook.codes import names, syntax
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import (
    AlertTriggerNode,
    Block,
    InputNode,
    Name,
    Playbook,
    TemplateSlot,
    TriggerNode,
    WebhookTriggerNode,
)
from tocsin.playbook.parse_fields import parse_fields
from tocsin.playbook.parse_keys import Keys, fixed_text, items_of, mapping_of
from tocsin.playbook.parse_steps import StepReader
from tocsin.playbook.parse_values import condition_slot, template_slot
from tocsin.playbook.tree import Mapping, Node, kind_of

SCHEMA: Final = "tocsin/playbook@1"
KEBAB: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_ID: Final = 80


def parse(node: Node, *, file: str, findings: Findings) -> Playbook | None:
    """Parse a playbook; None if the text is none at all."""
    if not isinstance(node, Mapping):
        hint = "Begin with schema: tocsin/playbook@1, id, title and steps."
        findings.add(syntax.NOT_A_MAP, node.head, f"A playbook must be a map, not {kind_of(node)}.", hint)
        return None
    keys = Keys(node, findings, what="The playbook")
    _schema(keys, findings)
    identity = _id(keys, file, findings)
    title = keys.required("title", "Write in a few words what it does.")
    name = None if title is None else fixed_text(title, findings, "'title'")
    keys.text("description")
    _tags(keys, findings)
    if "on" in keys and (entry := keys.entry("on")) is not None:
        findings.add(names.ON_KEY, entry.key.span, "The key is 'triggers', not 'on'.", "Many YAML tools read on as the boolean true.")
    keys.not_yet("finally", "Write the steps at the end, with on_error: continue at the steps before them.")
    playbook = Playbook(
        file=file,
        span=node.head,
        id=identity or Name("", node.head),
        title=name.text if name else "",
        triggers=_triggers(keys, findings),
        inputs=_inputs(keys, findings),
        steps=_steps(keys, findings),
        outputs=_outputs(keys, findings),
    )
    keys.done()
    return playbook


def _schema(keys: Keys, findings: Findings) -> None:
    if "schema" not in keys:
        keys.required("schema", f"Begin with schema: {SCHEMA}.")
        return
    name = keys.name("schema")
    if name is not None and name.text != SCHEMA:
        findings.add(names.WRONG_SCHEMA, name.span, f"This Tocsin reads '{SCHEMA}', not '{name.text[:60]}'.", f"Write schema: {SCHEMA}.")


def _id(keys: Keys, file: str, findings: Findings) -> Name | None:
    if "id" not in keys:
        keys.required("id", "Write the name of the file without .yaml.")
        return None
    name = keys.name("id")
    if name is None:
        return None
    if not KEBAB.fullmatch(name.text) or len(name.text) > MAX_ID:
        better = re.sub(r"[^a-z0-9]+", "-", name.text.lower()).strip("-")[:MAX_ID]
        hint = f"Write {better}." if better else "Use lower-case letters, digits and hyphens."
        findings.add(names.BAD_ID, name.span, f"The id '{name.text[:60]}' is not in kebab-case.", hint)
        return name
    path = PurePosixPath(file)
    if path.suffix in (".yaml", ".yml") and path.stem != name.text:
        hint = f"Write id: {path.stem}, or rename the file to {name.text}.yaml."
        findings.add(names.ID_NOT_FILE, name.span, f"The id '{name.text}' is not the name of the file, '{path.name}'.", hint)
    return name


def _tags(keys: Keys, findings: Findings) -> None:
    node = keys.node("tags")
    if node is not None:
        for item in items_of(node, findings, "'tags'"):
            fixed_text(item, findings, "A tag")


def _triggers(keys: Keys, findings: Findings) -> tuple[TriggerNode, ...]:
    node = keys.node("triggers")
    if node is None:
        return ()
    items = items_of(node, findings, "'triggers'")
    return tuple(trigger for item in items if (trigger := _trigger(item, findings)) is not None)


def _trigger(node: Node, findings: Findings) -> TriggerNode | None:
    mapping = mapping_of(node, findings, "A trigger")
    if mapping is None:
        return None
    keys = Keys(mapping, findings, what="A trigger")
    keys.not_yet("schedule", "Start it from outside by a webhook.")
    keys.not_yet("case", "Start it by an alert, or by hand from the case.")
    alert, webhook = keys.entry("alert"), keys.entry("webhook")
    keys.done()
    if alert is not None and webhook is not None:
        findings.add(names.SEVERAL_KINDS, webhook.key.span, "A trigger is either an alert or a webhook.", "Make an item of each.")
        return None
    if alert is not None:
        return AlertTriggerNode(alert.key.span, condition_slot(alert.value, findings))
    if webhook is None:
        if not mapping.entries:
            findings.add(names.MISSING_KEY, mapping.span, "A trigger needs 'alert' or 'webhook'.", "Write alert: ${{ … }}.")
        return None
    name = fixed_text(webhook.value, findings, "'webhook'")
    if name is None:
        return None
    if not KEBAB.fullmatch(name.text) or len(name.text) > MAX_ID:
        hint = "Use lower-case letters, digits and hyphens: reported-mail."
        findings.add(names.BAD_HOOK, name.span, f"The name '{name.text[:60]}' of the webhook is not in kebab-case.", hint)
    return WebhookTriggerNode(webhook.key.span, name.text)


def _inputs(keys: Keys, findings: Findings) -> tuple[InputNode, ...]:
    node = keys.node("inputs")
    if node is None:
        return ()
    return tuple(InputNode(field.name, field.schema, field.required) for field in parse_fields(node, findings, "inputs"))


def _steps(keys: Keys, findings: Findings) -> Block:
    entry = keys.entry("steps")
    if entry is None:
        keys.missing("steps", "Add steps: with a list of what to do.")
        return ()
    return StepReader(findings).block(entry, "The playbook")


def _outputs(keys: Keys, findings: Findings) -> TemplateSlot | None:
    node = keys.node("outputs")
    if node is None or mapping_of(node, findings, "'outputs'") is None:
        return None
    return template_slot(node, findings)
