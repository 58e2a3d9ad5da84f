"""Measure what the design promises; run it by hand: python tests/unit/expr/benchmark.py (pytest does not collect it)."""

from collections.abc import Callable
from timeit import repeat

from tocsin.playbook.expr import compile_condition, compile_expression, compile_template

NAMES = {
    "steps": {"a": {"score": 7}},
    "alert": {
        "severity": "high",
        "title": "Odd login",
        "observables": [{"type": "ip" if number % 3 else "domain", "value": f"10.0.{number % 100}.1"} for number in range(500)],
    },
    "now": "2026-01-01T00:00:00Z",
}
CONDITION = "steps.a.score > 5 and alert.severity == 'high'"
MAPPING = "alert.observables | where('type','==','ip') | pluck('value') | unique"


def report(title: str, work: Callable[[], object], *, times: int, limit_us: float | None = None) -> None:
    """Print the best of five, in microseconds."""
    best = min(repeat(work, number=times, repeat=5)) / times * 1e6
    print(f"{title:45}{best:9.2f} us" + (f"   (at most {limit_us:g})" if limit_us else ""))


def main() -> None:
    """Measure all."""
    condition, mapping, path = compile_condition(CONDITION), compile_expression(MAPPING), compile_expression("alert.title")
    template = compile_template({"score": "${{ steps.a.score }}", "text": ["at ${{ now }}"], "n": 1, "s": "${{ alert.severity | upper }}"})
    report("simple condition", lambda: condition.test(NAMES), times=20_000, limit_us=5)
    report("mapping of 500 observables", lambda: mapping.evaluate(NAMES), times=500, limit_us=150)
    report("one path", lambda: path.evaluate(NAMES), times=20_000)
    report("template with three expressions", lambda: template.render(NAMES), times=5_000)
    report("compile the condition", lambda: compile_condition(CONDITION), times=500)
    report("compile the mapping", lambda: compile_expression(MAPPING), times=500)


if __name__ == "__main__":
    main()
