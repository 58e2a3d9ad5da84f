"""Parse a located tree into the model of a playbook: its head, triggers, inputs, steps and outputs."""

import re
from pathlib import PurePosixPath
from typing import Final

from tocsin.core.cases import CaseHappening
from tocsin.core.schedules import problem_of
from tocsin.playbook.codes import constructs, names, syntax
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import (
    AlertTriggerNode,
    Block,
    CaseTriggerNode,
    InputNode,
    Name,
    Playbook,
    ScheduleTriggerNode,
    TemplateSlot,
    TriggerNode,
    WebhookTriggerNode,
)
from tocsin.playbook.parsing.fields import parse_fields
from tocsin.playbook.parsing.keys import Keys, fixed_text, items_of, listed, mapping_of, one_of
from tocsin.playbook.parsing.steps import StepReader
from tocsin.playbook.parsing.values import condition_slot, template_slot
from tocsin.playbook.tree import Entry, Mapping, Node, kind_of

SCHEMA: Final = "tocsin/playbook@1"
KEBAB: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_ID: Final = 80
_HAPPENINGS: Final = {happening.value: happening for happening in CaseHappening}
_TRIGGERS: Final = ("alert", "webhook", "schedule", "case")


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
    reader = StepReader(findings)
    playbook = Playbook(
        file=file,
        span=node.head,
        id=identity or Name("", node.head),
        title=name.text if name else "",
        triggers=_triggers(keys, findings),
        inputs=_inputs(keys, findings),
        steps=_steps(keys, reader),
        final=_final(keys, reader),
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
    given = [entry for word in _TRIGGERS if (entry := keys.entry(word)) is not None]
    keys.done()
    if not given:
        if not mapping.entries:
            findings.add(names.MISSING_KEY, mapping.span, f"A trigger needs {listed(_TRIGGERS, 'or')}.", "Write alert: ${{ … }}.")
        return None
    if len(given) > 1:
        findings.add(names.SEVERAL_KINDS, given[1].key.span, f"A trigger is one of {listed(_TRIGGERS)}.", "Make an item of each.")
        return None
    return _trigger_of(given[0], findings)


def _trigger_of(entry: Entry, findings: Findings) -> TriggerNode | None:
    word, span = entry.key.value, entry.key.span
    if word == "alert":
        return AlertTriggerNode(span, condition_slot(entry.value, findings))
    name = fixed_text(entry.value, findings, f"'{word}'")
    if name is None:
        return None
    if word == "case":
        happening = one_of(name, _HAPPENINGS, findings)
        return None if happening is None else CaseTriggerNode(span, happening[0].value)
    if word == "schedule":
        problem = problem_of(name.text)
        if problem:
            findings.add(constructs.BAD_CRON, name.span, problem, "Write five fields, such as '*/15 * * * *' for every 15 minutes.")
        return ScheduleTriggerNode(span, name.text)
    if not KEBAB.fullmatch(name.text) or len(name.text) > MAX_ID:
        hint = "Use lower-case letters, digits and hyphens: reported-mail."
        findings.add(names.BAD_HOOK, name.span, f"The name '{name.text[:60]}' of the webhook is not in kebab-case.", hint)
    return WebhookTriggerNode(span, name.text)


def _inputs(keys: Keys, findings: Findings) -> tuple[InputNode, ...]:
    node = keys.node("inputs")
    if node is None:
        return ()
    return tuple(InputNode(field.name, field.schema, field.required) for field in parse_fields(node, findings, "inputs"))


def _steps(keys: Keys, reader: StepReader) -> Block:
    entry = keys.entry("steps")
    if entry is None:
        keys.missing("steps", "Add steps: with a list of what to do.")
        return ()
    return reader.block(entry, "The playbook")


def _final(keys: Keys, reader: StepReader) -> Block:
    entry = keys.entry("finally")
    return () if entry is None else reader.block(entry, "'finally'")


def _outputs(keys: Keys, findings: Findings) -> TemplateSlot | None:
    node = keys.node("outputs")
    if node is None or mapping_of(node, findings, "'outputs'") is None:
        return None
    return template_slot(node, findings)
