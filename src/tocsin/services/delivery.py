"""Asks reach people: what goes into the outbox with the ask, and the postman who empties it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from tocsin.core.access import ROLE_SCOPES, Role, Scope
from tocsin.core.errors import ErrorKind, OutcomeUnknown, TocsinError
from tocsin.core.ids import RunId, WorkspaceId
from tocsin.core.values import Instant, parse_instant
from tocsin.engine.crashpoints import Crash, CrashPoint, stay_alive
from tocsin.engine.events import AskOpened
from tocsin.engine.ports import Clock
from tocsin.services.bell import Bell
from tocsin.store.repos.outbox import Delivery
from tocsin.store.repos.people import User
from tocsin.store.tx import Tx
from tocsin.store.units import Units

log = structlog.get_logger()
ASK_MAIL = "ask-mail"
GIVE_UP_AFTER = 10  # attempts; with the pauses below, about four hours
LONGEST_PAUSE = timedelta(minutes=30)
CLAIM = timedelta(minutes=2)
IDLE_S = 30.0  # the longest sleep; new mail wakes the postman at once


def announce_asks(tx: Tx, run: RunId, workspace: WorkspaceId, asks: Sequence[AskOpened]) -> None:
    """Put a mail to everybody who is asked into the outbox, in the transaction that opens the asks."""
    for asked in asks:
        if "email" in asked.via:
            people = whom(tx, asked.to, workspace=workspace)
            tx.outbox.add([_mail(asked, person, run=run, workspace=workspace) for person in people if person.email])


def whom(tx: Tx, to: Sequence[str], *, workspace: WorkspaceId) -> list[User]:
    """Return the people that `role:NAME` and `user:NAME` mean, who may answer, each once."""
    named = set(to)
    return [
        user
        for user in tx.users.all(workspace=workspace)
        if user.disabled_at is None
        and _may_answer(user)
        and (named & {f"role:{role}" for role in user.roles} or named & {f"user:{user.name}", f"user:{user.email}", f"user:{user.id}"})
    ]


def _may_answer(user: User) -> bool:
    return any(Scope.ASKS_ANSWER in ROLE_SCOPES[Role(role)] for role in user.roles)


def _mail(asked: AskOpened, person: User, *, run: RunId, workspace: WorkspaceId) -> Delivery:
    at = parse_instant(asked.at)
    return Delivery(
        id=f"{asked.ask}:{person.id}",
        workspace=workspace,
        kind=ASK_MAIL,
        ref=asked.ask,
        recipient=person.email,
        body={
            "ask": asked.ask,
            "run": run,
            "name": person.name,
            "title": asked.title,
            "message": asked.message,
            "options": list(asked.options),
            "deadline": asked.deadline,
            "on_deadline": asked.on_deadline,
        },
        created_at=at,
        next_at=at,
    )


class Postman:
    """Send what is in the outbox, and try again later what did not go."""

    def __init__(self, units: Units, *, clock: Clock, send: Callable[[Delivery], Awaitable[None]], crash: Crash = stay_alive) -> None:
        self._units, self._clock, self._send, self._crash = units, clock, send, crash
        self._bell = Bell()

    def ring(self) -> None:
        """Say that there is something to send."""
        self._bell.ring()

    async def run_forever(self) -> None:
        """Send until cancelled."""
        await self._bell.rounds(self._round, trouble="outbox.stuck", patience_s=5.0)

    async def _round(self) -> float:
        now = self._clock()
        due = await self._units.read(lambda tx: tx.outbox.next_due())
        if due is None or due > now:
            return IDLE_S if due is None else min(IDLE_S, (due - now).total_seconds() + 0.01)
        taken = await self._units.write(lambda tx: tx.outbox.claim_due(now, until=now + CLAIM))
        await asyncio.gather(*(self._deliver(one) for one in taken))
        return 0.0

    async def _deliver(self, one: Delivery) -> None:
        try:
            await self._send(one)
        except OutcomeUnknown as error:
            await self._again(one, error)
        except TocsinError as error:
            final = error.kind not in (ErrorKind.TRANSIENT, ErrorKind.UNAVAILABLE, ErrorKind.AUTH_FAILED)
            await (self._fail(one, error) if final else self._again(one, error))
        else:
            self._crash(CrashPoint.ASK_DELIVERED)
            at = self._clock()
            await self._units.write(lambda tx: tx.outbox.sent(one.id, at=at))

    async def _again(self, one: Delivery, error: TocsinError) -> None:
        if one.attempts >= GIVE_UP_AFTER:
            await self._fail(one, error)
            return
        log.warning("outbox.retry", delivery=one.id, reason=str(error))
        at: Instant = self._clock() + min(timedelta(seconds=2.0 ** min(one.attempts, 12)), LONGEST_PAUSE)
        await self._units.write(lambda tx: tx.outbox.retry(one.id, at=at, reason=str(error)))

    async def _fail(self, one: Delivery, error: TocsinError) -> None:
        log.error("outbox.failed", delivery=one.id, reason=str(error))
        at = self._clock()
        await self._units.write(lambda tx: tx.outbox.fail(one.id, at=at, reason=str(error)))


def ask_mail(one: Delivery, *, public_url: str) -> dict[str, str]:
    """Return the subject and the plain text of the mail about an ask. Links lead to the page; none decides."""
    body = one.body
    deadline, default = body.get("deadline"), body.get("on_deadline")
    options = body.get("options")
    lines = [
        f"{body.get('name', '')},",
        "",
        f"Tocsin asks for your decision: {body.get('title', '')}",
        "",
        str(body.get("message", "")),
        "",
        f"Decide here: {public_url}/asks/{body.get('ask', '')}",
        f"Your choices: {', '.join(str(one) for one in options) if isinstance(options, list) else ''}",
    ]
    if deadline:
        then = f"; after that '{default}' is taken" if default else "; after that the step fails"
        lines.append(f"Until: {deadline}{then}.")
    lines += ["", "Opening the link decides nothing: you sign in there and choose.", f"Run: {public_url}/runs/{body.get('run', '')}"]
    return {"subject": f"[Tocsin] {body.get('title', '')}", "text": "\n".join(lines)}
