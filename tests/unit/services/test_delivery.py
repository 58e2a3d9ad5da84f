"""What is in the outbox is sent, tried again, or given up with the reason."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tocsin.core.access import Role
from tocsin.core.errors import Invalid, TocsinError, Transient, Unreachable
from tocsin.core.ids import DEFAULT_WORKSPACE, RunId, UserId
from tocsin.core.values import iso
from tocsin.engine.events import AskOpened
from tocsin.services.delivery import Postman, announce_asks, ask_mail, whom
from tocsin.store.opening import Store, open_store
from tocsin.store.repos.outbox import Delivery
from tocsin.store.repos.people import User
from tocsin.testing.clock import START, FakeClock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as store:
        for name, role in (("amira", Role.RESPONDER), ("boris", Role.RESPONDER), ("vera", Role.VIEWER), ("root", Role.ADMIN)):
            user = User(UserId(f"usr_{name}"), DEFAULT_WORKSPACE, name, f"{name}@soc.example", frozenset({role}), START)
            store.units.write_now(lambda tx, user=user: tx.users.add(user))
        yield store


def asked(to: list[str], via: list[str]) -> AskOpened:
    return AskOpened(
        at=iso(START), path="q", ask="ask_1", about="step", title="Block it?", message="It scans us.", to=to, via=via,
        options=["approve", "reject"], form={}, quorum=1, deadline=iso(START + timedelta(hours=4)), on_deadline="reject", binding="x",
    )  # fmt: skip


def announce(store: Store, *, to: list[str], via: list[str]) -> list[Delivery]:
    store.units.write_now(lambda tx: announce_asks(tx, RunId("run_1"), DEFAULT_WORKSPACE, [asked(to, via)]))
    return store.units.read_now(lambda tx: tx.outbox.about("ask_1", workspace=DEFAULT_WORKSPACE))


@pytest.mark.parametrize(
    ("to", "names"),
    [
        (["role:responder"], ["amira", "boris"]),
        (["role:responder", "user:amira"], ["amira", "boris"]),
        (["user:boris@soc.example"], ["boris"]),
        (["role:viewer"], []),
        (["user:nobody"], []),
    ],
)
def test_the_people_asked_are_those_named_who_may_answer(store: Store, to: list[str], names: list[str]) -> None:
    assert [user.name for user in store.units.read_now(lambda tx: whom(tx, to, workspace=DEFAULT_WORKSPACE))] == names


def test_a_mail_goes_to_each_person_only_when_mail_is_a_channel(store: Store) -> None:
    assert announce(store, to=["role:responder"], via=["web"]) == []
    assert {one.recipient for one in announce(store, to=["role:responder"], via=["email"])} == {"amira@soc.example", "boris@soc.example"}


def test_the_mail_says_what_until_when_and_that_opening_decides_nothing(store: Store) -> None:
    (mail,) = announce(store, to=["user:amira"], via=["email"])
    text = ask_mail(mail, public_url="https://soar.example")["text"]
    for part in ("Block it?", "It scans us.", "https://soar.example/asks/ask_1", "approve, reject", "'reject' is taken", "decides nothing"):
        assert part in text


class Post:
    """A way to send whose answers are scripted."""

    def __init__(self, *answers: TocsinError | None) -> None:
        self.sent: list[str] = []
        self._answers = list(answers)

    async def __call__(self, one: Delivery) -> None:
        answer = self._answers.pop(0) if self._answers else None
        if answer is not None:
            raise answer
        self.sent.append(one.recipient)


async def settle(store: Store, clock: FakeClock, post: Post, wanted: str) -> Delivery:
    """Run the postman until the mail is in the wanted state, moving the clock on."""
    postman = Postman(store.units, clock=clock, send=post)
    task = asyncio.create_task(postman.run_forever())
    try:
        async with asyncio.timeout(10):
            while True:
                (one,) = await store.units.read(lambda tx: tx.outbox.about("ask_1", workspace=DEFAULT_WORKSPACE))
                if getattr(one, wanted) is not None:
                    return one
                clock.move(minutes=31)
                postman.ring()
                await asyncio.sleep(0.01)
    finally:
        task.cancel()


async def test_a_mail_that_does_not_go_is_tried_again_and_sent_once(store: Store) -> None:
    await asyncio.to_thread(announce, store, to=["user:amira"], via=["email"])
    post = Post(Unreachable("down"), Transient("busy"))
    await settle(store, FakeClock(), post, "sent_at")
    assert post.sent == ["amira@soc.example"]


async def test_a_mail_that_is_refused_for_good_is_given_up_with_the_reason(store: Store) -> None:
    await asyncio.to_thread(announce, store, to=["user:amira"], via=["email"])
    post = Post(Invalid("no such person"))
    failed = await settle(store, FakeClock(), post, "failed_at")
    assert "no such person" in failed.reason
    assert post.sent == []


async def test_a_dead_mail_server_is_not_tried_for_ever(store: Store) -> None:
    await asyncio.to_thread(announce, store, to=["user:amira"], via=["email"])
    failed = await settle(store, FakeClock(), Post(*[Unreachable("down")] * 50), "failed_at")
    assert failed.attempts == 10
