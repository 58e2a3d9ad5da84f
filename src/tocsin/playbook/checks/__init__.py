"""The checks of a playbook: one idea a file, each a function that reports what it finds."""

from collections.abc import Callable

from tocsin.playbook.checks.actions import check_actions
from tocsin.playbook.checks.answers import check_answers
from tocsin.playbook.checks.asks import check_asks
from tocsin.playbook.checks.calls import check_calls
from tocsin.playbook.checks.constructs import check_constructs
from tocsin.playbook.checks.context import Context, context_of
from tocsin.playbook.checks.effects import check_effects
from tocsin.playbook.checks.expressions import check_expressions
from tocsin.playbook.checks.filters import check_filters
from tocsin.playbook.checks.ids import check_ids
from tocsin.playbook.checks.limits import check_limits
from tocsin.playbook.checks.loops import check_loops
from tocsin.playbook.checks.reachable import check_reachable
from tocsin.playbook.checks.repeated import check_repeated
from tocsin.playbook.checks.roles import check_roles
from tocsin.playbook.checks.secrets import check_secrets
from tocsin.playbook.checks.starts import check_starts
from tocsin.playbook.checks.switches import check_switches
from tocsin.playbook.checks.unused import check_unused

Check = Callable[[Context], None]
ALL: tuple[Check, ...] = (
    check_ids,
    check_expressions,
    check_actions,
    check_asks,
    check_answers,
    check_effects,
    check_constructs,
    check_filters,
    check_roles,
    check_reachable,
    check_limits,
    check_loops,
    check_repeated,
    check_calls,
    check_switches,
    check_secrets,
    check_starts,
    check_unused,
)

__all__ = ["ALL", "Check", "Context", "context_of"]
