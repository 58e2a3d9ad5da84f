"""Asks: questions to people. An answer is the person's own, and the first decision stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tocsin.core.access import Principal, Role, Scope, require
from tocsin.core.errors import Conflict, Forbidden, Invalid
from tocsin.core.ids import AskId, RunId
from tocsin.core.values import Instant, JsonObject, iso
from tocsin.engine.events import AskAnswered
from tocsin.services.forms import checked_form
from tocsin.store.repos.asks import Answer, Ask, AskStatus
from tocsin.store.repos.audit import AuditLine
from tocsin.store.repos.paging import LONGEST_PAGE, Page
from tocsin.store.tx import Tx


@dataclass(frozen=True, slots=True)
class AskFile:
    """An ask with what was answered, and the name behind each user's id."""

    ask: Ask
    answers: tuple[Answer, ...]
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person answers. `channel`: web | api | email."""

    answer: str
    reason: str = ""
    form: JsonObject = field(default_factory=dict)
    channel: str = "api"


def find_asks(
    tx: Tx,
    actor: Principal,
    *,
    statuses: frozenset[AskStatus] = frozenset(),
    run: RunId | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Page[Ask]:
    """Return a page of asks, newest first."""
    require(actor, Scope.ASKS_READ)
    return tx.asks.find(workspace=actor.workspace, statuses=statuses, run=run, limit=limit, after=after)


def get_ask(tx: Tx, actor: Principal, *, id: AskId) -> AskFile:
    """Return one ask with its answers; raises NotFound."""
    require(actor, Scope.ASKS_READ)
    return _file(tx, tx.asks.get(id, workspace=actor.workspace))


def ask_files(tx: Tx, actor: Principal, *, run: RunId) -> list[AskFile]:
    """Return what a run has asked with the answers, oldest first."""
    require(actor, Scope.ASKS_READ)
    found = tx.asks.find(workspace=actor.workspace, run=run, limit=LONGEST_PAGE).items
    return [_file(tx, ask) for ask in reversed(found)]


def is_asked(actor: Principal, to: Sequence[str]) -> bool:
    """Tell whether `role:NAME` or `user:NAME` means this person; an administrator always may."""
    if Role.ADMIN in actor.roles:
        return True
    mine = {f"role:{role.value}" for role in actor.roles} | {f"user:{actor.name}", f"user:{actor.email}", f"user:{actor.user}"}
    return not mine.isdisjoint(to)


def answer_ask(tx: Tx, actor: Principal, *, id: AskId, reply: Reply, now: Instant) -> AskFile:
    """Record a person's answer; the one that completes the quorum decides, and its run goes on.

    Raises NotFound, Forbidden, Invalid (no such option, a bad form) and Conflict (decided, too late, answered before).
    """
    require(actor, Scope.ASKS_ANSWER)
    ask = tx.asks.get(id, workspace=actor.workspace)
    if not is_asked(actor, ask.to):
        raise Forbidden(f"{actor.name} is not asked here.", hint=f"These are: {', '.join(ask.to)}.")
    if ask.status is not AskStatus.OPEN:
        raise Conflict(_over(tx, ask), hint="Nothing more can be answered.")
    if reply.answer not in ask.options:
        raise Invalid(f"'{reply.answer}' is not an option of this ask.", hint=f"Choose one of {', '.join(ask.options)}.")
    form = checked_form(ask.form, reply.form)
    mine = Answer(actor.user, reply.answer, now, reply.reason, reply.channel, form)
    answers = tx.asks.record(id, mine, workspace=actor.workspace)
    agreeing = [one for one in answers if one.answer == reply.answer]
    if len(agreeing) >= ask.quorum:
        _decide(tx, ask, mine, by=_names(tx, actor, agreeing), now=now)
    details: JsonObject = {"answer": reply.answer, "reason": reply.reason, "channel": reply.channel, "binding": ask.binding}
    tx.audit.add(AuditLine(actor.workspace, now, actor.user, "ask.answer", "ask", id, details))
    return _file(tx, tx.asks.get(id, workspace=actor.workspace))


def _decide(tx: Tx, ask: Ask, last: Answer, *, by: str, now: Instant) -> None:
    if not tx.asks.decide(ask.id, answer=last.answer, by=by, at=now):
        raise Conflict(f"The ask '{ask.id}' was decided meanwhile.", hint="Read it again.")
    answered = AskAnswered(at=iso(now), path=ask.path, ask=ask.id, answer=last.answer, by=by, form=last.form, reason=last.reason)
    if not tx.runs.signal(ask.run, answered, at=now):
        raise Conflict(f"The run '{ask.run}' that asks is over.", hint="Nothing more can be answered.")


def _over(tx: Tx, ask: Ask) -> str:
    match ask.status:
        case AskStatus.ANSWERED:
            return f"{ask.answered_by} has answered the ask '{ask.id}' already, with '{ask.answer}'."
        case AskStatus.EXPIRED:
            return f"The deadline has decided the ask '{ask.id}', with '{ask.answer}'."
        case AskStatus.CLOSED:
            return f"The ask '{ask.id}' is no longer open: {tx.asks.closed_because(ask.id)}"
        case _:
            return f"The ask '{ask.id}' needs no answer any more: its run is over."


def _file(tx: Tx, ask: Ask) -> AskFile:
    answers = tx.asks.answers(ask.id, workspace=ask.workspace)
    names = {str(one.user): tx.users.get(one.user, workspace=ask.workspace).name for one in answers}
    return AskFile(ask, tuple(answers), names)


def _names(tx: Tx, actor: Principal, answers: Sequence[Answer]) -> str:
    return ", ".join(actor.name if one.user == actor.user else tx.users.get(one.user, workspace=actor.workspace).name for one in answers)
