"""Every filter of the language, one table; the rules for their use are in `grammar.FILTERS`.

A filter is called with the work it may do, the value before the pipe, and all the arguments of its rule. `default` and `map` are
not here: what they do is evaluation, not a function of values.
"""

from collections.abc import Callable
from typing import Final

from tocsin.core.values import Json
from tocsin.playbook.expr.errors import ExprError
from tocsin.playbook.expr.filters import dates, encoding, lists, network, numbers, objects, regex, text
from tocsin.playbook.expr.filters.kinds import Refusal

FUNCTIONS: Final[dict[str, Callable[..., Json]]] = {
    **text.FILTERS,
    **lists.FILTERS,
    **objects.FILTERS,
    **numbers.FILTERS,
    **dates.FILTERS,
    **network.FILTERS,
    **encoding.FILTERS,
    **regex.FILTERS,
}

_CHECKS: Final[dict[str, Callable[[list[Json]], None]]] = {  # arguments that are constants are checked when the playbook is saved
    "where": lists.check_where,
    "pluck": lists.check_field,
    "sort": lists.check_field,
    "group_by": lists.check_field,
    "count": lists.check_field,
    "date": dates.check_date,
    "date_add": dates.check_date_add,
    "ip_in": network.check_ip_in,
    "b64decode": encoding.check_b64decode,
    "regex_test": regex.check_pattern,
    "regex_find": regex.check_pattern,
    "regex_replace": regex.check_replacement,
}


def check_constants(name: str, constants: list[Json], offset: int) -> None:
    """Check the constant arguments of a filter, None where an argument is no constant; raises ExprError."""
    check = _CHECKS.get(name)
    if check is None:
        return
    try:
        check(constants)
    except Refusal as refusal:
        raise refused(name, refusal, offset) from None


def refused(name: str, refusal: Refusal, offset: int) -> ExprError:
    """Put the name of the filter in front of what it refused."""
    return ExprError(f"'{name}' {refusal.message}", hint=refusal.hint, offset=offset)
