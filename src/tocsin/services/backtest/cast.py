"""The cast of a backtest: targets and people as they were recorded, effects that go nowhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.core.effects import ActionSpec, Effect
from tocsin.core.errors import TocsinError
from tocsin.core.values import Json
from tocsin.engine.events import AskOpened, CallStarted, EventAwaited
from tocsin.rehearsal.cast import Answer, Arrival, Call, Ending, Exchange, Refusal, Reply, Unplayable, Value
from tocsin.services.backtest.recorded import Reading
from tocsin.services.dryrun.plausible import made_up_output


class Reads(StrEnum):
    """What becomes of a read that nobody has recorded."""

    RECORDED = "recorded"  # the play stops there: undecided
    SKIP = "skip"  # it gets a plausible output, and the result says so
    LIVE = "live"  # it is read now


class Undecided(Unplayable):
    """It cannot be told how the run would have gone on."""

    code = "undecided"


class WouldAsk(Undecided):
    """The run would put a question that nobody has answered."""

    code = "would-ask"


@dataclass(slots=True)
class BacktestCast:
    """Implements `rehearsal.cast.Cast` from what was recorded of one alert."""

    spec: Callable[[str], ActionSpec]
    reading: Reading
    reads: Reads
    read: Callable[[Call], Json]  # for real: with Reads.LIVE, and code
    recorded: int = 0
    live: int = 0
    assumed: list[str] = field(default_factory=list)  # paths of reads that were made up

    def answer(self, call: Call, history: Sequence[Exchange]) -> Answer:
        """Answer from the record; an effect that is not there gets a made-up output, whatever the mode."""
        if call.is_code:
            return self._real(call)  # it changes nothing, and the code may be another than the one that was recorded
        found = self.reading.answer(call)
        if call.pending.effect is not Effect.READ:
            return found or Value(self._made_up(call))
        if found is not None:
            self.recorded += 1
            return found
        match self.reads:
            case Reads.LIVE:
                self.live += 1
                return self._real(call)
            case Reads.SKIP:
                self.assumed.append(call.path)
                return Value(self._made_up(call))
            case Reads.RECORDED:
                raise Undecided(f"Nobody has recorded what {call.action} answers to '{call.path}'.", hint="Try --reads skip or live.")

    def _real(self, call: Call) -> Answer:
        try:
            return Value(self.read(call))
        except TocsinError as error:
            return Refusal(error)

    def _made_up(self, call: Call) -> Json:
        return made_up_output(self.spec(call.action).output_schema, arguments=call.arguments, name=call.path.rpartition("/")[2])

    def decide(self, ask: AskOpened, *, playbook: str) -> Reply | None:
        """Answer as people really did; a question that nobody has answered ends the play."""
        answered = self.reading.reply(ask)
        if answered is None:
            raise WouldAsk(f"It would ask: {ask.title}")
        if answered.by is None:
            return None if ask.deadline is not None else Reply(answered.answer, "the deadline")
        return Reply(answered.answer, answered.by, answered.form, answered.reason)

    def event(self, wait: EventAwaited, *, playbook: str) -> Arrival | None:
        """Return what ended the same wait; without it the deadline decides, and without one nothing can be told."""
        event = self.reading.arrival(wait)
        if event is None and wait.due is None:
            raise Undecided(f"It would wait at '{wait.path}' for an event ({wait.kind}) that nobody has recorded.")
        return None if event is None else Arrival(event)

    def child(self, call: CallStarted, *, playbook: str) -> Ending | None:
        """Have it played."""
        return None
