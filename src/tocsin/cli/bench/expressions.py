"""How long an expression takes."""

import time
from collections.abc import Callable

from tocsin.core.values import Json, JsonObject

ROUNDS, FOR_S = 5, 0.3


def expressions() -> JsonObject:
    """Measure a condition over an alert, and a mapping over 500 observables; microseconds, the best of some rounds."""
    from tocsin.playbook.expr import compile_condition, compile_template

    condition = compile_condition("${{ alert.severity in ['high', 'critical'] and alert.src_endpoint.ip != '' and alert.count < 100 }}")
    alert: Json = {"severity": "high", "src_endpoint": {"ip": "192.0.2.7"}, "count": 3}
    observables: list[Json] = [{"type": "ip" if n % 2 else "domain", "value": f"198.51.100.{n % 250}"} for n in range(500)]
    mapping = compile_template("${{ alert.observables | where('type', '==', 'ip') | pluck('value') }}")
    return {
        "condition_us": _us(lambda: condition.test({"alert": alert})),
        "mapping_500_us": _us(lambda: mapping.render({"alert": {"observables": observables}})),
    }


def _us(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < FOR_S / ROUNDS:
            for _ in range(20):
                work()
            done += 20
        best = min(best, (time.perf_counter() - started) / done)
    return round(best * 1e6, 2)
