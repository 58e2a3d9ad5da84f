"""Every crash point times every policy, over the memory journal: the worker dies there, another takes over."""

import asyncio

import pytest

from tocsin.core.effects import Effect, OnUnknown, Probe
from tocsin.engine.crashpoints import CrashPoint
from tocsin.engine.events import AskOpened, Outcome
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench

POINTS = [
    CrashPoint.RUN_CLAIMED,
    CrashPoint.INTENT_BEFORE_COMMIT,
    CrashPoint.INTENT_COMMITTED,
    CrashPoint.CALL_RETURNED,
    CrashPoint.OUTCOME_COMMITTED,
    CrashPoint.WAIT_BEFORE_COMMIT,
    CrashPoint.WAIT_COMMITTED,
    CrashPoint.END_BEFORE_COMMIT,
    CrashPoint.END_COMMITTED,
]


class Killed(BaseException):
    """The process is gone."""


def dies_at(point: CrashPoint):  # type: ignore[no-untyped-def]
    armed = [True]

    def crash(at: CrashPoint) -> None:
        if at is point and armed[0]:
            armed[0] = False
            raise Killed

    return crash


STEPS = """\
  - {id: look, action: intel.look_up}
  - {id: act, action: edr.isolate, with: {host: FIN-DC-02}}
  - parallel:
      - - {id: b, action: fw.block}
      - - {id: c, action: intel.look_up}
  - wait: 10m
  - {id: tell, action: fw.block}
"""


@pytest.mark.parametrize("policy", list(OnUnknown))
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_that_dies_anywhere_loses_nothing_and_doubles_nothing(point: CrashPoint, policy: OnUnknown) -> None:
    bench = Bench()
    happened: set[str] = set()

    def isolate(call):  # type: ignore[no-untyped-def]
        assert policy in (OnUnknown.REPEAT, OnUnknown.KEY) or call.key not in happened, "contained twice"
        happened.add(call.key)
        return {"ok": True}

    bench.actions.add(spec("intel.look_up"), {"bad": True})
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.REPEAT), {"ok": True})
    bench.actions.add(spec("edr.isolate", Effect.DESTRUCTIVE, policy), isolate)
    bench.actions.probe = lambda call: _found(call.key in happened)  # type: ignore[method-assign]
    run = bench.begin(bench.publish(STEPS))
    crash = dies_at(point)
    for _ in range(12):
        try:
            asyncio.run(bench.driver(crash).advance([run]))
        except Killed:
            bench.journal.crash()
        bench.clock.move(minutes=6)
        if _asks(bench, run):
            bench.answer(run, "it-happened" if happened else "run-it")
    assert bench.ended(run).outcome is Outcome.SUCCEEDED
    assert len(happened) == 1


async def _found(applied: bool) -> Probe:
    return Probe.APPLIED if applied else Probe.NOT_APPLIED


def _asks(bench: Bench, run) -> bool:  # type: ignore[no-untyped-def]
    return isinstance(bench.events(run)[-1], AskOpened)
