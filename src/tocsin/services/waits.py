"""Events reach the runs that wait for them: the signal is written in the transaction of its cause, and the first event wins."""

from collections.abc import Iterator, Sequence

import structlog

from tocsin.core.errors import TocsinError
from tocsin.core.values import Instant, JsonObject, iso
from tocsin.engine.events import EventArrived
from tocsin.store.repos.waits import ANY, Place, Waiting
from tocsin.store.tx import Tx
from tocsin.store.wait_keys import EVENT, condition_of, value_at

log = structlog.get_logger()
MOST_COMPLAINTS = 20  # about filters, in the log, for one batch of events


def tell_waiting(tx: Tx, events: Sequence[JsonObject], *, place: Place, now: Instant) -> int:
    """Hand events, in their order, to the runs that wait for such; return how many waits are over. Costs one look when nobody waits."""
    fields = tx.waits.fields(place) if events else []
    if not fields:
        return 0
    pool = _Pool(tx, place, fields, now=now)
    complaints: set[str] = set()
    over = 0
    for event in events:
        asked = _Asked(event, complaints)
        met = [one for one in pool.keyed(event) if asked.accepts(one)]
        for shape in [one for one in pool.shapes if asked.accepts(one)]:
            met += tx.waits.of_shape(place, shape.shape, now=now)
            pool.shapes.remove(shape)
        over += sum([_hand_over(tx, one, event, now=now) for one in met])
        pool.over.update((one.run, one.path) for one in met)
    return over


class _Pool:
    """The waits that a batch of events may be for, each read once. `over`: those that an event of the batch has ended."""

    def __init__(self, tx: Tx, place: Place, fields: Sequence[str], *, now: Instant) -> None:
        self._tx, self._place, self._now = tx, place, now
        self._fields = [field for field in fields if field != ANY]
        self._read: dict[tuple[str, str], list[Waiting]] = {}
        self.shapes = tx.waits.shapes(place, now=now) if ANY in fields else []
        self.over: set[tuple[str, str]] = set()

    def keyed(self, event: JsonObject) -> Iterator[Waiting]:
        for field in self._fields:
            value = value_at(event, field)
            if value is not None:
                yield from (one for one in self._having(field, value) if (one.run, one.path) not in self.over)

    def _having(self, field: str, value: str) -> list[Waiting]:
        key = (field, value)
        if key not in self._read:
            self._read[key] = self._tx.waits.keyed(self._place, field, value, now=self._now)
        return self._read[key]


class _Asked:
    """The filters that one event was asked; those of one shape say the same. `complaints`: the shapes that have said an error."""

    def __init__(self, event: JsonObject, complaints: set[str]) -> None:
        self._event, self._complaints = event, complaints
        self._said: dict[str, bool] = {}

    def accepts(self, waiting: Waiting) -> bool:
        if waiting.shape not in self._said:
            self._said[waiting.shape] = waiting.filter is None or self._ask(waiting, waiting.filter)
        return self._said[waiting.shape]

    def _ask(self, waiting: Waiting, filter: str) -> bool:
        try:
            return condition_of(filter).test({**waiting.names, EVENT: self._event})
        except TocsinError as error:
            # An event that lacks a field the filter reads is not the one; said aloud, for it may be a mistake, but not for every event.
            if waiting.shape not in self._complaints and len(self._complaints) < MOST_COMPLAINTS:
                log.warning("wait.filter_error", run=waiting.run, path=waiting.path, cause=self._event.get("id"), reason=str(error))
            self._complaints.add(waiting.shape)
            return False


def _hand_over(tx: Tx, waiting: Waiting, event: JsonObject, *, now: Instant) -> bool:
    """End the wait; a run that is over meanwhile takes nothing."""
    tx.waits.drop(waiting.run, waiting.path)
    return tx.runs.signal(waiting.run, EventArrived(at=iso(now), path=waiting.path, event=event), at=now)
