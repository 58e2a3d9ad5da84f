"""Parse the body of an `ask`."""

from typing import Final

from tocsin.playbook.codes import constructs, names
from tocsin.playbook.findings import Findings
from tocsin.playbook.model import AskNode, EscalationNode, Head, Name, TemplateSlot
from tocsin.playbook.parsing.fields import parse_fields
from tocsin.playbook.parsing.keys import Keys, fixed_text, items_of, wrong_type
from tocsin.playbook.parsing.values import template_slot
from tocsin.playbook.tree import Mapping, Node, Scalar, Sequence

CHANNELS: Final = {word: word for word in ("web", "email")}
LATER_CHANNELS: Final = frozenset({"jira", "chat", "slack", "teams", "mattermost", "matrix", "rt", "request-tracker", "sms", "phone"})
DEFAULT_OPTIONS: Final = ("approve", "reject")
MAX_OPTIONS: Final = 10
MAX_QUORUM: Final = 20


def parse_ask(mapping: Mapping, head: Head, findings: Findings) -> AskNode:
    """Parse what is asked, of whom, and what happens when nobody answers."""
    keys = Keys(mapping, findings, what="'ask'", point=head.span)
    title, to = keys.required("title", "Write the question that people see."), keys.required("to", "Write whom to ask: [role:responder].")
    quorum = keys.integer("quorum", 1, MAX_QUORUM)
    form, message = keys.node("form"), keys.node("message")
    keys.not_yet("remind", "Ask again in a second step after a deadline.")
    on_deadline, escalation = _on_deadline(keys, findings)
    ask = AskNode(
        head=head,
        title=_slot(title, mapping, findings),
        to=_slot(to, mapping, findings),
        via=_via(keys.node("via"), findings),
        options=_options(keys.node("options"), head, findings),
        message=None if message is None else template_slot(message, findings),
        form=None if form is None else {field.name.text: field.form for field in parse_fields(form, findings, "form")},
        quorum=quorum[0] if quorum else 1,
        quorum_span=quorum[1] if quorum else None,
        deadline_s=keys.duration("deadline"),
        on_deadline=on_deadline,
        escalation=escalation,
    )
    keys.done()
    _check_texts(title, message, findings)
    return ask


def _slot(node: Node | None, mapping: Mapping, findings: Findings) -> TemplateSlot:
    return TemplateSlot(mapping) if node is None else template_slot(node, findings)


def _check_texts(title: Node | None, message: Node | None, findings: Findings) -> None:
    for what, node in (("title", title), ("message", message)):
        if node is not None and not (isinstance(node, Scalar) and isinstance(node.value, str)):
            wrong_type(node, f"'{what}' must be a text", findings)


def _via(node: Node | None, findings: Findings) -> tuple[str, ...]:
    if node is None:
        return tuple(CHANNELS)
    via = [fixed_text(item, findings, "A channel") for item in items_of(node, findings, "'via'")]
    for name in via:
        if name is not None and name.text in LATER_CHANNELS:
            message = f"Nobody is asked by {name.text} yet."
            findings.add(constructs.CHANNEL_NOT_SERVED, name.span, message, "Name web or email beside it.")
        elif name is not None and name.text not in CHANNELS:
            findings.add(names.NOT_ONE_OF, name.span, f"'{name.text}' is not a channel.", "Write web or email.")
    if isinstance(node, Sequence) and not node.items:
        findings.add(names.OUT_OF_RANGE, node.span, "'via' names no channel.", "Write [web, email], or leave it out.")
    served = tuple(name.text for name in via if name is not None and name.text in CHANNELS)
    return served or tuple(CHANNELS)


def _options(node: Node | None, head: Head, findings: Findings) -> tuple[Name, ...]:
    if node is None:
        return tuple(Name(option, head.span) for option in DEFAULT_OPTIONS)
    options = [fixed_text(item, findings, "An option") for item in items_of(node, findings, "'options'")]
    if isinstance(node, Sequence) and not 1 <= len(options) <= MAX_OPTIONS:
        findings.add(names.OUT_OF_RANGE, node.head, f"A question has 1 to {MAX_OPTIONS} options, not {len(options)}.", "Change the list.")
    return tuple(option for option in options if option is not None)


def _on_deadline(keys: Keys, findings: Findings) -> tuple[Name | None, EscalationNode | None]:
    entry = keys.entry("on_deadline")
    if entry is None:
        return None, None
    if not isinstance(entry.value, Mapping):
        return fixed_text(entry.value, findings, "'on_deadline'"), None
    inside = Keys(entry.value, findings, what="'on_deadline'", point=entry.key.span)
    to = inside.required("escalate", "Write one of the options, or escalate: with whom to ask then.")
    deadline, then = inside.duration("deadline"), inside.name("then")
    inside.done()
    return then, None if to is None else EscalationNode(template_slot(to, findings), deadline)
