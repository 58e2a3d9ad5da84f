"""Look at every expression once, with what is known where it stands."""

from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.references import check_triggers
from tocsin.playbook.checks.walk import Walk


def check_expressions(context: Context) -> None:
    """Report what expressions read that is not there, and what they come out as that does not fit."""
    check_triggers(context)
    Walk(context).run()
