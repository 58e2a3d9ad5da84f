"""`tocsin bench`: how fast this machine runs Tocsin. Loopback only, every loop bounded."""

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.options import AsJson
from tocsin.cli.say import as_line, put, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tocsin.core.values import JsonObject

NAMES = ("idle", "intake", "runs", "trigger_to_first_action_ms", "expressions", "checking")


def bench(
    only: Annotated[str | None, typer.Option(help=f"Only these, with commas between them: {', '.join(NAMES)}.")] = None,
    json: AsJson = False,
) -> None:
    """Measure start-up, intake, runs, expressions and checks on this machine, in about a minute."""
    from tocsin.cli.bench.measures import MEASURES
    from tocsin.cli.logs import configure_logging
    from tocsin.core.errors import Invalid

    wanted = [name.strip() for name in only.split(",")] if only else list(NAMES)
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown:
        raise Invalid(f"There is no measure '{unknown[0]}'.", hint=f"There are: {', '.join(NAMES)}.")
    configure_logging("error")
    figures = _measured(wanted, MEASURES, as_json=json)
    if json:
        put(as_line(figures))


def _measured(wanted: list[str], measures: "Mapping[str, Callable[[], JsonObject]]", *, as_json: bool) -> "JsonObject":
    figures: JsonObject = {}
    for name in wanted:
        if as_json:
            warn(f"measuring {name} ...")
        found = measures[name]()
        figures[name] = found
        if not as_json:
            for what, figure in found.items():
                put(f"{name:<28}{what:<26}{figure}")
    return figures
