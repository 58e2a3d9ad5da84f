"""What finally and undo_after may be used for."""

from tocsin.playbook.checks.context import Context
from tocsin.playbook.codes import constructs
from tocsin.playbook.model import ActionNode, StopNode, steps_of


def check_constructs(context: Context) -> None:
    """Report a stop in finally, and an undo of what nothing undoes."""
    for step in steps_of(context.playbook.final):
        if isinstance(step, StopNode):
            message = "The outcome is decided when 'finally' begins; a stop changes nothing here."
            context.report(constructs.STOP_IN_FINALLY, step.head.span, message, "Stop in the steps before, or leave it out.")
    for step in (*context.steps, *steps_of(context.playbook.final)):
        spec = context.spec_of(step) if isinstance(step, ActionNode) else None
        if isinstance(step, ActionNode) and step.undo_after is not None and spec is not None and spec.undo is None:
            message = f"Nothing undoes '{step.action.text}': its pack names no inverse."
            context.report(
                constructs.NO_UNDO, step.undo_after[1], message, "Leave undo_after out, or do the inverse in a step of your own."
            )
