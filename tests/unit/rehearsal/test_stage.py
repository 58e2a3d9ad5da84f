"""A stage plays runs on the real decider: no loop, no I/O, a clock of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tocsin.core.effects import Effect, OnUnknown, Probe
from tocsin.core.errors import Invalid, OutcomeUnknown, Transient
from tocsin.engine.events import AskAnswered, AskOpened, CallStarted, EventAwaited, Outcome, ValuesSet
from tocsin.rehearsal.cast import Answer, Arrival, Call, Ending, Exchange, Found, Refusal, Reply, Unplayable, Value
from tocsin.rehearsal.clock import START, CountingIds, StageClock
from tocsin.rehearsal.stage import Played, Stage
from tocsin.testing.actions import spec
from tocsin.testing.engine import Bench


@dataclass
class OneCast:
    """A cast of functions."""

    answers: Callable[[Call], Answer] = lambda call: Value({})
    reply: Callable[[AskOpened], Reply | None] = lambda ask: None
    arrival: Callable[[EventAwaited], Arrival | None] = lambda wait: None
    ending: Callable[[CallStarted], Ending | None] = lambda call: None
    seen: list[Call] = field(default_factory=list)

    def answer(self, call: Call, history: Sequence[Exchange]) -> Answer:
        self.seen.append(call)
        return self.answers(call)

    def decide(self, ask: AskOpened, *, playbook: str) -> Reply | None:
        return self.reply(ask)

    def event(self, wait: EventAwaited, *, playbook: str) -> Arrival | None:
        return self.arrival(wait)

    def child(self, call: CallStarted, *, playbook: str) -> Ending | None:
        return self.ending(call)


def bench() -> Bench:
    bench = Bench()
    bench.actions.add(spec("intel.look_up"))
    bench.actions.add(spec("fw.block", Effect.WRITE, OnUnknown.VERIFY))
    return bench


def play(steps: str, cast: OneCast, *, head: str = "", bench: Bench | None = None, inputs: dict[str, object] | None = None) -> Played:
    table = bench or globals()["bench"]()
    plan = table.publish(steps, head=head)
    stage = Stage(table.plans, spec=table.actions.spec, cast=cast, clock=StageClock(), ids=CountingIds())
    return stage.play(plan, trigger={"kind": "manual"}, inputs=inputs or {})  # type: ignore[arg-type]


def test_answers_of_the_cast_become_the_results_of_steps() -> None:
    steps = '  - {id: a, action: intel.look_up, with: {ip: 192.0.2.1}}\n  - {id: b, set: {bad: "${{ steps.a.bad }}"}}\n'
    cast = OneCast(lambda call: Value({"bad": call.arguments["ip"]}))
    played = play(steps, cast, head='outputs: {bad: "${{ steps.b.bad }}"}\n')
    assert (played.outcome, played.outputs) == (Outcome.SUCCEEDED, {"bad": "192.0.2.1"})
    assert [exchange.call.path for exchange in played.calls] == ["a"]


def test_an_unknown_outcome_is_probed_and_then_asked_about() -> None:
    cast = OneCast(
        lambda call: Found(Probe.UNKNOWN) if call.pending.probe else Refusal(OutcomeUnknown("No answer came.")),
        reply=lambda ask: Reply("it-happened", "amira") if ask.about == "unknown" else None,
    )
    played = play("  - {id: a, action: fw.block}\n", cast)
    assert played.outcome is Outcome.SUCCEEDED
    assert [call.pending.probe for call in cast.seen] == [False, True]


def test_waits_and_retries_take_no_time() -> None:
    attempts = iter([Refusal(Transient("Busy.")), Refusal(Transient("Busy.")), Value({})])
    cast = OneCast(lambda call: next(attempts))
    steps = "  - {id: a, action: intel.look_up, retry: {attempts: 3, delay: 1m}}\n  - wait: 2d\n  - {id: t, set: {now: '${{ now }}'}}\n"
    played = play(steps, cast)
    at = next(event.values["now"] for event in played.events if isinstance(event, ValuesSet))
    assert at == (START + timedelta(days=2, minutes=3)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_silence_lets_the_deadline_decide() -> None:
    steps = "  - {id: q, ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}}\n"
    played = play(steps, OneCast(), head='outputs: {a: "${{ steps.q.answer }}", by: "${{ steps.q.by }}"}\n')
    assert played.outputs == {"a": "reject", "by": None}


def test_an_answer_after_the_deadline_is_too_late() -> None:
    steps = "  - {id: q, ask: {title: Go on?, to: [role:responder], deadline: 4h, on_deadline: reject}}\n  - wait: 10h\n"
    played = play(
        steps, OneCast(reply=lambda ask: Reply("approve", "amira", after_s=5 * 3600)), head='outputs: {a: "${{ steps.q.answer }}"}\n'
    )
    assert played.outputs == {"a": "reject"}
    assert sum(isinstance(event, AskAnswered) for event in played.events) == 1


def test_a_run_that_nobody_answers_still_waits() -> None:
    played = play("  - {id: q, ask: {title: Go on?, to: [role:responder]}}\n", OneCast())
    assert (played.outcome, played.problem) == (None, None)


def test_called_playbooks_run_on_the_same_stage() -> None:
    table = bench()
    table.publish('  - {id: a, action: intel.look_up, with: {ip: "${{ inputs.ip }}"}}\n', id="child", head=_CHILD)
    steps = "  - {id: c, call: child, with: {ip: 192.0.2.7}}\n"
    played = play(
        steps, OneCast(lambda call: Value({"ip": call.arguments["ip"]})), bench=table, head='outputs: {ip: "${{ steps.c.ip }}"}\n'
    )
    assert played.outputs == {"ip": "192.0.2.7"}
    assert [(child.plan.id, child.outcome) for child in played.children] == [("child", Outcome.SUCCEEDED)]


def test_a_called_playbook_may_be_given_its_end() -> None:
    table = bench()
    table.publish('  - {id: a, action: intel.look_up, with: {ip: "${{ inputs.ip }}"}}\n', id="child", head=_CHILD)
    cast = OneCast(ending=lambda call: Ending(Outcome.FAILED, reason="It was closed."))
    played = play("  - {id: c, call: child, with: {ip: 192.0.2.7}}\n", cast, bench=table)
    assert (played.outcome, cast.seen, played.children) == (Outcome.FAILED, [], ())


def test_what_nobody_is_cast_for_ends_the_play_with_the_path_so_far() -> None:
    def nobody(call: Call) -> Answer:
        raise Unplayable("No canned answer.")

    played = play("  - {id: s, set: {x: 1}}\n  - {id: a, action: intel.look_up}\n", OneCast(nobody))
    assert played.problem is not None
    assert any(isinstance(event, ValuesSet) for event in played.events)


def test_a_run_without_end_is_stopped() -> None:
    items = "[" + ", ".join("1" for _ in range(200)) + "]"
    many = "${{ " + items + " }}"
    body = "[{set: {x: 1}}, {set: {y: 1}}, {set: {z: 1}}]"
    inner = f'{{for_each: "{many}", as: b, steps: {body}}}'
    steps = f'  - {{for_each: "{many}", as: a, concurrency: 50, steps: [{inner}]}}\n'
    played = play(steps, OneCast())
    assert played.problem is not None
    assert "does not end" in str(played.problem)


def test_an_error_for_good_fails_the_run() -> None:
    played = play("  - {id: a, action: intel.look_up}\n", OneCast(lambda call: Refusal(Invalid("No such host."))))
    assert played.outcome is Outcome.FAILED
    assert "No such host." in played.reason


_CHILD = 'inputs: {ip: {type: string}}\noutputs: {ip: "${{ steps.a.ip }}"}\n'
