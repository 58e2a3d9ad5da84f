"""The journal of runs, as the engine's port wants it: leased, fenced, and durable when a call returns."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import structlog

from tocsin.core.errors import JournalCorrupt, LeaseLost
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Instant
from tocsin.engine.events import ActionDone, ActionFailed, AskOpened, RunEnded, RunEvent, Signal, encode
from tocsin.engine.ports import Append, ClaimedRun, Clock
from tocsin.store.blobs import LONGEST_INLINE, Blobs
from tocsin.store.consequences import Overtaken, carry_out, finish, pausing
from tocsin.store.opening import Store
from tocsin.store.repos.runs import Fence, Grown, Lease, NewRun, StoredEvent, store_event
from tocsin.store.tx import Tx

LEASE = timedelta(seconds=60)
Announce: TypeAlias = Callable[[Tx, RunId, WorkspaceId, Sequence[AskOpened]], None]
_log = structlog.get_logger(__name__)


def _nobody(tx: Tx, run: RunId, workspace: WorkspaceId, asks: Sequence[AskOpened]) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class _Claim:
    run: RunId
    workspace: WorkspaceId
    epoch: int
    next_seq: int


class SqlJournal:
    """Keep runs in the store. `owner` names this process among all that ever were."""

    def __init__(self, store: Store, *, owner: str, clock: Clock, lease: timedelta = LEASE, announce: Announce = _nobody) -> None:
        """`announce` is called with the asks that a transaction opens, in that transaction."""
        self._units = store.units
        self._blobs = store.blobs
        self._owner = owner
        self._clock = clock
        self._ttl = lease
        self._announce = announce

    def lease(self) -> Lease:
        """Return the lease that this process would take now."""
        return Lease(self._owner, self._clock() + self._ttl)

    async def claim(self, runs: Sequence[RunId]) -> list[ClaimedRun]:
        """Lease the runs that nobody holds and that have not ended, and load them; others are left out.

        A run whose history cannot be read is stopped, logged and left out.
        """
        now, lease = self._clock(), self.lease()
        rows = await self._units.write(lambda tx: tx.runs.claim(runs, lease=lease, now=now))
        if not rows:
            return []
        claims = [_Claim(*row) for row in rows]
        # The runs are held, so nobody adds events between the two transactions; the writer is free for others meanwhile.
        loaded = await self._units.read(lambda tx: _load(tx, claims))
        good = [one for one in loaded if isinstance(one, ClaimedRun)]
        for claim, one in zip(claims, loaded, strict=True):
            if isinstance(one, JournalCorrupt):
                await self._stop(claim.run, one)
        return good

    async def append(self, append: Append) -> bool:
        """Write durably; raise LeaseLost when another worker has the run.

        Return False, and keep the lease, when `release` was asked but signals have arrived since: `signals` has them.
        """
        events = await self._encode(append)
        try:
            return await self._units.write(lambda tx: self._append(tx, append, events))
        except Overtaken:
            now = self._clock()
            await self._units.write(lambda tx: tx.runs.give_back(append.run, epoch=append.epoch, owner=self._owner, at=now))
            raise

    async def signals(self, run: RunId) -> tuple[tuple[int, Signal], ...]:
        """Load the run's signals that are not consumed yet."""
        found = await self._units.read(lambda tx: tx.runs.signals([run]))
        return tuple(found[run])

    async def renew(self, runs: Sequence[tuple[RunId, int]]) -> list[RunId]:
        """Extend leases of (run, epoch); return the runs that are lost."""
        lease = self.lease()
        return await self._units.write(lambda tx: [run for run, epoch in runs if not tx.runs.renew(run, epoch=epoch, lease=lease)])

    async def due(self, limit: int = 256) -> list[RunId]:
        """Return the runs that must be looked at now: their time has come, or their holder is gone."""
        now = self._clock()
        return await self._units.read(lambda tx: tx.runs.due(now, limit=limit))

    async def next_due(self) -> Instant | None:
        """Return when the next run must be looked at."""
        return await self._units.read(lambda tx: tx.runs.next_due())

    async def reclaim(self) -> int:
        """Void every lease; only at the start of the one process that uses the data folder. Return how many."""
        now = self._clock()
        return await self._units.write(lambda tx: tx.runs.reclaim(at=now))

    async def _encode(self, append: Append) -> list[StoredEvent]:
        numbered = list(enumerate(append.events, start=append.first_seq))
        if any(len(encode(event)) > LONGEST_INLINE for event in append.events):
            return await asyncio.to_thread(_encode_all, numbered, self._blobs)
        return _encode_all(numbered, self._blobs)

    async def _stop(self, run: RunId, error: JournalCorrupt) -> None:
        _log.error("run_stopped", run=run, problem=error.message)
        now = self._clock()

        def stop(tx: Tx) -> None:
            tx.runs.stop(run, reason=error.message, at=now)
            tx.waits.drop_of_run(run)

        await self._units.write(stop)

    def _append(self, tx: Tx, append: Append, events: Sequence[StoredEvent]) -> bool:
        now = self._clock()
        ended = next((event for event in append.events if isinstance(event, RunEnded)), None)
        tx.runs.consume(append.run, append.consumed)
        released = ended is not None or (append.release and not tx.runs.has_signals(append.run))
        self._move(tx, append, ended, released=released, now=now)
        tx.runs.insert_events((append.run, event) for event in events)
        if append.asks_opened:
            tx.asks.open(append.run, append.asks_opened, workspace=append.workspace)
            self._announce(tx, append.run, append.workspace, append.asks_opened)
        carry_out(tx, append, now=now)
        if ended is not None:
            finish(tx, append, ended, now=now)
        elif released and append.wake_at is not None and append.wake_at <= now and tx.runs.wakes(append.run):
            tx.woken.append(append.run)
        return released or not append.release

    def _move(self, tx: Tx, append: Append, ended: RunEnded | None, *, released: bool, now: Instant) -> None:
        fence = Fence(append.run, self._owner, append.epoch, append.first_seq)
        actions = sum(1 for event in append.events if isinstance(event, ActionDone | ActionFailed))
        grown = Grown(len(append.events), actions, len(append.asks_opened), pausing(append.events))
        if ended is not None:
            is_held = tx.runs.end(fence, grown, ended)
        elif released:
            is_held = tx.runs.release(fence, grown, wake_at=append.wake_at)
        else:
            is_held = tx.runs.hold(fence, grown, until=now + self._ttl)
        if not is_held:
            raise LeaseLost(f"Another worker has the run {append.run}.", hint="Drop it; the other goes on.")


def start_runs(tx: Tx, new: Sequence[NewRun], *, lease: Lease) -> list[ClaimedRun]:
    """Insert runs that this process holds from the start, so that it may advance them as soon as they are committed."""
    tx.runs.insert(new, lease=lease)
    return [ClaimedRun(one.id, one.workspace, 1, (one.started,)) for one in new]


def _encode_all(events: Sequence[tuple[int, RunEvent]], blobs: Blobs) -> list[StoredEvent]:
    return [store_event(seq, event, blobs=blobs) for seq, event in events]


def _load(tx: Tx, claims: Sequence[_Claim]) -> list[ClaimedRun | JournalCorrupt]:
    ids = [claim.run for claim in claims]
    events, signals = tx.runs.stored_events(ids), tx.runs.signals(ids)
    return [_claimed(tx, claim, events[claim.run], signals[claim.run]) for claim in claims]


def _claimed(
    tx: Tx, claim: _Claim, events: Sequence[tuple[int, str | None, str | None]], signals: Sequence[tuple[int, Signal]]
) -> ClaimedRun | JournalCorrupt:
    if [seq for seq, _, _ in events] != list(range(1, claim.next_seq)):
        return JournalCorrupt(f"The run {claim.run} should have {claim.next_seq - 1} events in a row.", hint="Restore a backup.")
    try:
        decoded = tuple(tx.runs.decode(claim.run, body, blob) for _, body, blob in events)
    except JournalCorrupt as error:
        return error
    return ClaimedRun(claim.run, claim.workspace, claim.epoch, decoded, tuple(signals))
