"""What a process that is gone had taken from the outbox is due again at the next start."""

from datetime import timedelta
from pathlib import Path

from tocsin.core.ids import DEFAULT_WORKSPACE
from tocsin.store.opening import open_store
from tocsin.store.repos.outbox import Delivery
from tocsin.testing.clock import START


def test_a_message_taken_by_a_process_that_died_is_due_at_the_next_start(tmp_path: Path) -> None:
    message = Delivery("d1", DEFAULT_WORKSPACE, "ask-mail", "ask_1", "a@soc.example", {}, START, next_at=START)
    with open_store(tmp_path) as store:
        store.units.write_now(lambda tx: tx.outbox.add([message]))
        assert len(store.units.write_now(lambda tx: tx.outbox.claim_due(START, until=START + timedelta(minutes=2)))) == 1
        later = START + timedelta(seconds=5)
        assert store.units.write_now(lambda tx: tx.outbox.claim_due(later, until=later + timedelta(minutes=2))) == []
        assert store.units.write_now(lambda tx: tx.outbox.reclaim(at=later)) == 1
        (again,) = store.units.write_now(lambda tx: tx.outbox.claim_due(later, until=later + timedelta(minutes=2)))
        assert again.attempts == 2
        store.units.write_now(lambda tx: tx.outbox.sent("d1", at=later))
        assert store.units.write_now(lambda tx: tx.outbox.reclaim(at=later)) == 0
