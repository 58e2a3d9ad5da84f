"""Look at every expression once, with what is known where it stands."""

from tocsin.playbook.checks.conditions import check_kinds, check_trigger_conditions
from tocsin.playbook.checks.context import Context
from tocsin.playbook.checks.places import Places
from tocsin.playbook.checks.references import check_reading, check_triggers
from tocsin.playbook.checks.scopes import visits


def check_expressions(context: Context) -> None:
    """Report what expressions read that is not there, and what they come out as that does not fit."""
    check_triggers(context)
    check_trigger_conditions(context)
    places = Places(context.playbook)
    for visit in visits(context.playbook, context.catalogue):
        check_reading(visit, places, context)
        check_kinds(visit, context)
