"""What is measured, by name."""

from collections.abc import Callable, Mapping

from tocsin.cli.bench.checking import checking
from tocsin.cli.bench.expressions import expressions
from tocsin.cli.bench.idle import idle
from tocsin.cli.bench.load import intake, runs, trigger_to_first_action
from tocsin.core.values import JsonObject

MEASURES: Mapping[str, Callable[[], JsonObject]] = {
    "idle": idle,
    "intake": intake,
    "runs": runs,
    "trigger_to_first_action_ms": trigger_to_first_action,
    "expressions": expressions,
    "checking": checking,
}
