"""Asks over the wire."""

from datetime import datetime

from pydantic import ConfigDict, Field

from tocsin.api.schemas.base import Id, In, Out, PageIn, Text
from tocsin.core.values import JsonObject
from tocsin.services.asks import AskFile
from tocsin.store.repos.asks import Ask, AskStatus


class AskSummary(Out):
    """A question to people."""

    id: str
    run: str
    path: str = Field(description="The step that asks.")
    about: str = Field(description="step, or unknown: an action of which nobody knows whether it happened.")
    title: str
    message: str
    to: list[str]
    via: list[str]
    options: list[str]
    form: JsonObject = Field(description="Field name -> {type, required, enum, default, title}.")
    quorum: int = Field(description="How many people must give the same answer.")
    deadline: datetime | None
    on_deadline: str | None = Field(description="What counts when the deadline passes.")
    binding: str = Field(description="The sha256 of exactly what is decided.")
    status: AskStatus
    opened_at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, ask: Ask) -> "AskSummary":
        """Make it."""
        return cls.model_validate(_members(ask))


class AnswerOut(Out):
    """What one person answered."""

    by: str
    answer: str
    at: datetime
    reason: str
    channel: str
    form: JsonObject


class AskOut(AskSummary):
    """A question with its answers so far."""

    answers: list[AnswerOut]

    @classmethod
    def of_file(cls, file: AskFile) -> "AskOut":
        """Make it."""
        answers = [
            AnswerOut(
                by=file.names.get(one.user, one.user), answer=one.answer, at=one.at, reason=one.reason, channel=one.channel, form=one.form
            )
            for one in file.answers
        ]
        return cls.model_validate(_members(file.ask) | {"answers": answers})


class AskQuery(PageIn):
    """Which asks."""

    status: list[AskStatus] = []
    run: Id | None = None
    mine: bool = Field(default=False, description="Only those that I am asked. Pages may then be short.")


class AnswerIn(In):
    """An answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "approve", "reason": "Seen it in the proxy log too."}]})

    answer: str = Field(min_length=1, max_length=200, description="One of the ask's options.")
    reason: Text = ""
    form: JsonObject = {}


def _members(ask: Ask) -> dict[str, object]:
    return {
        "id": ask.id,
        "run": ask.run,
        "path": ask.path,
        "about": ask.about,
        "title": ask.title,
        "message": ask.message,
        "to": list(ask.to),
        "via": list(ask.via),
        "options": list(ask.options),
        "form": ask.form,
        "quorum": ask.quorum,
        "deadline": ask.deadline,
        "on_deadline": ask.on_deadline,
        "binding": ask.binding,
        "status": ask.status,
        "opened_at": ask.opened_at,
        "answer": ask.answer,
        "answered_by": ask.answered_by,
        "answered_at": ask.answered_at,
    }
