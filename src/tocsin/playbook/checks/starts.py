"""Every trigger can start the playbook."""

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import flow
from tocsin.playbook.model import WebhookTriggerNode


def check_starts(context: Context) -> None:
    """Report required inputs that no trigger can give."""
    if all(isinstance(one, WebhookTriggerNode) for one in context.playbook.triggers):  # it sends inputs, and is refused without them
        return
    for declared in context.playbook.inputs:
        if declared.required:
            message = f"No trigger gives the input '{declared.name.text}', so a run that one starts fails."
            context.report(flow.INPUT_NOBODY_GIVES, declared.name.span, message, "Give it a default, or required: false.")
